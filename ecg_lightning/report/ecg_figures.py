"""Figures of the ECG itself: before and after filtering, and beats with what they are and were called."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from ecg_lightning.report.style import GRID, INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy

PER_HALF = 4  # beats side by side, right ones and wrong ones
LONG_MS = 1600.0  # windows above this get twice the width
UNITS = {"NU": "no unit (amplitude lost)", "SD": "standard deviations"}


def raw_and_filtered(examples: dict[str, np.ndarray], stamp: str) -> Figure:
    """Draw one stretch of a record as it came, and after preprocessing."""
    figure = new_figure(11, 4.4, stamp)
    rows = figure.subplots(2, 1, sharex=True)
    raw_mv, filtered = examples["strip_raw_mv"], examples["strip_filtered"]
    start_s, fs_hz = float(examples["strip_start_s"]), float(examples["strip_fs_hz"])
    seconds = start_s + np.arange(len(raw_mv)) / fs_hz
    where = plain(f"record {examples['strip_record']}, lead {examples['strip_lead']}")
    units = [str(unit) for unit in examples.get("strip_unit", np.array(["mV", "mV"]))]
    titles = (f"raw: {where}", "preprocessed")
    for axes, ecg, title, unit in zip(rows, (raw_mv, filtered), titles, units, strict=True):
        axes.plot(seconds, ecg, color=INK, linewidth=0.8)
        tidy(axes, title, y=UNITS.get(unit, unit))
        axes.set_xticks(np.arange(np.ceil(seconds[0]), seconds[-1] + 1e-9))
        axes.set_xticks(np.arange(np.ceil(seconds[0] * 5) / 5, seconds[-1], 0.2), minor=True)
        axes.grid(which="minor", axis="x", color=GRID, linewidth=0.4)
        axes.set_xlim(seconds[0], seconds[-1])
    rows[1].set_xlabel("seconds from the record's beginning", fontsize=10)
    return figure


@dataclass(frozen=True, eq=False)
class Beat:
    """One beat to look at.

    Args:
        ecg_mv: one row per lead.
        label: class index, the row that it stands in.
        right: it was called what it is.
        caption: truth, answer and place.
    """

    ecg_mv: Float[np.ndarray, "lead time"]
    label: int
    right: bool
    caption: str


def sample_beats(
    beats: list[Beat], ms: Float[np.ndarray, " time"], classes: tuple[str, ...], unit: str, stamp: str
) -> Figure:
    """Draw beats in a grid: one row per class, right answers on the left, wrong ones on the right.

    Args:
        beats: in any order; those that find no place are left out.
        ms: time of each sample, 0 at the R peak.
        classes: those to give a row.
        unit: of the ECG.
        stamp: see `new_figure`.
    """
    rows = [index for index in range(len(classes)) if any(beat.label == index for beat in beats)]
    height = 1.55 * len(rows) + 0.75
    figure = new_figure(14, height, stamp)
    figure.set_layout_engine("none")  # forty axes: the engine would take two seconds
    halves = figure.add_gridspec(1, 2, left=0.05, right=0.995, top=1 - 0.62 / height, bottom=0.5 / height, wspace=0.06)
    for half, (right, title, colour) in enumerate(((True, "called right", RIGHT), (False, "called wrong", WRONG))):
        at = halves[0, half].get_position(figure)
        figure.text(at.x0, 1 - 0.1 / height, title, fontsize=13, weight="bold", color=colour, va="top")
        own = [[beat for beat in beats if (beat.label, beat.right) == (label, right)] for label in rows]
        _half(figure, halves[0, half], own, ms, colour)
    for label, axes in zip(rows, figure.axes[:: _across(ms)], strict=False):
        at = axes.get_position()
        figure.text(0.012, (at.y0 + at.y1) / 2, f"{plain(classes[label])}, {unit}", rotation=90, va="center")
    figure.text(0.5, 0.1 / height, "milliseconds around the R peak", fontsize=10, ha="center")
    return figure


def _across(ms: Float[np.ndarray, " time"]) -> int:
    """How many windows stand side by side in a half: a long one needs room."""
    return PER_HALF if ms[-1] - ms[0] <= LONG_MS else PER_HALF // 2


def _half(
    figure: Figure, place: SubplotSpec, rows: list[list[Beat]], ms: Float[np.ndarray, " time"], colour: str
) -> None:
    """Rows of beats below one another; the lowest that holds any carries the times."""
    grid = place.subgridspec(len(rows), _across(ms), wspace=0.08, hspace=0.42)
    lowest = max((row for row, beats in enumerate(rows) if beats), default=0)
    for row, beats in enumerate(rows):
        places = [figure.add_subplot(grid[row, column]) for column in range(_across(ms))]
        _row(places, beats, ms, colour)
        for axes in places:
            axes.tick_params(labelleft=axes is places[0], labelbottom=row == lowest, labelsize=8)


def _row(places: list[Axes], beats: list[Beat], ms: Float[np.ndarray, " time"], colour: str) -> None:
    """Beats of one class side by side on one scale."""
    shown = beats[: len(places)]
    for axes in places:
        tidy(axes)
        axes.set_xlim(ms[0], ms[-1])
    for axes, beat in zip(places, shown, strict=False):
        axes.sharey(places[0]) if axes is not places[0] else None
        axes.axvline(0, color=GRID, linewidth=1.2)
        for lead_mv in beat.ecg_mv[1:]:
            axes.plot(ms, lead_mv, color=QUIET, linewidth=0.8)
        axes.plot(ms, beat.ecg_mv[0], color=colour, linewidth=1.1)
        axes.set_title(plain(beat.caption), fontsize=8.5, loc="left", color=INK, pad=2)
    for axes in places[len(shown) :]:
        axes.set_axis_off()
    if not shown:
        places[0].text(0.0, 0.5, "none", transform=places[0].transAxes, va="center", color=QUIET)
