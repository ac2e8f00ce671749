"""Figures of what a bundle found in one recording: its course, windows with their probability, windows made again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.reconstruction_figures import drawn, limits_of, reconstruction_legend
from ecg_lightning.report.style import INK, QUIET, legend_below, new_figure, plain, tidy
from ecg_lightning.report.window_figures import Axis

MINUTES, HOURS = 300.0, 3 * 3600.0  # a longer time is written in minutes, in hours
MANY = 20_000  # beats, from which on points are smaller
MOST_BPM = 250.0  # above it an interval is that of two marks on one beat
Span = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Course:
    """The beats of a recording.

    Args:
        time_s: of each beat.
        rr_s: the interval before it; NaN is not known.
        called: number of its class; -1 for none.
        classes: names of the classes.
        refused: seconds that are not trusted.
        duration_s: of the recording.
    """

    time_s: Float[np.ndarray, " beat"]
    rr_s: Float[np.ndarray, " beat"]
    called: np.ndarray
    classes: tuple[str, ...]
    refused: tuple[Span, ...]
    duration_s: float


def course(one: Course, title: str, stamp: str) -> Figure:
    """Draw the rate from beat to beat, each beat in the colour of its class; refused seconds are shaded."""
    figure = new_figure(11, 3.4, stamp)
    axes = figure.subplots()
    scale, unit = _time_unit(one.duration_s)
    small, large = (5.0, 12.0) if len(one.time_s) <= MANY else (0.8, 2.0)
    bpm = np.minimum(60 / one.rr_s, MOST_BPM)
    for number in range(-1, len(one.classes)):
        own = (one.called == number) & np.isfinite(bpm)
        if own.any():
            name = one.classes[number] if number >= 0 else "beat"
            colour = class_colour(number) if number >= 0 else QUIET
            look: dict[str, Any] = {
                "s": small if number < 1 else large,
                "color": colour,
                "linewidths": 0,
                "zorder": 2 + number,
            }
            axes.scatter(one.time_s[own] / scale, bpm[own], label=plain(name), rasterized=True, **look)
    _shade(axes, one.refused, scale)
    tidy(axes, plain(title), f"{unit} from the recording's beginning", "beats a minute, by the interval before")
    axes.set_xlim(0, one.duration_s / scale)
    legend_below(axes, len(one.classes) + 2)
    return figure


@dataclass(frozen=True, eq=False)
class Watched:
    """The windows of a recording, one after another.

    Args:
        time_s: where each begins.
        p: how likely the class is.
        threshold: from where on it is called.
        refused: windows with too many bad seconds.
        window_s: how long each is.
        name: of the class.
    """

    time_s: Float[np.ndarray, " window"]
    p: Float[np.ndarray, " window"]
    threshold: float
    refused: Bool[np.ndarray, " window"]
    window_s: float
    name: str


def watched(one: Watched, title: str, stamp: str) -> Figure:
    """Draw how likely the class is over time, with the threshold; called windows stand out."""
    figure = new_figure(11, 3.4, stamp)
    axes = figure.subplots()
    duration_s = float(one.time_s[-1] + one.window_s)
    scale, unit = _time_unit(duration_s)
    middle = (one.time_s + one.window_s / 2) / scale
    called = (one.p >= one.threshold) & ~one.refused
    axes.plot(middle, np.where(one.refused, np.nan, one.p), color=QUIET, linewidth=0.7, zorder=2)
    quiet = ~called & ~one.refused
    axes.scatter(middle[quiet], one.p[quiet], s=7, color=class_colour(0), linewidths=0, zorder=3, label="not called")
    axes.scatter(middle[called], one.p[called], s=14, color=class_colour(2), linewidths=0, zorder=4, label="called")
    said = f"threshold {one.threshold:.2f}"
    axes.axhline(one.threshold, color=INK, linewidth=0.9, linestyle="--", zorder=2, label=said)
    bad = tuple((float(at), float(at) + one.window_s) for at in one.time_s[one.refused])
    _shade(axes, bad, scale)
    tidy(axes, plain(title), f"{unit} from the recording's beginning", plain(f"p of {one.name}"))
    axes.set(xlim=(0, duration_s / scale), ylim=(-0.02, 1.02))
    legend_below(axes, 4)
    return figure


@dataclass(frozen=True, eq=False)
class Remade:
    """One window with what a network made of it.

    Args:
        ecg: as the network sees it.
        reconstruction: likewise.
        caption: a line or two.
    """

    ecg: Float[np.ndarray, "lead time"]
    reconstruction: Float[np.ndarray, "lead time"]
    caption: str


def remade(windows: list[Remade], axis: Axis, leads: tuple[str, ...], title: str, stamp: str) -> Figure:
    """Draw windows side by side, the leads of each below one another, the error between it and its like shaded."""
    n_leads = len(leads)
    figure = new_figure(max(4.2, 2.9 * len(windows)) + 0.6, 1.3 + n_leads * (1.7 if n_leads < 3 else 0.8), stamp)
    grid = figure.subplots(n_leads, len(windows), squeeze=False, sharex=True, sharey="row")
    for lead, name in enumerate(leads):
        values = [part[lead] for one in windows for part in (one.ecg, one.reconstruction)]
        for axes, one in zip(grid[lead], windows, strict=True):
            drawn(axes, one.ecg[lead], one.reconstruction[lead], axis)
            axes.set_ylim(limits_of(np.concatenate(values)))
        grid[lead, 0].set_ylabel(plain(f"{name}, {axis.unit}" if n_leads < 3 else name), fontsize=9)
    for axes, one in zip(grid[0], windows, strict=True):
        axes.set_title(plain(one.caption), fontsize=9, loc="left", color=INK)
    figure.supxlabel(axis.words, fontsize=10)
    figure.suptitle(plain(title), fontsize=11, x=0.01, ha="left", color=INK)
    named = reconstruction_legend()
    figure.legend(handles=named, loc="outside lower right", ncols=3, fontsize=9, frameon=False)
    return figure


def _shade(axes: Axes, spans: tuple[Span, ...], scale: float) -> None:
    for number, (start_s, stop_s) in enumerate(spans):
        label = "" if number else "refused for quality"
        axes.axvspan(start_s / scale, stop_s / scale, color=QUIET, alpha=0.3, linewidth=0, zorder=1, label=label)


def _time_unit(duration_s: float) -> tuple[float, str]:
    if duration_s > HOURS:
        return 3600.0, "hours"
    return (60.0, "minutes") if duration_s > MINUTES else (1.0, "seconds")
