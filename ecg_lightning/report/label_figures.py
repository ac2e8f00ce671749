"""Figures of records that may be of several classes: a confusion matrix per class, which go together, and groups."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning import metrics
from ecg_lightning.report.colours import class_colour, largest
from ecg_lightning.report.style import INK, new_figure, plain, tidy

ACROSS = 6  # small matrices side by side
DARK = 0.55  # share from which white letters can be read


def confusion_per_class(
    label: Int[np.ndarray, "row class"], called: Bool[np.ndarray, "row class"], classes: tuple[str, ...], stamp: str
) -> Figure:
    """Draw truth against answer of each class, the largest where there are many: counts, and shares of each row."""
    shown = largest(label.sum(axis=0))
    counts = metrics.confusion_per_class(label, called, np.zeros(len(label), dtype=np.int64), 1)[0]
    n_rows = max(1, -(-len(shown) // ACROSS))
    n_columns = max(1, min(len(shown), ACROSS))
    figure = new_figure(max(7.0, 2.15 * n_columns + 0.8), 2.35 * n_rows + 0.5, stamp)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for place in grid.flat[len(shown) :]:
        place.set_axis_off()
    for number, index in enumerate(shown):
        axes = grid.flat[number]
        _two_by_two(axes, counts[index])
        axes.set_title(plain(classes[index]), fontsize=11, loc="left", color=INK)
        axes.tick_params(labelleft=number % ACROSS == 0, labelbottom=number + n_columns >= len(shown))
    figure.supxlabel("what the network said; percent of each row", fontsize=10)
    figure.supylabel("what it is", fontsize=10)
    return figure


def _two_by_two(axes: Axes, counts: Int[np.ndarray, "2 2"]) -> None:
    support = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, support, out=np.zeros(counts.shape), where=support > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), n in np.ndenumerate(counts):
        colour = "white" if share[row, column] > DARK else INK
        percent = f"\n{100 * share[row, column]:.1f} %" if support[row] else ""
        axes.text(column, row, f"{n:,}{percent}", ha="center", va="center", fontsize=9.5, color=colour)
    tidy(axes)
    axes.set_xticks([0, 1], ["not called", "called"])
    axes.set_yticks([0, 1], ["is not", "is"])
    axes.grid(visible=False)


def co_occurrence(
    label: Int[np.ndarray, "row class"], called: Bool[np.ndarray, "row class"], classes: tuple[str, ...], stamp: str
) -> Figure:
    """Draw which classes stand together, in truth and in the answers; the largest where there are many."""
    shown = largest(label.sum(axis=0))
    names = [plain(classes[index]) for index in shown]
    size = 0.62 * len(shown)
    figure = new_figure(2 * max(3.6, size) + 2.6, max(3.0, 0.8 * size) + 1.2, stamp)
    for axes, found, title in zip(
        figure.subplots(1, 2), (label, called.astype(np.int64)), ("true labels", "predicted labels"), strict=True
    ):
        _together(axes, found[:, shown], names)
        tidy(axes, f"{title}, share of the records of each row", "is also", "records that are")
        axes.grid(visible=False)
    return figure


def _together(axes: Axes, found: Int[np.ndarray, "row class"], names: list[str]) -> None:
    """Counts of records of both classes, coloured by their share of the row; the diagonal counts a class."""
    together = found.T @ found
    alone = np.diagonal(together)[:, None]
    share = np.divide(together, alone, out=np.zeros(together.shape), where=alone > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), n in np.ndenumerate(together):
        colour = "white" if share[row, column] > DARK else INK
        percent = f"\n{100 * share[row, column]:.0f} %" if row != column and n else ""
        axes.text(column, row, f"{n:,}{percent}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > ACROSS else 0)
    axes.set_yticks(range(len(names)), names)


@dataclass(frozen=True)
class GroupScore:
    """One number of one group of rows.

    Args:
        name: of the group.
        n_rows: how many.
        value: the number.
        low: lower limit of its interval; NaN where it has none.
        high: upper limit likewise.
    """

    name: str
    n_rows: int
    value: float
    low: float
    high: float


def group_intervals(scores: list[GroupScore], all_rows: float | None, name: str, stamp: str) -> Figure:
    """Draw one number per group with its interval, and that of all rows as a line.

    Args:
        scores: from top to bottom.
        all_rows: number of all rows; None where it is not defined.
        name: of the number, in words.
        stamp: see `new_figure`.
    """
    figure = new_figure(9, 0.34 * len(scores) + 1.3, stamp)
    axes = figure.subplots()
    place = np.arange(len(scores))[::-1]
    for at, group in zip(place, scores, strict=True):
        axes.plot(
            [group.low, group.high], [at, at], color=class_colour(0), linewidth=2.2, alpha=0.5, solid_capstyle="butt"
        )
        axes.plot([group.value], [at], "o", color=class_colour(0), markersize=6)
    said = ""
    if all_rows is not None:
        axes.axvline(all_rows, color=class_colour(2), linewidth=1, linestyle="--")
        said = f"; dashed: all records, {all_rows:.3f}"
    tidy(axes, x=f"{name}, 95 % interval{said}")
    axes.set_yticks(place, [plain(f"{group.name} ({group.n_rows:,})") for group in scores])
    axes.set_ylim(-0.6, len(scores) - 0.4)
    return figure
