"""Figures of what a map is worth: waves, deletion and insertion, random weights, what stands beside the ECG."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning.explain.faithful import Curves
from ecg_lightning.explain.panels import left_out, width_of, wrapped
from ecg_lightning.explain.randomised import Stage
from ecg_lightning.explain.shares import Share
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy

RANDOM = "random"
LOW_P = 0.1  # what stays below it is a flat line on an axis from 0 to 1


def on_waves(found: Mapping[str, tuple[Share, ...]], of: str, stamp: str) -> Figure:
    """Draw the share of every wave in the map, in the time and in the ECG's size, class by class.

    Args:
        found: of each class by name.
        of: what the map is made of.
        stamp: see `report.style.new_figure`.
    """
    n_rows, n_columns = wrapped(len(found))
    figure = new_figure(width_of(n_columns), 3.0 * n_rows + 0.5, stamp)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    places = grid.ravel()[: len(found)]
    for axes, (name, waves) in zip(places, found.items(), strict=True):
        at = np.arange(len(waves))
        for k, (colour, words, shares) in enumerate(
            ((RIGHT, of, "map"), (QUIET, "time", "time"), (WRONG, "size of the ECG", "size"))
        ):
            means = [getattr(one, shares) for one in waves]
            value = np.array([one.value for one in means])
            axes.bar(at + 0.27 * (k - 1), value, 0.25, color=colour, label=words)
            if shares == "map" and means and means[0].low is not None:
                ends = np.abs(np.array([[one.low, one.high] for one in means]).T - value)
                axes.errorbar(at + 0.27 * (k - 1), value, ends, fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
        tidy(axes, plain(name))
        axes.set_xticks(at, [one.wave for one in waves], fontsize=10)
        axes.set_ylim(0, 1)
    for axes in grid[:, 0]:
        axes.set_ylabel("share", fontsize=11)
    left_out(grid.ravel()[len(found) :])
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower left", ncols=3, frameon=False, fontsize=11)
    return figure


def deletion_and_insertion(found: Mapping[str, Mapping[str, Curves]], words: Mapping[str, str], stamp: str) -> Figure:
    """Draw the mean probability of every class while pieces are taken away (top) and given (bottom).

    Args:
        found: of each class by name, by method and "random".
        words: of each method.
        stamp: see `report.style.new_figure`.
    """
    n_rows, n_columns = wrapped(len(found))
    figure = new_figure(width_of(n_columns), 4.9 * n_rows + 0.5, stamp)
    grid = figure.subplots(2 * n_rows, n_columns, squeeze=False)
    pairs = [(grid[2 * row, column], grid[2 * row + 1, column]) for row in range(n_rows) for column in range(n_columns)]
    for pair, (name, lines) in zip(pairs, found.items(), strict=False):
        _both_ways(pair, name, lines, words)
    for row in range(n_rows):
        grid[2 * row, 0].set_ylabel("p(class)\ntaken away first", fontsize=10)
        grid[2 * row + 1, 0].set_ylabel("p(class)\ngiven first", fontsize=10)
    left_out([axes for pair in pairs[len(found) :] for axes in pair])
    named = grid[0, 0].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower left", ncols=len(named[0]), frameon=False, fontsize=11)
    return figure


def _both_ways(pair: Sequence[Axes], name: str, lines: Mapping[str, Curves], words: Mapping[str, str]) -> None:
    """One class: deletion above insertion, on an axis of their own where p is low all along."""
    for k, (method, one) in enumerate(lines.items()):
        chance = method == RANDOM
        colour, line = (QUIET, "--") if chance else (class_colour(k), "-")
        for axes, value in zip(pair, (one.deletion, one.insertion), strict=True):
            percent = np.linspace(0, 100, value.shape[1])
            axes.plot(
                percent, value.mean(axis=0), color=colour, linestyle=line, label=words.get(method, "random order")
            )
    most = max(float(one.mean(axis=0).max()) for line in lines.values() for one in (line.deletion, line.insertion))
    low = most < LOW_P
    tidy(pair[0], plain(name) + f": p is below {LOW_P} throughout" * low)
    tidy(pair[1], x="% of the pieces")
    for axes in pair:
        axes.set_ylim(0, max(1.15 * most, 1e-6) if low else 1)


def random_weights(stages: Sequence[Stage], stamp: str) -> Figure:
    """Draw how much of the maps is left while one layer after another is made random."""
    figure = new_figure(8, 3.9, stamp)
    axes = figure.subplots()
    at = np.arange(len(stages))
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.plot(at, [one.signed for one in stages], color=RIGHT, marker="o", markersize=4, label="maps")
    axes.plot(
        at, [one.absolute for one in stages], color=WRONG, marker="s", markersize=4, label="their absolute values"
    )
    tidy(axes, x="random from the output down to", y="rank correlation with\nthe maps as they were")
    axes.set_xticks(at, [plain(one.layer) for one in stages], rotation=25, ha="right", fontsize=8)
    axes.set_ylim(-1, 1.05)
    axes.legend(frameon=False, fontsize=9)
    return figure


def beside_the_ecg(found: Mapping[str, Mapping[str, Float[np.ndarray, " row"]]], stamp: str) -> Figure:
    """Draw how much of the absolute attribution features and other signals have, class by class.

    Args:
        found: of each class by name, the share of each input, and as "features/<name>" of each feature, row by row.
        stamp: see `report.style.new_figure`.
    """
    names = [name for name in next(iter(found.values())) if name not in ("ecg", "features")]
    figure = new_figure(9.5, 0.34 * len(names) + 1.7, stamp)
    axes = figure.subplots()
    for k, (name, shares) in enumerate(found.items()):
        own = [float(shares[one].mean()) * 100 for one in names]
        at = np.arange(len(names)) + 0.8 * (k - (len(found) - 1) / 2) / len(found)
        words = f"{name}: {100 * float(shares['ecg'].mean()):.0f} % ECG"
        axes.barh(at, own, 0.75 / len(found), color=class_colour(k), label=plain(words))
    tidy(axes, x="% of the absolute attribution of all inputs")
    axes.set_yticks(np.arange(len(names)), [plain(one.removeprefix("features/")) for one in names], fontsize=9)
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=9)
    return figure
