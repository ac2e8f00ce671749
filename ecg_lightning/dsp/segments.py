"""Features of a stretch of seconds: its rhythm, the shape of its mean beat, and the hour of the day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import uniform_filter1d

CHUNK_SAMPLES = 2**23  # of the segments worked on at once: a few hundred megabytes
LEAST_BEATS = 3  # two intervals, so one step from interval to interval
RR_S = (0.3, 2.0)  # 200 to 30 a minute; outside a beat was missed or made up
NN50_S = 0.05  # Task Force, see segment_features
BEFORE_S, AFTER_S = 0.14, 0.70  # of a beat around its R peak: from before the QRS until after the latest T wave
PR_S = (-0.10, -0.06)  # from the R peak: the P wave has ended, a QRS of normal width has not begun
ONSET_S = -0.08  # a QRS begins no earlier before its R peak; further back lies the P wave
ONSET_SLOPE = 0.1  # of its steepest is where a QRS begins; P waves are less steep than that
T_FROM_S = 0.12  # after the R peak the QRS has ended; a broad one reaches in, and its T wave is not measured
T_UNTIL_S, T_UNTIL_RR = 0.5, 0.62  # a T wave peaks before this, and before this share of the RR: later comes the P wave
T_FALL_S = 0.16  # from its peak, a T wave falls steepest within this
T_END_S = 0.3  # a tangent that meets the baseline later than this after the peak is that of a drift
SMOOTH_S = 0.02  # of the mean beat before slopes are taken; longer would widen the QRS
DAY_S = 86_400

Column = Float[np.ndarray, " segment"]


def segment_features(
    ecg: Float[np.ndarray, "lead time"],
    peak_sample: Int[np.ndarray, " peak"],
    start: Int[np.ndarray, " segment"],
    n_samples: int,
    fs_hz: float,
    begin_s: float,
    names: Sequence[str],
) -> Float[np.ndarray, "segment feature"]:
    """Describe every segment from its own samples and peaks alone, raw; networks standardise.

    Args:
        ecg: one row per lead of the whole record; waves are measured in the first, in its unit.
        peak_sample: R peaks of the record, ascending.
        start: first sample of each segment; segments may overlap.
        n_samples: of each segment.
        fs_hz: sampling rate.
        begin_s: of the record's first sample, in seconds since 1970 by the recorder's clock; NaN is not known.
        names: columns, from `NAMES`. `..._s` are seconds, `pnn50` is a share of the intervals, `..._amplitude` in the
            unit of ecg above the PR segment, negative where the wave points down.

    Returns:
        float32; NaN where a segment does not show it: fewer than three beats, no beat that lies in it from before its
        QRS to after its T wave, no T wave. A T wave lower than the drift within the mean beat is not told from it: in
        record 100 of MIT-BIH, with 0.07 mV, QT jumps between 0.34 and 0.54 s.

    Raises:
        ValueError: a name is unknown.

    Source:
        Task Force of ESC and NASPE, Circulation 93:1043-1065 (1996), for the variability of RR; Lepeschkin and
        Surawicz, Circulation 6:378-388 (1952), for the end of T by its tangent; Fridericia, Acta Med Scand 53:469-486
        (1920), for qtc_s.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"no segment feature named {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    features = np.empty((len(start), len(names)), dtype=np.float32)
    n_chunk = max(CHUNK_SAMPLES // max(n_samples, 1), 1)
    for begin in range(0, len(start), n_chunk):
        chunk = slice(begin, begin + n_chunk)
        stretches = _Stretches(ecg[0], peak_sample, start[chunk].astype(np.int64), n_samples, fs_hz, begin_s)
        for column, name in enumerate(names):
            features[chunk, column] = NAMES[name](stretches)
    return features


@dataclass(frozen=True, eq=False)
class _Stretches:
    """Segments of one record, and what several features need of them, each worked out once and only if asked for."""

    ecg: Float[np.ndarray, " time"]
    peak_sample: Int[np.ndarray, " peak"]
    start: Int[np.ndarray, " segment"]
    n_samples: int
    fs_hz: float
    begin_s: float

    @cached_property
    def beats(self) -> tuple[Int[np.ndarray, "segment beat"], Bool[np.ndarray, "segment beat"]]:
        """R peaks of each segment, padded to the most that any has, and which of them are no padding."""
        first, end = np.searchsorted(self.peak_sample, [self.start, self.start + self.n_samples])
        place = first[:, None] + np.arange((end - first).max(initial=0))
        there = (place < end[:, None]) & (end - first >= LEAST_BEATS)[:, None]
        return np.where(there, self.peak_sample[np.where(there, place, 0)] if there.any() else 0, 0), there

    @cached_property
    def rr_s(self) -> Float[np.ndarray, "segment interval"]:
        """NaN where there is none, or none that a heart makes."""
        sample, there = self.beats
        rr_s = np.diff(sample, axis=1) / self.fs_hz
        least_s, most_s = RR_S
        return np.where(there[:, 1:] & (rr_s >= least_s) & (rr_s <= most_s), rr_s, np.nan)

    @cached_property
    def mean_rr_s(self) -> Column:
        return _mean(self.rr_s)

    @cached_property
    def sdnn_s(self) -> Column:
        n_intervals = np.isfinite(self.rr_s).sum(axis=1)
        spread = _mean((self.rr_s - self.mean_rr_s[:, None]) ** 2)
        return np.sqrt(spread * n_intervals / np.where(n_intervals > 1, n_intervals - 1, np.nan))

    @cached_property
    def step_s(self) -> Float[np.ndarray, "segment step"]:
        """From each interval to the next."""
        return np.diff(self.rr_s, axis=1)

    @cached_property
    def pnn50(self) -> Column:
        """Large steps, over the number of intervals and not of steps."""
        large = np.where(np.isnan(self.step_s), np.nan, np.abs(self.step_s) > NN50_S)
        n_steps, n_intervals = (np.isfinite(of).sum(axis=1) for of in (self.step_s, self.rr_s))
        return _mean(large) * n_steps / np.maximum(n_intervals, 1)

    @cached_property
    def after_r_s(self) -> Float[np.ndarray, " sample"]:
        return np.arange(-round(BEFORE_S * self.fs_hz), round(AFTER_S * self.fs_hz) + 1) / self.fs_hz

    @cached_property
    def mean_beat(self) -> Float[np.ndarray, "segment sample"]:
        """Above the PR segment; NaN where no beat lies whole in its segment."""
        sample, there = self.beats
        after = np.rint(self.after_r_s * self.fs_hz).astype(np.int64)
        begin, end = np.maximum(self.start, 0), np.minimum(self.start + self.n_samples, len(self.ecg))
        whole = there & (sample + after[0] >= begin[:, None]) & (sample + after[-1] < end[:, None])
        beat = np.full((len(sample), len(after)), np.nan)
        n_beats = whole.sum(axis=1)
        segment = np.flatnonzero(n_beats)
        if len(segment):
            waves = np.lib.stride_tricks.sliding_window_view(self.ecg, len(after))[sample[whole] + after[0]]
            first = np.cumsum(n_beats[segment]) - n_beats[segment]
            beat[segment] = np.add.reduceat(waves, first, axis=0, dtype=np.float64) / n_beats[segment, None]
        in_pr = (self.after_r_s >= PR_S[0]) & (self.after_r_s <= PR_S[1])
        return beat - beat[:, in_pr].mean(axis=1, keepdims=True)

    @cached_property
    def smooth_beat(self) -> Float[np.ndarray, "segment sample"]:
        return uniform_filter1d(self.mean_beat, max(round(SMOOTH_S * self.fs_hz), 1), axis=1, mode="nearest")

    @cached_property
    def slope_s(self) -> Float[np.ndarray, "segment sample"]:
        """Of the smooth beat, per second."""
        return np.gradient(self.smooth_beat, axis=1) * self.fs_hz

    @cached_property
    def r_amplitude(self) -> Column:
        return self.mean_beat[:, round(BEFORE_S * self.fs_hz)]

    @cached_property
    def t_place(self) -> tuple[Int[np.ndarray, " segment"], Bool[np.ndarray, " segment"]]:
        """Which sample of the mean beat is the peak of T, and whether it is one and not the edge of the search."""
        until_s = np.minimum(T_UNTIL_S, T_UNTIL_RR * self.mean_rr_s)[:, None]
        inside = (self.after_r_s >= T_FROM_S) & (self.after_r_s <= until_s)
        place = np.where(inside, np.abs(self.smooth_beat), -1).argmax(axis=1)
        row = np.arange(len(place))
        return place, inside[row, place - 1] & inside[row, np.minimum(place + 1, inside.shape[1] - 1)]

    @cached_property
    def t_amplitude(self) -> Column:
        place, found = self.t_place
        return np.where(found, self.smooth_beat[np.arange(len(place)), place], np.nan)

    @cached_property
    def rt_peak_s(self) -> Column:
        place, found = self.t_place
        return np.where(found, self.after_r_s[place], np.nan)

    @cached_property
    def t_end_s(self) -> Column:
        """After R, where the steepest tangent of T's fall meets the baseline."""
        since_s = self.after_r_s - self.rt_peak_s[:, None]
        falls = np.where((since_s > 0) & (since_s < T_FALL_S), -np.sign(self.t_amplitude)[:, None] * self.slope_s, 0)
        place, row = falls.argmax(axis=1), np.arange(len(falls))
        steepest = np.where(falls[row, place] > 0, self.slope_s[row, place], np.nan)
        end_s = self.after_r_s[place] - self.smooth_beat[row, place] / steepest
        return np.where(end_s - self.rt_peak_s < T_END_S, end_s, np.nan)

    @cached_property
    def onset_s(self) -> Column:
        """After R, so below 0: where the QRS begins to be steep; NaN where it is so from the first."""
        before = np.flatnonzero((self.after_r_s >= ONSET_S) & (self.after_r_s <= 0))
        steep = np.abs(self.slope_s[:, before])
        place = (steep > ONSET_SLOPE * steep.max(axis=1, keepdims=True)).argmax(axis=1)
        return np.where(place > 0, self.after_r_s[before[place]], np.nan)

    @cached_property
    def qt_s(self) -> Column:
        return self.t_end_s - self.onset_s

    @cached_property
    def day_angle(self) -> Column:
        return 2 * np.pi * ((self.begin_s + self.start / self.fs_hz) % DAY_S) / DAY_S


def _mean(of: Float[np.ndarray, "segment value"]) -> Column:
    """Over what is known; NaN where nothing is."""
    known = np.isfinite(of)
    n_known = known.sum(axis=1)
    return np.where(known, of, 0).sum(axis=1) / np.where(n_known > 0, n_known, np.nan)


def _extreme(of: Float[np.ndarray, "segment value"], extreme: np.ufunc) -> Column:
    return extreme.reduce(of, axis=1, initial=np.nan)


def _over(of: Column, by: Column) -> Column:
    return of / np.where(by != 0, by, np.nan)


NAMES: Mapping[str, Callable[[_Stretches], Column]] = MappingProxyType(
    {
        "hr_bpm": lambda s: 60 / s.mean_rr_s,
        "mean_rr_s": lambda s: s.mean_rr_s,
        "sdnn_s": lambda s: s.sdnn_s,
        "rmssd_s": lambda s: np.sqrt(_mean(s.step_s**2)),
        "pnn50": lambda s: s.pnn50,
        "min_rr_s": lambda s: _extreme(s.rr_s, np.fmin),
        "max_rr_s": lambda s: _extreme(s.rr_s, np.fmax),
        "r_amplitude": lambda s: s.r_amplitude,
        "t_amplitude": lambda s: s.t_amplitude,
        "t_over_r": lambda s: _over(s.t_amplitude, s.r_amplitude),
        "rt_peak_s": lambda s: s.rt_peak_s,
        "qt_s": lambda s: s.qt_s,
        "qtc_s": lambda s: s.qt_s / np.cbrt(s.mean_rr_s),
        "hour_sin": lambda s: np.sin(s.day_angle),
        "hour_cos": lambda s: np.cos(s.day_angle),
    }
)
