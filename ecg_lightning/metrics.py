"""Scores as pure functions of confusion matrices and of scores; every leading axis is carried along.

Rows of a confusion matrix are truth, columns prediction. A score that is not defined is NaN: nobody may
take a class that was absent for a class that was missed.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from numpy.typing import ArrayLike


def confusion_per_group(
    label: Int[np.ndarray, " row"],
    predicted: Int[np.ndarray, " row"],
    n_classes: int,
    group: Int[np.ndarray, " row"],
    n_groups: int,
) -> Int[np.ndarray, "group class class"]:
    """Count truth against prediction, once per group (patient, record)."""
    cell = (group * n_classes + label) * n_classes + predicted
    counts = np.bincount(cell, minlength=n_groups * n_classes * n_classes)
    return counts.reshape(n_groups, n_classes, n_classes)


def confusion(
    label: Int[np.ndarray, " row"], predicted: Int[np.ndarray, " row"], n_classes: int
) -> Int[np.ndarray, "class class"]:
    """Count truth (rows) against prediction (columns)."""
    return confusion_per_group(label, predicted, n_classes, np.zeros_like(label), 1)[0]


def confusion_per_class(
    label: Int[np.ndarray, "row class"],
    called: Bool[np.ndarray, "row class"],
    group: Int[np.ndarray, " row"],
    n_groups: int,
) -> Int[np.ndarray, "group class 2 2"]:
    """Count truth against call for each class on its own, once per group; index 1 is yes.

    Every score of a confusion matrix applies: sensitivity(counts)[..., 1] is that of the class, and
    sensitivity(counts)[..., 0] its specificity.
    """
    n_classes = label.shape[1]
    cell = (((group[:, None] * n_classes) + np.arange(n_classes)) * 2 + label) * 2 + called
    counts = np.bincount(cell.ravel(), minlength=n_groups * n_classes * 4)
    return counts.reshape(n_groups, n_classes, 2, 2)


def accuracy(counts: Num[np.ndarray, "*batch class class"]) -> Float[np.ndarray, "*batch"]:
    """Share of windows called right."""
    return _ratio(_right(counts).sum(-1), counts.sum((-2, -1)))


def sensitivity(counts: Num[np.ndarray, "*batch class class"]) -> Float[np.ndarray, "*batch class"]:
    """Share of each class that was found; NaN where the class is absent."""
    return _ratio(_right(counts), counts.sum(-1))


def precision(counts: Num[np.ndarray, "*batch class class"]) -> Float[np.ndarray, "*batch class"]:
    """Share of the calls of each class that were right; NaN where the class is absent or never called."""
    return np.where(counts.sum(-1) > 0, _ratio(_right(counts), counts.sum(-2)), np.nan)


def f1(counts: Num[np.ndarray, "*batch class class"]) -> Float[np.ndarray, "*batch class"]:
    """Harmonic mean of sensitivity and precision; NaN where the class is absent, 0 where it was never found."""
    support = counts.sum(-1)
    return np.where(support > 0, _ratio(2 * _right(counts), support + counts.sum(-2)), np.nan)


def macro(
    per_class: Float[np.ndarray, "*batch class"], classes: Sequence[int] | None = None
) -> Float[np.ndarray, "*batch"]:
    """Average a score over the classes that have one.

    torchmetrics and scikit-learn count an absent class as 0, which drags the mean of the others down.

    Args:
        per_class: NaN where a class has no score.
        classes: the only ones to average; None is all.
    """
    chosen = per_class if classes is None else per_class[..., list(classes)]
    defined = ~np.isnan(chosen)
    return _ratio(np.where(defined, chosen, 0.0).sum(-1), defined.sum(-1))


def kappa(counts: Num[np.ndarray, "*batch class class"]) -> Float[np.ndarray, "*batch"]:
    """Agreement beyond chance; NaN where truth and prediction are one and the same single class.

    Source:
        Cohen, Educ. Psychol. Meas. 20:37-46 (1960).
    """
    total = counts.sum((-2, -1))
    by_chance = _ratio((counts.sum(-1) * counts.sum(-2)).sum(-1), total * total)
    return _ratio(accuracy(counts) - by_chance, 1 - by_chance)


def jk_index(counts: Num[np.ndarray, "*batch class class"], s: int, v: int, f: int) -> Float[np.ndarray, "*batch"]:
    """Sum up kappa and the finding of S and V beats: kappa / 2 + (Se_S + Se_V + P_S + P_V) / 8.

    An F beat called V is not counted as a false V (that is row F, column V; public code that takes row V, column F
    forgives the wrong beats). A class that is there and never called has earned no precision: it counts as 0.

    Args:
        counts: of classes that include the AAMI ones.
        s: index of the supraventricular class.
        v: index of the ventricular class.
        f: index of the fusion class.

    Returns:
        NaN where S or V is absent.

    Source:
        Mar et al., IEEE Trans. Biomed. Eng. 58:2168-2177 (2011), eq. for the jk index; ANSI/AAMI EC57 on fusion beats.
    """
    forgiven = counts.astype(float)
    forgiven[..., f, v] = 0.0
    found = sensitivity(counts)
    earned = np.nan_to_num(precision(forgiven))
    return np.asarray(kappa(counts) / 2 + (found[..., s] + found[..., v] + earned[..., s] + earned[..., v]) / 8)


def concordance(
    score: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    group: Int[np.ndarray, " row"],
    n_groups: int,
) -> Float[np.ndarray, "group group"]:
    """Count, for each pair of groups, how often a positive of the first outranks a negative of the second.

    A tie counts one half. The sum over all pairs, divided by positives times negatives, is the AUROC. With
    group weights w it is w U w / (w positives)(w negatives): a bootstrap over patients needs no second ranking.
    """
    order = np.argsort(score[positive])
    wanted, wanted_group = score[positive][order], group[positive][order]
    pairs = np.zeros((n_groups, n_groups))
    for other in np.unique(group[~positive]):
        ranked = np.sort(score[~positive & (group == other)])
        below = (np.searchsorted(ranked, wanted, "left") + np.searchsorted(ranked, wanted, "right")) / 2
        pairs[:, other] = np.bincount(wanted_group, weights=below, minlength=n_groups)
    return pairs


def auroc(score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> float:
    """Chance that a positive outranks a negative; NaN where one of the two is absent."""
    n_positive = int(positive.sum())
    n_pairs = n_positive * (len(positive) - n_positive)
    everyone = np.zeros(len(score), dtype=np.int64)
    return float(concordance(score, positive, everyone, 1).sum() / n_pairs) if n_pairs else float("nan")


def roc_curve(
    score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, " threshold"], Float[np.ndarray, " threshold"]]:
    """Walk the threshold down: (1 - specificity, sensitivity), from (0, 0) to (1, 1)."""
    found, called = _walk_down(score, positive)
    false = called - found
    return np.append(0.0, _ratio(false, false[-1:])), np.append(0.0, _ratio(found, found[-1:]))


def precision_recall_curve(
    score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, " threshold"], Float[np.ndarray, " threshold"]]:
    """Walk the threshold down: (recall, precision), from recall 0, where precision is 1 by agreement."""
    found, called = _walk_down(score, positive)
    return np.append(0.0, _ratio(found, found[-1:])), np.append(1.0, _ratio(found, called))


def average_precision(score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> float:
    """Area under the precision-recall steps; NaN where there is no positive."""
    if not positive.any():
        return float("nan")
    recall, precise = precision_recall_curve(score, positive)
    return float(np.sum(np.diff(recall) * precise[1:]))


def best_f1(score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> tuple[float, float]:
    """The best F1 that any threshold has on these rows, and the highest such threshold; NaN without a positive.

    Chosen on the very rows that it is the score of, it is no estimate of anything: call it an oracle.
    """
    if not positive.any():
        return float("nan"), float("nan")
    found, called = _walk_down(score, positive)
    each = _ratio(2 * found, called + positive.sum())
    best = int(np.argmax(each))
    return float(each[best]), float(np.sort(score)[::-1][called[best] - 1])


def reliability(
    p: Float[np.ndarray, " row"], outcome: Bool[np.ndarray, " row"], n_bins: int = 15
) -> tuple[Float[np.ndarray, " bin"], Float[np.ndarray, " bin"], Int[np.ndarray, " bin"]]:
    """Compare what was said with what came, in bins of equal width over [0, 1].

    Returns:
        Per bin: mean of p, share of outcomes that came, rows. The first two are NaN where a bin is empty.
    """
    place = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
    count = np.bincount(place, minlength=n_bins)
    said, came = (np.bincount(place, weights=values, minlength=n_bins) for values in (p, outcome))
    return _ratio(said, count), _ratio(came, count), count


def expected_calibration_error(p: Float[np.ndarray, " row"], outcome: Bool[np.ndarray, " row"]) -> float:
    """Mean distance between what was said and what came, over 15 bins, weighted by their rows.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3.
    """
    said, came, count = reliability(p, outcome)
    there = count > 0
    return float(np.average(np.abs(said - came)[there], weights=count[there])) if there.any() else float("nan")


def _walk_down(
    score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]
) -> tuple[Num[np.ndarray, " threshold"], Num[np.ndarray, " threshold"]]:
    """Positives found and windows called at each distinct threshold, highest first."""
    order = np.argsort(-score, kind="stable")
    last_of_a_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    return np.cumsum(positive[order])[last_of_a_tie], last_of_a_tie + 1


def _right(counts: Num[np.ndarray, "*batch class class"]) -> Num[np.ndarray, "*batch class"]:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _ratio(part: ArrayLike, whole: ArrayLike) -> Float[np.ndarray, "..."]:
    """Divide; NaN where the whole is 0."""
    above, below = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
