"""From the parts that a network scores to one score per row, and from which score on a row is an anomaly.

By what normal validation rows score, and by nothing else: no anomaly is ever asked.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import Refused

MIN_NORMALS = 2  # fewer do not say how much they vary

Standard = tuple[tuple[float, float], ...]  # mean and standard deviation of each part that counts


def fit_standards(predictions: Predictions) -> dict[int, Standard]:
    """Per fold, mean and standard deviation (n - 1) of each part that counts; empty if not anomaly.

    Raises:
        Refused: a fold has fewer than two normal validation rows, or, where parts are to be averaged, one that is the
            same in all of them.
    """
    if predictions.problem != "anomaly":
        return {}
    parts, found = predictions.logits, {}
    for fold, rows in _normals(predictions).items():
        mean, sd = parts[rows].mean(axis=0), parts[rows].std(axis=0, ddof=1)
        same = [part for part, spread in zip(predictions.score, sd, strict=True) if spread == 0]
        if same and len(predictions.score) > 1:
            raise Refused(
                f"fold {fold}: {', '.join(same)} never varies over its {rows.sum()} normal validation rows, and cannot "
                f"be weighed against other parts: take it out of score={list(predictions.score)}"
            )
        found[fold] = tuple(zip(mean.tolist(), sd.tolist(), strict=True))
    return found


def scores(predictions: Predictions, standards: Mapping[int, Standard]) -> Float[np.ndarray, " row"]:
    """One score per row, each by its own fold's standard."""
    fold, parts = predictions.table["fold"].to_numpy(), predictions.logits
    found = np.empty(len(parts))
    for k in np.unique(fold):
        found[fold == k] = combined(parts[fold == k], standards[int(k)])
    return found


def combined(parts: Float[np.ndarray, "row part"], standard: Standard) -> Float[np.ndarray, " row"]:
    """A single part as it is, in its own unit; of several the mean of (part - mean) / standard deviation."""
    if len(standard) == 1:
        return parts[:, 0]
    mean, sd = np.array(standard).T
    return ((parts - mean) / sd).mean(axis=1)


def fit_limits(predictions: Predictions, score: Float[np.ndarray, " row"]) -> dict[int, tuple[float, ...]]:
    """Per fold, from which score on a row is an anomaly: by the rule of the predictions.

    Raises:
        Refused: a fold has fewer than two normal validation rows.
    """
    return {
        fold: (limit(score[rows], predictions.n_sd, predictions.percentile),)
        for fold, rows in _normals(predictions).items()
    }


def limit(normal: Float[np.ndarray, " row"], n_sd: float | None, percentile: float | None) -> float:
    """The percentile of what normal rows score, or their mean and so many standard deviations (n - 1) more."""
    if percentile is not None:
        return float(np.percentile(normal, percentile))
    return float(normal.mean() + (n_sd or 0.0) * normal.std(ddof=1))


def rule(predictions: Predictions) -> str:
    """How the threshold is found, in words."""
    if predictions.percentile is not None:
        return f"percentile {predictions.percentile:g} of validation normals"
    return f"mean + {predictions.n_sd:g} SD of validation normals"


def _normals(predictions: Predictions) -> dict[int, Bool[np.ndarray, " row"]]:
    """The normal validation rows of each fold."""
    found = {fold: rows & (predictions.label == 0) for fold, rows in predictions.fitted_on().items()}
    for fold, rows in found.items():
        n_rows = int(rows.sum())
        if n_rows < MIN_NORMALS:
            raise Refused(
                f"fold {fold} has {n_rows} normal validation row{'s' * (n_rows != 1)}: a threshold takes at least "
                f"{MIN_NORMALS}; give validation more of them"
            )
    return found
