"""Losses of classifiers: what is paid for the probability that the truth did not get.

Those for the problems "multilabel" and "binary" ask yes or no: one question per class, or one alone, each with its own
answer. A label between 0 and 1, as mixup makes it, pays both answers in proportion. Logits are taken in float32 by all.
"""

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
    _check_power(power)
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
        _check_gamma("gamma", gamma)
        self.gamma = gamma
        self.register_buffer("alpha", class_weights(class_counts, power), persistent=False)

    def forward(self, logits: Float[Tensor, "row class"], label: Int[Tensor, " row"]) -> Float[Tensor, ""]:
        minus_log_p = F.cross_entropy(logits.float(), label, reduction="none")
        # clamped: below gamma 1 the slope of the power has no end where p is 1
        missing = (-torch.expm1(-minus_log_p)).clamp(min=1e-6)
        return (self.alpha[label] * missing**self.gamma * minus_log_p).mean()


def positive_weights(positive_counts: Sequence[int], n_rows: int, power: float) -> Float[Tensor, " out"]:
    """Weigh the positives of each class by (negatives / positives) ** power.

    A class that no training row has, or every one, keeps weight 1: it teaches one answer only.

    Args:
        positive_counts: training rows per output that are a yes.
        n_rows: training rows.
        power: 0 leaves the classes as they are, 1 gives positives and negatives of a class the same total.

    Raises:
        ValueError: the power lies outside 0 to 1, or a class has more rows than there are.
    """
    _check_power(power)
    _check_positives(positive_counts, n_rows)
    positive = torch.tensor(positive_counts, dtype=torch.float64)
    negative = n_rows - positive
    both = (positive > 0) & (negative > 0)
    return torch.where(both, (negative / positive.clamp(min=1)) ** power, 1).float()


