"""The rhythm of a recording: how fast the heart beats, where it pauses, which beats of a class come in a row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

OVER_BEATS = 8  # a rate of fewer is that of single early beats; of more it misses a short run
PAUSE_S = 2.0  # from here on a pause is counted; Kusumoto et al., Circulation 140:e382 (2019) names 3 s as grave
RUN = 3  # beats of one class in a row from which on they are a run; two are a couplet


@dataclass(frozen=True)
class Rate:
    """A heart rate, and where its first beat stands."""

    bpm: float
    at_s: float


@dataclass(frozen=True)
class HeartRate:
    """Mean, lowest and highest; the last two over `OVER_BEATS` intervals in a row, None where there are not so many."""

    mean_bpm: float
    lowest: Rate | None
    highest: Rate | None


@dataclass(frozen=True)
class Pause:
    """An interval between two beats, and where it begins."""

    rr_s: float
    at_s: float


@dataclass(frozen=True)
class Run:
    """Beats of one class in a row."""

    n_beats: int
    at_s: float
    bpm: float

    @property
    def stop_s(self) -> float:
        """Of its last beat."""
        return self.at_s + 60 * (self.n_beats - 1) / self.bpm


def rr_before(time_s: Float[np.ndarray, " beat"]) -> Float[np.ndarray, " beat"]:
    """The interval from the beat before to each beat, in seconds; NaN before the first."""
    return np.diff(time_s, prepend=np.nan)


def trusted(time_s: Float[np.ndarray, " beat"], flags: UInt8[np.ndarray, " second"]) -> Bool[np.ndarray, " beat"]:
    """Which beats stand in a second without a flag; what nobody has judged is trusted."""
    return flags_at(time_s, flags) == 0


def flags_at(time_s: Float[np.ndarray, " beat"], flags: UInt8[np.ndarray, " second"]) -> UInt8[np.ndarray, " beat"]:
    """The flags of the second that each beat stands in."""
    return np.append(flags, np.uint8(0))[np.minimum(time_s.astype(np.int64), len(flags))]


def intervals(time_s: Float[np.ndarray, " beat"], flags: UInt8[np.ndarray, " second"]) -> Float[np.ndarray, " beat"]:
    """As `rr_before`, but NaN where a second from one beat to the other has a flag: a beat may be missing there."""
    n_bad = np.concatenate([[0], np.cumsum(flags != 0)])
    second = np.minimum(time_s.astype(np.int64), len(flags))
    until = np.minimum(second + 1, len(flags))
    rr_s = rr_before(time_s)
    rr_s[1:][n_bad[until[1:]] > n_bad[second[:-1]]] = np.nan
    return rr_s


def heart_rate(time_s: Float[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]) -> HeartRate | None:
    """How fast the heart beats; None where no interval is known.

    Args:
        time_s: of each beat.
        rr_s: the interval before each, as `intervals` gives them.
    """
    known = np.isfinite(rr_s)
    if not known.any():
        return None
    mean_bpm = 60 / float(rr_s[known].mean())
    if len(rr_s) <= OVER_BEATS:
        return HeartRate(mean_bpm, None, None)
    bpm = 60 / np.lib.stride_tricks.sliding_window_view(rr_s[1:], OVER_BEATS).mean(axis=1)
    if not np.isfinite(bpm).any():
        return HeartRate(mean_bpm, None, None)
    low, high = int(np.nanargmin(bpm)), int(np.nanargmax(bpm))
    return HeartRate(mean_bpm, *(Rate(float(bpm[k]), float(time_s[k])) for k in (low, high)))


def longest_pause(time_s: Float[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]) -> Pause | None:
    """The longest interval; None where none is known."""
    if not np.isfinite(rr_s).any():
        return None
    at = int(np.nanargmax(rr_s))
    return Pause(float(rr_s[at]), float(time_s[at - 1]))


def gap(time_s: Float[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]) -> Pause | None:
    """The longest time without a beat where intervals are not known; None where none is as long as a pause.

    A pause could hide there: a standstill with a quiet line is as flat as a lead that is off.
    """
    found = longest_pause(time_s, np.where(np.isnan(rr_s), rr_before(time_s), np.nan))
    return found if found is not None and found.rr_s >= PAUSE_S else None


def rows_of(
    called: Sequence[str], name: str, time_s: Float[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]
) -> list[Run]:
    """Two beats and more of one class that follow one another, in the order of time.

    Args:
        called: the class of each beat.
        name: of the class that is looked for.
        time_s: of each beat.
        rr_s: the interval before each, as `intervals` gives them: one that is not known ends a row.
    """
    own = np.array([c == name for c in called], dtype=bool)
    follows = own[1:] & own[:-1] & np.isfinite(rr_s[1:])
    return [
        Run(last - first + 1, float(time_s[first]), 60 * (last - first) / float(time_s[last] - time_s[first]))
        for first, last in in_a_row(follows)
    ]


def in_a_row(yes: Bool[np.ndarray, " some"]) -> list[tuple[int, int]]:
    """Where something holds without a break: the first place of each row, and the one behind its last."""
    edge = np.flatnonzero(np.diff(np.concatenate([[False], yes, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edge[::2], edge[1::2], strict=True)]
