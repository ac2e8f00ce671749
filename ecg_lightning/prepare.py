"""From a record to what a network sees: the one path for training, prediction, explanation, export and streaming."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ecg_lightning.dsp import filters, normalise, peaks, quality, resample
from ecg_lightning.features import Features
from ecg_lightning.structures import PERSON, BadRecord, Record, Refused, Signal
from ecg_lightning.windowing import Crops, Segments, Window, cut, scale_windows

BEATS = ("annotated", "detected")
FILTERS = ("butterworth", "median", "none")
SCALES = ("window", "record", "running", "none")
MODES = ("diagnostic", "real_time")
MEMORY_S = 10.0  # of the running scale: about ten beats


class Arrived(NamedTuple):
    """What the causal parts of preprocessing remember of a signal; nothing at its beginning."""

    filtered: Float[np.ndarray, "section lead 2"] | None = None
    running: normalise.RunningState | None = None


@dataclass(frozen=True)
class Preprocess:
    """What happens to a whole record before windows are cut.

    Args:
        leads: by name, in the order of the network's input; "MLII|V5" is the first of these that a record
            has, "V*" the first that fits the pattern.
        fs_hz: sampling rate after resampling.
        mode: "real_time" allows nothing that looks ahead.
        filter: "butterworth", "median" (baseline by two running medians) or "none".
        phase: of the Butterworth filter, "zero" or "causal".
        low_hz: lower corner of the Butterworth filter.
        high_hz: its upper corner.
        order: of either slope.
        scale: z-score by "window", by "record", by "running" mean and spread, or "none".
        unit: of the records, "mV"; "NU" where their amplitude is lost, which takes a z-score.
        beats: "annotated" R peaks come with the record; "detected" ones are found in its first lead, and every second
            of it is judged, as nobody has looked at it.
    """

    leads: Sequence[str]  # lists of the config become tuples
    fs_hz: float
    mode: str
    filter: str
    phase: str = "zero"
    low_hz: float = 0.5
    high_hz: float = 50.0
    order: int = 2
    scale: str = "window"
    unit: str = "mV"
    beats: str = "annotated"

    def __post_init__(self) -> None:
        object.__setattr__(self, "leads", tuple(self.leads))
        words = {"filter": FILTERS, "scale": SCALES, "mode": MODES, "phase": ("zero", "causal"), "beats": BEATS}
        for name, known in words.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)} is unknown: choose from {', '.join(known)}")
        if not self.leads:
            raise ValueError("leads=[] names no lead: give at least one, e.g. task.signal.leads=[MLII]")
        if self.unit == "NU" and self.scale == "none":
            raise ValueError(f"unit={self.unit} says that amplitude is lost: take scale=record instead of none")
        if self.filter == "butterworth":
            _ = self._sos  # says at once which corners are impossible
        if self.mode == "real_time" and (reason := self.looks_ahead):
            raise ValueError(f"task.mode=real_time, but {reason}: choose preprocess=causal or preprocess=raw")

    @property
    def looks_ahead(self) -> str | None:
        """Why the whole record is needed, or None where every sample depends on earlier ones alone."""
        if self.filter == "butterworth" and self.phase == "zero":
            return "a zero-phase filter runs backwards over the whole record"
        if self.filter == "median":
            return "the median baseline looks 0.4 s ahead"
        if self.scale == "record":
            return "the z-score is taken over the whole record"
        if self.beats == "detected":
            return "R peaks are searched for in the whole record"
        return None

    def apply(self, ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float) -> Float[np.ndarray, "lead new_time"]:
        """Resample, filter and scale one record, all but the per-window scale.

        Args:
            ecg_mv: the leads in the order of `leads`.
            fs_hz: sampling rate of ecg_mv.

        Returns:
            float32 at self.fs_hz; millivolts unless scale is "record" or "running".

        Raises:
            Refused: a change of rate, which looks ahead, in real time.
        """
        if self.mode == "real_time" and fs_hz != self.fs_hz:
            raise Refused(
                f"task.mode=real_time cannot resample {fs_hz:g} Hz to {self.fs_hz:g} Hz, which looks ahead: "
                f"set task.signal.fs_hz={fs_hz:g}"
            )
        ecg = self._ahead(resample.resample(ecg_mv, fs_hz, self.fs_hz))
        ecg, _ = self._causal(ecg, Arrived())
        return normalise.zscore(ecg) if self.scale == "record" else ecg

    def step(
        self, ecg_mv: Float[np.ndarray, "lead time"], before: Arrived
    ) -> tuple[Float[np.ndarray, "lead time"], Arrived]:
        """Prepare the next piece of a signal that is still arriving: the same bits as `apply` to the whole.

        Args:
            ecg_mv: the next samples at self.fs_hz, the leads in the order of `leads`.
            before: what the step before returned; Arrived() at the beginning.

        Raises:
            Refused: this preprocessing looks ahead.
        """
        if reason := self.looks_ahead:
            raise Refused(f"a signal that is still arriving cannot be prepared so: {reason}; take preprocess=causal")
        return self._causal(ecg_mv.astype(np.float32, copy=False), before)

    def _ahead(self, ecg_mv: Float[np.ndarray, "lead time"]) -> Float[np.ndarray, "lead time"]:
        """Filters that need the whole record."""
        if self.filter == "median":
            return filters.remove_baseline(ecg_mv, self.fs_hz, beat_s=0.2, wave_s=0.6)
        if self.filter == "butterworth" and self.phase == "zero":
            return filters.zero_phase(ecg_mv, self._sos)
        return ecg_mv

    def _causal(
        self, ecg: Float[np.ndarray, "lead time"], before: Arrived
    ) -> tuple[Float[np.ndarray, "lead time"], Arrived]:
        """Filter and scale that need what came before."""
        filtered, running = before
        if self.filter == "butterworth" and self.phase == "causal":
            ecg, filtered = filters.causal_step(ecg, filtered, self._sos)
        if self.scale == "running":
            ecg, running = normalise.running_zscore_step(ecg, running, self.fs_hz, MEMORY_S)
        return ecg, Arrived(filtered, running)

    @cached_property
    def _sos(self) -> Float[np.ndarray, "section 6"]:
        return filters.butterworth(self.fs_hz, self.low_hz, self.high_hz, self.order)

    def memory_s(self) -> float:
        """How long a causal filter remembers what is gone; 0 without one."""
        if self.filter != "butterworth" or self.phase == "zero":
            return 0.0
        return filters.n_remembered(self._sos) / self.fs_hz

    def delay_ms(self) -> float:
        """How late a causal filter delivers the QRS complex."""
        if self.filter != "butterworth" or self.phase == "zero":
            return 0.0
        return filters.group_delay_ms(self._sos, self.fs_hz)


@dataclass(frozen=True, eq=False)
class Prepared:
    """One record after preprocessing.

    Args:
        ecg: preprocessed, one row per lead.
        peak_sample: R peaks at the new rate.
        features: one row per beat, or one for the recording; none where they are about segments.
        quality: flags of every second, as `dsp.quality` gives them; empty where beats are annotated.
    """

    ecg: Float[np.ndarray, "lead time"]
    peak_sample: Int[np.ndarray, " beat"]
    features: Float[np.ndarray, "row feature"]
    quality: UInt8[np.ndarray, " second"]


def prepare(record: Record, preprocess: Preprocess, features: Features) -> Prepared:
    """Preprocess a record and describe its beats, or the person.

    Args:
        record: with the leads of `preprocess.leads`, in that order.
        preprocess: what to do to the signal.
        features: what to say beside the signal.

    Raises:
        BadRecord: samples are no numbers.
        Refused: the record has another unit than the preprocessing is for.
    """
    if n_bad := record.ecg_mv.size - np.count_nonzero(np.isfinite(record.ecg_mv)):
        raise BadRecord(f"record {record.name} has {n_bad:,} samples that are no numbers: fill or cut them out first")
    if record.unit != preprocess.unit:
        todo = "convert it first, and say so by Record(unit=...)"
        if preprocess.unit == "NU":  # nothing can be converted to it
            todo = "this network knows records of one source without a unit; if this is one, say Record(unit='NU')"
        raise Refused(f"record {record.name} is in {record.unit}, but {preprocess.unit} is asked for: {todo}")
    ecg = preprocess.apply(record.ecg_mv, record.fs_hz)
    peak_sample, judged = _beats(record, ecg, preprocess)
    if features.describes == "person":
        known = {name: np.array([record.person.get(name, np.nan)], np.float64) for name in PERSON}
        described = features.of_persons(known)
    elif features.describes == "segment":
        described = np.zeros((0, len(features.names)), np.float32)
    else:
        described = features.of(peak_sample, preprocess.fs_hz)
    return Prepared(ecg, peak_sample, described, judged)


def _beats(
    record: Record, ecg: Float[np.ndarray, "lead time"], preprocess: Preprocess
) -> tuple[Int[np.ndarray, " beat"], UInt8[np.ndarray, " second"]]:
    """R peaks at the new rate, and what the seconds of a record that nobody has annotated are worth."""
    if preprocess.beats == "annotated":
        found = resample.resample_peaks(record.peak_sample, record.fs_hz, preprocess.fs_hz)
        return found, np.zeros(0, np.uint8)
    return peaks.find_r_peaks(ecg, preprocess.fs_hz), quality.flags(record.ecg_mv, record.fs_hz)


def scale_extra(signal: Signal) -> Float[np.ndarray, "channel time"]:
    """Z-score every channel of another signal over its record; 0 where it was not recorded."""
    value = signal.value.astype(np.float32)
    known = np.isfinite(value)
    n_known = np.maximum(known.sum(axis=1, keepdims=True), 1)
    away = np.where(known, value, 0)
    away = np.where(known, value - away.sum(axis=1, keepdims=True) / n_known, 0)
    std = np.sqrt((away**2).sum(axis=1, keepdims=True) / n_known)
    return np.where(std > 0, away / np.where(std > 0, std, 1), 0).astype(np.float32)


def latency_ms(
    preprocess: Preprocess, window: Window | Crops | Segments, features: Features
) -> tuple[float | None, str]:
    """How long after an R peak a decision can be had, without the computing; None with the reason where never."""
    if not isinstance(window, Window):
        return (
            None,
            f"the answer is about a whole {'recording' if isinstance(window, Crops) else 'segment'}, not about a beat",
        )
    if reason := preprocess.looks_ahead:
        return None, reason
    if ahead := features.looking_ahead:
        return None, f"{ahead[0]} needs later beats"
    if preprocess.mode != "real_time":
        return None, "task.mode=diagnostic may resample, which looks ahead"
    after_s = (window.n_samples - window.n_before) / preprocess.fs_hz
    delay_ms = preprocess.delay_ms()
    return 1000 * after_s + delay_ms, f"{1000 * after_s:.0f} ms of window after R, {delay_ms:.0f} ms of filter at 10 Hz"


def windows(prepared: Prepared, preprocess: Preprocess, window: Window) -> Float[Tensor, "beat lead time"]:
    """Every beat's window of one record, as the network sees it."""
    n_leads, n_samples = prepared.ecg.shape
    n_beats = len(prepared.peak_sample)
    start = torch.from_numpy(prepared.peak_sample - window.n_before)
    place = torch.stack([torch.zeros(n_beats, dtype=torch.int64), torch.full((n_beats,), n_samples), start])
    flat = torch.from_numpy(np.ascontiguousarray(prepared.ecg)).reshape(-1)
    return scale_windows(cut(flat, place, n_leads, window.n_samples), preprocess.scale)


def crops(prepared: Prepared, preprocess: Preprocess, cropping: Crops) -> Float[Tensor, "crop lead time"]:
    """All crops of one recording, as the network sees them."""
    n_leads, n_samples = prepared.ecg.shape
    start = torch.from_numpy(cropping.starts(n_samples))
    place = torch.stack([torch.zeros_like(start), torch.full_like(start, n_samples), start])
    flat = torch.from_numpy(np.ascontiguousarray(prepared.ecg)).reshape(-1)
    return scale_windows(cut(flat, place, n_leads, cropping.n_samples), preprocess.scale)
