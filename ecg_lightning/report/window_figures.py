"""Figures of windows of seconds: right and wrong ones with where the network looked, single beats, spectrograms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ecg_lightning.report.paper import ATTENTION
from ecg_lightning.report.style import GRID, INK, QUIET, RIGHT, WRONG, new_figure, plain, tidy

PER_HALF = 2  # windows of one class below one another, right ones and wrong ones
ECG_IN, OTHER_IN = 1.25, 0.55  # height of what is drawn of a window
ALIKE = 1.0  # share of attention that every step would have if all counted alike


@dataclass(frozen=True, eq=False)
class Seconds:
    """One window to look at.

    Args:
        ecg: one row per lead.
        label: class index.
        right: it was called what it is.
        caption: truth, answer and place.
        attention: weight of each step of time, evenly over the window; None where the network has none.
        other: another signal over the same time, at its own rate; None where there is none.
    """

    ecg: Float[np.ndarray, "lead time"]
    label: int
    right: bool
    caption: str
    attention: Float[np.ndarray, " step"] | None = None
    other: Float[np.ndarray, " other_time"] | None = None


@dataclass(frozen=True)
class Axis:
    """What the windows of a figure share.

    Args:
        start_s: time of the first sample.
        stop_s: time behind the last.
        words: what time counts from.
        unit: of the ECG, and of the other signal.
        other: name of the other signal; empty where there is none.
    """

    start_s: float
    stop_s: float
    words: str
    unit: str
    other: str = ""


def window_grid(windows: list[Seconds], axis: Axis, classes: tuple[str, ...], stamp: str) -> Figure:
    """Draw windows class by class: right answers on the left, wrong ones on the right."""
    there = [index for index in range(len(classes)) if any(one.label == index for one in windows)]
    heights = ([ECG_IN, OTHER_IN] if axis.other else [ECG_IN]) * PER_HALF * len(there)
    figure = new_figure(14, 1.15 * sum(heights) + 0.34 * PER_HALF * len(there) + 0.6, stamp)
    grid = figure.subplots(len(heights), 2, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})
    each = len(heights) // (PER_HALF * len(there))
    for half, (right, title, colour) in enumerate(((True, "called right", RIGHT), (False, "called wrong", WRONG))):
        for number, label in enumerate(there):
            own = [one for one in windows if (one.label, one.right) == (label, right)][:PER_HALF]
            for place in range(PER_HALF):
                first = (number * PER_HALF + place) * each
                pair = grid[first : first + each, half]
                _window(pair, own[place] if place < len(own) else None, axis, colour)
                if not own and not place:
                    pair[0].text(0.0, 0.5, f"none of {plain(classes[label])}", transform=pair[0].transAxes, color=QUIET)
        heading = grid[0, half].get_title(loc="left")
        grid[0, half].set_title(heading, fontsize=9, loc="left", pad=4)
        grid[0, half].annotate(
            *(title, (0, 1)), xytext=(0, 22), xycoords="axes fraction", textcoords="offset points", fontsize=13
        ).set(color=colour, weight="bold")
        grid[-1, half].set_xlabel(axis.words, fontsize=10)
        grid[-1, half].tick_params(labelbottom=True)
    return figure


def _window(places: np.ndarray, one: Seconds | None, axis: Axis, colour: str) -> None:
    """One window, with the other signal beneath where there is one."""
    for axes in places:
        tidy(axes)
        axes.set_xlim(axis.start_s, axis.stop_s)
        axes.tick_params(labelsize=8)
    if one is None:
        for axes in places:
            axes.set_frame_on(False)
            axes.grid(visible=False)
            axes.tick_params(bottom=False)
            axes.set_yticks([])
        return
    seconds = _times(axis, one.ecg.shape[1])
    for lead in one.ecg[1:]:
        places[0].plot(seconds, lead, color=QUIET, linewidth=0.7)
    places[0].plot(seconds, one.ecg[0], color=colour, linewidth=0.9)
    places[0].set_ylabel(plain(axis.unit), fontsize=8.5)
    places[0].set_title(plain(one.caption), fontsize=9, loc="left", color=INK, pad=3)
    if axis.start_s < 0 < axis.stop_s:
        places[0].axvline(0, color=GRID, linewidth=1.2, zorder=0.5)
    if one.attention is not None:
        _shade(places[0], one.attention, axis)
    if one.other is not None and len(places) > 1:
        places[1].plot(_times(axis, len(one.other)), one.other, color=INK, linewidth=0.8)
        places[1].set_ylabel(f"{plain(axis.other)}\nSD", fontsize=8)


def _times(axis: Axis, n: int) -> Float[np.ndarray, " time"]:
    return axis.start_s + np.arange(n) * (axis.stop_s - axis.start_s) / n


def _shade(axes: Axes, attention: Float[np.ndarray, " step"], axis: Axis) -> None:
    """Colour the time behind the ECG where the weight is more than an even share, the deeper the more."""
    share = attention.astype(np.float64) * len(attention)
    edges = np.linspace(axis.start_s, axis.stop_s, len(share) + 1)
    colours = np.zeros((1, len(share), 4))
    colours[..., :3] = to_rgb(ATTENTION)
    colours[..., 3] = 0.4 * np.clip((share - ALIKE) / max(share.max() - ALIKE, ALIKE), 0, 1)
    limits = axes.get_ylim()
    axes.pcolormesh(edges, np.array(limits), colours, zorder=0.6, linewidth=0)
    axes.set_ylim(limits)


def single_beats(
    ecg: Float[np.ndarray, "beat lead time"], captions: list[str], ms: Float[np.ndarray, " time"], unit: str, stamp: str
) -> Figure:
    """Draw beats side by side on one scale, the R peak in the middle.

    Args:
        ecg: of each beat.
        captions: of each, a line or two.
        ms: time of each sample, 0 at the R peak.
        unit: of the ECG.
        stamp: see `new_figure`.
    """
    figure = new_figure(max(6.0, 3.4 * len(ecg)), 3.1, stamp)
    places = figure.subplots(1, len(ecg), squeeze=False, sharey=True)[0]
    for axes, one, caption in zip(places, ecg, captions, strict=True):
        axes.axvline(0, color=GRID, linewidth=1.2)
        for lead in one[1:]:
            axes.plot(ms, lead, color=QUIET, linewidth=0.8)
        axes.plot(ms, one[0], color=WRONG, linewidth=1.2)
        tidy(axes, x="milliseconds round the R peak")
        axes.set_title(plain(caption), fontsize=9, loc="left", color=INK)
        axes.set_xlim(ms[0], ms[-1])
    places[0].set_ylabel(plain(unit), fontsize=10)
    return figure


@dataclass(frozen=True)
class Frames:
    """How a spectrogram is made.

    Args:
        n_window: samples of a frame.
        hop: samples from one frame to the next.
        fs_hz: sampling rate of the ECG.
    """

    n_window: int
    hop: int
    fs_hz: float


def spectrograms(
    ecg: Float[np.ndarray, "window time"], captions: list[str], frames: Frames, unit: str, stamp: str
) -> Figure:
    """Draw windows of one lead, and beneath each the log magnitudes that the network is given.

    Args:
        ecg: as the network sees them.
        captions: of each.
        frames: as the network makes them.
        unit: of the ECG.
        stamp: see `new_figure`.
    """
    import torch  # a second or two, which a report without spectrograms does not take

    from ecg_lightning.layers.spectrogram import Spectrogram

    with torch.inference_mode():
        heard = Spectrogram(frames.n_window, frames.hop)(torch.from_numpy(ecg).float().unsqueeze(1)).numpy()
    figure = new_figure(6.6 * len(ecg) + 0.8, 5.4, stamp)
    grid = figure.subplots(2, len(ecg), squeeze=False, sharex=True, gridspec_kw={"height_ratios": [1, 1.5]})
    seconds = np.arange(ecg.shape[1]) / frames.fs_hz
    first_s = (frames.n_window - frames.hop) / 2 / frames.fs_hz  # a frame is drawn round its middle, a hop wide
    edges_s = first_s + np.arange(heard.shape[2] + 1) * frames.hop / frames.fs_hz
    step_hz = frames.fs_hz / frames.n_window
    edges_hz = (np.arange(heard.shape[1] + 1) - 0.5) * step_hz
    for number, caption in enumerate(captions):
        grid[0, number].plot(seconds, ecg[number], color=INK, linewidth=0.9)
        tidy(grid[0, number], plain(caption), y=plain(unit))
        drawn = grid[1, number].pcolormesh(
            edges_s, edges_hz, heard[number], cmap="viridis", vmin=heard.min(), vmax=heard.max()
        )
        tidy(grid[1, number], x="seconds from the window's beginning", y="Hz")
        grid[1, number].set(xlim=(0, seconds[-1]), ylim=(0, frames.fs_hz / 2))
        grid[1, number].grid(visible=False)
    bar = figure.colorbar(drawn, ax=grid[1].tolist(), pad=0.01)
    bar.set_label("log magnitude", fontsize=10)
    return figure
