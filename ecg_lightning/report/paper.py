"""An ECG as it is printed: twelve leads on millimetre paper, with what the network attended to beneath."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ecg_lightning.report.style import INK, QUIET, new_figure, plain

COLUMNS = (("I", "II", "III"), ("AVR", "AVL", "AVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
LIMB = (*COLUMNS[0], *COLUMNS[1])
RHYTHM = "II"
# Kligfield et al., Circulation 115:1306-1324 (2007): how an ECG is printed
MM_PER_S = 25.0
MM_PER_MV = 10.0
PAPER_S = 10.0
MM_PER_SD = 4.0  # where millivolts are not known: an R wave of 6 SD is then as tall as one of 2.4 mV
LEAST_MM, MOST_MM = (7.0, 11.0), (40.0, 44.0)  # room below and above a baseline; a taller wave runs into its neighbour
NAME_MM = 4.0
LEFT_MM, RIGHT_MM, FOOT_MM = 15.0, 5.0, 7.0
PULSE_MM = 5.0
ATTENTION_MM = 12.0
LINE_MM = 4.4
LETTERS = 118  # of a line of text across ten seconds of paper
MARK_MM = 3.6  # a line of letters above a row
PAPER, FINE, BOLD = "#fffafa", "#f8dcdc", "#eda9a9"
FOUND, FAILED, ATTENTION = "#00704a", "#b00020", "#0072B2"


@dataclass(frozen=True)
class Mark:
    """A beat to point at.

    Args:
        at_s: of its R peak, from the beginning of the paper.
        text: above it, a line or two.
        colour: of both.
    """

    at_s: float
    text: str
    colour: str


@dataclass(frozen=True, eq=False)
class Tracing:
    """One record to print.

    Args:
        ecg: as its corpus gave it; beyond `seconds` it is cut.
        leads: names of the rows.
        fs_hz: sampling rate.
        unit: "mV", or another word where the amplitude is not known.
        title: whose record it is.
        right: what was found, in words.
        wrong: what was missed or called wrongly, in words; empty for nothing.
        attention: weight of each step of time, evenly over the record; None where the network has none.
        marks: beats to point at, above the first row that goes through the whole time.
        seconds: length of the paper.
        shaded: seconds from the beginning of the paper that are not trusted.
    """

    ecg: Float[np.ndarray, "lead time"]
    leads: tuple[str, ...]
    fs_hz: float
    unit: str
    title: str
    right: str
    wrong: str
    attention: Float[np.ndarray, " step"] | None = None
    marks: tuple[Mark, ...] = ()
    seconds: float = PAPER_S
    shaded: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class _Strip:
    """One lead over one stretch of time, at its own place on the paper."""

    name: str
    lead: int
    start_s: float
    stop_s: float


def paper(tracing: Tracing, stamp: str) -> Figure:
    """Print a record at 25 mm/s, and at 10 mm/mV where millivolts are known.

    With all twelve leads: three rows of four columns, 2.5 s of ten, and lead II beneath; else one row per lead.
    """
    ecg_mm = _in_mm(tracing)
    rows = _rows(tracing)
    room = [_room(ecg_mm, row, tracing.fs_hz) for row in rows]
    text = _text(tracing)
    under = ATTENTION_MM if tracing.attention is not None else 0.0
    over = MARK_MM * max((mark.text.count("\n") + 1 for mark in tracing.marks), default=0)
    paper_mm = 5 * np.ceil((sum(below + above for below, above in room) + under + over + 3) / 5)
    width_mm, height_mm = LEFT_MM + tracing.seconds * MM_PER_S + RIGHT_MM, FOOT_MM + paper_mm + LINE_MM * len(text) + 3
    figure = new_figure(width_mm / 25.4, height_mm / 25.4, stamp)
    figure.set_layout_engine("none")  # a millimetre of paper is a millimetre of the figure
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width_mm), ylim=(0, height_mm))
    axes.set_axis_off()
    _grid(axes, width_mm, paper_mm)
    for start_s, stop_s in tracing.shaded:
        x = [LEFT_MM + MM_PER_S * at_s for at_s in (start_s, stop_s)]
        axes.fill_between(x, FOOT_MM, FOOT_MM + paper_mm, color=QUIET, alpha=0.25, linewidth=0, zorder=1.5)
    top = FOOT_MM + paper_mm - 1.5
    marked = [len(row) for row in rows].index(1)
    for number, (row, (below, above)) in enumerate(zip(rows, room, strict=True)):
        if number == marked:
            _marks(axes, tracing.marks, top, over + above + below)
            top -= over
        if tracing.attention is not None and len(row) == 1:
            _shade(axes, tracing, tracing.attention, (top - above - below, top))
        _row(axes, ecg_mm, row, tracing, (top - above, above))
        top -= above + below
    if tracing.attention is not None:
        _weights(axes, tracing, tracing.attention, top)
    for number, (line, colour, weight) in enumerate(text):
        axes.text(LEFT_MM, height_mm - 4 - LINE_MM * number, plain(line), color=colour, weight=weight, fontsize=9.5)
    axes.text(LEFT_MM, 2.3, _scale(tracing), fontsize=8.5, color=INK)
    return figure


def _in_mm(tracing: Tracing) -> Float[np.ndarray, "lead time"]:
    """Heights on paper, each lead about its own middle."""
    ecg = tracing.ecg[:, : round(tracing.seconds * tracing.fs_hz)].astype(np.float64)
    ecg = ecg - np.stack([_of_known(np.median, lead) for lead in ecg])[:, None]
    if tracing.unit == "mV":
        return ecg * MM_PER_MV
    limb = np.array([name.upper() in LIMB for name in tracing.leads])
    for group in (limb, ~limb):
        spread = _of_known(np.std, ecg[group])
        ecg[group] *= MM_PER_SD / spread if spread > 0 else 0.0
    return ecg


def _of_known(score: Callable[[np.ndarray], np.floating], values: np.ndarray) -> float:
    """A number of the samples that are there; 0 where none is."""
    known = values[np.isfinite(values)]
    return float(score(known)) if len(known) else 0.0


def _rows(tracing: Tracing) -> list[list[_Strip]]:
    """Which lead stands where; the last row goes through the whole time."""
    place = {name.upper(): index for index, name in enumerate(tracing.leads)}
    if not {name for column in COLUMNS for name in column} <= place.keys():
        return [[_Strip(name, index, 0.0, tracing.seconds)] for index, name in enumerate(tracing.leads)]
    column_s = tracing.seconds / len(COLUMNS)
    rows = [
        [
            _Strip(tracing.leads[place[name]], place[name], number * column_s, (number + 1) * column_s)
            for number, name in enumerate(names)
        ]
        for names in zip(*COLUMNS, strict=True)
    ]
    return [*rows, [_Strip(tracing.leads[place[RHYTHM]], place[RHYTHM], 0.0, tracing.seconds)]]


def _room(ecg_mm: Float[np.ndarray, "lead time"], row: list[_Strip], fs_hz: float) -> tuple[float, float]:
    """Millimetres that a row takes below and above its baseline."""
    values = np.concatenate([_cut(ecg_mm, strip, fs_hz) for strip in row])
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    below, above = np.clip([-values.min() + 1, values.max() + NAME_MM], LEAST_MM, MOST_MM)
    return float(below), float(above)


def _cut(ecg_mm: Float[np.ndarray, "lead time"], strip: _Strip, fs_hz: float) -> Float[np.ndarray, " part"]:
    return ecg_mm[strip.lead, round(strip.start_s * fs_hz) : round(strip.stop_s * fs_hz)]


def _grid(axes: Axes, width_mm: float, paper_mm: float) -> None:
    """Fine lines every millimetre, bold ones every five."""
    low, high = FOOT_MM, FOOT_MM + paper_mm
    axes.fill_between([0, width_mm], low, high, color=PAPER, zorder=0, linewidth=0)
    for step, colour, width in ((1, FINE, 0.4), (5, BOLD, 0.6)):
        upright = [[(x, low), (x, high)] for x in np.arange(0, width_mm + 1e-6, step)]
        level = [[(0, y), (width_mm, y)] for y in np.arange(low, high + 1e-6, step)]
        axes.add_collection(LineCollection([*upright, *level], colors=colour, linewidths=width, zorder=1))


def _row(
    axes: Axes, ecg_mm: Float[np.ndarray, "lead time"], row: list[_Strip], tracing: Tracing, place: tuple[float, float]
) -> None:
    """Strips side by side, each with the name of its lead, and the pulse of 1 mV before them."""
    baseline, above = place
    if tracing.unit == "mV":
        x = LEFT_MM - 2 * PULSE_MM + np.array([0, 0.5, 0.5, 1.5, 1.5, 2.0]) * PULSE_MM * 0.9
        axes.plot(x, baseline + MM_PER_MV * np.array([0, 0, 1, 1, 0, 0]), color=INK, linewidth=0.8, zorder=4)
    for strip in row:
        ecg = _cut(ecg_mm, strip, tracing.fs_hz)
        x = LEFT_MM + MM_PER_S * (strip.start_s + np.arange(len(ecg)) / tracing.fs_hz)
        axes.plot(x, baseline + ecg, color=INK, linewidth=0.75, zorder=4)
        start = LEFT_MM + MM_PER_S * strip.start_s
        axes.plot([start, start], [baseline - 2, baseline + 2], color=INK, linewidth=0.9, zorder=3)
        axes.text(start + 0.8, baseline + above - 0.5, plain(strip.name), fontsize=9, weight="bold", va="top", zorder=5)


def _marks(axes: Axes, marks: tuple[Mark, ...], top_mm: float, tall_mm: float) -> None:
    """Letters above the R peaks, and a thin line from them down through the row."""
    for mark in marks:
        x = LEFT_MM + MM_PER_S * mark.at_s
        axes.plot([x, x], [top_mm - tall_mm, top_mm], color=mark.colour, linewidth=0.7, alpha=0.4, zorder=2)
        axes.text(*(x, top_mm, plain(mark.text)), ha="center", va="top", fontsize=8.5, color=mark.colour, weight="bold")


def _shade(axes: Axes, tracing: Tracing, attention: Float[np.ndarray, " step"], row_mm: tuple[float, float]) -> None:
    """Colour the paper behind a row where the weight is more than an even share, the deeper the more."""
    share, edge_mm = _steps(tracing, attention)
    colours = np.zeros((1, len(share), 4))
    colours[..., :3], colours[..., 3] = to_rgb(ATTENTION), 0.4 * np.clip((share - 1) / max(share.max() - 1, 1.0), 0, 1)
    axes.pcolormesh(edge_mm, np.array(row_mm), colours, zorder=2, linewidth=0)


def _weights(axes: Axes, tracing: Tracing, attention: Float[np.ndarray, " step"], top_mm: float) -> None:
    """Draw the weights as a curve, and how high it were if all of the time counted alike."""
    share, edge_mm = _steps(tracing, attention)
    low, tall = top_mm - ATTENTION_MM + 1, (ATTENTION_MM - 2) / max(share.max(), 2.0)
    axes.stairs(low + tall * share, edge_mm, baseline=low, fill=True, color=ATTENTION, alpha=0.55, zorder=3)
    axes.plot(edge_mm[[0, -1]], [low + tall, low + tall], color=INK, linewidth=0.6, linestyle=":", zorder=4)
    axes.text(LEFT_MM - 1, low, "atten-\ntion", fontsize=8, ha="right", color=ATTENTION, weight="bold")


def _steps(
    tracing: Tracing, attention: Float[np.ndarray, " step"]
) -> tuple[Float[np.ndarray, " kept"], Float[np.ndarray, " edge"]]:
    """Weights of the time that is printed, 1 where all of it counts alike, and where they begin and end on paper."""
    step_s = tracing.ecg.shape[-1] / tracing.fs_hz / len(attention)
    n_kept = int(np.ceil(min(tracing.seconds / step_s, len(attention))))
    edge_s = np.minimum(np.arange(n_kept + 1) * step_s, tracing.seconds)
    return attention[:n_kept].astype(np.float64) * len(attention), LEFT_MM + MM_PER_S * edge_s


def _text(tracing: Tracing) -> list[tuple[str, str, str]]:
    """Lines above the paper, each with its colour and weight."""
    letters = int(LETTERS * tracing.seconds / PAPER_S)
    lines = [(line, INK, "bold") for line in textwrap.wrap(tracing.title, letters)]
    lines += [(line, FOUND, "normal") for line in textwrap.wrap(tracing.right, letters)]
    wrong = [line for words in tracing.wrong.splitlines() for line in textwrap.wrap(words, letters)]
    return lines + [(line, FAILED, "normal") for line in wrong]


def _scale(tracing: Tracing) -> str:
    """What a millimetre means."""
    height = f"{MM_PER_MV:g} mm/mV"
    if tracing.unit != "mV":
        n_limb = sum(name.upper() in LIMB for name in tracing.leads)
        apart = ", limb and chest leads each by their own spread" if 0 < n_limb < len(tracing.leads) else ""
        height = f"{MM_PER_SD:g} mm/SD: amplitude in SD, not mV{apart}"
    seen = "; attention: dotted line = all of the time alike" if tracing.attention is not None else ""
    return f"{MM_PER_S:g} mm/s, {height}{seen}"
