"""What chance does to training batches: whole batches at once, on their device, for every task.

A part falls on each window with its `probability`, drawn anew for every batch. Amplitudes are shares of the
spread of each lead within its window, so that z-scores and millivolts are treated alike.
"""

# ruff: noqa: ARG002 - all parts have one signature, few need the rate
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.batch import Batch

WANDER_HZ = (0.05, 0.5)  # breathing and electrodes: below the corner of a monitor's high-pass
N_WAVES = 3  # one would be a pure tone
N_BENDS = 2  # time runs faster here and slower there, about once or twice in a window


@runtime_checkable
class Part(Protocol):
    """One kind of chance, over real windows alone: ecg (window, lead, time), label (window) or (window, class)."""

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch: ...


class Augment:
    """Applies its parts in their order; without any, a batch is handed on as it is.

    Sequences are taken apart into windows, each with a chance of its own, and put together again; padding stays zero.
    Signals in `extra` and the features (but for mixup) are left as they are.

    Args:
        parts: by name.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = tuple(parts.values())

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        """Another batch of the same shape; the one that was given is not changed.

        Args:
            batch: of training rows.
            fs_hz: sampling rate of ecg.
            generator: on the batch's device; its state decides everything.
        """
        if not self.parts:
            return batch
        if batch.row.dim() == 1:  # only sequences hold padding
            return self._windows(batch, fs_hz, generator)
        real = batch.row >= 0
        ecg, features, label, row, scored, _ = batch
        inside = Batch(ecg[real], features[real], label[real], row[real], scored[real], {})
        changed = self._windows(inside, fs_hz, generator)
        return batch._replace(
            ecg=_filled(ecg, real, changed.ecg),
            features=_filled(features, real, changed.features),
            label=_filled(label, real, changed.label),
        )

    def _windows(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        for part in self.parts:
            batch = part(batch, fs_hz, generator)
        return batch


@dataclass(frozen=True)
class Noise:
    """Adds white noise, as of muscles.

    Args:
        share: most that its standard deviation may be, in parts of the lead's spread.
    """

    probability: float
    share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 1})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        level = self.share * _chosen(ecg, self.probability, generator) * _uniform(ecg, (1, 1), generator)
        white = torch.randn(ecg.shape, generator=generator, device=ecg.device)
        return batch._replace(ecg=ecg + level * _spread(ecg) * white)


@dataclass(frozen=True)
class Wander:
    """Adds a slow drift, in another proportion to every lead, as breathing and electrodes do.

    Args:
        share: most that it may be away from the baseline, in parts of the lead's spread.
    """

    probability: float
    share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 5})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        low_hz, high_hz = WANDER_HZ
        waves_hz = low_hz + (high_hz - low_hz) * _uniform(ecg, (N_WAVES, 1), generator)
        turns = waves_hz * torch.arange(ecg.shape[2], device=ecg.device) / fs_hz + _uniform(
            ecg, (N_WAVES, 1), generator
        )
        drift = (2 * math.pi * turns).sin().mean(dim=1, keepdim=True)  # window, 1, time
        gain = 2 * _uniform(ecg, (ecg.shape[1], 1), generator) - 1  # window, lead, 1
        level = self.share * _chosen(ecg, self.probability, generator) * gain * _spread(ecg)
        return batch._replace(ecg=ecg + level * drift)


@dataclass(frozen=True)
class Scaling:
    """Makes a window larger or smaller, and each lead a little so by itself.

    Args:
        share: most that the whole window changes.
        lead_share: most that a lead changes beside the others.
    """

    probability: float
    share: float
    lead_share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 0.9, "lead_share": 0.9})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        chosen = _chosen(ecg, self.probability, generator)
        whole = self.share * chosen * (2 * _uniform(ecg, (1, 1), generator) - 1)
        alone = self.lead_share * chosen * (2 * _uniform(ecg, (ecg.shape[1], 1), generator) - 1)
        return batch._replace(ecg=ecg * ((1 + whole) * (1 + alone)))


@dataclass(frozen=True)
class Shift:
    """Moves a window in time, all leads together; the edge is repeated, so that no beat comes in from the other end.

    Args:
        share: of the window, most that it may move either way.
    """

    probability: float
    share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 0.5})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        n_samples = ecg.shape[2]
        most = self.share * n_samples * _chosen(ecg, self.probability, generator)
        by = (most * (2 * _uniform(ecg, (1, 1), generator) - 1)).round().long()
        sample = (torch.arange(n_samples, device=ecg.device) + by).clamp(0, n_samples - 1)  # window, 1, time
        return batch._replace(ecg=ecg.gather(2, sample.expand(ecg.shape)))


@dataclass(frozen=True)
class TimeWarp:
    """Lets time run a little faster here and slower there, smoothly and never backwards; both ends stay.

    Args:
        share: most that the speed may differ from 1.
    """

    probability: float
    share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 0.9})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        n_samples = ecg.shape[2]
        time = torch.linspace(0, 1, n_samples, device=ecg.device)
        bend = math.pi * torch.arange(1, N_BENDS + 1, device=ecg.device)[:, None]
        most = self.share / N_BENDS * _chosen(ecg, self.probability, generator)
        slope = most * (2 * _uniform(ecg, (N_BENDS, 1), generator) - 1)
        away = (slope * (bend * time).sin() / bend).sum(dim=1, keepdim=True)  # window, 1, time
        return batch._replace(
            ecg=_interpolated(ecg, torch.arange(n_samples, device=ecg.device) + away * (n_samples - 1))
        )


@dataclass(frozen=True)
class LeadDropout:
    """Sets leads to zero, as if electrodes had come off; one lead at least is left.

    Args:
        share: of its leads, on average.
    """

    probability: float
    share: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1, "share": 1})

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg = batch.ecg
        draw = _uniform(ecg, (ecg.shape[1], 1), generator)
        kept = (draw >= self.share * _chosen(ecg, self.probability, generator)) | (draw == draw.amax(1, keepdim=True))
        return batch._replace(ecg=ecg * kept)


@dataclass(frozen=True)
class Mixup:
    """Adds to a window a smaller share of another one of the batch, and to its labels and features as much.

    Only where there is one label column per class: labels become fractions. Batches whose labels are class indices are
    left alone, since half of class 2 and half of class 4 is not class 3. A feature that is not known of one of the two
    windows stays what it was.

    Args:
        alpha: the share is drawn from Beta(alpha, alpha) and its smaller side taken; small values mix little.

    Source:
        Zhang et al., ICLR 2018, arXiv:1710.09412.
    """

    probability: float
    alpha: float

    def __post_init__(self) -> None:
        _check(self, {"probability": 1})
        if self.alpha <= 0:
            raise ValueError(f"Mixup.alpha={self.alpha} must be above 0: 0.2 mixes little, 1 any share alike")

    def __call__(self, batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:
        ecg, label, features = batch.ecg, batch.label, batch.features
        if label.dim() == 1:
            return batch
        n_windows = len(ecg)
        # of torch.distributions.Beta, which takes no generator
        drawn = torch._sample_dirichlet(ecg.new_full((n_windows, 2), self.alpha), generator)
        share = drawn.amin(dim=1)[:, None, None] * _chosen(ecg, self.probability, generator)
        other = torch.randperm(n_windows, generator=generator, device=ecg.device)
        mixed = torch.lerp(features, features[other], share[:, 0])
        return batch._replace(
            ecg=torch.lerp(ecg, ecg[other], share),
            label=torch.lerp(label.float(), label[other].float(), share[:, 0]),
            features=torch.where(mixed.isnan(), features, mixed),
        )


def _check(part: Part, limits: Mapping[str, float]) -> None:
    for name, most in limits.items():
        if not 0 <= (value := getattr(part, name)) <= most:
            raise ValueError(f"{type(part).__name__}.{name}={value} must lie between 0 and {most}: 0 switches it off")


def _uniform(ecg: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Of this shape for every window, between 0 and 1."""
    return torch.rand((len(ecg), *shape), generator=generator, device=ecg.device)


