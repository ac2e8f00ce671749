"""Scores of problems that tell two classes apart by one number: how likely the second one is."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning import metrics, multiclass_scores
from ecg_lightning.calibration import Decisions, uncalibrated
from ecg_lightning.predictions import Predictions
from ecg_lightning.ranking import ranking_replicates, sensitivity_replicates

SPECIFICITY = 0.9  # of sensitivity_at_specificity_90
MAJORITY = ("majority/accuracy", "majority/macro_f1")  # of calling every row by the class that most rows are of

n_classes = multiclass_scores.n_classes


def headline_names(about: Predictions) -> list[str]:
    """Numbers that come first wherever results are shown; what the commonest class alone scores stands beside."""
    return [
        *("auroc", "average_precision", "sensitivity_at_specificity_90", "patient_auroc_mean"),
        *(f"f1/{about.classes[1]}", "macro_f1", "majority/macro_f1", "accuracy", "majority/accuracy", "ece"),
    ]


def without_names(about: Predictions) -> list[str]:
    """Numbers that are also given without single records."""
    return multiclass_scores.without_names(about)


def decision_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Everything that follows from what was called, one value per replicate."""
    scores = multiclass_scores.decision_scores(rows, unit, weight)
    return scores | {"specificity": scores[f"sensitivity/{rows.about.classes[0]}"]}


def ranking_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """What holds whatever the threshold, one value per replicate."""
    sensitivity = sensitivity_replicates(rows.p[:, 1], rows.about.label == 1, unit, weight, SPECIFICITY)
    return areas(rows, unit, weight) | {"sensitivity_at_specificity_90": sensitivity}


def areas(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Both areas, and the mean of the patients' own, one value per replicate.

    The mean of the patients' own AUROCs takes each as often as the unit of the patient's first row was drawn, and
    leaves out those of one class. Where a single patient has both, no draw says how far it may be off: of several units
    it is NaN.
    """
    p, positive = rows.p[:, 1], rows.about.label == 1
    auroc, precise = ranking_replicates(p, positive, unit, weight)
    own = patient_aurocs(rows)
    place = unit[own["first"].to_numpy(np.int64)]
    varies = weight.shape[1] == 1 or len(own) > 1
    total, n = (weight @ np.bincount(place, values, weight.shape[1]) for values in (own["auroc"], np.ones(len(own))))
    return {
        "auroc": auroc,
        "average_precision": precise,
        "patient_auroc_mean": np.where((n > 0) & varies, total / np.maximum(n, 1), np.nan),
    }


def patient_aurocs(rows: Decisions) -> pd.DataFrame:
    """One row per patient and side with windows of both classes: patient, side, auroc, and the first of the rows."""
    p, positive = rows.p[:, 1], rows.about.label == 1
    places = rows.about.table.groupby(["patient", "side"]).indices
    both = {key: place for key, place in places.items() if 0 < positive[place].sum() < len(place)}
    found = [(*key, metrics.auroc(p[place], positive[place]), place[0]) for key, place in both.items()]
    return pd.DataFrame(found, columns=["patient", "side", "auroc", "first"])


def other_scores(rows: Decisions) -> dict[str, float]:
    """Numbers that get no interval; calibration errors are those of the second class."""
    label = rows.about.label
    numbers = {"nll": float(-np.log(np.maximum(rows.p[np.arange(len(label)), label], 1e-300)).mean())}
    for name, p in (("ece", rows.p), ("ece_uncalibrated", uncalibrated(rows.about))):
        numbers[name] = metrics.expected_calibration_error(p[:, 1], label == 1)
    most = np.full_like(label, np.bincount(label).argmax())
    counts = metrics.confusion(label, most, 2)
    scores = (metrics.accuracy(counts), metrics.macro(metrics.f1(counts)))
    numbers |= {name: float(score) for name, score in zip(MAJORITY, scores, strict=True)}
    return numbers | {"n_patients_both_classes": len(patient_aurocs(rows))}


def per_patient(rows: Decisions) -> pd.DataFrame:
    """One row per patient and side, as of several classes, with auroc, which is NaN for those of one class."""
    table = multiclass_scores.per_patient(rows)
    own = table.merge(patient_aurocs(rows), how="left", on=["patient", "side"])["auroc"]
    table.insert(list(table.columns).index("macro_f1") + 1, "auroc", own)
    return table
