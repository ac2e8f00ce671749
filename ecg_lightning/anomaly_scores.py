"""Scores of problems that tell whether a row is an anomaly, of any kind, by how unlike normal ones it is."""

from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from ecg_lightning import binary_scores, metrics
from ecg_lightning.calibration import Decisions
from ecg_lightning.predictions import Predictions
from ecg_lightning.ranking import ranking_replicates

n_classes = binary_scores.n_classes


def headline_names(about: Predictions) -> list[str]:
    """Numbers that come first wherever results are shown; what calling every row alike scores stands beside.

    Where several parts count, what each of them reaches alone follows what they reach together.
    """
    anomaly, parts = about.classes[1], about.score if len(about.score) > 1 else ()
    return [
        *("auroc", *(f"by_part/{part}/auroc" for part in parts)),
        *("average_precision", "always_anomaly/average_precision"),
        *(f"f1/{anomaly}", "always_anomaly/f1", f"precision/{anomaly}", f"sensitivity/{anomaly}", "specificity"),
        *(f"auroc/{kind}" for kind in about.kinds),
        *("accuracy", "majority/accuracy", "always_anomaly/accuracy", "oracle/f1"),
    ]


def without_names(about: Predictions) -> list[str]:
    """Numbers that are also given without single records."""
    return ["auroc", "average_precision", *(f"auroc/{kind}" for kind in about.kinds)]


def decision_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """Everything that follows from what was called, as of two classes, and the share of each kind that was found."""
    scores, called = binary_scores.decision_scores(rows, unit, weight), rows.called == 1
    for kind, of_kind in _kinds(rows).items():
        places = (unit[of_kind], unit[of_kind & called])
        size, found = (weight @ np.bincount(place, minlength=weight.shape[1]) for place in places)
        scores[f"sensitivity/{kind}"] = np.where(size > 0, found / np.maximum(size, 1), np.nan)
    return scores


def ranking_scores(
    rows: Decisions, unit: Int[np.ndarray, " row"], weight: Float[np.ndarray, "replicate unit"]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """What holds whatever the threshold: of all anomalies, and of each kind, against all normal rows.

    Both areas are NaN where a replicate lacks normal rows or anomalies. The mean of the patients' own AUROCs is left
    out where all rows are of one patient.
    """
    of_two, normal = binary_scores.areas(_of_two(rows), unit, weight), rows.about.label == 0
    kept = ["auroc", "average_precision", *(["patient_auroc_mean"] if _several_patients(rows) else [])]
    scores = {name: of_two[name] for name in kept}
    for kind, of_kind in _kinds(rows).items():
        shown = normal | of_kind
        auroc, precise = ranking_replicates(rows.p[shown, 0], of_kind[shown], unit[shown], weight)
        scores |= {f"auroc/{kind}": auroc, f"average_precision/{kind}": precise}
    for end in ("", *(f"/{kind}" for kind in rows.about.kinds)):
        scores[f"average_precision{end}"][np.isnan(scores[f"auroc{end}"])] = np.nan
    return scores


def other_scores(rows: Decisions) -> dict[str, float]:
    """Numbers that get no interval.

    They are the rows of each kind; both areas of every part by itself, whether it counts or not; what calling every row
    an anomaly scores, and what calling every row by the commoner class does; and the best F1 that a threshold chosen on
    these very rows would have, the oracle's.
    """
    positive = rows.about.label == 1
    both = 0 < positive.mean() < 1
    numbers: dict[str, float] = {f"n/{kind}": int(of_kind.sum()) for kind, of_kind in _kinds(rows).items()}
    if _several_patients(rows):
        numbers["n_patients_both_classes"] = len(binary_scores.patient_aurocs(_of_two(rows)))
    for part in rows.about.parts if both else ():
        value = rows.about.table[f"score_{part}"].to_numpy(dtype=np.float64)
        numbers[f"by_part/{part}/auroc"] = metrics.auroc(value, positive)
        numbers[f"by_part/{part}/average_precision"] = metrics.average_precision(value, positive)
    counts = metrics.confusion(rows.about.label, np.ones_like(rows.about.label), 2)
    always = {"accuracy": metrics.accuracy(counts), "f1": metrics.f1(counts)[1]}
    always["average_precision"] = positive.mean() if both else np.nan
    best, threshold = metrics.best_f1(rows.p[:, 0], positive)
    numbers |= {f"always_anomaly/{name}": float(value) for name, value in always.items()}
    numbers["majority/accuracy"] = float(max(positive.mean(), 1 - positive.mean()))
    return numbers | {"oracle/f1": best, "oracle/threshold": threshold}


def per_patient(rows: Decisions) -> pd.DataFrame:
    """One row per patient and side, as of two classes."""
    return binary_scores.per_patient(_of_two(rows))


def _several_patients(rows: Decisions) -> bool:
    """Rows of nobody known are all of one: there is nobody to average over."""
    return rows.about.table["patient"].nunique() > 1


def _of_two(rows: Decisions) -> Decisions:
    """The same rows, with the score where binary problems have the probability of their second class."""
    return replace(rows, p=rows.p[:, [0, 0]])


def _kinds(rows: Decisions) -> dict[str, Bool[np.ndarray, " row"]]:
    """Which rows are of each kind."""
    return {kind: rows.column(f"kind_{kind}") == 1 for kind in rows.about.kinds}
