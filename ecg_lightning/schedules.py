"""How the learning rate moves over a run, in shares of the optimiser's own rate, which is the highest.

Each takes the optimizer and the number of optimiser steps of the whole run. `plateau` is stepped once an epoch with the
monitor, all others after every optimiser step. A curve keeps its length in its state: a run that is resumed to go on
longer than it was planned keeps the curve, and stays at its end.
"""

import math
from dataclasses import dataclass

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LambdaLR, LRScheduler, ReduceLROnPlateau


@dataclass(frozen=True)
class Curve:
    """Share of the rate at each step: up half a cosine, down half a cosine, level after the last step.

    Args:
        n_steps: of the run.
        warmup_share: of the steps, on the way up.
        start_share: of the rate, at the first step.
        final_share: of the rate, at the last step.

    Raises:
        ValueError: the run has no end, or a share is no share.
    """

    n_steps: float
    warmup_share: float
    start_share: float
    final_share: float

    def __post_init__(self) -> None:
        if not 1 <= self.n_steps < math.inf:
            raise ValueError(f"n_steps={self.n_steps} must be finite and at least 1: set trainer.max_epochs")
        if not 0 <= self.warmup_share < 1:
            raise ValueError(f"warmup_share={self.warmup_share} must be at least 0 and below 1: the rest goes down")
        for name, share in (("start_share", self.start_share), ("final_share", self.final_share)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name}={share} must lie between 0 and 1, in parts of the highest rate")

    def __call__(self, step: int) -> float:
        top = max(self.warmup_share * self.n_steps - 1, 0)
        if step < top:
            return _between(self.start_share, 1, step / top)
        return _between(1, self.final_share, min((step - top) / max(self.n_steps - 1 - top, 1), 1))


def plateau(
    optimizer: Optimizer,
    n_steps: float,  # noqa: ARG001, one signature for all
    mode: str,
    factor: float = 0.5,
    patience: int = 3,
) -> ReduceLROnPlateau:
    """Lower the rate when the monitor stands still.

    Args:
        optimizer: its rate is the highest.
        n_steps: of the run.
        mode: "max" where more of the monitor is better, "min" where less is.
        factor: what is left of the rate each time.
        patience: epochs without a better monitor that are borne.
    """
    return ReduceLROnPlateau(optimizer, mode=mode, factor=factor, patience=patience)  # type: ignore[arg-type]


def constant(optimizer: Optimizer, n_steps: float) -> LRScheduler:  # noqa: ARG001, one signature for all
    """Leave the rate as it is."""
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


def cosine(optimizer: Optimizer, n_steps: float, warmup_share: float = 0.05, final_share: float = 0.0) -> LRScheduler:
    """Warm up briefly from 1/25 of the rate, then go down half a cosine.

    Args:
        optimizer: its rate is the highest.
        n_steps: of the run.
        warmup_share: of the steps; 0 begins at the full rate.
        final_share: of the rate, at the last step.

    Source:
        Loshchilov & Hutter, ICLR 2017, arXiv:1608.03983, equation 5, without restarts.
    """
    return LambdaLR(optimizer, Curve(n_steps, warmup_share, 1 / 25, final_share))


def one_cycle(
    optimizer: Optimizer,
    n_steps: float,
    warmup_share: float = 0.3,
    start_share: float = 1 / 25,
    final_share: float = 4e-6,
) -> LRScheduler:
    """Go up half a cosine, then down half a cosine almost to nothing; the momentum stays as it is.

    Args:
        optimizer: its rate is the highest; it may be several times what a constant rate would bear.
        n_steps: of the run.
        warmup_share: of the steps, on the way up.
        start_share: of the rate, at the first step.
        final_share: of the rate, at the last step.

    Source:
        Smith & Topin, arXiv:1708.07120. Cosines and values as in fastai, with which the PTB-XL benchmark was trained
        (Strodthoff et al., IEEE J. Biomed. Health Inform. 25:1519-1528 (2021), arXiv:2004.13701).
    """
    return LambdaLR(optimizer, Curve(n_steps, warmup_share, start_share, final_share))


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from start to end."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
