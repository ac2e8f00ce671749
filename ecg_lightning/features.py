"""Numbers beside the ECG, named by a config and by a contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.dsp import rhythm, segments
from ecg_lightning.structures import PERSON, SEGMENT


@dataclass(frozen=True)
class Features:
    """Numbers beside the ECG: one row per beat of its rhythm, per recording of the person, or per segment of seconds.

    Args:
        names: all from `dsp.rhythm.NAMES`, from PERSON or from SEGMENT; none for a model of the ECG alone.
        mode: "real_time" allows nothing that looks ahead.
        n_window: samples of a frame where networks are to hear a spectrogram instead of the samples.
        hop: samples from one frame to the next.
    """

    names: Sequence[str]  # lists of the config become tuples
    mode: str
    n_window: int | None = None
    hop: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if unknown := [name for name in self.names if not _describes(name)]:
            known = ", ".join((*rhythm.NAMES, *PERSON, *SEGMENT))
            raise ValueError(f"features.names holds {unknown}: choose from {known}")
        if len(about := sorted({_describes(name) for name in self.names})) > 1:
            raise ValueError(
                f"features.names={list(self.names)} mixes what is about a {' and a '.join(about)}: take those of one"
            )
        ahead = self.looking_ahead
        if self.mode == "real_time" and ahead:
            raise ValueError(
                f"task.mode=real_time, but {', '.join(ahead)} look ahead: leave them out of features.names"
            )

    @property
    def describes(self) -> str | None:
        """What a row is about: "beat", "person" or "segment"; None where there are no features."""
        return _describes(self.names[0]) if self.names else None

    @property
    def looking_ahead(self) -> list[str]:
        """Those that need later beats."""
        return [name for name in self.names if name in rhythm.NAMES and rhythm.NAMES[name].looks_ahead]

    def of(self, peak_sample: Int[np.ndarray, " beat"], fs_hz: float) -> Float[np.ndarray, "beat feature"]:
        """The features of one record's beats, raw."""
        return rhythm.rhythm_features(peak_sample, fs_hz, self.names)

    def of_persons(self, person: Mapping[str, Float[np.ndarray, " record"]]) -> Float[np.ndarray, "record feature"]:
        """The features of recordings by what is known of the persons; NaN where it is not."""
        n_records = len(next(iter(person.values()), ()))
        nowhere = np.full(n_records, np.nan)
        columns = [person.get(name, nowhere) for name in self.names]
        return np.stack(columns, axis=1).astype(np.float32) if columns else np.zeros((n_records, 0), np.float32)

    def of_segments(
        self,
        ecg: Float[np.ndarray, "lead time"],
        peak_sample: Int[np.ndarray, " beat"],
        start: Int[np.ndarray, " segment"],
        n_samples: int,
        fs_hz: float,
        begin_s: float,
    ) -> Float[np.ndarray, "segment feature"]:
        """The features of stretches of one record, raw; NaN where a stretch does not show them.

        Args:
            ecg: of the record, preprocessed.
            peak_sample: its R peaks.
            start: first sample of each stretch.
            n_samples: of each stretch.
            fs_hz: of ecg.
            begin_s: of the record, in seconds since 1970 by the recorder's clock; NaN is not known.
        """
        return segments.segment_features(ecg, peak_sample, start, n_samples, fs_hz, begin_s, self.names)


def _describes(name: str) -> str:
    """What a feature is about; empty where there is none of this name."""
    about = {"beat": rhythm.NAMES, "person": PERSON, "segment": SEGMENT}
    return next((word for word, names in about.items() if name in names), "")
