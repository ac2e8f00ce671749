"""The figures of one run, in the order of the page; one that cannot be drawn says why instead."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from ecg_lightning import metrics
from ecg_lightning.evaluation import Evaluation, probabilities
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report import ecg_figures, score_figures
from ecg_lightning.report.contents import Contents

STRIP = ("strip_raw_mv", "strip_filtered", "strip_fs_hz", "strip_start_s", "strip_record", "strip_lead")
BEATS = ("beats_ecg_mv", "beats_row", "beats_fs_hz", "beats_n_before")


@dataclass(frozen=True, eq=False)
class Picture:
    """One figure of the report.

    Args:
        name: of the file, without its ending.
        title: in words.
        caption: one sentence.
        figure: None where it cannot be drawn; the caption then says why.
    """

    name: str
    title: str
    caption: str
    figure: Figure | None


def draw(contents: Contents, found: Evaluation) -> Iterator[Picture]:
    """Draw every figure of a run, of the test rows where there are any, else of the validation rows."""
    mark = stamp(contents.predictions)
    side = shown_side(contents.predictions)
    yield _strip(contents, mark)
    yield _curves(contents, mark)
    if side is None:
        yield Picture("confusion_matrix", "Confusion matrix", "No row was scored.", None)
        return
    p = probabilities(contents.predictions, found.temperatures)
    yield from _scores(contents.predictions, p, side, mark)
    yield _beats(contents, p, side, mark)
    people = found.per_patient[found.per_patient["side"] == side]
    least = (
        f", the lowest {score_figures.MAX_PATIENTS} of {len(people):,}"
        if len(people) > score_figures.MAX_PATIENTS
        else ""
    )
    caption = f"Each {SIDES[side]} patient alone, lowest macro F1 first{least}; how many windows stands in brackets."
    figure = score_figures.patient_bars(people, contents.predictions.classes, mark)
    yield Picture("patients", "Patient by patient", caption, figure)


def stamp(predictions: Predictions) -> str:
    """What must be read on every figure and page; empty for honest splits of real data."""
    words = ["SYNTHETIC"] if predictions.synthetic else []
    words += ["LEAKY SPLIT"] if predictions.tags.get("leaky_split") == "true" else []
    return " · ".join(words)


def shown_side(predictions: Predictions) -> str | None:
    """The side that figures are of: test where it was scored."""
    sides = set(predictions.table["side"])
    return next((side for side in ("test", "val") if side in sides), None)


def _strip(contents: Contents, mark: str) -> Picture:
    name, title = "raw_and_filtered", "ECG before and after filtering"
    if any(key not in contents.examples for key in STRIP):
        return Picture(name, title, "Not drawn: the run kept no stretch of a record (examples.npz).", None)
    caption = "The same stretch as it was recorded (top) and after filtering (bottom)."
    return Picture(name, title, caption, ecg_figures.raw_and_filtered(contents.examples, mark))


def _curves(contents: Contents, mark: str) -> Picture:
    name, title = "learning_curves", "Learning curves"
    if contents.history.empty:
        return Picture(name, title, "Not drawn: no epoch was finished (history.csv).", None)
    monitor = contents.monitor
    best = score_figures.best_epoch(contents.history, monitor)
    kept = "" if best is None or monitor is None else f"; the weights of epoch {best} ({monitor[0]}) were kept"
    caption = f"Loss and validation score after each of {len(contents.history)} epochs{kept}."
    return Picture(name, title, caption, score_figures.learning_curves(contents.history, monitor, mark))


def _scores(predictions: Predictions, p: np.ndarray, side: str, mark: str) -> Iterator[Picture]:
    chosen = predictions.table["side"].to_numpy() == side
    label, answer = predictions.label[chosen], predictions.logits[chosen].argmax(axis=1)
    counts = metrics.confusion(label, answer, len(predictions.classes))
    caption = f"What {len(label):,} {SIDES[side]} windows are (rows) and what they were called (columns)."
    figure = score_figures.confusion_matrices(counts, predictions.classes, mark)
    yield Picture("confusion_matrix", "Confusion matrix", caption, figure)
    name, title = "ranking", "ROC and precision-recall"
    if len(np.unique(label)) < 2:
        yield Picture(name, title, "Not drawn: it takes windows of two classes to rank.", None)
        return
    caption = f"Each class against the rest over all thresholds, {SIDES[side]} windows."
    yield Picture(name, title, caption, score_figures.ranking_curves(p[chosen], label, predictions.classes, mark))


def _beats(contents: Contents, p: np.ndarray, side: str, mark: str) -> Picture:
    name, title = "sample_beats", "Beats, right and wrong"
    missing = any(key not in contents.examples for key in BEATS)
    beats = [] if missing else _example_beats(contents, p, side)
    if not beats:
        return Picture(name, title, "Not drawn: the run kept no windows to show (examples.npz).", None)
    examples = contents.examples
    n_samples = examples["beats_ecg_mv"].shape[-1]
    ms = (np.arange(n_samples) - int(examples["beats_n_before"])) / float(examples["beats_fs_hz"]) * 1000
    caption = "Drawn at random per class: truth → answer with its probability, then record and time of the R peak."
    return Picture(name, title, caption, ecg_figures.sample_beats(beats, ms, contents.predictions.classes, mark))


def _example_beats(contents: Contents, p: np.ndarray, side: str) -> list[ecg_figures.Beat]:
    """Kept windows that stand in the table, with what is known of them."""
    table, classes = contents.predictions.table, contents.predictions.classes
    rows, sides = table["row"].to_numpy(), table["side"].to_numpy()
    record, time_s = table["record"].to_numpy(), table["time_s"].to_numpy()
    beats = []
    for ecg_mv, row in zip(contents.examples["beats_ecg_mv"], contents.examples["beats_row"], strict=True):
        places = np.flatnonzero((rows == row) & (sides == side))
        if not len(places):
            continue
        at = places[0]
        label, answer, seconds = int(contents.predictions.label[at]), int(p[at].argmax()), float(time_s[at])
        said = f"{classes[label]} → {classes[answer]} {p[at, answer]:.2f}"
        place = f"{record[at]}, {int(seconds // 60)}:{seconds % 60:04.1f}"
        beats.append(ecg_figures.Beat(ecg_mv, label, label == answer, f"{said}   {place}"))
    return beats
