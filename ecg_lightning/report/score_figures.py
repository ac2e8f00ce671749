"""Figures of what the network got right: learning curves, confusion, ranking, patients."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecg_lightning import metrics
from ecg_lightning.report.colours import MAX_CLASSES, class_colour, class_line, largest
from ecg_lightning.report.style import INK, QUIET, legend_below, new_figure, plain, tidy

MAX_PATIENTS = 40  # more bars cannot be read
PAIRED = ("loss", "accuracy")  # drawn of both sides
COLOURS = {"train": QUIET, "val": class_colour(0)}
CURVE_STEPS = 1000  # a curve of 35,000 points looks the same and takes a second longer


def learning_curves(history: pd.DataFrame, monitor: tuple[str, str] | None, stamp: str) -> Figure:
    """Loss on both sides, accuracy where it is there, and the number that chose the best epoch, which is marked.

    Args:
        history: one row per epoch, counted from 0, with `epoch` and any of `train/loss`, `val/loss`,
            `train/accuracy`, `val/accuracy` and the monitor.
        monitor: name of that number, and "max" or "min".
        stamp: see `new_figure`.
    """
    sides = {kind: [f"{side}/{kind}" for side in COLOURS if f"{side}/{kind}" in history] for kind in PAIRED}
    names = [str(name) for name in history if str(name).startswith("val/") and str(name)[4:] not in PAIRED]
    if monitor and monitor[0] in history:
        names = [monitor[0]]
    panels = [(kind, kind, found) for kind, found in sides.items() if found or kind == "loss"]
    panels.append(("what chooses the best epoch" if monitor else "validation", "", names))
    return _curves(history, panels, best_epoch(history, monitor), new_figure(max(11, 4.7 * len(panels)), 3.9, stamp))


def loss_curves(history: pd.DataFrame, stamp: str) -> Figure:
    """Loss on both sides, and the epoch at which that of the validation rows was least."""
    found = [f"{side}/loss" for side in COLOURS if f"{side}/loss" in history]
    return _curves(
        history, [("loss", "loss", found)], best_epoch(history, ("val/loss", "min")), new_figure(7, 3.9, stamp)
    )


def _curves(
    history: pd.DataFrame, panels: list[tuple[str, str, list[str]]], best: int | None, figure: Figure
) -> Figure:
    """Panels side by side: each a title, a kind of number that has a colour per side or "", and names of columns."""
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, kind, found) in zip(places, panels, strict=True):
        for index, name in enumerate(found):
            colour = COLOURS[name.partition("/")[0]] if kind else class_colour(index)
            axes.plot(history["epoch"] + 1, history[name], "o-", markersize=3, color=colour, label=name)
        tidy(axes, title, "epoch")
        if best is not None:
            axes.axvline(best, color=class_colour(2), linewidth=1, linestyle="--", label=f"best epoch, {best}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend_below(axes, 2)
    return figure


def best_epoch(history: pd.DataFrame, monitor: tuple[str, str] | None) -> int | None:
    """Epoch at which the monitor was best, counted from 1; None where it was never defined."""
    if monitor is None or monitor[0] not in history or history[monitor[0]].isna().all():
        return None
    values = history[monitor[0]].to_numpy(dtype=np.float64)
    return int(history["epoch"].iloc[np.nanargmax(values) if monitor[1] == "max" else np.nanargmin(values)]) + 1


def confusion_matrices(counts: Int[np.ndarray, "class class"], classes: tuple[str, ...], stamp: str) -> Figure:
    """Draw truth against prediction, as counts and as shares of each true class."""
    support = counts.sum(1, keepdims=True)
    share = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    figure = new_figure(max(9.0, 1.5 * len(classes) + 2.5), max(3.8, 0.6 * len(classes) + 1.2), stamp)
    left, right = figure.subplots(1, 2)
    written = np.array([[f"{value:,}" for value in row] for row in counts])
    _matrix(left, share, written, classes, "number of windows")
    shares = np.where(support > 0, np.char.mod("%.1f", 100 * share), "")
    _matrix(right, share, shares, classes, "percent of the true class")
    return figure


def _matrix(
    axes: Axes, share: Float[np.ndarray, "class class"], written: np.ndarray, classes: tuple[str, ...], title: str
) -> None:
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), text in np.ndenumerate(written):
        colour = "white" if share[row, column] > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=10, color=colour)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    tidy(axes, title, "predicted", "true")
    axes.grid(visible=False)


def ranking_curves(
    p: Float[np.ndarray, "row class"], positive: Bool[np.ndarray, "row class"], classes: tuple[str, ...], stamp: str
) -> Figure:
    """ROC and precision-recall of each class that has windows and is not alone; the largest are named."""
    n = positive.sum(axis=0)
    ranked = np.flatnonzero((n > 0) & (n < len(positive))).tolist()
    named = [index for index in largest(n) if index in ranked]
    rare = [index for index in ranked if index not in named]
    figure = new_figure(11, 4.6 + 0.19 * ((len(named) + 2) // 2), stamp)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
    for at, index in enumerate(named):
        area = metrics.auroc(p[:, index], positive[:, index])
        mean = metrics.average_precision(p[:, index], positive[:, index])
        names = (f"{classes[index]}  AUC {area:.3f}", f"{classes[index]}  AP {mean:.3f}, n {n[index]:,}")
        look_of = index if len(classes) <= MAX_CLASSES else at
        look = {"color": class_colour(look_of), "linestyle": class_line(look_of), "linewidth": 1.6}
        _ranked((left, right), p[:, index], positive[:, index], names, look)
    for at, index in enumerate(rare):
        name = "" if at else f"{len(rare)} rarer classes"
        look = {"color": QUIET, "linewidth": 0.4, "zorder": 1.5}
        _ranked((left, right), p[:, index], positive[:, index], (name, name), look)
    tidy(left, "ROC, each class against the rest", "1 - specificity", "sensitivity")
    tidy(right, "precision and recall", "recall (sensitivity)", "precision")
    for axes in (left, right):
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
        legend_below(axes, 2)
    return figure


def _ranked(
    places: tuple[Axes, Axes],
    score: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    names: tuple[str, str],
    look: dict[str, Any],
) -> None:
    """Both curves of one class; the name "" stands in no legend."""
    left, right = places
    left.plot(*thin(*metrics.roc_curve(score, positive)), label=plain(names[0]), **look)
    curve = thin(*metrics.precision_recall_curve(score, positive))
    right.plot(*curve, drawstyle="steps-pre", label=plain(names[1]), **look)


def thin(
    x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]
) -> tuple[Float[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """Keep the points that leave their cell of a fine grid, and both ends."""
    cell = np.round(x * CURVE_STEPS) * (CURVE_STEPS + 1) + np.round(y * CURVE_STEPS)
    keep = np.append(True, np.diff(cell) != 0)
    keep[-1] = True
    return x[keep], y[keep]


def patient_bars(per_patient: pd.DataFrame, classes: tuple[str, ...], stamp: str) -> Figure:
    """Accuracy and macro F1 of each patient, worst first, and how many windows of the rarer classes there are.

    Args:
        per_patient: of one side: patient, n_windows, accuracy, macro_f1, n_<class>.
        classes: in the order of the labels.
        stamp: see `new_figure`.
    """
    shown = per_patient.sort_values(["macro_f1", "accuracy"]).head(MAX_PATIENTS).iloc[::-1]
    place = np.arange(len(shown))
    figure = new_figure(11, max(2.6, 0.24 * len(shown) + 1.2), stamp)
    columns = figure.subplots(1, 3, sharey=True)
    for axes, name in zip(columns, ("macro_f1", "accuracy"), strict=False):
        values = shown[name].to_numpy()
        axes.barh(place, values, color=class_colour(5), height=0.75)
        for at, value in zip(place, values, strict=True):
            axes.text(0.01, at, f"{value:.3f}", va="center", fontsize=8, color=INK)
        axes.set_xlim(0, 1)
    tidy(columns[0], "macro F1 over the classes the patient has", y="patient (windows)")
    tidy(columns[1], "accuracy")
    counts = shown[[f"n_{name}" for name in classes]].to_numpy()
    common = int(per_patient[[f"n_{name}" for name in classes]].to_numpy().sum(0).argmax())
    _stacked(columns[2], place, counts, classes, common)
    named = [f"{who} ({n:,})" for who, n in zip(shown["patient"], shown["n_windows"], strict=True)]
    columns[0].set_yticks(place, [plain(name) for name in named])
    columns[0].set_ylim(-0.6, len(shown) - 0.4)
    return figure


def _stacked(
    axes: Axes,
    place: Int[np.ndarray, " bar"],
    counts: Int[np.ndarray, "bar class"],
    classes: tuple[str, ...],
    common: int,
) -> None:
    start = np.zeros(len(place))
    for index, name in enumerate(classes):
        if index != common:
            axes.barh(place, counts[:, index], left=start, color=class_colour(index), height=0.75, label=name)
            start += counts[:, index]
    tidy(axes, f"windows that are not {classes[common]}")
    legend_below(axes, 4)
