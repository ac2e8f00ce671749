"""Ranking scores of many bootstrap replicates at once, exactly, ties included.

A replicate is a weight per unit (patient, record): how often it was drawn. No row is ever repeated or ranked again.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array

from ecg_lightning import metrics

CHUNK_BYTES = 30_000_000  # of the largest array; half a dozen of its size live at a time
PAIRS_PER_ROW = 20  # measured: with more pairs of units than this, walking down the ranks is quicker


def auroc_replicates(
    score: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    unit: Int[np.ndarray, " row"],
    weight: Float[np.ndarray, "replicate unit"],
) -> Float[np.ndarray, " replicate"]:
    """Chance that a positive outranks a negative; NaN where a replicate holds only one of the two.

    Few units of many rows are compared pair by pair of units, many units of few rows by walking down the ranks.
    """
    n_units = weight.shape[1]
    if n_units**2 > PAIRS_PER_ROW * len(score):
        return ranking_replicates(score, positive, unit, weight)[0]
    pairs = metrics.concordance(score, positive, unit, n_units)
    n_positive = weight @ np.bincount(unit[positive], minlength=n_units)
    n_pairs = n_positive * (weight @ np.bincount(unit, minlength=n_units) - n_positive)
    outranked = ((weight @ pairs) * weight).sum(axis=1)
    return np.where(n_pairs > 0, outranked / np.maximum(n_pairs, 1), np.nan)


def ranking_replicates(
    score: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    unit: Int[np.ndarray, " row"],
    weight: Float[np.ndarray, "replicate unit"],
) -> tuple[Float[np.ndarray, " replicate"], Float[np.ndarray, " replicate"]]:
    """AUROC and average precision, one value per replicate.

    Both are NaN where a replicate holds only positives or only negatives: there is nothing to rank. Rows between two
    scores that positives have are counted together, which leaves few steps to walk.
    """
    n_replicates = len(weight)
    auroc, precise = np.full(n_replicates, np.nan), np.full(n_replicates, np.nan)
    if not positive.any():
        return auroc, precise
    wanted, other = _steps(score, positive, unit, weight.shape[1])
    for part in _chunks(n_replicates, 8 * other.shape[0]):
        drawn = np.ascontiguousarray(weight[part].T)
        auroc[part], precise[part] = _walk(wanted @ drawn, other @ drawn)
    return auroc, precise


def sensitivity_replicates(
    score: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    unit: Int[np.ndarray, " row"],
    weight: Float[np.ndarray, "replicate unit"],
    least_specificity: float,
) -> Float[np.ndarray, " replicate"]:
    """Largest sensitivity that any threshold has whose specificity is at least so high, one value per replicate.

    0 where every such threshold misses all positives, NaN where a replicate holds only one of the two.
    """
    found = np.full(len(weight), np.nan)
    if not positive.any() or positive.all():
        return found
    wanted, other = _steps(score, positive, unit, weight.shape[1])
    for part in _chunks(len(weight), 8 * other.shape[0]):
        drawn = np.ascontiguousarray(weight[part].T)
        found[part] = _sensitivity(wanted @ drawn, other @ drawn, least_specificity)
    return found


def _sensitivity(
    wanted: Float[np.ndarray, "score replicate"], other: Float[np.ndarray, "step replicate"], least_specificity: float
) -> Float[np.ndarray, " replicate"]:
    """From the weight of positives and of negatives at each step; a threshold at a positive's score calls its ties."""
    passed = np.cumsum(other, axis=0, out=other)
    n_positive, n_negative = wanted.sum(axis=0), passed[-1].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = (n_negative - passed[1::2]) / n_negative >= least_specificity  # counts: 9 of 10 is exactly 0.9
        return np.where(n_negative > 0, (wanted * allowed).sum(axis=0), np.nan) / n_positive


def _steps(
    score: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"], unit: Int[np.ndarray, " row"], n_units: int
) -> tuple[csr_array, csr_array]:
    """Rows per step and unit, highest score first: positives by score, and negatives between and at these scores.

    Negative step 2k lies above the k-th highest score of a positive, step 2k + 1 is tied with it.
    """
    scores = np.unique(score[positive])  # ascending
    n_steps = len(scores)
    own = n_steps - 1 - np.searchsorted(scores, score[positive])
    above = n_steps - np.searchsorted(scores, score[~positive], side="right")  # scores of positives above each negative
    tied = np.isin(score[~positive], scores)
    wanted = _counted(own, unit[positive], (n_steps, n_units))
    return wanted, _counted(2 * above + tied, unit[~positive], (2 * n_steps + 1, n_units))


def _counted(step: Int[np.ndarray, " row"], unit: Int[np.ndarray, " row"], shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(step)), (step, unit)), shape=shape)


def _walk(
    wanted: Float[np.ndarray, "score replicate"], other: Float[np.ndarray, "step replicate"]
) -> tuple[Float[np.ndarray, " replicate"], Float[np.ndarray, " replicate"]]:
    """Both areas, from the weight of positives and of negatives at each step."""
    passed = np.cumsum(other, axis=0, out=other)
    n_positive, n_negative = wanted.sum(axis=0), passed[-1].copy()
    before, until = passed[:-1:2], passed[1::2]
    outranked = n_positive * n_negative - ((before + until) * wanted).sum(axis=0) / 2
    n_pairs = n_positive * n_negative
    found = np.cumsum(wanted, axis=0)
    called = np.maximum(found + until, 1.0)  # nothing was drawn yet: nothing is wanted there either
    precise = (found / called * wanted).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return outranked / n_pairs, np.where(n_negative > 0, precise / n_positive, np.nan)


def _chunks(n_replicates: int, bytes_each: int) -> Iterator[slice]:
    size = max(1, CHUNK_BYTES // bytes_each)
    return (slice(start, start + size) for start in range(0, n_replicates, size))
