"""The figure of runs on the same rows: what one has over the other, with intervals, about zero."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ecg_lightning.paired import Paired
from ecg_lightning.predictions import SIDES
from ecg_lightning.report.paired_tables import apart, by_name, named
from ecg_lightning.report.style import INK, QUIET, RIGHT, new_figure, plain, tidy

MAX_PANELS = 3
MAX_NAME = 44  # letters of a run beside its row
ABSENT: dict[Hashable, float] = dict.fromkeys(
    ("difference", "low", "high"), np.nan
)  # of a number that a run does not have


def differences(pairs: Mapping[str, Paired], best: str, names: Sequence[str], stamp: str) -> Figure | None:
    """One panel of these numbers where there is one other run, else one panel per number with a row per other run.

    Args:
        pairs: the first run against others, by the names of these.
        best: what the first run is called.
        names: of the numbers; where there are several runs the first few.
        stamp: as `style.new_figure` has it.

    Returns:
        None where the runs have no number in common.
    """
    tables = {job: by_name(pair) for job, pair in pairs.items()}
    first = next(iter(pairs.values()))
    if not names:
        return None
    if len(pairs) == 1:
        figure = new_figure(7.0, 1.7 + 0.34 * len(names), stamp)
        panels = [figure.subplots()]
        (other, table), *_ = tables.items()
        _panel(panels[0], [(named(name), table[name]) for name in names], f"{SIDES[first.side]}: {best} minus {other}")
    else:
        names = names[:MAX_PANELS]
        figure = new_figure(2.0 + 2.9 * len(names), 1.7 + 0.34 * len(pairs), stamp)
        panels = list(figure.subplots(1, len(names), squeeze=False, sharey=True)[0])
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, [(job, table.get(name, ABSENT)) for job, table in tables.items()], named(name))
        figure.suptitle(plain(f"{SIDES[first.side]}: {best} minus each other run"), fontsize=12)
    limited = first.table["low"].notna().any()
    words = f"difference of scores, 95 % interval over {first.units}" if limited else "difference of scores"
    filled = "\nfilled: the interval leaves out 0" if limited else ""
    figure.supxlabel(plain(f"{words}; above 0: {_short(best)} is higher{filled}"), fontsize=10)
    return figure


def _panel(axes: Axes, rows: Sequence[tuple[str, Mapping[Hashable, Any]]], title: str) -> None:
    """Differences one below the other, the first on top; hollow where the interval holds zero, or is not known."""
    place = np.arange(len(rows))
    tidy(axes, plain(title))
    axes.axvline(0.0, color=QUIET, linewidth=1.2)
    for y, (_, row) in zip(place, rows, strict=True):
        axes.plot([row["low"], row["high"]], [y, y], color=RIGHT, alpha=0.7)
        axes.plot(row["difference"], y, "o", ms=6, color=RIGHT, markerfacecolor=RIGHT if apart(row) else "white")
    axes.set_yticks(place, [plain(_short(name)) for name, _ in rows], color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
