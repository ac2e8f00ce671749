"""Does a map depend on what was learned? Layers are made random from the top, and the maps compared with the first."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor, nn

MAX_STAGES = 8  # deep networks lose several layers at a time


@dataclass(frozen=True)
class Stage:
    """Maps after some layers were made random.

    Args:
        layer: the lowest of these; "none" for the network as it is.
        signed: rank correlation with the maps of the network as it is, mean over rows.
        absolute: the same of their absolute values.
    """

    layer: str
    signed: float
    absolute: float


def stages(network: nn.Module, maps: Callable[[nn.Module], Float[Tensor, "row ..."]], seed: int) -> tuple[Stage, ...]:
    """Make one layer after another random, from the output down, and draw the maps again each time.

    Args:
        network: as it was learned; stays so.
        maps: of a network that is given.
        seed: of the random weights.

    Source:
        Adebayo et al., NeurIPS 2018, arXiv:1810.03292: "cascading randomization".
    """
    first = maps(network).flatten(1).numpy()
    random = copy.deepcopy(network)
    found = [Stage("none", 1.0, 1.0)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for some in _from_the_top(random):
            for _, layer in some:
                make_random(layer)
            now = maps(random).flatten(1).numpy()
            signed, absolute = rank_correlation(now, first), rank_correlation(np.abs(now), np.abs(first))
            found.append(Stage(some[-1][0], float(signed.mean()), float(absolute.mean())))
    return tuple(found)


def _from_the_top(network: nn.Module) -> Iterator[list[tuple[str, nn.Module]]]:
    """Layers with weights, the last first, in a few groups."""
    layers = [(name, one) for name, one in network.named_modules() if any(True for _ in one.parameters(recurse=False))]
    layers.reverse()
    cuts = np.linspace(0, len(layers), min(MAX_STAGES, len(layers)) + 1).round().astype(int)
    for begin, end in pairwise(cuts.tolist()):
        yield layers[begin:end]


def make_random(layer: nn.Module) -> None:
    """Draw the weights of one layer again, as its class does; without such a rule with the spread they have."""
    again = getattr(layer, "reset_parameters", None)
    if callable(again):
        again()
        return
    with torch.no_grad():
        for one in layer.parameters(recurse=False):
            spread = one.std() if one.numel() > 1 else one.abs().mean()
            one.copy_(one.mean() + spread * torch.randn_like(one))


def rank_correlation(a: Float[np.ndarray, "row number"], b: Float[np.ndarray, "row number"]) -> np.ndarray:
    """Spearman's coefficient of each pair of rows; 0 where one of them does not vary."""
    ranks = [rankdata(one, axis=1) - (one.shape[1] + 1) / 2 for one in (a, b)]
    size = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    return np.divide((ranks[0] * ranks[1]).sum(axis=1), size, out=np.zeros(len(a)), where=size > 0)
