"""How many panels stand side by side, so that the words of a figure can be read on the page."""

from collections.abc import Iterable

from matplotlib.axes import Axes

MOST_BESIDE = 3  # a page shows 10 inches without making them smaller
WIDTH_IN, MARGIN_IN, LEAST_IN = 3.05, 0.8, 6.0


def wrapped(n_panels: int) -> tuple[int, int]:
    """Rows and columns of panels, in as few rows as may be."""
    n_rows = -(-n_panels // MOST_BESIDE)
    return n_rows, -(-n_panels // n_rows)


def width_of(n_columns: int) -> float:
    """Of a figure, in inches."""
    return max(LEAST_IN, WIDTH_IN * n_columns + MARGIN_IN)


def left_out(places: Iterable[Axes]) -> None:
    """Take away places that no panel fills."""
    for axes in places:
        axes.remove()