def balanced_weights(positive_counts: Sequence[int], n_rows: int, beta: float) -> Float[Tensor, "2 out"]:
    """Weigh both answers by their effective number of rows: n rows count as (1 - beta ** n) / (1 - beta).

    The more rows there are, the less another one adds, so that a frequent answer weighs less per row, but not as little
    as by its inverse frequency. The mean weight over the training rows is 1. A question that no training row answers
    with yes, or every one, keeps weight 1.

    Args:
        positive_counts: training rows per output that are a yes.
        n_rows: training rows.
        beta: 0 leaves the answers as they are; towards 1 weights go to the inverse frequency.

    Returns:
        Weights of no, then of yes.

    Raises:
        ValueError: beta lies outside 0 to 1, or there are more positives than rows.

    Source:
        Cui et al., CVPR 2019, arXiv:1901.05555, equations 2 and 8.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta={beta} must be at least 0 and below 1: 0.999 or 0.9999 are usual")
    _check_positives(positive_counts, n_rows)
    positive = torch.tensor(positive_counts, dtype=torch.float64)
    count = torch.stack([n_rows - positive, positive])
    weight = 1 / (1 - beta ** count.clamp(min=1))
    weight = weight * n_rows / (weight * count).sum(dim=0)
    return torch.where((count > 0).all(dim=0), weight, 1).float()


def column_weights(positive_counts: Sequence[int], power: float) -> Float[Tensor, " out"]:
    """Weigh the questions about rare classes up: rows ** -power, with mean 1 over the classes.

    An absent class weighs 1, the mean: it teaches one answer only. The power is that of `class_weights`.
    """
    _check_power(power)
    count = torch.tensor(positive_counts, dtype=torch.float64)
    weight, there = count.clamp(min=1) ** -power, count > 0
    return torch.where(there, weight / weight[there].mean(), 1).float()


class BinaryCrossEntropy(nn.Module):
    """The mean over rows and classes of -log p of the true answer."""

    consumes = "logits"
    problems = ("multilabel", "binary")
    weighted = False

    def forward(self, logits: Float[Tensor, "row out"], label: Float[Tensor, "row out"]) -> Float[Tensor, ""]:
        return F.binary_cross_entropy_with_logits(logits.float(), label)


class WeightedBinaryCrossEntropy(nn.Module):
    """The mean of -log p of the true answer, positives weighed by `positive_weights`, which says what power means."""

    consumes = "logits"
    problems = ("multilabel", "binary")
    weighted = True
    weight: Tensor

    def __init__(self, positive_counts: Sequence[int], n_rows: int, power: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("weight", positive_weights(positive_counts, n_rows, power), persistent=False)

    def forward(self, logits: Float[Tensor, "row out"], label: Float[Tensor, "row out"]) -> Float[Tensor, ""]:
        return F.binary_cross_entropy_with_logits(logits.float(), label, pos_weight=self.weight)


class ClassBalanced(nn.Module):
    """The mean of -w log p of the true answer, w from `balanced_weights`, which says what beta means."""

    consumes = "logits"
    problems = ("multilabel", "binary")
    weighted = True
    weight: Tensor

    def __init__(self, positive_counts: Sequence[int], n_rows: int, beta: float = 0.9999) -> None:
        super().__init__()
        self.register_buffer("weight", balanced_weights(positive_counts, n_rows, beta), persistent=False)

    def forward(self, logits: Float[Tensor, "row out"], label: Float[Tensor, "row out"]) -> Float[Tensor, ""]:
        of_no, of_yes = self.weight
        log_p, log_rest = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
        return -(of_yes * label * log_p + of_no * (1 - label) * log_rest).mean()


class BinaryFocal(nn.Module):
    """The mean of -a w (1 - p) ** gamma log p, p of the true answer: answers that are already right count little.

    Here a is alpha where the class is there and 1 - alpha where it is not; w comes from `column_weights`.

    Args:
        positive_counts: training rows per output that are a yes.
        alpha: share of the positives; 0.5 treats both answers alike, and halves the loss.
        gamma: how little; 0 is weighted cross-entropy.
        power: of the inverse frequency; 0 sets w to 1.

    Raises:
        ValueError: alpha does not lie between 0 and 1, or gamma is negative.

    Source:
        Lin et al., ICCV 2017, arXiv:1708.02002, equation 5, in its binary form.
    """

    consumes = "logits"
    problems = ("multilabel", "binary")
    weighted = True
    weight: Tensor

    def __init__(
        self, positive_counts: Sequence[int], alpha: float = 0.434, gamma: float = 2.135, power: float = 0.5
    ) -> None:
        super().__init__()
        if not 0 < alpha < 1:
            raise ValueError(f"alpha={alpha} must lie between 0 and 1, or one of the answers costs nothing")
        _check_gamma("gamma", gamma)
        self.alpha, self.gamma = alpha, gamma
        self.register_buffer("weight", column_weights(positive_counts, power), persistent=False)

    def forward(self, logits: Float[Tensor, "row out"], label: Float[Tensor, "row out"]) -> Float[Tensor, ""]:
        log_p, log_rest = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
        if_there = -self.alpha * (self.gamma * log_rest).exp() * log_p
        if_not = -(1 - self.alpha) * (self.gamma * log_p).exp() * log_rest
        return (self.weight * (label * if_there + (1 - label) * if_not)).mean()


class AsymmetricLoss(nn.Module):
    """Focal loss with one gamma for each answer, and nothing for a negative that is right by a margin.

    Args:
        gamma_positive: how little a class that is there and found counts.
        gamma_negative: how little a class that is not there counts, as its probability falls.
        clip: margin; below this probability a negative costs nothing at all.

    Raises:
        ValueError: a gamma is negative, or the margin does not lie between 0 and 1.

    Source:
        Ben-Baruch et al., ICCV 2021, arXiv:2009.14119, equations 4 to 7; its values for images.
    """

    consumes = "logits"
    problems = ("multilabel", "binary")
    weighted = False
    log_clip: Tensor

    def __init__(self, gamma_positive: float = 0.0, gamma_negative: float = 4.0, clip: float = 0.05) -> None:
        super().__init__()
        _check_gamma("gamma_positive", gamma_positive)
        _check_gamma("gamma_negative", gamma_negative)
        if not 0 <= clip < 1:
            raise ValueError(f"clip={clip} must be at least 0 and below 1, or no negative costs anything: try 0.05")
        self.gamma_positive, self.gamma_negative = gamma_positive, gamma_negative
        self.register_buffer("log_clip", torch.tensor(clip).log(), persistent=False)

    def forward(self, logits: Float[Tensor, "row out"], label: Float[Tensor, "row out"]) -> Float[Tensor, ""]:
        log_p, log_rest = F.logsigmoid(logits.float()), F.logsigmoid(-logits.float())
        if_there = -(self.gamma_positive * log_rest).exp() * log_p
        log_rest = torch.logaddexp(log_rest, self.log_clip).clamp(max=0)  # of 1 - max(p - clip, 0)
        # clamped: below gamma 1 the slope of the power has no end where the probability is 0
        beyond = (-torch.expm1(log_rest)).clamp(min=1e-6)
        if_not = -(beyond**self.gamma_negative) * log_rest
        return (label * if_there + (1 - label) * if_not).mean()


def _check_power(power: float) -> None:
    if not 0 <= power <= 1:
        raise ValueError(f"power={power} must lie between 0 (no weights) and 1 (inverse frequency): 0.5 is usual")


def _check_positives(positive_counts: Sequence[int], n_rows: int) -> None:
    if max(positive_counts) > n_rows:
        raise ValueError(f"positive_counts={tuple(positive_counts)} exceed n_rows={n_rows}: count each row once")


def _check_gamma(name: str, gamma: float) -> None:
    if gamma < 0:
        raise ValueError(f"{name}={gamma} must be at least 0, or answers that are right count most: 2 is usual")
