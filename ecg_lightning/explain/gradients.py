"""Integrated Gradients: how much each sample of the input adds to the answer, on the way from a baseline."""

from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ecg_lightning.explain.asked import Asked

MAX_NUMBERS = 2**19  # of the ECG at a time: 2 MB of input, some hundred times as much inside a network
BOUND = 0.05  # of the change: a map whose sum misses more of it explains another network
LEAST_CHANGE = 0.5  # log-odds: below, the bound would be one of rounding
MORE = (1, 4, 16)  # times as many steps for rows that have not converged


@dataclass(frozen=True, eq=False)
class Gradients:
    """Integrated Gradients of some rows.

    Args:
        maps: of each input, in its shape: log-odds per number.
        change: log-odds of the row minus those of its baseline, which the maps of a row sum to.
        delta: what they miss of it.
        n_steps: that each row took.
    """

    maps: tuple[Float[Tensor, "..."], ...]
    change: Float[Tensor, " row"]
    delta: Float[Tensor, " row"]
    n_steps: Int[Tensor, " row"]

    @property
    def error(self) -> Float[Tensor, " row"]:
        """What the maps miss, as a share of the change."""
        return self.delta.abs() / self.change.abs().clamp(min=LEAST_CHANGE)

    @property
    def converged(self) -> Bool[Tensor, " row"]:
        """The maps sum to the change, near enough."""
        return self.error <= BOUND


def integrated_gradients(
    asked: Asked,
    inputs: tuple[Tensor, ...],
    baselines: tuple[Tensor, ...],
    target: Int[Tensor, " row"],
    n_steps: int,
) -> Gradients:
    """Attribute the log-odds of a class to every number of the input; rows that do not converge get more steps.

    Args:
        asked: the classifier.
        inputs: its tensors.
        baselines: likewise, of a single row each.
        target: class of each row.
        n_steps: points of the Gauss-Legendre rule between baseline and row.

    Source:
        Sundararajan, Taly, Yan, ICML 2017, arXiv:1703.01365; the sum is their axiom of completeness.
    """
    base = tuple(one.expand(len(target), *one.shape[1:]) for one in baselines)
    found = _with_steps(asked, inputs, base, target, n_steps * MORE[0])
    for times in MORE[1:]:
        again = torch.nonzero(~found.converged).squeeze(1)
        if not len(again):
            break
        some = (tuple(one[again] for one in inputs), tuple(one[again] for one in base), target[again])
        _put(found, again, _with_steps(asked, *some, n_steps * times))
    return found


def _put(found: Gradients, rows: Int[Tensor, " some"], better: Gradients) -> None:
    for one, other in zip(found.maps, better.maps, strict=True):
        one[rows] = other
    found.delta[rows] = better.delta
    found.n_steps[rows] = better.n_steps


def _with_steps(
    asked: Asked, inputs: tuple[Tensor, ...], base: tuple[Tensor, ...], target: Int[Tensor, " row"], n_steps: int
) -> Gradients:
    size = rows_at_a_time(inputs[0])
    parts = []
    for first in range(0, len(target), size):
        rows = slice(first, first + size)
        some, without = tuple(one[rows] for one in inputs), tuple(one[rows] for one in base)
        maps, delta = IntegratedGradients(asked).attribute(
            some,
            without,
            target=target[rows],
            n_steps=n_steps,
            internal_batch_size=max(size, len(some[0])),
            return_convergence_delta=True,
        )
        with torch.no_grad():
            change = _of(asked(*some), target[rows]) - _of(asked(*without), target[rows])
        parts.append((tuple(one.detach().float() for one in maps), change, delta.detach().float()))
    maps = tuple(torch.cat(one) for one in zip(*(part[0] for part in parts), strict=True))
    change, delta = (torch.cat([part[k] for part in parts]) for k in (1, 2))
    return Gradients(maps, change, delta, torch.full((len(target),), n_steps))


def rows_at_a_time(ecg: Float[Tensor, "row lead time"]) -> int:
    """How many rows a network is given at once, so that long recordings find room in memory."""
    return max(1, min(512, MAX_NUMBERS // max(1, ecg[0].numel())))


def _of(value: Float[Tensor, "row class"], target: Int[Tensor, " row"]) -> Float[Tensor, " row"]:
    return value.gather(1, target[:, None]).squeeze(1)
