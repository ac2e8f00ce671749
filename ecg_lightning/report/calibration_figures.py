"""Figure of what probabilities are worth: what was said against what came."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning import metrics
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import QUIET, legend_below, new_figure, plain, tidy

FEWEST = 5  # answers of a class that a bin must hold: the share of one or two is 0, a half or 1
LEAST_PX, MOST_PX = 8.0, 60.0  # area of the marker of an empty bin and of the fullest


@dataclass(frozen=True, eq=False)
class Stated:
    """Probabilities that were stated, and what came.

    Args:
        name: in the legend.
        p: of what was said.
        came: whether it was so.
    """

    name: str
    p: Float[np.ndarray, " answer"]
    came: Bool[np.ndarray, " answer"]


def reliability_diagram(
    pooled: list[Stated], per_class: list[Stated], answers: str, stamp: str, of: str = "all classes"
) -> Figure:
    """Share that came against the probability that was stated, and how often which was stated.

    Args:
        pooled: all answers, before and after calibration.
        per_class: after calibration, bins of `FEWEST` answers or more; none where there are too many to tell apart.
        answers: what is counted, in words.
        stamp: see `new_figure`.
        of: what the pooled probabilities are of.
    """
    panels = 3 if per_class else 2
    figure = new_figure(4.3 * panels, 4.9, stamp)
    columns = figure.subplots(1, panels)
    for axes, curves, title in zip(columns[:-1], (pooled, per_class), (plain(of), "class by class"), strict=False):
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=":")
        for index, stated in enumerate(curves):
            colour = class_colour(index) if curves is per_class else (QUIET, class_colour(0))[index % 2]
            _curve(axes, stated, colour, FEWEST if curves is per_class else 1)
        tidy(axes, title, "probability stated", "share that was so")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend_below(axes, 1 if curves is pooled else 3)
    for stated, colour in zip(pooled, (QUIET, class_colour(0)), strict=False):
        count = metrics.reliability(stated.p, stated.came)[2]
        edges = np.linspace(0, 1, len(count) + 1)
        columns[-1].stairs(count, edges, color=colour, linewidth=1.6, label=plain(stated.name.rsplit(",", 1)[0]))
    columns[-1].set_yscale("symlog", linthresh=1)
    tidy(columns[-1], "how often it was stated", "probability stated", answers)
    columns[-1].set_ylim(bottom=0)
    legend_below(columns[-1], 1)
    return figure


def _curve(axes: Axes, stated: Stated, colour: str, fewest: int) -> None:
    """One line over the bins that hold so many answers; the more, the larger the mark."""
    said, came, count = metrics.reliability(stated.p, stated.came)
    there = count >= fewest
    axes.plot(said[there], came[there], color=colour, linewidth=1.3, label=plain(stated.name))
    size = LEAST_PX + (MOST_PX - LEAST_PX) * np.sqrt(count[there] / max(count.max(), 1))
    axes.scatter(said[there], came[there], s=size, color=colour, zorder=3, linewidth=0)