def _chosen(ecg: Tensor, probability: float, generator: torch.Generator) -> Float[Tensor, "window 1 1"]:
    """1 for the windows that chance falls on, 0 for the others."""
    return (_uniform(ecg, (1, 1), generator) < probability).float()


def _spread(ecg: Float[Tensor, "window lead time"]) -> Float[Tensor, "window lead 1"]:
    away = ecg - ecg.mean(dim=2, keepdim=True)
    return torch.linalg.vector_norm(away, dim=2, keepdim=True) / math.sqrt(
        ecg.shape[2]
    )  # std() takes ten times as long


def _interpolated(
    ecg: Float[Tensor, "window lead time"], position: Float[Tensor, "window 1 time"]
) -> Float[Tensor, "window lead time"]:
    """The windows read at these sample positions, on straight lines between samples."""
    left = position.floor().clamp(0, ecg.shape[2] - 2)
    sample = left.long().expand(ecg.shape)
    return torch.lerp(ecg.gather(2, sample), ecg.gather(2, sample + 1), (position - left).clamp(0, 1))


def _filled(whole: Tensor, real: Tensor, part: Tensor) -> Tensor:
    """A copy of `whole`, with `part` where it is real."""
    filled = whole.to(part.dtype, copy=True)
    filled[real] = part
    return filled
