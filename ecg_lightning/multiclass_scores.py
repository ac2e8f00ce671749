"""Scores of problems in which every row is of one class."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning import metrics
from ecg_lightning.calibration import Decisions, uncalibrated
from ecg_lightning.predictions import Predictions
from ecg_lightning.ranking import auroc_replicates


def headline_names(about: Predictions) -> list[str]:
    """Numbers that come first wherever results are shown."""
    return [*without_names(about), "kappa", "jk_index", "macro_auroc", "ece"]


def without_names(about: Predictions) -> list[str]:
    """Numbers that are also given without single records."""
    return ["accuracy", "macro_f1", *([about.headline_name] if about.headline_classes else [])]


def decision_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Everything that follows from confusion matrices, one value per replicate."""
    about = rows.about
    counts = np.tensordot(weight, _counts(rows, unit, weight.shape[1]), axes=1)
    per_class = {"f1": metrics.f1(counts), "sensitivity": metrics.sensitivity(counts)}
    per_class["precision"] = metrics.precision(counts)
    scores = {"accuracy": metrics.accuracy(counts), "macro_f1": metrics.macro(per_class["f1"])}
    if about.headline_classes:
        chosen = [about.classes.index(name) for name in about.headline_classes]
        scores[about.headline_name] = metrics.macro(per_class["f1"], chosen)
    scores["kappa"] = metrics.kappa(counts)
    if {"S", "V", "F"} <= set(about.classes):
        scores["jk_index"] = metrics.jk_index(counts, *(about.classes.index(name) for name in "SVF"))
    for kind, values in per_class.items():
        scores |= {f"{kind}/{name}": values[:, index] for index, name in enumerate(about.classes)}
    return scores


def ranking_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """AUROC of each class against the rest, exactly, one value per replicate."""
    label = rows.about.label
    areas = {
        f"auroc/{name}": auroc_replicates(rows.p[:, index], label == index, unit, weight)
        for index, name in enumerate(rows.about.classes)
    }
    return {"macro_auroc": metrics.macro(np.stack(list(areas.values()), axis=-1))} | areas


def n_classes(rows: Decisions) -> int:
    """Classes that are there."""
    return len(np.unique(rows.about.label))


def other_scores(rows: Decisions) -> dict[str, float]:
    """Numbers that get no interval."""
    label, numbers = rows.about.label, {}
    for index, name in enumerate(rows.about.classes):
        numbers[f"average_precision/{name}"] = metrics.average_precision(rows.p[:, index], label == index)
    numbers["nll"] = float(-np.log(np.maximum(rows.p[np.arange(len(label)), label], 1e-300)).mean())
    for name, p in (("ece", rows.p), ("ece_uncalibrated", uncalibrated(rows.about))):
        numbers[name] = metrics.expected_calibration_error(p.max(axis=1), rows.called == label)
    return numbers


def per_patient(rows: Decisions) -> pd.DataFrame:
    """One row per patient and side: patient, side, n_windows, accuracy, macro_f1, and n_<class>."""
    owner = rows.about.table[["patient", "side"]]
    unit = owner.groupby(["patient", "side"], sort=True).ngroup().to_numpy()
    table = owner.assign(unit=unit).drop_duplicates().sort_values("unit")[["patient", "side"]].reset_index(drop=True)
    counts = _counts(rows, unit, len(table))
    scores = table.assign(
        n_windows=counts.sum((1, 2)), accuracy=metrics.accuracy(counts), macro_f1=metrics.macro(metrics.f1(counts))
    )
    return scores.assign(**{f"n_{name}": counts[:, index].sum(-1) for index, name in enumerate(rows.about.classes)})


def _counts(rows: Decisions, unit: Int[np.ndarray, " row"], n_units: int) -> Int[np.ndarray, "unit class class"]:
    return metrics.confusion_per_group(rows.about.label, rows.called, len(rows.about.classes), unit, n_units)
