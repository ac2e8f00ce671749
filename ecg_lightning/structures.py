"""The few shapes of data that cross from one layer to the next; numpy only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int

PERSON: Mapping[str, tuple[int, int]] = MappingProxyType({"age_years": (0, 130), "sex_female": (0, 1)})
"""Numbers about a person, by the names that records, sheets and features call them, and between which limits."""


AAMI: Mapping[str, str] = MappingProxyType({"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"})
"""Classes of beats, and the WFDB symbols of each. Source: ANSI/AAMI EC57:2012, table 3."""


SEGMENT = (
    *("hr_bpm", "mean_rr_s", "sdnn_s", "rmssd_s", "pnn50", "min_rr_s", "max_rr_s"),
    *("r_amplitude", "t_amplitude", "t_over_r", "rt_peak_s", "qt_s", "qtc_s", "hour_sin", "hour_cos"),
)
"""Numbers about a stretch of seconds: its rhythm, the shape of its mean beat, and the hour of the day."""


NAMELESS = "unknown-"
"""Begins the id of a patient whom nobody names, where each record of such a patient counts as one."""


class Refused(ValueError):
    """Data and settings that cannot go together; the message says what to do."""


class BadRecord(Refused):
    """A record that cannot be trusted: the message names it and says why."""


class CorpusNotFound(FileNotFoundError):
    """A database, or part of it, that is not where it was looked for."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Another signal than the ECG, recorded at the same time.

    Args:
        value: one row per channel, in the unit of its corpus; NaN where it was not recorded.
        fs_hz: its own sampling rate.
    """

    value: Float[np.ndarray, "channel time"]
    fs_hz: float


@dataclass(frozen=True, eq=False)
class Record:
    """One recording as its corpus gives it: unfiltered, with its beats where they are annotated.

    Args:
        name: what the corpus calls it, e.g. "100".
        patient: the person; two records of one person carry the same id.
        ecg_mv: one row per lead; in millivolts unless `unit` says otherwise.
        leads: names of the rows.
        fs_hz: sampling rate of ecg_mv and of peak_sample.
        peak_sample: R peaks of the annotated beats, ascending; annotations that are no beat are left out.
        symbol: annotation symbol of each beat.
        synthetic: read from the record's own header.
        unit: of the samples; "NU" where the corpus has lost the amplitude, "min-max" where beats were scaled to 0..1.
        person: numbers about the person by name, e.g. {"age_years": 63.0, "sex_female": 1.0}; NaN is not known.
        begin_s: of the first sample, in seconds since 1970 by the recorder's own clock; NaN is not known.
        extra: other signals by name, e.g. "breathing", each from the first sample on.

    Raises:
        BadRecord: ecg_mv has not one row per lead, an R peak lies outside the record, or a number about the person is
            unknown or impossible.
    """

    name: str
    patient: str
    ecg_mv: Float[np.ndarray, "lead time"]
    leads: tuple[str, ...]
    fs_hz: float
    peak_sample: Int[np.ndarray, " beat"]
    symbol: tuple[str, ...]
    synthetic: bool
    unit: str = "mV"
    person: Mapping[str, float] = field(default_factory=dict)
    begin_s: float = float("nan")
    extra: Mapping[str, Signal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ecg_mv.ndim != 2:
            raise BadRecord(f"record {self.name}: ecg_mv of shape {self.ecg_mv.shape} must be (lead, time)")
        n_samples = self.ecg_mv.shape[1]
        if len(self.peak_sample) and not 0 <= self.peak_sample.min() <= self.peak_sample.max() < n_samples:
            raise BadRecord(
                f"record {self.name}: R peaks run from {self.peak_sample.min()} to {self.peak_sample.max()}, outside "
                f"its {n_samples} samples: count them at fs_hz, from the first sample"
            )
        for name, value in self.person.items():
            least, most = PERSON.get(name, (1, 0))
            if name not in PERSON or value < least or value > most:
                known = ", ".join(f"{name} from {low} to {high}" for name, (low, high) in PERSON.items())
                raise BadRecord(f"record {self.name}: person has {name}={value}, but takes {known}, or NaN")


@dataclass(frozen=True, eq=False)
class Sheet:
    """What a corpus says of its records beside their signals, one row per record.

    Args:
        official_fold: the corpus's own division into folds, by patients.
        patient_known: False where the corpus does not say whose record it is.
        person: numbers about the person by name, as in `Record.person`; NaN is not known.
    """

    official_fold: Int[np.ndarray, " record"]
    patient_known: Bool[np.ndarray, " record"]
    person: Mapping[str, Float[np.ndarray, " record"]]


@dataclass(frozen=True, eq=False)
class WindowTable:
    """One row per window; `record` and `patient` are indices into the lists of names.

    Args:
        record: index into record_names.
        patient: index into patient_names.
        time_s: of the R peak (or of the window's start), from the record's beginning.
        start: first sample of the window, counted from the record's beginning; may be negative. Samples
            beyond either end of the record repeat the edge.
        first: where the record begins in the store's flat signal array; its leads follow one another there.
        length: samples per lead of the record.
        label: class index, or one 0/1 column per class.
        features: raw, in their own units, NaN where not known; networks standardise.
        official_fold: the corpus's own division by patients; None where it has none.
        patient_known: False where nobody says whose the record is; None where all are known.
        groups: what the numbers are told apart by, e.g. {"sex": ("female", "male", ...)}, one word per row.
        day: of the row, in days since 1970 by the recorder's clock; None where nobody knows.
        episode: rows of one number stay on one side of every split but a leaky one; -1 stands alone.
        measured: what else is known of each row, by name with its unit, e.g. "glucose_mmol_l".
        kinds: of which kinds an anomaly is, by name; a row may be of several, a normal one of none.
    """

    record: Int[np.ndarray, " row"]
    patient: Int[np.ndarray, " row"]
    time_s: Float[np.ndarray, " row"]
    start: Int[np.ndarray, " row"]
    first: Int[np.ndarray, " row"]
    length: Int[np.ndarray, " row"]
    label: Int[np.ndarray, " row"] | Int[np.ndarray, "row class"]
    features: Float[np.ndarray, "row feature"]
    record_names: tuple[str, ...]
    patient_names: tuple[str, ...]
    official_fold: Int[np.ndarray, " row"] | None = None
    patient_known: Bool[np.ndarray, " row"] | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    day: Int[np.ndarray, " row"] | None = None
    episode: Int[np.ndarray, " row"] | None = None
    measured: Mapping[str, Float[np.ndarray, " row"]] = field(default_factory=dict)
    kinds: Mapping[str, Bool[np.ndarray, " row"]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers of one train / validation / test division.

    Args:
        train: rows to learn from.
        val: rows to choose by.
        test: rows to report on.
        tags: what a reader of the numbers must know, e.g. {"leaky_split": "true"}.
        shares_patients: the split's own word that patients may stand on two sides.
        known_shared: the only patients that may, where shares_patients is False.
        without: records without which the test numbers are reported as well.
        number: of the fold among those of its split.
    """

    train: Int[np.ndarray, " train"]
    val: Int[np.ndarray, " val"]
    test: Int[np.ndarray, " test"]
    tags: dict[str, str] = field(default_factory=dict)
    shares_patients: bool = False
    known_shared: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Facts:
    """What networks and losses may know of the training rows of one fold, and of nothing else.

    A constructor argument that carries one of these names is given the value.

    Args:
        class_counts: training rows per class.
        n_rows: training rows; fewer than the sum of class_counts where a row may be of several classes.
        feature_mean: per feature, over the training rows.
        feature_std: per feature, over the training rows; 1 where a feature never varies.
        positive_counts: training rows that are a yes to each output of a network: as class_counts, but the second
            class alone where there are two and one output tells them apart.
        extra_channels: rows of each of the other signals, by name.
    """

    class_counts: tuple[int, ...]
    n_rows: int
    feature_mean: tuple[float, ...]
    feature_std: tuple[float, ...]
    positive_counts: tuple[int, ...]
    extra_channels: Mapping[str, int] = field(default_factory=dict)
