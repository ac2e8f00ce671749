"""Figures of two classes told apart by one number: where it operates, how many there are of each, patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning import metrics
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.score_figures import MAX_PATIENTS, thin
from ecg_lightning.report.style import INK, QUIET, legend_below, new_figure, plain, tidy

SPECIFICITY = 0.9  # of the point that is marked beside the one in use
USED, OTHER = class_colour(2), class_colour(3)


@dataclass(frozen=True)
class Point:
    """What one threshold makes of some rows; NaN where it calls none.

    Args:
        specificity: share of the negatives that it lets be.
        sensitivity: share of the positives that it calls.
        precision: share of the called ones that are positive.
    """

    specificity: float
    sensitivity: float
    precision: float


def point_of(positive: Bool[np.ndarray, " row"], called: Bool[np.ndarray, " row"]) -> Point:
    """Where what was called lies."""
    n_found, n_called = int((positive & called).sum()), int(called.sum())
    n_positive = int(positive.sum())
    return Point(
        specificity=1 - (n_called - n_found) / (len(positive) - n_positive),
        sensitivity=n_found / n_positive,
        precision=n_found / n_called if n_called else float("nan"),
    )


def strict_point(p: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> Point:
    """The most sensitive threshold of those whose specificity on these very rows is at least SPECIFICITY."""
    negatives = np.sort(p[~positive])
    most = int(np.floor((1 - SPECIFICITY) * len(negatives) + 1e-9))  # negatives that may be called
    limit = negatives[len(negatives) - most - 1]
    return point_of(positive, p > limit)


def operating_curves(
    p: Float[np.ndarray, " row"],
    positive: Bool[np.ndarray, " row"],
    points: Mapping[str, Point],
    chance: str,
    name: str,
    stamp: str,
) -> Figure:
    """ROC and precision-recall of the positive class, and where some thresholds stand.

    Args:
        p: of the positive class, or any other score of it.
        positive: rows that are of it.
        points: at most two, by what they are; the one in use first.
        chance: what has the precision of the positive rows' share.
        name: of the class.
        stamp: see `new_figure`.
    """
    figure = new_figure(11, 5.1, stamp)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":", label="chance")
    right.axhline(positive.mean(), color=QUIET, linewidth=0.8, linestyle=":", label=f"{chance} {positive.mean():.3f}")
    look = {"color": class_colour(0), "linewidth": 1.6}
    area, mean = metrics.auroc(p, positive), metrics.average_precision(p, positive)
    left.plot(*thin(*metrics.roc_curve(p, positive)), label=f"AUC {area:.3f}", **look)
    curve = thin(*metrics.precision_recall_curve(p, positive))
    right.plot(*curve, drawstyle="steps-pre", label=f"AP {mean:.3f}", **look)
    for (words, point), marker, colour in zip(points.items(), ("o", "s"), (USED, OTHER), strict=False):
        said = (f"sensitivity {point.sensitivity:.3f}", f"precision {point.precision:.3f}")
        shape = {"marker": marker, "color": colour, "markersize": 9, "linestyle": "none", "zorder": 5}
        left.plot([1 - point.specificity], [point.sensitivity], label=f"{words}: {said[0]}", **shape)
        right.plot([point.sensitivity], [point.precision], label=f"{words}: {said[1]}", **shape)
    tidy(left, plain(f"ROC of {name}"), "1 - specificity", "sensitivity")
    tidy(right, plain(f"precision and recall of {name}"), "recall (sensitivity)", "precision")
    for axes in (left, right):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        legend_below(axes, 2)
    return figure


def class_shares(counts: dict[str, tuple[int, ...]], classes: tuple[str, ...], stamp: str) -> Figure:
    """How many of each class stand on each side, as shares of the side.

    Args:
        counts: per side in words, one number per class.
        classes: their names.
        stamp: see `new_figure`.
    """
    figure = new_figure(11, 1.3 + 0.55 * len(counts), stamp)
    axes = figure.subplots()
    place = np.arange(len(counts))[::-1]
    for at, own in zip(place, counts.values(), strict=True):
        share, left = 100 * np.array(own) / max(sum(own), 1), 0.0
        for index, percent in enumerate(share):
            axes.barh(
                at, percent, left=left, height=0.62, color=class_colour(index), label="" if at else classes[index]
            )
            left += percent
        said = "   ".join(
            f"{name} {percent:.1f} % ({n:,})" for name, percent, n in zip(classes, share, own, strict=True)
        )
        axes.text(102, at, plain(said), va="center", fontsize=9, color=INK)
    axes.set_yticks(place, [plain(side) for side in counts])
    tidy(axes)
    axes.set_xlabel("percent of the windows of the side", fontsize=10, loc="left")
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, 175)  # words stand beside the bars
    axes.set_xticks(range(0, 101, 20))
    axes.spines["bottom"].set_bounds(0, 100)
    legend_below(axes, len(classes))
    return figure


def auroc_bars(per_patient: pd.DataFrame, classes: tuple[str, str], stamp: str) -> Figure:
    """AUROC of each patient who has windows of both classes, lowest first, and how many windows of each there are.

    Args:
        per_patient: of one side: patient, n_windows, auroc, n_<class>.
        classes: the negative one first.
        stamp: see `new_figure`.
    """
    shown = per_patient.sort_values("auroc", na_position="last").head(MAX_PATIENTS).iloc[::-1]
    place = np.arange(len(shown))
    figure = new_figure(11, max(2.6, 0.27 * len(shown) + 1.3), stamp)
    left, right = figure.subplots(1, 2, sharey=True)
    for at, value in zip(place, shown["auroc"], strict=True):
        known = not np.isnan(value)
        left.barh(at, value if known else 0.0, color=class_colour(5), height=0.7)
        left.text(
            *(0.01, at, f"{value:.3f}" if known else "not defined: windows of one class alone"),
            va="center",
            fontsize=8,
            color=INK if known else QUIET,
        )
    left.axvline(0.5, color=QUIET, linewidth=0.8, linestyle=":")
    left.set_xlim(0, 1)
    tidy(left, plain(f"AUROC of {classes[1]} (dotted: chance)"), y="patient (windows)")
    _counted(right, place, shown[[f"n_{name}" for name in classes]].to_numpy(), classes)
    left.set_yticks(
        place, [plain(f"{who} ({n:,})") for who, n in zip(shown["patient"], shown["n_windows"], strict=True)]
    )
    left.set_ylim(-0.6, len(shown) - 0.4)
    return figure


def _counted(
    axes: Axes, place: Int[np.ndarray, " patient"], counts: Int[np.ndarray, "patient 2"], classes: tuple[str, str]
) -> None:
    """Windows of both classes one behind the other, and the number of the second."""
    for index, name in enumerate(classes):
        left = counts[:, 0] if index else np.zeros(len(counts))
        axes.barh(place, counts[:, index], left=left, height=0.7, color=class_colour(index), label=plain(name))
    most = counts.sum(axis=1).max(initial=1)
    for at, own in zip(place, counts, strict=True):
        axes.text(own.sum() + 0.01 * most, at, plain(f"{own[1]:,} {classes[1]}"), va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1.25 * most)
    tidy(axes, "windows of each class")
    legend_below(axes, 2)
