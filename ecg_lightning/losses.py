"""Losses of classifiers: what is paid for the probability that the true class did not get."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F


def class_weights(class_counts: Sequence[int], power: float) -> Float[Tensor, " class"]:
    """Weigh rare classes up, so that the mean weight over the training rows is 1.

    A class of n rows weighs n ** -power, times one factor for all, so that the loss keeps its scale and the learning
    rate its meaning. An absent class weighs 0: there is nothing to learn it from.

    Args:
        class_counts: training rows per class.
        power: 0 leaves the classes as they are, 1 gives every class the same total, 0.5 lies between; at 1 a class
            of eight beats moves the network as much as one of forty thousand.

    Raises:
        ValueError: the power lies outside 0 to 1, or no class has rows.
    """
    if not 0 <= power <= 1:
        raise ValueError(f"power={power} must lie between 0 (no weights) and 1 (inverse frequency): 0.5 is usual")
    count = torch.tensor(class_counts, dtype=torch.float64)
    if not count.any():
        raise ValueError(f"class_counts={tuple(class_counts)} hold no training rows: check the split")
    weight = torch.where(count > 0, count.clamp(min=1) ** -power, 0)
    return (weight * count.sum() / (weight * count).sum()).float()


class CrossEntropy(nn.Module):
    """The mean of -log p of the true class."""

    consumes = "logits"
    problems = ("multiclass",)
    weighted = False

    def forward(self, logits: Float[Tensor, "row class"], label: Int[Tensor, " row"]) -> Float[Tensor, ""]:
        return F.cross_entropy(logits.float(), label)


class WeightedCrossEntropy(nn.Module):
    """The mean of -w log p of the true class, w from `class_weights`.

    Divided by the number of rows, not by their weights as torch does: a batch of rare beats is then worth more than
    one of normal beats, and one of absent classes is 0, not 0/0.

    Args:
        class_counts: training rows per class.
        power: of the inverse frequency.
    """

    consumes = "logits"
    problems = ("multiclass",)
    weighted = True
    weight: Tensor

    def __init__(self, class_counts: Sequence[int], power: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("weight", class_weights(class_counts, power), persistent=False)

    def forward(self, logits: Float[Tensor, "row class"], label: Int[Tensor, " row"]) -> Float[Tensor, ""]:
        return (self.weight[label] * F.cross_entropy(logits.float(), label, reduction="none")).mean()


class FocalLoss(nn.Module):
    """The mean of -alpha (1 - p) ** gamma log p of the true class: rows that are already right count little.

    Args:
        class_counts: training rows per class; alpha comes from `class_weights`.
        gamma: how little; 0 is `WeightedCrossEntropy`.
        power: of the inverse frequency; 0 sets alpha to 1.

    Raises:
        ValueError: gamma is negative.

    Source:
        Lin et al., ICCV 2017, arXiv:1708.02002, equation 5.
    """

    consumes = "logits"
    problems = ("multiclass",)
    weighted = True
    alpha: Tensor

    def __init__(self, class_counts: Sequence[int], gamma: float = 2.0, power: float = 0.5) -> None:
        super().__init__()
        if gamma < 0:
            raise ValueError(f"gamma={gamma} must be at least 0, or rows that are right count most: 2 is usual")
        self.gamma = gamma
        self.register_buffer("alpha", class_weights(class_counts, power), persistent=False)

    def forward(self, logits: Float[Tensor, "row class"], label: Int[Tensor, " row"]) -> Float[Tensor, ""]:
        minus_log_p = F.cross_entropy(logits.float(), label, reduction="none")
        # clamped: below gamma 1 the slope of the power has no end where p is 1
        missing = (-torch.expm1(-minus_log_p)).clamp(min=1e-6)
        return (self.alpha[label] * missing**self.gamma * minus_log_p).mean()
