"""The screen of `predict.live`: a scrolling trace, the classes of its beats, and what they add up to."""

from collections import Counter, deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from ecg_lightning.predict.stream import Decision

SHOWN_S = 6.0  # seconds on the screen
N_ROWS = 8  # of characters, four dots each
N_RATE = 8  # intervals in the heart rate
N_LATENCIES = 1000  # the newest, of which the median is shown
BRAILLE = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a character: left and right column, from the top
COLOURS = ("green", "yellow", "red", "magenta", "cyan")  # of the classes, in their order


def trace(ecg: Float[np.ndarray, " time"], n_columns: int, n_rows: int) -> list[str]:
    """Draw a signal with dots, from its lowest to its highest value; a column shows all that its samples pass.

    Args:
        ecg: what is shown, the newest at the right.
        n_columns: width in characters, two dots each.
        n_rows: height in characters, four dots each.
    """
    if not len(ecg):
        return [" " * n_columns] * n_rows
    low, high = float(ecg.min()), float(ecg.max())
    n_high = 4 * n_rows - 1
    level = np.round((high - ecg) / (high - low or 1.0) * n_high).astype(int)
    column = np.arange(len(ecg)) * 2 * n_columns // len(ecg)
    cells = np.zeros((n_rows, n_columns), int)
    for dot in np.unique(column):
        inside = level[max(int(np.searchsorted(column, dot)) - 1, 0) : int(np.searchsorted(column, dot, "right"))]
        for row in range(inside.min(), inside.max() + 1):
            cells[row // 4, dot // 2] |= DOTS[dot % 2][row % 4]
    return ["".join(chr(BRAILLE + cell) for cell in row) for row in cells]


class Tally:
    """What the decisions so far add up to.

    Args:
        classes: of the network, in its order.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.counts: Counter[str] = Counter()
        self.n_doubted = 0
        self.latency_ms: deque[float] = deque(maxlen=N_LATENCIES)
        self.compute_ms: deque[float] = deque(maxlen=N_LATENCIES)
        self.recent: deque[Decision] = deque(maxlen=64)

    def add(self, said: Sequence[Decision], compute_ms: float) -> None:
        """Count decisions that came together."""
        for one in said:
            self.counts[one.called] += 1
            self.n_doubted += not one.trusted
            self.latency_ms.append(one.latency_ms)
            self.compute_ms.append(compute_ms)
            self.recent.append(one)

    @property
    def rate_bpm(self) -> float:
        """Heart rate by the last beats; NaN before there are two."""
        beats_s = [one.time_s for one in self.recent][-N_RATE - 1 :]
        return 60 * (len(beats_s) - 1) / (beats_s[-1] - beats_s[0]) if len(beats_s) > 1 else float("nan")

    def latencies(self) -> str:
        """Median latency, of the signal and of the computing."""
        if not self.latency_ms:
            return "no beat yet"
        return (
            f"latency {np.median(self.latency_ms):.0f} ms of signal + {np.median(self.compute_ms):.1f} ms of computing"
        )

    def words(self) -> str:
        """How many beats are of which class."""
        counts = ", ".join(f"{name} {self.counts[name]}" for name in self.classes)
        doubted = f"; {self.n_doubted} not trusted, as samples were lost" if self.n_doubted else ""
        return f"{self.counts.total()} beats: {counts}{doubted}"


def line(one: Decision, rate_bpm: float) -> str:
    """One beat, for a file or a pipe."""
    sure = f"score {one.score:.3g}" if one.score is not None else f"p {one.p[one.called]:.2f}"
    rate = "" if np.isnan(rate_bpm) else f"  {rate_bpm:3.0f} bpm"
    return f"{one.time_s:9.3f} s  {one.called}  {sure}{rate}  after {one.latency_ms:.0f} ms{_doubt(one)}"


def _doubt(one: Decision) -> str:
    return "" if one.trusted else "  not trusted: samples were lost"


def screen(
    title: str, ecg: Float[np.ndarray, " time"], now_s: float, fs_hz: float, tally: Tally, n_columns: int
) -> Panel:
    """The whole screen.

    Args:
        title: above the trace.
        ecg: the newest samples of one lead, at most SHOWN_S of them.
        now_s: time of the newest sample.
        fs_hz: sampling rate.
        tally: of the decisions so far.
        n_columns: width of the terminal.
    """
    inside = max(n_columns - 4, 20)
    full = np.full(max(round(SHOWN_S * fs_hz) - len(ecg), 0), ecg[0] if len(ecg) else 0.0)
    drawn = trace(np.concatenate([full, ecg]), inside, N_ROWS)
    rate = "-- bpm" if np.isnan(tally.rate_bpm) else f"{tally.rate_bpm:.0f} bpm"
    return Panel(
        Group(
            Text("\n".join(drawn), no_wrap=True, style="bright_green"),
            _below(tally, now_s, inside),
            Text(f"{_clock(now_s)}   {rate}   {tally.latencies()}", no_wrap=True),
            Text(tally.words(), no_wrap=True),
        ),
        title=title,
        subtitle="for research only, not a medical device; Ctrl-C ends",
        width=inside + 4,
    )


def _below(tally: Tally, now_s: float, n_columns: int) -> Text:
    """The classes under their R peaks."""
    text = [" "] * n_columns
    styles = dict(zip(tally.classes, COLOURS * len(tally.classes), strict=False))
    placed: list[tuple[int, int, str]] = []
    for one in tally.recent:
        at = int((one.time_s - now_s + SHOWN_S) / SHOWN_S * n_columns)
        word = one.called if one.trusted else f"{one.called}?"
        if 0 <= at < n_columns:
            shown = word[: n_columns - at]
            text[at : at + len(shown)] = shown
            placed.append((at, at + len(shown), styles.get(one.called, "white")))
    drawn = Text("".join(text), no_wrap=True)
    for begin, end, style in placed:
        drawn.stylize(f"bold {style}", begin, end)
    return drawn


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
