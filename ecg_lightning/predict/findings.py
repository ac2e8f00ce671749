"""What a bundle finds in one recording: its beats, its answers, and what cannot be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.dsp import peaks
from ecg_lightning.predict import beats, rhythm, segments, trust
from ecg_lightning.predict.inputs import Inputs
from ecg_lightning.predict.long_recordings import diagnosed
from ecg_lightning.structures import PERSON, Record, Refused
from ecg_lightning.windowing import Segments, Window

HOW = ("auto", "annotated", "detected")
UNITS = {
    "mV": "records in mV",
    "NU": "records whose amplitude is lost (NU)",
    "min-max": "single beats, each scaled to 0..1 (min-max)",
}


@dataclass(frozen=True, eq=False)
class Findings:
    """One recording, answered.

    Args:
        record: with the leads that the network looks at, in its order, as recorded; with the beats that were used.
        how: "annotated" or "detected" beats.
        flags: of every whole second, as `dsp.quality` gives them; empty where nobody could judge.
        beats: a row for each: time_s, sample, beat (its number), rr_s, class and probabilities or score where the
            bundle answers for beats, refused and why.
        answers: a row for each window or label, if the bundle answers for those; else the same as `beats`.
        notes: what a reader must know of this recording.
        seen: what the network was given, if it scores anomalies among beats; else None.
    """

    record: Record
    how: str
    flags: UInt8[np.ndarray, " second"]
    beats: pd.DataFrame
    answers: pd.DataFrame
    notes: tuple[str, ...]
    seen: Inputs | None

    @property
    def duration_s(self) -> float:
        return self.record.ecg_mv.shape[1] / self.record.fs_hz

    @property
    def time_s(self) -> Float[np.ndarray, " beat"]:
        return self.record.peak_sample / self.record.fs_hz

    @property
    def trusted(self) -> Bool[np.ndarray, " beat"]:
        """Beats in seconds that are not refused."""
        return rhythm.trusted(self.time_s, self.flags)


def examine(bundle: Bundle, record: Record, how: str, notes: tuple[str, ...] = ()) -> Findings:
    """Find the beats of a recording where it has none, judge its seconds, and ask the network.

    Args:
        bundle: of any kind but one that takes beats in a row.
        record: any leads in any order.
        how: "annotated" beats, "detected" ones, or "auto": annotated where there are any.
        notes: what its reader said of it.

    Raises:
        Refused: it is in another unit; it has no annotated beats although they are asked for, or another rate than a
            real-time bundle needs.
        BadRecord: a lead is missing, or samples are no numbers.
        ValueError: it is shorter than the network's window, or its rate is too low.
    """
    contract = bundle.contract
    _check_unit(contract, record)
    _check_rate(contract, record)
    record = _with_leads(contract, record)
    seen = None
    if isinstance(contract.window, Window) and contract.preprocess.beats == "detected":
        seen = beats.seen(bundle, record)  # as its training found them, at its own rate
        found = np.round(seen.time_s * record.fs_hz).astype(np.int64).clip(0, record.ecg_mv.shape[1] - 1)
        record, how = replace(record, peak_sample=found, symbol=()), "detected"
    else:
        record, how = _with_beats(record, how)
    judged = trust.judged(record)
    flags = np.zeros(0, np.uint8) if judged is None else judged
    notes = (*notes, *_notes(contract, record, judged is not None))
    table = _beat_table(record, flags)
    if isinstance(contract.window, Window):
        seen = seen or beats.seen(bundle, record)
        answer = beats.table(bundle, record, seen)
        table = _with_classes(contract, table, answer)
        kept = None if contract.score is None else seen  # a day of it is large
        return Findings(record, how, flags, table, table, notes, kept)
    answer = _watched(bundle, record) if isinstance(contract.window, Segments) else diagnosed(bundle, record, flags)
    return Findings(record, how, flags, table, _named(contract, answer), notes, None)


def _check_unit(contract: Contract, record: Record) -> None:
    wanted = contract.preprocess.unit
    if record.unit != wanted:
        raise Refused(
            f"recording {record.name} is in {record.unit}, but the network learned from {UNITS.get(wanted, wanted)}, "
            f"and their waves do not compare: take a bundle that learned from records in {record.unit}"
        )


def _check_rate(contract: Contract, record: Record) -> None:
    fs_hz = contract.preprocess.fs_hz
    if contract.preprocess.mode == "real_time" and record.fs_hz != fs_hz:
        raise Refused(
            f"recording {record.name} has {record.fs_hz:g} Hz, but the bundle works in real time at {fs_hz:g} Hz and "
            f"cannot resample, which looks ahead: record at {fs_hz:g} Hz, or take a bundle of task.mode=diagnostic"
        )


def _with_leads(contract: Contract, record: Record) -> Record:
    """Only what the network looks at."""
    places = choose_leads(record.name, record.leads, contract.preprocess.leads)
    if places == tuple(range(len(record.leads))):
        return record
    return replace(record, ecg_mv=record.ecg_mv[list(places)], leads=tuple(record.leads[k] for k in places))


def _with_beats(record: Record, how: str) -> tuple[Record, str]:
    if how == "annotated" and not len(record.peak_sample):
        raise Refused(
            f"recording {record.name} has no annotated beats: leave --beats=annotated out, and they are searched for"
        )
    if how != "detected" and len(record.peak_sample):
        return record, "annotated"
    return replace(record, peak_sample=peaks.find_r_peaks(record.ecg_mv[:1], record.fs_hz), symbol=()), "detected"


def _notes(contract: Contract, record: Record, judged: bool) -> list[str]:
    """What the network is not told, and what nobody can say."""
    found = []
    if not judged:
        found.append(f"no second was judged: {record.fs_hz:g} Hz are too few to see muscle noise")
    for name in contract.extra_channels:
        if name not in record.extra:
            found.append(f"the network also takes {name}, which the recording has not: it goes without")
    for name in (one for one in contract.features.names if one in PERSON):
        if np.isnan(record.person.get(name, np.nan)):
            found.append(f"{name} is not said: it counts as the mean of the training rows")
    if np.isnan(record.begin_s) and any(name.startswith("hour_") for name in contract.features.names):
        found.append("the hour of the recording is not known: it counts as the mean of the training rows")
    return found


def _beat_table(record: Record, flags: UInt8[np.ndarray, " second"]) -> pd.DataFrame:
    time_s = record.peak_sample / record.fs_hz
    of_second = rhythm.flags_at(time_s, flags)
    columns = {
        "time_s": time_s,
        "sample": record.peak_sample,
        "beat": np.arange(1, len(time_s) + 1),
        "rr_s": rhythm.rr_before(time_s),
        "refused": of_second != 0,
        "why": pd.Series([trust.why(int(one)) for one in of_second], dtype=object),
    }
    return pd.DataFrame(columns | ({"symbol": record.symbol} if len(record.symbol) == len(time_s) > 0 else {}))


def _with_classes(contract: Contract, table: pd.DataFrame, answer: pd.DataFrame) -> pd.DataFrame:
    """The beats with what they were called, how likely that is, and all that the network says."""
    said = _named(contract, answer.drop(columns=["recording", "time_s"]))
    if contract.score is None and len(said):
        place = answer["class"].map({name: k for k, name in enumerate(contract.classes)})
        p = answer[[f"p_{name}" for name in contract.classes]].to_numpy()
        said.insert(2, "p", p[np.arange(len(p)), place.to_numpy()])
    elif contract.score is None:
        said.insert(2, "p", np.zeros(0))
    where = ["time_s", "sample", "beat", "rr_s"]
    return pd.concat([table[where], said, table.drop(columns=where)], axis=1)


def _named(contract: Contract, answer: pd.DataFrame) -> pd.DataFrame:
    """With the long name of each class behind it."""
    names: Mapping[str, str] = {name: contract.class_names.get(name, name) for name in contract.classes}
    found = answer.copy()
    found.insert(list(found.columns).index("class") + 1, "class_name", answer["class"].map(names))
    return found


def _watched(bundle: Bundle, record: Record) -> pd.DataFrame:
    """The answer to every window; one with too many bad seconds is refused, as training left it out."""
    found = segments.watch(bundle, record).drop(columns="recording")
    found["refused"] = found["bad_share"] > trust.MOST_BAD
    return found
