"""How every figure looks: colours that colour-blind readers tell apart, quiet axes, a stamp that cannot be missed."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, ScaledTranslation

INK = "#222222"
QUIET = "#8a8a8a"
GRID = "#e6e6e6"
RIGHT, WRONG = "#0072B2", "#D55E00"
DPI = 110
LABELS_IN = 0.45  # what the words under an axis take


def new_figure(width_in: float, height_in: float, stamp: str) -> Figure:
    """Make an empty figure.

    Args:
        width_in: in inches.
        height_in: in inches.
        stamp: written across the figure, e.g. "SYNTHETIC"; empty for none.
    """
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
    if stamp:
        size = min(72, 24 * height_in, min(90 * width_in, 290 * height_in) / len(stamp))
        mark = figure.text(0.5, 0.5, stamp, size=size, color="#b00020", alpha=0.13, rotation=18, zorder=1000)
        mark.set(ha="center", va="center", weight="bold", in_layout=False)
    return figure


def tidy(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Leave two spines and a light grid, and name the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, color=QUIET)
    axes.set_title(title, fontsize=11, loc="left", color=INK)
    axes.set_xlabel(x, fontsize=10)
    axes.set_ylabel(y, fontsize=10)


def legend_below(axes: Axes, columns: int) -> None:
    """Name the curves under the axes, where no curve runs."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        below = axes.transAxes + ScaledTranslation(-0.1, -LABELS_IN, Affine2D().scale(DPI))
        legend = axes.legend(handles, names, loc="upper left", bbox_to_anchor=(0, 0), ncols=columns, fontsize=9)
        legend.set(frame_on=False)
        legend.set_bbox_to_anchor((0, 0), transform=below)


def plain(text: str) -> str:
    """Keep matplotlib from reading a name as a formula."""
    return text.replace("$", r"\$")
