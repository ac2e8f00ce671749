"""Figure of some seconds of a record: on millimetre paper where it is in millivolts, else on axes with its units."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.paper import Mark, Tracing, paper
from ecg_lightning.report.stretch import Stretch
from ecg_lightning.report.style import GRID, INK, new_figure, plain, tidy

NORMAL = "N"
FEW_S = 15.0  # up to here every second is written
MANY = 4  # leads from which on each is lower
NO_UNIT = "no unit"
FOUND = "|"  # above an R peak that nobody has annotated


def stretch_figure(stretch: Stretch) -> Figure:
    """Draw the leads one below another, with the beats that are known."""
    stamp = "SYNTHETIC" if stretch.synthetic else ""
    title = f"record {stretch.record}   {stretch.start_s:.1f} s to {stretch.stop_s:.1f} s"
    if any(unit != "mV" for unit in stretch.units):
        return _on_axes(stretch, title, stamp)
    marks = tuple(
        Mark(at_s - stretch.start_s, symbol or FOUND, beat_colour(symbol))
        for at_s, symbol in zip(stretch.beat_s, stretch.symbol, strict=True)
    )
    seconds = stretch.stop_s - stretch.start_s
    said = _said(stretch)
    return paper(
        Tracing(stretch.ecg, stretch.leads, stretch.fs_hz, "mV", title, said, "", marks=marks, seconds=seconds), stamp
    )


def beat_colour(symbol: str) -> str:
    """One colour for normal beats, one for all others, ink for those that nobody has named."""
    return INK if not symbol else class_colour(0 if symbol == NORMAL else 2)


def _said(stretch: Stretch) -> str:
    """Where the marks come from."""
    if not stretch.beat_s:
        return ""
    return "beats as annotated" if any(stretch.symbol) else "R peaks as found in the first lead, not annotated"


def _on_axes(stretch: Stretch, title: str, stamp: str) -> Figure:
    n_leads = len(stretch.leads)
    figure = new_figure(11, 1.2 + n_leads * (1.8 if n_leads < MANY else 0.95), stamp)
    rows = figure.subplots(n_leads, 1, sharex=True, squeeze=False)[:, 0]
    seconds = stretch.start_s + np.arange(stretch.ecg.shape[1]) / stretch.fs_hz
    for axes, ecg, lead, unit in zip(rows, stretch.ecg, stretch.leads, stretch.units, strict=True):
        axes.plot(seconds, ecg, color=INK, linewidth=0.8)
        tidy(axes, y=plain(f"{lead}\n{NO_UNIT if unit == 'NU' else unit}"))
        time_grid(axes, stretch.start_s, stretch.stop_s)
        for at_s, symbol in zip(stretch.beat_s, stretch.symbol, strict=True):
            axes.axvline(at_s, color=beat_colour(symbol), linewidth=0.7, alpha=0.4)
    for at_s, symbol in zip(stretch.beat_s, stretch.symbol, strict=True):
        look = {"ha": "center", "va": "bottom", "fontsize": 8.5, "weight": "bold", "color": beat_colour(symbol)}
        rows[0].text(at_s, 1.0, symbol or FOUND, transform=rows[0].get_xaxis_transform(), **look)
    said = _said(stretch)
    rows[0].set_title(plain(f"{title}   {said}"), fontsize=11, loc="left", color=INK, pad=16 if stretch.beat_s else 6)
    rows[-1].set_xlabel("seconds from the record's beginning", fontsize=10)
    return figure


def time_grid(axes: Axes, start_s: float, stop_s: float) -> None:
    """Lines every second and every fifth of one, as on paper, where there is room."""
    if stop_s - start_s <= FEW_S:
        axes.set_xticks(np.arange(np.ceil(start_s), stop_s + 1e-9))
        axes.set_xticks(np.arange(np.ceil(start_s * 5) / 5, stop_s, 0.2), minor=True)
        axes.grid(which="minor", axis="x", color=GRID, linewidth=0.4)
    axes.set_xlim(start_s, stop_s)
