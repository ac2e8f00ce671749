"""How well R peaks are found: beats and peaks found, matched one to one within 150 ms.

Source:
    ANSI/AAMI EC57:2012
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

TOLERANCE_S = 0.15  # ANSI/AAMI EC57


class Counts(NamedTuple):
    """Beats annotated, peaks found, and those that are both."""

    n_true: int
    n_found: int
    n_hit: int

    @property
    def sensitivity(self) -> float:
        """Share of the beats that are found; NaN without beats."""
        return self.n_hit / self.n_true if self.n_true else float("nan")

    @property
    def predictivity(self) -> float:
        """Share of what is found that is a beat; NaN where nothing is found."""
        return self.n_hit / self.n_found if self.n_found else float("nan")


def hits(true: Int[np.ndarray, " beat"], found: Int[np.ndarray, " peak"], fs_hz: float) -> Int[np.ndarray, " hit"]:
    """How far the nearest peak found lies from each beat, in samples, where each is the other's nearest.

    Args:
        true: samples of the annotated beats, rising.
        found: samples of the peaks found, rising.
        fs_hz: of both.

    Returns:
        One number for each beat that has a peak of its own within 150 ms.
    """
    own, other = pairs(true, found, fs_hz)
    return found[other] - true[own]


def pairs(
    true: Int[np.ndarray, " beat"], found: Int[np.ndarray, " peak"], fs_hz: float
) -> tuple[Int[np.ndarray, " hit"], Int[np.ndarray, " hit"]]:
    """Places of beats and of peaks that are each other's nearest, within 150 ms; both as in `hits`."""
    if not len(found) or not len(true):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    nearest, back = _nearest(true, found), _nearest(found, true)
    own = np.flatnonzero(back[nearest] == np.arange(len(true)))
    own = own[np.abs(found[nearest[own]] - true[own]) <= TOLERANCE_S * fs_hz]
    return own, nearest[own]


def _nearest(of: Int[np.ndarray, " one"], among: Int[np.ndarray, " other"]) -> Int[np.ndarray, " one"]:
    """The place in `among` of what lies nearest to each, the earlier of two."""
    after = np.searchsorted(among, of)
    pair = np.clip(after[:, None] + [-1, 0], 0, len(among) - 1)
    nearer = np.abs(among[pair] - of[:, None]).argmin(axis=1)
    return np.take_along_axis(pair, nearer[:, None], axis=1)[:, 0]


def outside(
    sample: Int[np.ndarray, " beat"], at_sample: Int[np.ndarray, " annotation"], symbol: Sequence[str]
) -> Int[np.ndarray, " left"]:
    """Samples that do not lie in ventricular flutter, which has no beats to find: EC57 leaves it out.

    Args:
        sample: of beats or peaks.
        at_sample: of all annotations of the record.
        symbol: of each; "[" begins flutter and "]" ends it.
    """
    begin, end = (at_sample[[one == bracket for one in symbol]] for bracket in "[]")
    return sample[(np.searchsorted(begin, sample) - np.searchsorted(end, sample)) == 0]


def counted(true: Int[np.ndarray, " beat"], found: Int[np.ndarray, " peak"], fs_hz: float) -> Counts:
    """Beats, peaks and hits of one record."""
    return Counts(len(true), len(found), len(hits(true, found, fs_hz)))


def together(records: Sequence[Counts]) -> Counts:
    """Of several records: every beat counts once (gross statistics in EC57)."""
    return Counts(*(sum(column) for column in zip(*records, strict=True))) if records else Counts(0, 0, 0)
