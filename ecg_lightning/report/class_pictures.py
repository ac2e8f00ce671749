"""Figures of a problem in which every window is of one class."""

from collections.abc import Iterator

import numpy as np

from ecg_lightning import metrics
from ecg_lightning.calibration import Decisions
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES
from ecg_lightning.report import ecg_figures, score_figures
from ecg_lightning.report.picture import Picture

BEATS = ("beats_ecg_mv", "beats_row", "beats_fs_hz", "beats_n_before")


def scores(shown: Decisions, side: str, mark: str) -> Iterator[Picture]:
    """Confusion matrix and ranking of one side."""
    label, classes = shown.about.label, shown.about.classes
    counts = metrics.confusion(label, shown.called, len(classes))
    caption = f"What {len(label):,} {SIDES[side]} windows are (rows) and what they were called (columns)."
    figure = score_figures.confusion_matrices(counts, classes, mark)
    yield Picture("confusion_matrix", "Confusion matrix", caption, figure)
    name, title = "ranking", "ROC and precision-recall"
    if len(np.unique(label)) < 2:
        yield Picture(name, title, "Not drawn: it takes windows of two classes to rank.", None)
        return
    caption = f"Each class against the rest over all thresholds, {SIDES[side]} windows."
    positive = label[:, None] == np.arange(len(classes))
    yield Picture(name, title, caption, score_figures.ranking_curves(shown.p, positive, classes, mark))


def beats(shown: Decisions, examples: dict[str, np.ndarray], mark: str) -> Picture:
    """Windows of every class, right and wrong."""
    name, title = "sample_beats", "Beats, right and wrong"
    missing = any(key not in examples for key in BEATS)
    found = [] if missing else _beats(shown, examples)
    if not found:
        return Picture(name, title, "Not drawn: the run kept no windows to show (examples.npz).", None)
    n_samples = examples["beats_ecg_mv"].shape[-1]
    ms = (np.arange(n_samples) - int(examples["beats_n_before"])) / float(examples["beats_fs_hz"]) * 1000
    caption = "Drawn at random per class: truth → answer with its probability, then record and time of the R peak."
    unit = str(examples["strip_unit"][1]) if "strip_unit" in examples else "mV"
    return Picture(name, title, caption, ecg_figures.sample_beats(found, ms, shown.about.classes, unit, mark))


def _beats(shown: Decisions, examples: dict[str, np.ndarray]) -> list[ecg_figures.Beat]:
    """Kept windows that stand in the table, with what is known of them."""
    classes, labels, rows = shown.about.classes, shown.about.label, shown.column("row")
    record, time_s = shown.column("record"), shown.column("time_s")
    found = []
    for ecg_mv, row in zip(examples["beats_ecg_mv"], examples["beats_row"], strict=True):
        places = np.flatnonzero(rows == row)
        if not len(places):
            continue
        at = places[0]
        label, answer, seconds = int(labels[at]), int(shown.called[at]), float(time_s[at])
        said = f"{classes[label]} → {classes[answer]} {shown.p[at, answer]:.2f}"
        place = f"{record[at]}, {int(seconds // 60)}:{seconds % 60:04.1f}"
        found.append(ecg_figures.Beat(ecg_mv, label, label == answer, f"{said}   {place}"))
    return found


def patients(shown: Decisions, found: Evaluation, side: str, mark: str) -> Picture:
    """Every patient alone."""
    people = found.per_patient[found.per_patient["side"] == side]
    most = score_figures.MAX_PATIENTS
    least = f", the lowest {most} of {len(people):,}" if len(people) > most else ""
    caption = f"Each {SIDES[side]} patient alone, lowest macro F1 first{least}; how many windows stands in brackets."
    figure = score_figures.patient_bars(people, shown.about.classes, mark)
    return Picture("patients", "Patient by patient", caption, figure)
