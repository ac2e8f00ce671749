"""The figures of a study: what its trials reached, which settings mattered, and where the best lie."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.comparison_figures import short_keys
from ecg_lightning.report.style import QUIET, new_figure, plain, tidy
from ecg_lightning.search_space import Setting

FINISHED, PRUNED, BEST = class_colour(0), class_colour(1), class_colour(2)
MAX_PANELS = 6
PANELS_A_ROW = 3
MAX_LETTERS = 20  # of choices side by side under one panel


def history(table: pd.DataFrame, monitor: str, mode: str, stamp: str) -> Figure:
    """Every trial's value in the order of their numbers, and the best until then.

    Args:
        table: of `study_table.table`.
        monitor: name of the value.
        mode: "max" or "min".
        stamp: across the figure.
    """
    figure = new_figure(7.5, 4.0, stamp)
    axes = figure.subplots()
    whole, pruned = table[table["state"] == "finished"], table[table["judged"].notna() & (table["state"] == "pruned")]
    if len(pruned):
        axes.plot(pruned["trial"], pruned["judged"], "x", color=PRUNED, ms=6, label="pruned, when it was stopped")
    axes.plot(whole["trial"], whole["value"], "o", color=FINISHED, ms=5, label="finished")
    so_far = whole["value"].cummax() if mode == "max" else whole["value"].cummin()
    axes.step(whole["trial"], so_far, where="post", color=BEST, linewidth=1.2, label="best so far")
    _ring(axes, table, "trial")
    tidy(axes, "What each trial reached", "trial", f"{plain(monitor)}, on validation rows")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure, axes)
    return figure


def importance(shares: Mapping[str, float], n_trials: int, stamp: str) -> Figure:
    """How much of what differs between trials each setting explains.

    Args:
        shares: by setting, as Optuna's fANOVA has them.
        n_trials: that they were found from.
        stamp: across the figure.
    """
    names = sorted(shares, key=lambda name: shares[name])
    figure = new_figure(7.0, 1.7 + 0.36 * len(names), stamp)
    axes = figure.subplots()
    axes.barh(range(len(names)), [shares[name] for name in names], height=0.6, color=FINISHED)
    for place, name in enumerate(names):
        axes.text(shares[name] + 0.01, place, f"{shares[name]:.2f}", va="center", fontsize=9)
    tidy(axes, f"Which settings mattered, by {n_trials} finished trials", "share of the differences explained (fANOVA)")
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.set_xlim(0, 1.08)
    return figure


def settings(table: pd.DataFrame, searched: Sequence[Setting], monitor: str, stamp: str) -> Figure:
    """What the finished trials reached, against each setting; the first six.

    Args:
        table: of `study_table.table`; holds a finished trial.
        searched: the settings.
        monitor: name of the value.
        stamp: across the figure.
    """
    shown = list(searched)[:MAX_PANELS]
    n_columns = min(PANELS_A_ROW, len(shown))
    n_rows = -(-len(shown) // n_columns)
    figure = new_figure(max(5.0, 3.4 * n_columns), 0.7 + 3.0 * n_rows, stamp)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    whole = table[table["state"] == "finished"]
    names = short_keys(tuple(setting.key for setting in shown))
    for axes, setting, name in zip(panels.flat, shown, names, strict=False):
        place = _places(axes, whole[setting.key], setting)
        axes.plot(place, whole["value"], "o", color=FINISHED, ms=4.5, alpha=0.8, label="finished")
        at_best = whole["best"].to_numpy(dtype=bool)
        axes.plot(place[at_best], whole["value"][at_best], "o", **_ringed())
        tidy(axes, "", plain(name), plain(monitor) if axes in panels[:, 0] else "")
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    _legend(figure, panels[0, 0])
    return figure


def _places(axes: Axes, column: pd.Series, setting: Setting) -> Float[np.ndarray, " trial"]:
    """Where the trials stand: choices one beside the other, numbers by their size or its logarithm."""
    if setting.choices:
        wide = sum(len(str(choice)) for choice in setting.choices) > MAX_LETTERS
        turned: dict[str, Any] = {"rotation": 30, "ha": "right"} if wide else {}
        axes.set_xticks(range(len(setting.choices)), [plain(str(choice)) for choice in setting.choices], **turned)
        axes.set_xlim(-0.5, len(setting.choices) - 0.5)
        return np.array([setting.choices.index(value) for value in column], dtype=np.float64)
    if setting.log:
        axes.set_xscale("log")
        axes.set_xlim(setting.low / 1.1, setting.high * 1.1)
    return column.to_numpy(dtype=np.float64)


def _ring(axes: Axes, table: pd.DataFrame, x: str) -> None:
    best = table[table["best"]]
    axes.plot(best[x], best["value"], "o", **_ringed())


def _ringed() -> dict[str, Any]:
    return {"ms": 11, "markerfacecolor": "none", "color": BEST, "label": "best"}


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False)
    axes.tick_params(color=QUIET)
