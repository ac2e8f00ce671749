"""Figures of the score that tells anomalies: where each kind lies, how well it is ranked, and the latent space."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import INK, QUIET, legend_below, new_figure, plain, tidy

N_BINS = 70
WIDE = 8.0  # largest score over the median from which on the axis is logarithmic
KEPT = 0.998  # quantile of the scores that the axis reaches, and the threshold if it lies beyond
REACHED = 0.99  # quantile of the points, in either direction, that the map of the latent space reaches
LIMIT = class_colour(2)


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that are told apart by a name and a colour.

    Args:
        name: of a kind, in a word or with its meaning.
        rows: which rows are of it.
        colour: of it.
    """

    name: str
    rows: Bool[np.ndarray, " row"]
    colour: str


@dataclass(frozen=True)
class Bar:
    """One number between 0 and 1 with its interval, which is NaN where there is none."""

    name: str
    value: float
    limits: tuple[float, float]
    colour: str


@dataclass(frozen=True)
class Threshold:
    """From which score on a window is called an anomaly.

    Args:
        values: one per fold.
        rule: where they come from, in words.
    """

    values: tuple[float, ...]
    rule: str


def score_histograms(
    score: Float[np.ndarray, " row"],
    called: Bool[np.ndarray, " row"],
    groups: list[Group],
    threshold: Threshold,
    words: str,
    stamp: str,
) -> Figure:
    """Draw the scores of every group below one another on one axis, the first one behind each of the others.

    Args:
        score: of each row.
        called: which rows are called anomalies.
        groups: normal windows first.
        threshold: drawn through all of them.
        words: what the score is, with its unit.
        stamp: see `new_figure`.
    """
    figure = new_figure(11, 1.1 + 1.1 * len(groups), stamp)
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    edges = _edges(score, threshold.values)
    inside = np.clip(score, edges[0], edges[-1])
    first = _percent(inside[groups[0].rows], edges)
    for axes, group in zip(rows, groups, strict=True):
        axes.stairs(first, edges, color=QUIET, linewidth=0.8)
        axes.stairs(_percent(inside[group.rows], edges), edges, fill=True, color=group.colour, alpha=0.6)
        for value in threshold.values:
            axes.axvline(value, color=LIMIT, linewidth=1.3, linestyle="--")
        share = 100 * called[group.rows].mean() if group.rows.any() else 0.0
        tidy(axes, plain(f"{group.name}: {share:.1f} % of {group.rows.sum():,} called"))
        axes.set_ylim(0, None)
    said = ", ".join(f"{value:.3g}" for value in threshold.values)
    rows[0].set_title(plain(f"threshold {said}: {threshold.rule}"), fontsize=10, loc="right", color=LIMIT)
    rows[-1].set_xlabel(plain(words), fontsize=10)
    _scale(rows[-1], edges)
    figure.supylabel("percent of the windows of the kind", fontsize=10)
    return figure


def _edges(score: Float[np.ndarray, " row"], limits: tuple[float, ...]) -> Float[np.ndarray, " edge"]:
    """Edges of the bins, in even ratios where scores reach far; what lies beyond falls into the outermost ones."""
    low, middle, high = np.quantile(score, [1 - KEPT, 0.5, KEPT])
    low, high = min(low, *limits), max(high, *limits)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return (np.geomspace if low > 0 and high > WIDE * middle else np.linspace)(low, high, N_BINS + 1)


def _scale(axes: Axes, edges: Float[np.ndarray, " edge"]) -> None:
    """Let the axis go from the first edge to the last, in even ratios if they do."""
    axes.set_xlim(edges[0], edges[-1])
    if np.allclose(np.diff(edges), edges[1] - edges[0]):
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel(f"{axes.get_xlabel()} (logarithmic)")


def _percent(score: Float[np.ndarray, " row"], edges: Float[np.ndarray, " edge"]) -> Float[np.ndarray, " bin"]:
    return 100 * np.histogram(score, edges)[0] / max(len(score), 1)


def ranked_bars(panels: dict[str, list[Bar]], stamp: str) -> Figure:
    """Draw areas under the ROC curve with their intervals.

    Args:
        panels: side by side, bars by title.
        stamp: see `new_figure`.
    """
    most = max(len(bars) for bars in panels.values())
    figure = new_figure(6.2 * len(panels), 1.1 + 0.42 * most, stamp)
    for axes, (title, bars) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        tidy(axes, plain(title))
        axes.set_xlabel("AUROC (dotted: chance)", fontsize=10, loc="left")
        axes.grid(visible=False, axis="y")
        for at, bar in enumerate(bars):
            low, high = bar.limits
            axes.barh(at, bar.value, height=0.62, color=bar.colour, alpha=0.85)
            axes.plot([low, high], [at, at], color=INK, linewidth=1.6, solid_capstyle="butt")
            beside = "" if np.isnan(low) else f" ({low:.3f} to {high:.3f})"
            axes.text(1.03, at, f"{bar.value:.3f}{beside}", va="center", fontsize=9, color=INK)
        axes.set_yticks(range(len(bars)), [plain(bar.name) for bar in bars])
        axes.plot([0.5, 0.5], [-0.5, most - 0.5], color=QUIET, linewidth=0.9, linestyle=":")
        axes.set(xlim=(0, 1.62), ylim=(most - 0.4, -0.6))  # words stand beside the bars
        axes.set_xticks(np.arange(0, 1.01, 0.2))
        axes.spines["bottom"].set_bounds(0, 1)
    return figure


def project(
    latent: Float[np.ndarray, "row latent"], normal: Bool[np.ndarray, " row"]
) -> tuple[Float[np.ndarray, "row 2"], Float[np.ndarray, " 2"]]:
    """Look at latent vectors along the two directions in which normal ones vary most.

    Args:
        latent: at least two numbers a row.
        normal: at least two rows.

    Returns:
        Where each row lies, and the share of the variance of normal rows along each direction.
    """
    centred = latent.astype(np.float64) - latent[normal].mean(axis=0, dtype=np.float64)
    _, size, direction = np.linalg.svd(centred[normal], full_matrices=False)
    total = np.square(size).sum()
    return centred @ direction[:2].T, np.square(size[:2]) / total if total > 0 else np.zeros(2)


def latent_map(
    place: Float[np.ndarray, "row 2"], share: Float[np.ndarray, " 2"], groups: list[Group], stamp: str
) -> Figure:
    """Draw where windows lie in two dimensions of latent space, the first group quietly behind the others.

    Args:
        place: of each row.
        share: of the variance of normal windows along each axis.
        groups: normal windows first, which rows are of each.
        stamp: see `new_figure`.
    """
    figure = new_figure(8.4, 7.0, stamp)
    axes = figure.subplots()
    for number, group in enumerate(groups):
        size, alpha = (13, 0.7) if number else (9, 0.45)
        named = plain(f"{group.name} ({group.rows.sum():,})")
        x, y = place[group.rows].T
        axes.scatter(x, y, size, group.colour, alpha=alpha, linewidth=0, label=named)
    words = [
        f"{word} component: {100 * part:.0f} % of the variance of normals"
        for word, part in zip(("first", "second"), share, strict=True)
    ]
    low, high = np.quantile(place, [1 - REACHED, REACHED], axis=0)
    room = 0.08 * (high - low) + 1e-9
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    n_beyond = int(((place < low - room) | (place > high + room)).any(axis=1).sum())
    tidy(axes, f"latent vectors; {n_beyond:,} of {len(place):,} lie beyond the axes", *words)
    legend_below(axes, 4)
    return figure
