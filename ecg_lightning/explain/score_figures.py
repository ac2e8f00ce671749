"""Figures of what a map is worth: waves, deletion and insertion, random weights, what stands beside the ECG."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from ecg_lightning.explain.faithful import Curves
from ecg_lightning.explain.randomised import Stage
from ecg_lightning.explain.shares import Share
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy

RANDOM = "random"


def on_waves(found: Mapping[str, tuple[Share, ...]], of: str, stamp: str) -> Figure:
    """Draw the share of every wave in the map, in the time and in the ECG's size, class by class.

    Args:
        found: of each class by name.
        of: what the map is made of.
        stamp: see `report.style.new_figure`.
    """
    figure = new_figure(max(6.0, 2.9 * len(found) + 1), 3.4, stamp)
    places = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
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
        axes.set_xticks(at, [one.wave for one in waves], fontsize=9)
        axes.set_ylim(0, 1)
    places[0].set_ylabel("share", fontsize=10)
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    return figure


def deletion_and_insertion(found: Mapping[str, Mapping[str, Curves]], words: Mapping[str, str], stamp: str) -> Figure:
    """Draw the mean probability of every class while pieces are taken away (top) and given (bottom).

    Args:
        found: of each class by name, by method and "random".
        words: of each method.
        stamp: see `report.style.new_figure`.
    """
    figure = new_figure(max(6.0, 2.9 * len(found) + 1), 5.2, stamp)
    grid = figure.subplots(2, len(found), squeeze=False, sharex=True, sharey=True)
    for column, (name, lines) in enumerate(found.items()):
        for k, (method, one) in enumerate(lines.items()):
            chance = method == RANDOM
            look = {"color": QUIET if chance else class_colour(k), "linestyle": "--" if chance else "-"}
            for row, value in enumerate((one.deletion, one.insertion)):
                percent = np.linspace(0, 100, value.shape[1])
                grid[row, column].plot(percent, value.mean(axis=0), label=words.get(method, "random order"), **look)
        tidy(grid[0, column], plain(name))
        tidy(grid[1, column], x="% of the pieces")
        grid[0, column].set_ylim(0, 1)
    grid[0, 0].set_ylabel("p(class)\ntaken away first", fontsize=9)
    grid[1, 0].set_ylabel("p(class)\ngiven first", fontsize=9)
    named = grid[1, 0].get_legend_handles_labels()
    figure.legend(*named, loc="outside lower left", ncols=len(named[0]), frameon=False, fontsize=9)
    return figure


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
