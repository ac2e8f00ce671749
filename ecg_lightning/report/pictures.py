"""The figures of one run, in the order of the page; one that cannot be drawn says why instead."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ecg_lightning.calibration import Decisions, decide, probabilities, uncalibrated
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES
from ecg_lightning.report import (
    anomaly_pictures,
    binary_pictures,
    class_pictures,
    ecg_figures,
    glucose_pictures,
    label_pictures,
    score_figures,
    window_pictures,
)
from ecg_lightning.report.calibration_figures import FEWEST, Stated, reliability_diagram
from ecg_lightning.report.contents import Contents
from ecg_lightning.report.picture import Picture, shown_side, stamp

STRIP = ("strip_raw_mv", "strip_filtered", "strip_fs_hz", "strip_start_s", "strip_record", "strip_lead")
MAX_CURVES = 6  # reliability curves cross: more cannot be followed


def draw(contents: Contents, found: Evaluation) -> Iterator[Picture]:
    """Draw every figure of a run, of the test rows where there are any, else of the validation rows.

    Of several folds those that are drawn from all of their answers: curves and examples are of each fold by itself.
    """
    several = contents.predictions.table["fold"].nunique() > 1
    yield from (picture for picture in _every(contents, found) if picture.figure is not None or not several)


def _every(contents: Contents, found: Evaluation) -> Iterator[Picture]:
    mark = stamp(contents.predictions)
    side = shown_side(contents.predictions)
    yield _strip(contents, mark)
    yield from _pretraining(contents, mark)
    yield _curves(contents, mark)
    if side is None:
        yield Picture("confusion_matrix", "Confusion matrix", "No row was scored.", None)
        return
    p = probabilities(contents.predictions, found.temperatures, found.offsets, found.standards)
    decided = decide(contents.predictions, p, found.thresholds)
    shown = decided.where(decided.column("side") == side)
    if contents.predictions.problem == "anomaly":
        yield from anomaly_pictures.scores(shown, found, contents.card, side, mark)
        yield from anomaly_pictures.windows(shown, found, contents.examples, side, mark)
        yield from anomaly_pictures.patients(shown, found, side, mark)
        return
    if contents.predictions.problem == "multilabel":
        yield from label_pictures.scores(shown, found, side, mark)
        yield _reliability(shown, found, side, mark)
        yield from label_pictures.recordings(shown, contents.examples, found.thresholds, mark)
        return
    if contents.predictions.problem == "binary":
        yield from binary_pictures.scores(shown, contents.card, side, mark)
        yield _reliability(shown, found, side, mark)
        yield from window_pictures.windows(shown, contents, mark)
        yield from glucose_pictures.courses(shown, found, contents, mark)
        yield binary_pictures.patients(shown, found, side, mark)
        return
    yield from class_pictures.scores(shown, side, mark)
    yield _reliability(shown, found, side, mark)
    yield class_pictures.beats(shown, contents.examples, mark)
    yield class_pictures.patients(shown, found, side, mark)


def _strip(contents: Contents, mark: str) -> Picture:
    name, title = "raw_and_filtered", "ECG before and after preprocessing"
    if any(key not in contents.examples for key in STRIP):
        return Picture(name, title, "Not drawn: the run kept no stretch of a record (examples.npz).", None)
    caption = "The same stretch as it was recorded (top) and after preprocessing (bottom)."
    if (contents.settings.get("preprocess") or {}).get("filter") == "none":
        caption += " No filter was chosen: scale and sampling rate alone may differ."
    return Picture(name, title, caption, ecg_figures.raw_and_filtered(contents.examples, mark))


def _curves(contents: Contents, mark: str) -> Picture:
    name, title = "learning_curves", "Learning curves"
    if contents.history.empty:
        return Picture(name, title, "Not drawn: no epoch was finished (history.csv).", None)
    monitor = contents.monitor
    best = score_figures.best_epoch(contents.history, monitor)
    kept = "" if best is None or monitor is None else f"; the weights of epoch {best} ({monitor[0]}) were kept"
    caption = f"Loss and validation score after each of {len(contents.history)} epochs{kept}."
    if monitor is not None and monitor[0] == "val/error_auroc":
        caption += " The anomalies of validation patients chose the epoch."
    return Picture(name, title, caption, score_figures.learning_curves(contents.history, monitor, mark))


def _pretraining(contents: Contents, mark: str) -> Iterator[Picture]:
    if not contents.pretraining.empty:
        caption = f"Loss of the stage before after each of {len(contents.pretraining)} epochs."
        figure = score_figures.loss_curves(contents.pretraining, mark)
        yield Picture("pretraining_curves", "Learning curves of the pretraining", caption, figure)


def _reliability(shown: Decisions, found: Evaluation, side: str, mark: str) -> Picture:
    """What the probabilities of one side are worth, before and after calibration."""
    classes, label = shown.about.classes, shown.about.label
    problem = shown.about.problem
    several, binary = problem == "multilabel", problem == "binary"
    positive = label == 1 if several else label[:, None] == np.arange(len(classes))
    of = f"p({classes[1]})" if binary else "all classes"
    fitted = {"binary": "temperature and offset", "multilabel": "one temperature and an offset per class"}
    by = ("as the network says", _by(found))
    pooled = []
    for words, error, p in zip(by, ("ece_uncalibrated", "ece"), (uncalibrated(shown.about), shown.p), strict=True):
        value = found.metrics.get(f"{side}/{error}")
        pooled.append(_stated(shown, p, words if value is None else f"{words}, calibration error {value:.3f}"))
    there = [k for k in range(len(classes)) if positive[:, k].any() and not binary]
    single = [Stated(classes[k], shown.p[:, k], positive[:, k]) for k in there] if len(classes) <= MAX_CURVES else []
    answers = "pairs of record and class" if several else "windows"
    few = f"; class by class, bins of fewer than {FEWEST} are not drawn" if single else ""
    caption = (
        f"What was said of {SIDES[side]} {answers}, in 15 bins: on the diagonal probabilities mean what they say. "
        f"Large marks stand for many answers{few}. {'The error is the mean over classes. ' if several else ''}"
        f"Calibrated by {fitted.get(problem, 'temperature')}, fitted on validation rows."
    )
    figure = reliability_diagram(pooled, single, answers, mark, of)
    return Picture("reliability", "What the probabilities are worth", caption, figure)


def _by(found: Evaluation) -> str:
    """What calibrated: the fitted numbers, where there is one fold."""
    if len(found.temperatures) > 1:
        return "a temperature and offsets per fold" if found.offsets else "a temperature per fold"
    (fold, temperature), *_ = found.temperatures.items()
    offsets = found.offsets.get(fold, ())
    moved = f", offset {offsets[0]:.2f}" if len(offsets) == 1 else ", offsets" * bool(offsets)
    return f"temperature {temperature:.2f}{moved}"


def _stated(shown: Decisions, p: Float[np.ndarray, "row class"], name: str) -> Stated:
    """All pairs of row and class; of two classes the second; of more the one that was called."""
    label = shown.about.label
    if shown.about.problem == "multilabel":
        return Stated(name, p.ravel(), (label == 1).ravel())
    if shown.about.problem == "binary":
        return Stated(name, p[:, 1], label == 1)
    return Stated(name, p.max(axis=1), shown.called == label)
