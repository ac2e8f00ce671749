"""Data modules over a made-up corpus of people with a chest belt and a glucose sensor, held in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.glucose import GlucoseData
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import RandomWindows
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Segments

FS_HZ = 250
NOON_S = 1_412_164_800.0  # 2014-10-01 12:00
EVERY_S = 300.0  # a reading


@dataclass(frozen=True, eq=False)
class Readings:
    """Glucose of one patient."""

    time_s: Float[np.ndarray, " reading"]
    mmol_l: Float[np.ndarray, " reading"]


def every_five_minutes(*mmol_l: float, begin_s: float = NOON_S) -> Readings:
    """Readings five minutes apart."""
    return Readings(begin_s + EVERY_S * np.arange(len(mmol_l)), np.array(mmol_l, np.float64))


class Belt:
    """A corpus whose records are noise.

    Args:
        readings: of each patient.
        stretches: of each patient's record, when each begins after noon and how long it is, in seconds.
        unit: of the samples.
    """

    name, on_bad_record = "belt", "stop"
    licence, citation, source = "none", "none", "synthetic"
    missing: tuple[str, ...] = ()
    reader_files: tuple[Path, ...] = ()

    def __init__(
        self,
        readings: Mapping[str, Readings],
        stretches: Mapping[str, Sequence[tuple[float, int]]],
        unit: str = "NU",
    ) -> None:
        self.readings, self.stretches, self.unit = readings, stretches, unit

    def records(self) -> tuple[str, ...]:
        return tuple(f"{patient}/walk" for patient in self.stretches)

    def sources(self, record: str) -> list[Path]:  # noqa: ARG002
        return []

    def read(self, record: str, leads: Sequence[str]) -> tuple[Record, ...]:
        patient = record.partition("/")[0]
        random = np.random.default_rng(list(self.stretches).index(patient))
        return tuple(
            Record(
                name=f"{record}#{i + 1}",
                patient=patient,
                ecg_mv=random.standard_normal((1, n_seconds * FS_HZ)).astype(np.float32),
                leads=tuple(leads),
                fs_hz=float(FS_HZ),
                peak_sample=np.zeros(0, np.int64),
                symbol=(),
                synthetic=True,
                unit=self.unit,
                begin_s=NOON_S + after_s,
            )
            for i, (after_s, n_seconds) in enumerate(self.stretches[patient])
        )

    def glucose(self, patient: str) -> Readings:
        return self.readings[patient]

    def remarks(self, records: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002
        return ("made up",)


def preprocess_of(beats: str = "annotated", scale: str = "window") -> Preprocess:
    """As `task=hypoglycemia` has it, but for beats, which the noise has none of."""
    return Preprocess(("ECG",), FS_HZ, "diagnostic", "butterworth", high_hz=40, scale=scale, beats=beats)


def glucose_data(corpus: Any, folder: Path, **settings: Any) -> GlucoseData:
    """Windows of 10 s; settings replace arguments of GlucoseData."""
    given: dict[str, Any] = {
        "classes": ("normal", "low"),
        "label": "following",
        "tolerance_s": 300.0,
        "low_mmol_l": 3.9,
        "ambiguous_mmol_l": None,
        "worst_share": 0.2,
        "window": Segments(2500, 2500),
        "preprocess": preprocess_of(),
        "features": Features((), "diagnostic"),
        "split": RandomWindows(0.2, 0.2, seed=0),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 16,
        "seed": 0,
        "cache_dir": folder / "cache",
        "scope": "window",
    }
    return GlucoseData(corpus, **(given | settings))
