"""ECGs with a map as colour behind the trace: single rows, methods below one another, and mean beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from ecg_lightning.explain.panels import left_out, width_of, wrapped
from ecg_lightning.report.style import GRID, INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy

TWO_SIDED, ONE_SIDED = "RdBu_r", "Oranges"  # red speaks for the class, blue against it
PERCENT = 99.5  # of absolute values is the end of the scale, so that one sample does not pale all others
TALL_LEADS = 2  # more leads leave room for one row alone
TRACE_IN, MANY_IN = 1.35, 0.62  # height of a trace, and of one of many leads


@dataclass(frozen=True, eq=False)
class Traced:
    """One row to look at.

    Args:
        ecg: one row per lead.
        value: its map; one row of it may stand for all leads.
        caption: truth, answer and place.
        right: it was called what it is.
    """

    ecg: Float[np.ndarray, "lead time"]
    value: Float[np.ndarray, "_ time"]
    caption: str
    right: bool


@dataclass(frozen=True, eq=False)
class Scale:
    """What the traces of a figure share.

    Args:
        time: of each sample.
        words: of the time axis.
        leads: names of the rows.
        unit: of the ECG.
        map_words: of the colour bar, with a unit.
    """

    time: Float[np.ndarray, " time"]
    words: str
    leads: tuple[str, ...]
    unit: str
    map_words: str


def examples(rows: Sequence[Traced], scale: Scale, name: str, stamp: str) -> Figure:
    """Draw right rows on the left, wrong ones on the right, all on one scale of colours.

    Args:
        rows: in any order; those that find no place are left out.
        scale: what they share.
        name: of the class.
        stamp: see `report.style.new_figure`.
    """
    n_leads = len(scale.leads)
    per_half = 2 if n_leads <= TALL_LEADS else 1
    height = TRACE_IN if n_leads <= TALL_LEADS else MANY_IN
    figure = new_figure(10.0, per_half * (n_leads * height + 0.45) + 1.1, stamp)
    grid = figure.subplots(per_half * n_leads, 2, squeeze=False, sharex=True)
    limit = _limit([one.value for one in rows])
    for half, (right, words, colour) in enumerate(((True, "called right", RIGHT), (False, "called wrong", WRONG))):
        own = [one for one in rows if one.right == right]
        for place in range(per_half):
            axes = grid[place * n_leads : (place + 1) * n_leads, half]
            if place < len(own):
                _traces(axes, own[place], scale, limit)
            else:
                _empty(axes, f"none of {name}" if not place else "")
        grid[0, half].annotate(words, (0, 1), xytext=(0, 20), xycoords="axes fraction", textcoords="offset points").set(
            color=colour, weight="bold", fontsize=12
        )
        grid[-1, half].set_xlabel(scale.words, fontsize=10)
        grid[-1, half].tick_params(labelbottom=True)
    _bar(figure, grid, scale.map_words)
    return figure


def methods(
    row: Traced, values: Mapping[str, Float[np.ndarray, "_ time"]], scales: Sequence[Scale], stamp: str
) -> Figure:
    """Draw one row again and again, behind it the map of each method on a scale of its own; of leads the first.

    Args:
        row: to look at.
        values: its maps by the name of the method.
        scales: of each.
        stamp: see `report.style.new_figure`.
    """
    figure = new_figure(10.0, 1.75 * len(values) + 0.6, stamp)
    grid = figure.subplots(len(values), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, value), scale in zip(grid, values.items(), scales, strict=True):
        drawn = _coloured(axes, scale.time, row.ecg[0], value[0], _limit([value[:1]]))
        tidy(axes, y=plain(f"{scale.leads[0]}, {scale.unit}"))
        axes.grid(visible=False)
        together = ", all leads together" if len(value) == 1 < len(scale.leads) else ""
        axes.set_title(name + together, fontsize=10, loc="right", color=INK)
        axes.set_xlim(scale.time[0], scale.time[-1])
        figure.colorbar(drawn, ax=axes, pad=0.01).set_label(scale.map_words.replace(" of the class", ""), fontsize=9)
    figure.suptitle(plain(row.caption), fontsize=10.5, x=0.01, ha="left", color=INK)
    grid[-1].set_xlabel(scales[0].words, fontsize=10)
    return figure


@dataclass(frozen=True, eq=False)
class MeanBeat:
    """Beats of one class, aligned at R.

    Args:
        name: of the class, with how many beats of how many rows.
        ecg: of each beat.
        value: their maps; one row may stand for all leads.
    """

    name: str
    ecg: Float[np.ndarray, "beat lead time"]
    value: Float[np.ndarray, "beat _ time"]


def mean_beats(beats: Sequence[MeanBeat], scale: Scale, stamp: str) -> Figure:
    """Draw the mean beat of every class with its spread, coloured by the mean map; below it the spread of the map.

    Args:
        beats: one class after another.
        scale: what they share; its time is in milliseconds round R.
        stamp: see `report.style.new_figure`.
    """
    n_leads, (n_rows, n_columns) = len(scale.leads), wrapped(len(beats))
    height = TRACE_IN * 1.3 if n_leads <= TALL_LEADS else MANY_IN * 1.3
    figure = new_figure(width_of(n_columns), n_rows * (n_leads * height + 1.9) + 0.4, stamp)
    ratios = ([height] * n_leads + [1.2]) * n_rows
    grid = figure.subplots((n_leads + 1) * n_rows, n_columns, squeeze=False, gridspec_kw={"height_ratios": ratios})
    places = np.concatenate([block.T for block in np.split(grid, n_rows)])  # panel, lead and size of the map
    limit = _limit([one.value.mean(axis=0) for one in beats])
    mean, spread = (np.stack([of(one.ecg, axis=0) for one in beats]) for of in (np.mean, np.std))  # class, lead, time
    ends = [_ends(mean[:, k] - spread[:, k], mean[:, k] + spread[:, k]) for k in range(n_leads)]
    for column, one in enumerate(beats):
        _mean_beat(places[column], one, scale, limit, ends)
    top = max(axes.get_ylim()[1] for axes in places[: len(beats), -1])
    for axes in places[: len(beats), -1]:
        axes.set_ylim(0, top)
    left_out(places[len(beats) :].ravel())
    for first in places[::n_columns]:
        for axes, name in zip(first, scale.leads, strict=False):
            axes.set_ylabel(plain(f"{name}, {scale.unit}"), fontsize=10)
        first[-1].set_ylabel("mean absolute\nmap", fontsize=10)
    _bar(figure, places[: len(beats), :-1], scale.map_words)
    return figure


def _mean_beat(
    places: np.ndarray,
    one: MeanBeat,
    scale: Scale,
    limit: tuple[float, float],
    ends: Sequence[tuple[float, float]],
) -> None:
    """One class: lead by lead, then the size of its map."""
    mean, spread = one.ecg.mean(axis=0), one.ecg.std(axis=0)
    seen = np.broadcast_to(one.value.mean(axis=0), mean.shape)
    for lead, axes in enumerate(places[:-1]):
        _coloured(axes, scale.time, mean[lead], seen[lead], limit, ends[lead])
        low, high = mean[lead] - spread[lead], mean[lead] + spread[lead]
        axes.fill_between(scale.time, low, high, color=QUIET, alpha=0.3, linewidth=0)
        tidy(axes, plain(one.name) if not lead else "")
        axes.grid(visible=False)
        axes.axvline(0, color=GRID, linewidth=1)
        axes.set_xlim(scale.time[0], scale.time[-1])
        axes.tick_params(labelbottom=False)
    _size(places[-1], scale.time, one.value)
    places[-1].set_xlabel(scale.words, fontsize=10)


def around_peaks(
    ecg: Float[np.ndarray, "row lead time"],
    value: Float[np.ndarray, "row _ time"],
    peaks: Sequence[Int[np.ndarray, " _"]],
    between: tuple[int, int],
) -> tuple[Float[np.ndarray, "beat lead cut"], Float[np.ndarray, "beat _ cut"]]:
    """Cut every beat that lies wholly in its row.

    Args:
        ecg: rows of a class.
        value: their maps.
        peaks: R peaks of each row.
        between: samples before and behind an R peak.
    """
    pairs = [(row, at) for row, own in enumerate(peaks) for at in own if between[0] <= at <= ecg.shape[-1] - between[1]]
    spans = [(row, slice(int(at) - between[0], int(at) + between[1])) for row, at in pairs]
    n_samples = sum(between)
    empty = [np.empty((0, one.shape[1], n_samples), one.dtype) for one in (ecg, value)]
    if not spans:
        return empty[0], empty[1]
    return np.stack([ecg[row][:, span] for row, span in spans]), np.stack([value[row][:, span] for row, span in spans])


def _traces(places: np.ndarray, one: Traced, scale: Scale, limit: tuple[float, float]) -> None:
    seen = np.broadcast_to(one.value, one.ecg.shape)
    for lead, axes in enumerate(places):
        _coloured(axes, scale.time, one.ecg[lead], seen[lead], limit)
        tidy(axes)
        axes.grid(visible=False)
        axes.set_xlim(scale.time[0], scale.time[-1])
        axes.tick_params(labelsize=9)
        axes.set_ylabel(plain(f"{scale.leads[lead]}, {scale.unit}") if len(places) <= TALL_LEADS else
                        plain(scale.leads[lead]), fontsize=8.5)  # fmt: skip
    places[0].set_title(plain(one.caption), fontsize=9, loc="left", color=INK, pad=3)


def _coloured(
    axes: Axes,
    time: Float[np.ndarray, " time"],
    ecg: Float[np.ndarray, " time"],
    value: Float[np.ndarray, " time"],
    limit: tuple[float, float],
    ends: tuple[float, float] | None = None,
) -> QuadMesh:
    """A trace, and its map as colour behind it, from one end of the axis to the other."""
    ends = _ends(ecg, ecg) if ends is None else ends
    step = time[1] - time[0]
    edges = np.append(time, time[-1] + step) - step / 2
    colours = TWO_SIDED if limit[0] < 0 else ONE_SIDED
    drawn = axes.pcolormesh(edges, np.array(ends), value[None], cmap=colours, rasterized=True)
    drawn.set_clim(*limit)
    axes.plot(time, ecg, color=INK, linewidth=1.0)
    axes.set_ylim(*ends)
    return drawn


def _ends(low: Float[np.ndarray, "..."], high: Float[np.ndarray, "..."]) -> tuple[float, float]:
    margin = 0.08 * max(float(high.max() - low.min()), 1e-6)
    return float(low.min()) - margin, float(high.max()) + margin


def _size(axes: Axes, time: Float[np.ndarray, " time"], value: Float[np.ndarray, "beat _ time"]) -> None:
    """How large a map is at each moment, averaged over leads: mean and spread over beats."""
    size = np.abs(value).mean(axis=1)
    mean, spread = size.mean(axis=0), size.std(axis=0)
    axes.fill_between(time, np.maximum(mean - spread, 0), mean + spread, color=RIGHT, alpha=0.25, linewidth=0)
    axes.plot(time, mean, color=RIGHT, linewidth=1.1)
    tidy(axes)
    axes.set_xlim(time[0], time[-1])


def _empty(places: np.ndarray, words: str) -> None:
    for axes in places:
        axes.set_frame_on(False)
        axes.tick_params(bottom=False)
        axes.set_yticks([])
    places[0].text(0.0, 0.5, plain(words), transform=places[0].transAxes, color=QUIET)


def _limit(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """Ends of a scale of colours: round 0 where there are values below it."""
    every = np.concatenate([one.ravel() for one in values]) if values else np.zeros(1)
    most = float(np.percentile(np.abs(every), PERCENT)) or 1.0
    return (-most, most) if every.min() < 0 else (0.0, most)


def _bar(figure: Figure, grid: np.ndarray, words: str) -> None:
    mesh = next((one for axes in grid.ravel() for one in axes.collections if isinstance(one, QuadMesh)), None)
    if mesh is not None:
        bar = figure.colorbar(mesh, ax=grid.ravel().tolist(), pad=0.01, fraction=0.04, aspect=30)
        bar.set_label(words, fontsize=9)
