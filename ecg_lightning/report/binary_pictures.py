"""Figures of a problem that tells two classes apart."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ecg_lightning import metrics
from ecg_lightning.calibration import Decisions
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES
from ecg_lightning.report import binary_figures, score_figures
from ecg_lightning.report.picture import Picture

ONE_CLASS = "Not drawn: it takes windows of two classes to rank."


def scores(shown: Decisions, card: Mapping[str, Any], side: str, mark: str) -> Iterator[Picture]:
    """Class shares, confusion matrix and ranking of one side."""
    yield from counted(shown, card, side, mark)
    label, classes = shown.about.label, shown.about.classes
    name, title = "ranking", "ROC and precision-recall"
    if len(np.unique(label)) < 2:
        yield Picture(name, title, ONE_CLASS, None)
        return
    caption = (
        f"{classes[1]} against {classes[0]} over all thresholds, {SIDES[side]} windows. The threshold in use was "
        f"chosen on validation windows; that of specificity {binary_figures.SPECIFICITY:g} on the windows shown."
    )
    p, positive = shown.p[:, 1], label == 1
    points = {
        "threshold in use": binary_figures.point_of(positive, shown.called == 1),
        f"specificity {binary_figures.SPECIFICITY:g}": binary_figures.strict_point(p, positive),
    }
    figure = binary_figures.operating_curves(p, positive, points, "chance", classes[1], mark)
    yield Picture(name, title, caption, figure)


def counted(shown: Decisions, card: Mapping[str, Any], side: str, mark: str) -> Iterator[Picture]:
    """Class shares of all sides, and the confusion matrix of one."""
    label, classes = shown.about.label, shown.about.classes
    figure = binary_figures.class_shares(_counts(shown, card, side), classes, mark)
    caption = "Each side's windows by class; how many stands in brackets."
    yield Picture("class_shares", "Class percentages", caption, figure)
    counts = metrics.confusion(label, shown.called, 2)
    caption = f"What {len(label):,} {SIDES[side]} windows are (rows) and what they were called (columns)."
    yield Picture(
        "confusion_matrix", "Confusion matrix", caption, score_figures.confusion_matrices(counts, classes, mark)
    )


def _counts(shown: Decisions, card: Mapping[str, Any], side: str) -> dict[str, tuple[int, ...]]:
    """Windows per side and class by the data card; without one those that are shown."""
    classes = shown.about.classes
    known = card.get("counts") or {side: dict(zip(classes, np.bincount(shown.about.label, minlength=2), strict=True))}
    return {
        SIDES.get(one, one): tuple(int(own.get(name, 0)) for name in classes)
        for one, own in known.items()
        if sum(own.values())
    }


def patients(shown: Decisions, found: Evaluation, side: str, mark: str) -> Picture:
    """Every patient alone."""
    people = found.per_patient[found.per_patient["side"] == side]
    n_ranked, most = int(people["auroc"].notna().sum()), score_figures.MAX_PATIENTS
    least = f", the first {most} of {len(people):,}" if len(people) > most else ""
    caption = (
        f"Each {SIDES[side]} patient alone, lowest AUROC first{least}. {n_ranked} of {len(people)} have windows of "
        "both classes; the others have no AUROC."
    )
    figure = binary_figures.auroc_bars(people, (shown.about.classes[0], shown.about.classes[1]), mark)
    return Picture("patients", "Patient by patient", caption, figure)
