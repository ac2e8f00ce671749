"""Is it faithful? What the network says when what a map calls important is taken away first, or given first."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.gradients import rows_at_a_time
from ecg_lightning.explain.intervals import Mean, mean_over

PIECE_S = 0.02  # taken or given at once: single samples would make noise that no ECG has
N_STEPS = 10  # from all to nothing
N_RANDOM = 3  # orders of chance
ALIKE = "not told apart from chance"


@dataclass(frozen=True, eq=False)
class Curves:
    """Probabilities of a class while pieces are taken away (deletion) or given (insertion).

    Args:
        deletion: of each row and share of pieces, from the whole ECG to the baseline.
        insertion: likewise, from the baseline to the whole ECG.
    """

    deletion: Float[np.ndarray, "row step"]
    insertion: Float[np.ndarray, "row step"]

    def areas(self) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
        """Mean probability over the shares, of deletion and of insertion."""
        step = 1 / (self.deletion.shape[1] - 1)
        return np.trapezoid(self.deletion, dx=step, axis=1), np.trapezoid(self.insertion, dx=step, axis=1)


@dataclass(frozen=True)
class Gain:
    """How much better than chance an order is; above 0 is better in both.

    Args:
        deletion: area of chance minus that of the map.
        insertion: area of the map minus that of chance.
    """

    deletion: Mean
    insertion: Mean

    @property
    def verdict(self) -> str:
        """What the intervals say, in words."""
        said = {"deletion": _against(self.deletion), "insertion": _against(self.insertion)}
        if self.deletion.low is None:
            return f"not judged: {self.deletion.too_few}"
        if len(set(said.values())) == 1:
            return f"{said['deletion']} in both"
        sure = [f"{words} in {name}" for name, words in said.items() if words != ALIKE]
        return f"{sure[0]} alone" if len(sure) == 1 else ", ".join(sure)


def _against(gain: Mean) -> str:
    """On which side of 0 the whole interval lies."""
    if gain.low is not None and gain.low > 0:
        return "better than chance"
    if gain.high is not None and gain.high < 0:
        return "worse than chance"
    return ALIKE


@torch.inference_mode()
def curves(
    asked: Asked,
    inputs: tuple[Tensor, ...],
    baseline: Float[Tensor, "1 lead time"],
    target: Int[Tensor, " row"],
    value: Float[Tensor, "row _ time"],
) -> Curves:
    """Replace pieces of every lead by the baseline, those with the largest sum of the map first; and the reverse.

    Features and other signals stay as they are.

    Args:
        asked: the classifier.
        inputs: its tensors.
        baseline: what is taken away becomes.
        target: class of each row.
        value: a map; one row of it may stand for all leads.

    Source:
        Petsiuk, Das, Saenko, BMVC 2018, arXiv:1806.07421.
    """
    ecg = inputs[0]
    piece = _pieces(ecg.shape[-1], asked.contract.preprocess.fs_hz)
    n_pieces = int(piece[-1]) + 1
    sums = torch.zeros(*ecg.shape[:2], n_pieces).index_add_(2, piece, value.expand_as(ecg).contiguous())
    order = sums.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1).unflatten(1, (-1, n_pieces))
    found: list[list[Tensor]] = [[], []]
    for step in range(N_STEPS + 1):
        first = (order < round(step / N_STEPS * order[0].numel()))[..., piece]
        found[0].append(_p(asked, inputs, torch.where(first, baseline, ecg), target))
        found[1].append(_p(asked, inputs, torch.where(first, ecg, baseline), target))
    return Curves(*(torch.stack(one, dim=1).numpy() for one in found))


def by_chance(
    asked: Asked,
    inputs: tuple[Tensor, ...],
    baseline: Float[Tensor, "1 lead time"],
    target: Int[Tensor, " row"],
    seed: int,
) -> Curves:
    """The same pieces in random order, averaged over some orders."""
    mixer = torch.Generator().manual_seed(seed)
    ecg = inputs[0]
    piece = _pieces(ecg.shape[-1], asked.contract.preprocess.fs_hz)
    some = []
    for _ in range(N_RANDOM):
        value = torch.rand(*ecg.shape[:2], int(piece[-1]) + 1, generator=mixer)
        value = value / torch.bincount(piece)  # so that their sums over a piece are even
        some.append(curves(asked, inputs, baseline, target, value[..., piece]))
    return Curves(*(np.mean([getattr(one, name) for one in some], axis=0) for name in ("deletion", "insertion")))


def gain(of_map: Curves, chance: Curves, patients: np.ndarray, seed: int) -> Gain:
    """Compare an order with chance, row by row."""
    (deletion, insertion), (deletion_0, insertion_0) = of_map.areas(), chance.areas()
    return Gain(*(mean_over(one, patients, seed, (-1, 1)) for one in (deletion_0 - deletion, insertion - insertion_0)))


def _pieces(n_samples: int, fs_hz: float) -> Int[Tensor, " time"]:
    return torch.arange(n_samples) // max(1, round(PIECE_S * fs_hz))


def _p(
    asked: Asked, inputs: tuple[Tensor, ...], ecg: Float[Tensor, "row lead time"], target: Int[Tensor, " row"]
) -> Float[Tensor, " row"]:
    parts = []
    for rows in torch.arange(len(ecg)).split(rows_at_a_time(ecg)):
        p = asked.p(ecg[rows], *(one[rows] for one in inputs[1:]))
        parts.append(p.gather(1, target[rows, None]).squeeze(1))
    return torch.cat(parts)
