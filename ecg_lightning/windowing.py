"""Which stretches of a record a network sees, and the one gather that cuts them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

AGGREGATES = ("mean", "max")
FLAT = 1e-6  # spread of a window below which it counts as flat: dividing would blow rounding noise up


@dataclass(frozen=True)
class Window:
    """A stretch of samples around an R peak, one for every beat.

    Args:
        n_samples: its length.
        n_before: samples before the R peak.
    """

    n_samples: int
    n_before: int

    def __post_init__(self) -> None:
        if not 0 <= self.n_before <= self.n_samples:
            raise ValueError(f"r_position puts the R peak at sample {self.n_before} of {self.n_samples}: take 0 to 1")


@dataclass(frozen=True)
class Crops:
    """Overlapping stretches of a whole recording: one drawn at random in training, all of them asked later.

    Args:
        n_samples: length of each.
        hop: samples from one beginning to the next.
        by: one answer is made of theirs by the "mean" or the "max" of their probabilities.
    """

    n_samples: int
    hop: int
    by: str

    def __post_init__(self) -> None:
        if self.n_samples < 1 or not 1 <= self.hop <= self.n_samples:
            raise ValueError(
                f"crops of {self.n_samples} samples every {self.hop} would leave samples out: hop must lie "
                f"between 1 and the length of a crop"
            )
        if self.by not in AGGREGATES:
            raise ValueError(f"task.aggregate={self.by} is unknown: choose from {', '.join(AGGREGATES)}")

    def starts(self, length: int) -> Int[np.ndarray, " crop"]:
        """First samples of the crops of a recording; the last one ends with it."""
        last = max(0, length - self.n_samples)
        return np.unique(np.append(np.arange(0, last, self.hop), last))


@dataclass(frozen=True)
class Segments:
    """Stretches one after another through a record, each answered by itself.

    Args:
        n_samples: length of each.
        hop: samples from one beginning to the next.
    """

    n_samples: int
    hop: int

    def __post_init__(self) -> None:
        if self.n_samples < 1 or self.hop < 1:
            raise ValueError(f"segments of {self.n_samples} samples every {self.hop}: both must be at least 1")

    def starts(self, length: int) -> Int[np.ndarray, " segment"]:
        """First samples of the segments that lie wholly in a record; none where it is shorter."""
        return np.arange(0, length - self.n_samples + 1, self.hop)


def beside(
    start: Int[np.ndarray, " window"], n_samples: int, fs_hz: float, other_hz: float
) -> tuple[Int[np.ndarray, " window"], int]:
    """Where the same windows begin in a signal of another rate, and how many samples they have there; at least one."""
    first = np.round(start / fs_hz * other_hz).astype(np.int64)
    return first, max(1, round(n_samples / fs_hz * other_hz))


def cut(
    signal: Float[Tensor, " sample"],
    place: Int[Tensor, "3 row"],
    n_leads: int,
    n_samples: int,
) -> Float[Tensor, "row lead time"]:
    """Cut windows out of records that lie one behind the other, in one gather.

    Args:
        signal: record after record, each with its leads one behind the other.
        place: where the window's record begins in `signal`; samples per lead of that record; the window's first
            sample, counted from the record's beginning.
        n_leads: leads of every record.
        n_samples: length of the windows; beyond the ends of a record its edge is repeated.
    """
    first, length, start = place[:, :, None]
    time = start + torch.arange(n_samples, device=signal.device)  # row, time
    time = torch.minimum(time.clamp_(min=0), length - 1).add_(first)
    lead = length * torch.arange(n_leads, device=signal.device)  # row, lead
    return signal[time[:, None] + lead[:, :, None]]


def scale_windows(ecg: Float[Tensor, "row lead time"], scale: str) -> Float[Tensor, "row lead time"]:
    """Z-score every lead of every window where `scale` says "window"; a flat one becomes 0."""
    if scale != "window":
        return ecg
    away = ecg - ecg.mean(dim=-1, keepdim=True)
    # three times as fast as torch.std_mean
    std = torch.linalg.vector_norm(away, dim=-1, keepdim=True) / ecg.shape[-1] ** 0.5
    return torch.where(std > FLAT, away / std.clamp(min=FLAT), 0.0)
