"""Windows with what an autoencoder makes of them, and the error between the two."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import GRID, INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy
from ecg_lightning.report.window_figures import Axis

SHORT_S, PER_HALF = 1.6, 3  # windows up to this stand three in a row, right ones and wrong ones; longer ones alone
MADE, ERROR = class_colour(3), class_colour(2)
LEAD_IN = (1.2, 0.85, 0.65)  # height of a window of one lead, of each lead of two, and of each of more
LINE_IN, APART_IN = 0.15, 0.2  # of a caption, and between it and what stands above
HEAD_IN, FOOT_IN = 0.4, 0.55


@dataclass(frozen=True, eq=False)
class Made:
    """One window with its reconstruction.

    Args:
        ecg: as the network sees it; the leads that are shown.
        reconstruction: of the same leads.
        kind: number of the rows of the figure that it stands in.
        right: it was called what it is.
        caption: a few lines.
    """

    ecg: Float[np.ndarray, "lead time"]
    reconstruction: Float[np.ndarray, "lead time"]
    kind: int
    right: bool
    caption: str


def reconstructions(
    windows: list[Made], axis: Axis, kinds: tuple[str, ...], leads: tuple[str, ...], stamp: str
) -> Figure:
    """Draw windows kind by kind, those that were called right on the left, wrong ones on the right.

    Args:
        windows: in any order; those that find no place are left out, and kinds without a window too.
        axis: time and unit of all of them.
        kinds: names of the rows of the figure.
        leads: names of the leads that are shown.
        stamp: see `new_figure`.
    """
    there = [number for number in range(len(kinds)) if any(one.kind == number for one in windows)]
    tall = LEAD_IN[min(len(leads), len(LEAD_IN)) - 1] * len(leads)
    caption = APART_IN + LINE_IN * max(1 + one.caption.count("\n") for one in windows)
    height = HEAD_IN + len(there) * (tall + caption) + FOOT_IN
    figure = new_figure(14, height, stamp)
    figure.set_layout_engine("none")  # a hundred axes: the engine would take many seconds
    top, bottom = 1 - (HEAD_IN + caption) / height, FOOT_IN / height
    blocks = figure.add_gridspec(
        len(there), 2, left=0.065, right=0.988, top=top, bottom=bottom, wspace=0.075, hspace=caption / tall
    )
    for row, number in enumerate(there):
        own = [one for one in windows if one.kind == number]
        limits = [_limits(own, lead) for lead in range(len(leads))]
        for half, right in enumerate((True, False)):
            chosen = [one for one in own if one.right == right]
            _half(blocks[row, half], chosen, leads, axis, limits)
        at = blocks[row, 0].get_position(figure)
        named = plain(f"{kinds[number]}, {axis.unit}")
        figure.text(0.012, (at.y0 + at.y1) / 2, named, rotation=90, va="center", ha="center", fontsize=10)
    _head(figure, height)
    _times(figure)
    figure.text(0.5, 0.12 / height, axis.words, fontsize=10, ha="center")
    return figure


def _times(figure: Figure) -> None:
    """Leave the times under the lowest axes of every column alone."""
    lowest: dict[float, Axes] = {}
    for axes in figure.axes:
        axes.tick_params(labelbottom=False)
        axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
        if axes.axison:
            lowest[round(axes.get_position().x0, 4)] = axes  # they were made from top to bottom
    for axes in lowest.values():
        axes.tick_params(labelbottom=True)


def _head(figure: Figure, height: float) -> None:
    """What stands on which side, and what the colours mean."""
    for x, title, colour in ((0.065, "called right", RIGHT), (0.5475, "called wrong", WRONG)):
        figure.text(x, 1 - 0.12 / height, title, fontsize=13, weight="bold", color=colour, va="top")
    place = (0.995, 1 - 0.05 / height)
    figure.legend(
        handles=reconstruction_legend(), loc="upper right", bbox_to_anchor=place, ncols=3, fontsize=10, frameon=False
    )


def reconstruction_legend() -> list[Artist]:
    """What the colours mean."""
    return [
        Line2D([], [], color=INK, linewidth=1.3, label="original"),
        Line2D([], [], color=MADE, linewidth=1.3, label="reconstruction"),
        Patch(color=ERROR, alpha=0.35, linewidth=0, label="error"),
    ]


def _half(
    place: SubplotSpec, windows: list[Made], leads: tuple[str, ...], axis: Axis, limits: list[tuple[float, float]]
) -> None:
    """Windows of one kind side by side, the leads of each below one another, on one scale per lead."""
    across = PER_HALF if axis.stop_s - axis.start_s <= SHORT_S else 1
    grid = place.subgridspec(len(leads), across, wspace=0.06, hspace=0.08).subplots(squeeze=False)
    for column in range(across):
        one = windows[column] if column < len(windows) else None
        for lead, axes in enumerate(grid[:, column]):
            if one is None:
                axes.set_axis_off()
                continue
            drawn(axes, one.ecg[lead], one.reconstruction[lead], axis)
            axes.set_ylim(limits[lead])
            axes.tick_params(labelleft=column == 0)
            if len(leads) > 1:
                name = axes.text(0.006, 0.95, plain(leads[lead]), transform=axes.transAxes, fontsize=8, va="top")
                name.set(weight="bold", bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.8, "linewidth": 0})
        if one is not None:
            grid[0, column].set_title(plain(one.caption), fontsize=8.5, loc="left", color=INK, pad=3)
    if not windows:
        grid[0, 0].text(0.0, 0.5, "none", transform=grid[0, 0].transAxes, va="center", color=QUIET)


def drawn(axes: Axes, ecg: Float[np.ndarray, " time"], reconstruction: Float[np.ndarray, " time"], axis: Axis) -> None:
    """One lead of one window, its reconstruction, and what lies between."""
    seconds = axis.start_s + np.arange(len(ecg)) * (axis.stop_s - axis.start_s) / len(ecg)
    tidy(axes)
    axes.fill_between(seconds, ecg, reconstruction, color=ERROR, alpha=0.35, linewidth=0)
    axes.plot(seconds, ecg, color=INK, linewidth=0.9)
    axes.plot(seconds, reconstruction, color=MADE, linewidth=0.9)
    axes.set_xlim(axis.start_s, axis.stop_s)
    axes.tick_params(labelsize=8)
    if axis.start_s < 0 < axis.stop_s:
        axes.axvline(0, color=GRID, linewidth=1.2, zorder=0.5)


def _limits(windows: list[Made], lead: int) -> tuple[float, float]:
    """Of a lead over some windows."""
    return limits_of(np.concatenate([part[lead] for one in windows for part in (one.ecg, one.reconstruction)]))


def limits_of(values: Float[np.ndarray, " any"]) -> tuple[float, float]:
    """Least and largest value, with a little room."""
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room
