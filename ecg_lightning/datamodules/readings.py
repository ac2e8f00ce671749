"""Glucose readings, minutes apart, as labels of windows of seconds: which one counts, and which belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

LABELS = {
    "following": "the first reading within {tolerance_s:g} s after its end",
    "preceding": "the last reading within {tolerance_s:g} s before its beginning",
    "nearest": "the reading nearest to its middle, at most {tolerance_s:g} s before its beginning or after its end,",
}
HOLE_S = 1800.0  # without a reading: beyond it nobody knows that the glucose stayed low
DAY_S = 86_400.0


@runtime_checkable
class Readings(Protocol):
    """Glucose of one patient, ascending in time, in seconds since 1970 by the clock of the recorder."""

    time_s: Float[np.ndarray, " reading"]
    mmol_l: Float[np.ndarray, " reading"]


MOST_MMOL_L = 30.0  # no limit of anything; as mg/dL it is a life in danger


@dataclass(frozen=True)
class Rule:
    """How a window gets its label.

    Args:
        label: which reading counts, "following", "preceding" or "nearest"; never one from later than the end of the
            window plus the tolerance.
        tolerance_s: how far from the window it may lie.
        low_mmol_l: below it a reading is low.
        ambiguous_mmol_l: readings from the first to the second are neither low nor normal; None where all are one.

    Raises:
        ValueError: no such label, or a limit that cannot be.

    Source:
        3.9 mmol/L (70 mg/dL) is level 1 of Battelino et al., Diabetes Care 42:1593-1603 (2019).
    """

    label: str
    tolerance_s: float
    low_mmol_l: float
    ambiguous_mmol_l: Sequence[float] | None  # lists of the config become tuples

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise ValueError(f"task.data.label={self.label} is unknown: choose from {', '.join(LABELS)}")
        if self.tolerance_s < 0 or self.low_mmol_l <= 0:
            raise ValueError(
                f"task.data.tolerance_s={self.tolerance_s:g} must be 0 or more and task.data.low_mmol_l="
                f"{self.low_mmol_l:g} above 0"
            )
        if self.low_mmol_l > MOST_MMOL_L:
            raise ValueError(
                f"task.data.low_mmol_l={self.low_mmol_l:g} looks like mg/dL: divide by 18, so that 70 becomes 3.9"
            )
        if self.ambiguous_mmol_l is not None:
            object.__setattr__(self, "ambiguous_mmol_l", tuple(self.ambiguous_mmol_l))
            if len(self.ambiguous_mmol_l) != 2 or self.ambiguous_mmol_l[0] > self.ambiguous_mmol_l[1]:
                raise ValueError(
                    f"task.data.ambiguous_mmol_l={list(self.ambiguous_mmol_l)} must be two values, the lower one "
                    f"first, e.g. [3.9,4.5], or null"
                )

    def reading_of(
        self, begin_s: Float[np.ndarray, " window"], length_s: float, time_s: Float[np.ndarray, " reading"]
    ) -> Int[np.ndarray, " window"]:
        """The number of the reading that each window inherits; -1 where none lies within the tolerance.

        Args:
            begin_s: of the windows, by the clock of the readings; NaN is not known.
            length_s: of a window.
            time_s: of the readings, ascending.
        """
        if not len(time_s):
            return np.full(len(begin_s), -1)
        end_s = begin_s + length_s
        if self.label == "following":
            place = np.searchsorted(time_s, end_s, side="left")
        elif self.label == "preceding":
            place = np.searchsorted(time_s, begin_s, side="right") - 1
        else:
            place = _nearest(begin_s + length_s / 2, time_s)
        there = (place >= 0) & (place < len(time_s))
        reading_s = time_s[place.clip(0, len(time_s) - 1)]
        near = (reading_s - end_s <= self.tolerance_s) & (begin_s - reading_s <= self.tolerance_s)
        return np.where(there & near, place, -1)

    def low(self, mmol_l: Float[np.ndarray, " reading"]) -> Bool[np.ndarray, " reading"]:
        """Which readings are low."""
        return mmol_l < self.low_mmol_l

    def ambiguous(self, mmol_l: Float[np.ndarray, " reading"]) -> Bool[np.ndarray, " reading"]:
        """Which readings are called neither low nor normal."""
        if self.ambiguous_mmol_l is None:
            return np.zeros(len(mmol_l), bool)
        least, most = self.ambiguous_mmol_l
        return (mmol_l >= least) & (mmol_l <= most)

    def in_words(self) -> str:
        """What a reader of the numbers must know of the labels."""
        which = LABELS[self.label].format(tolerance_s=self.tolerance_s)
        return f"a window is low where {which} is below {self.low_mmol_l:g} mmol/L"


@dataclass(frozen=True, eq=False)
class Course:
    """The readings of one patient, with what they say of the windows that inherit them.

    Args:
        time_s: of each reading.
        mmol_l: what it says.
        label: 1 where it is low.
        episode: its number, unlike that of any other patient's.
        day: since 1970, on which its episode began.
    """

    time_s: Float[np.ndarray, " reading"]
    mmol_l: Float[np.ndarray, " reading"]
    label: Int[np.ndarray, " reading"]
    episode: Int[np.ndarray, " reading"]
    day: Int[np.ndarray, " reading"]


def course(readings: Readings, rule: Rule, first_episode: int) -> Course:
    """What the readings of one patient say, with episodes counted from `first_episode`."""
    low = rule.low(readings.mmol_l)
    episode = first_episode + episodes(readings.time_s, low)
    day = days(readings.time_s, episode)
    return Course(readings.time_s, readings.mmol_l, low.astype(np.int64), episode, day)


def episodes(time_s: Float[np.ndarray, " reading"], low: Bool[np.ndarray, " reading"]) -> Int[np.ndarray, " reading"]:
    """The number of the episode of each reading, from 0: low ones in a row are one, every other is one of its own.

    Args:
        time_s: of the readings, ascending; a hole of more than half an hour ends an episode.
        low: which of them are low.
    """
    goes_on = low[1:] & low[:-1] & (np.diff(time_s) <= HOLE_S)
    return np.cumsum(np.append(np.zeros(min(len(low), 1), np.int64), ~goes_on))


def days(time_s: Float[np.ndarray, " reading"], episode: Int[np.ndarray, " reading"]) -> Int[np.ndarray, " reading"]:
    """The day since 1970 on which the episode of each reading began."""
    _, first, place = np.unique(episode, return_index=True, return_inverse=True)
    return (time_s[first] // DAY_S).astype(np.int64)[place]


def _nearest(
    middle_s: Float[np.ndarray, " window"], time_s: Float[np.ndarray, " reading"]
) -> Int[np.ndarray, " window"]:
    """The reading closest to each moment, the earlier of two that are as close."""
    after = np.searchsorted(time_s, middle_s, side="left").clip(1, max(1, len(time_s) - 1))
    if len(time_s) == 1:
        return np.zeros(len(middle_s), np.int64)
    return np.where(time_s[after] - middle_s < middle_s - time_s[after - 1], after, after - 1)
