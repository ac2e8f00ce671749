"""Features of the rhythm: how early or late a beat comes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

TYPICAL_RR_S = 0.8  # 75 a minute: stands where nothing is known yet, as before the first beat of a record
LONGEST_RR_S = 3.0  # a longer gap is an episode without marked beats (flutter, noise), not a pause between two
N_LOCAL = 10  # de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004)

Beats = Float[np.ndarray, " beat"]


class Intervals(NamedTuple):
    """RR intervals as each beat sees them, in seconds; NaN where there is none."""

    pre: Beats
    post: Beats  # the last beat repeats the interval before it
    local: Beats  # mean of the last ten up to this beat
    running: Beats  # mean of all up to this beat
    record: float  # mean of all in the record


class Past(NamedTuple):
    """What later beats must know of the ones before; its size does not grow."""

    peak_sample: int  # of the last beat
    n_intervals: int
    total_s: Float[np.ndarray, " few"]  # sums of all intervals up to each of the last ten, and the newest


class Feature(NamedTuple):
    """One column: what it is, and whether it needs beats that come later."""

    looks_ahead: bool
    missing: float
    value: Callable[[Intervals], Beats]


NAMES: Mapping[str, Feature] = MappingProxyType(
    {
        "pre_rr_s": Feature(False, TYPICAL_RR_S, lambda rr: rr.pre),
        "post_rr_s": Feature(True, TYPICAL_RR_S, lambda rr: rr.post),
        "local_rr_s": Feature(False, TYPICAL_RR_S, lambda rr: rr.local),
        "pre_over_local": Feature(False, 1.0, lambda rr: rr.pre / rr.local),
        "post_over_local": Feature(True, 1.0, lambda rr: rr.post / rr.local),
        "post_over_pre": Feature(True, 1.0, lambda rr: rr.post / rr.pre),
        "pre_over_record": Feature(True, 1.0, lambda rr: rr.pre / rr.record),
        "post_over_record": Feature(True, 1.0, lambda rr: rr.post / rr.record),
        "pre_over_running": Feature(False, 1.0, lambda rr: rr.pre / rr.running),
    }
)


def rhythm_features(
    peak_sample: Int[np.ndarray, " beat"], fs_hz: float, names: Sequence[str]
) -> Float[np.ndarray, "beat feature"]:
    """Describe every beat by its distance to its neighbours, raw; networks standardise.

    Args:
        peak_sample: R peaks of one record, rising; marks that are no beat left out.
        fs_hz: sampling rate of peak_sample.
        names: columns, from `NAMES`. `..._s` are seconds; the others are ratios, 1 where one of their intervals
            does not exist.

    Returns:
        One row per beat, float32. Columns that do not look ahead are the same whatever beats come later.

    Raises:
        ValueError: a name is unknown, or the peaks do not rise.
    """
    _check_known(names)
    return _columns(_intervals(peak_sample, fs_hz), names)


def rhythm_step(
    peak_sample: Int[np.ndarray, " beat"], past: Past | None, fs_hz: float, names: Sequence[str]
) -> tuple[Float[np.ndarray, "beat feature"], Past | None]:
    """Describe the next beats of a record that is still arriving, as `rhythm_features` does: the same bits.

    Args:
        peak_sample: the next R peaks, rising, counted from the beginning of the record.
        past: what the step before returned; None at the beginning.
        fs_hz: sampling rate of peak_sample.
        names: columns that do not look ahead.

    Raises:
        ValueError: a name is unknown or looks ahead, or the peaks do not rise.
    """
    _check_known(names)
    if ahead := [name for name in names if NAMES[name].looks_ahead]:
        raise ValueError(f"{', '.join(ahead)} need later beats: leave them out of features.names")
    pre, local, running, past = _looking_back(peak_sample, past, fs_hz)
    nothing = np.full(len(pre), np.nan)
    return _columns(Intervals(pre, nothing, local, running, np.nan), names), past


def _check_known(names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"no rhythm feature named {', '.join(unknown)}: choose from {', '.join(NAMES)}")


def _columns(rr: Intervals, names: Sequence[str]) -> Float[np.ndarray, "beat feature"]:
    features = np.empty((len(rr.pre), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        value = NAMES[name].value(rr)
        features[:, column] = np.where(np.isnan(value), NAMES[name].missing, value)
    return features


def _intervals(peak_sample: Int[np.ndarray, " beat"], fs_hz: float) -> Intervals:
    pre, local, running, _ = _looking_back(peak_sample, None, fs_hz)
    if len(pre) < 2:
        return Intervals(pre, pre, local, running, np.nan)
    return Intervals(pre, np.concatenate([pre[1:], pre[-1:]]), local, running, float(pre[1:].mean()))


def _looking_back(
    peak_sample: Int[np.ndarray, " beat"], past: Past | None, fs_hz: float
) -> tuple[Beats, Beats, Beats, Past | None]:
    """Interval before each beat, mean of the last ten and of all; and what the next beats must know."""
    if not len(peak_sample):
        nothing = np.zeros(0)
        return nothing, nothing, nothing, past
    before = [] if past is None else [past.peak_sample]
    apart = np.diff(np.concatenate([before, peak_sample]).astype(np.int64))
    if (apart <= 0).any():
        beat = int(np.argmax(apart <= 0)) + (past is None)
        raise ValueError(
            f"peak_sample={peak_sample[beat]} of beat {beat} must lie after the beat before: sort the peaks"
        )
    rr_s = np.minimum(apart / fs_hz, LONGEST_RR_S)
    known_s, n_known = (np.zeros(1), 0) if past is None else (past.total_s, past.n_intervals)
    total_s = np.concatenate([known_s[:-1], np.cumsum(np.concatenate([known_s[-1:], rr_s]))])
    until = np.arange(len(known_s), len(total_s))  # places of these beats in the sums
    since = np.maximum(until - N_LOCAL, 0)
    n_all = n_known + 1 + np.arange(len(rr_s))
    nothing = np.full(int(past is None), np.nan)  # of the first beat
    local = (total_s[until] - total_s[since]) / (until - since)
    pre, local, running = (np.concatenate([nothing, column]) for column in (rr_s, local, total_s[until] / n_all))
    return pre, local, running, Past(int(peak_sample[-1]), n_known + len(rr_s), total_s[-N_LOCAL - 1 :])
