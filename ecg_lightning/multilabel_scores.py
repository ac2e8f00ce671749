"""Scores of problems in which a row may be of any number of classes, each called or not on its own."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning import metrics
from ecg_lightning.calibration import Decisions, uncalibrated
from ecg_lightning.ranking import ranking_replicates

WITHOUT = ("macro_f1", "subset_accuracy", "hamming_loss")  # also given without single records
HEADLINE = (
    *("macro_auroc", "macro_average_precision", "macro_f1", "macro_precision", "macro_sensitivity"),
    *("subset_accuracy", "hamming_loss", "ece"),
)


def decision_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Everything that follows from what was called, one value per replicate.

    A class that is there and never called has earned no precision: it has none of its own, and counts as 0 in the
    mean. Subset accuracy is the share of rows with every class right, Hamming loss the share of wrong pairs of row
    and class.
    """
    n_units = weight.shape[1]
    label, classes = rows.about.label, rows.about.classes
    counts = np.tensordot(weight, metrics.confusion_per_class(label, rows.called, unit, n_units), axes=1)
    there = counts[..., 1, :].sum(-1) > 0
    per_class = {"f1": metrics.f1(counts)[..., 1], "sensitivity": metrics.sensitivity(counts)[..., 1]}
    per_class |= {"precision": metrics.precision(counts)[..., 1], "specificity": metrics.sensitivity(counts)[..., 0]}
    earned = np.where(there, np.nan_to_num(per_class["precision"]), np.nan)
    means = {"macro_f1": per_class["f1"], "macro_precision": earned, "macro_sensitivity": per_class["sensitivity"]}
    scores = {name: metrics.macro(values) for name, values in means.items()}
    size = weight @ np.bincount(unit, minlength=n_units)
    wrong = (label == 1) != rows.called
    scores["subset_accuracy"] = weight @ np.bincount(unit[~wrong.any(axis=1)], minlength=n_units) / size
    scores["hamming_loss"] = weight @ np.bincount(unit, wrong.sum(axis=1), n_units) / (size * len(classes))
    for kind, values in per_class.items():
        scores |= {f"{kind}/{name}": values[:, index] for index, name in enumerate(classes)}
    return scores


def ranking_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """AUROC and average precision of each class, and their means over the classes present, one value per replicate."""
    positive = rows.about.label == 1
    found = [ranking_replicates(rows.p[:, k], positive[:, k], unit, weight) for k in range(positive.shape[1])]
    scores: dict[str, Float[np.ndarray, " replicate"]] = {}
    for kind, values in zip(("auroc", "average_precision"), zip(*found, strict=True), strict=True):
        scores[f"macro_{kind}"] = metrics.macro(np.stack(values, axis=-1))
        scores |= {f"{kind}/{name}": area for name, area in zip(rows.about.classes, values, strict=True)}
    return scores


def n_classes(rows: Decisions) -> int:
    """Classes that are there."""
    return int(rows.about.label.any(axis=0).sum())


def other_scores(rows: Decisions) -> dict[str, float]:
    """Numbers that get no interval: nll is the mean over pairs of row and class, ece that over the classes present."""
    label = rows.about.label
    there = np.flatnonzero(label.any(axis=0))
    of_what_came = np.where(label == 1, rows.p, 1 - rows.p)
    numbers = {"nll": float(-np.log(np.maximum(of_what_came, np.finfo(np.float64).eps)).mean())}
    for name, p in (("ece", rows.p), ("ece_uncalibrated", uncalibrated(rows.about))):
        errors = [metrics.expected_calibration_error(p[:, k], label[:, k] == 1) for k in there]
        numbers[name] = float(np.mean(errors)) if errors else float("nan")
    return numbers


def per_patient(rows: Decisions) -> pd.DataFrame:
    """One row per patient of several windows and side, with n_windows, subset_accuracy, hamming_loss and n_<class>.

    Patients of one window are left out: a corpus of single records has thousands, and nothing to say of each.
    """
    wrong = (rows.about.label == 1) != rows.called
    table = rows.about.table[["patient", "side"]].assign(
        n_windows=1, subset_accuracy=~wrong.any(axis=1), hamming_loss=wrong.mean(axis=1)
    )
    found = {"n_windows": "sum", "subset_accuracy": "mean", "hamming_loss": "mean"}
    names = [f"n_{name}" for name in rows.about.classes]
    table = table.join(pd.DataFrame(rows.about.label, columns=names, index=table.index))
    whole = table.groupby(["patient", "side"], as_index=False).agg(found | dict.fromkeys(names, "sum"))
    return whole[whole["n_windows"] > 1].reset_index(drop=True)
