"""Pictures of windows of seconds that are of one of two classes: examples, a stretch of beats, spectrograms."""

from collections.abc import Iterator

import numpy as np

from ecg_lightning.calibration import Decisions
from ecg_lightning.report import window_figures
from ecg_lightning.report.contents import Contents
from ecg_lightning.report.paper import Mark, Tracing, paper
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.stretch_figures import NO_UNIT, beat_colour
from ecg_lightning.report.window_figures import Axis, Frames, Seconds

AROUND_S = 0.5  # on either side of a beat
GLUCOSE = "measured_glucose_mmol_l"
EXTRA = "segments_extra_"


def windows(shown: Decisions, contents: Contents, mark: str) -> Iterator[Picture]:
    """Whatever the run kept of its windows."""
    examples = contents.examples
    if "segments_ecg" in examples:
        yield _segments(shown, examples, mark)
        return
    if "beats_ecg_mv" not in examples:
        yield Picture("sample_windows", "Windows", "Not drawn: the run kept no windows to show (examples.npz).", None)
        return
    if "stretch_ecg" in examples:
        yield _stretch(shown, examples, mark)
        yield _abnormal(shown, examples, mark)
    yield _round_beats(shown, examples, mark)
    n_window, hop = contents.number("model", "n_window"), contents.number("model", "hop")
    if n_window is not None and hop is not None and "heard_ecg" in examples:
        frames = Frames(int(n_window), int(hop), float(examples["beats_fs_hz"]))
        yield _spectrograms(shown, examples, frames, mark)


def _segments(shown: Decisions, examples: dict[str, np.ndarray], mark: str) -> Picture:
    """Windows one after another through a record, with where the network looked and what else it was given."""
    ecg, fs_hz = examples["segments_ecg"], float(examples["segments_fs_hz"])
    beside = sorted(name for name in examples if name.startswith(EXTRA))[:1]
    seen = examples.get("segments_attention")
    kept = [
        Seconds(
            *(ecg[number], label, right, caption),
            attention=None if seen is None else seen[number],
            other=examples[beside[0]][number, 0] if beside else None,
        )
        for number, label, right, caption in _known(shown, examples["segments_row"])
    ]
    name = beside[0].removeprefix(EXTRA) if beside else ""
    unit = str(examples["segments_unit"])
    axis = Axis(0.0, ecg.shape[-1] / fs_hz, "seconds from the window's beginning", _short(unit), name)
    looked = "" if seen is None else " Blue: where in time the network looked, the deeper the more."
    return _grid(shown, kept, axis, looked, mark)


def _round_beats(shown: Decisions, examples: dict[str, np.ndarray], mark: str) -> Picture:
    """Windows round R peaks."""
    ecg, fs_hz = examples["beats_ecg_mv"], float(examples["beats_fs_hz"])
    start_s = -int(examples["beats_n_before"]) / fs_hz
    kept = [
        Seconds(ecg[number], label, right, caption)
        for number, label, right, caption in _known(shown, examples["beats_row"])
    ]
    words = "seconds from the R peak in the middle"
    return _grid(shown, kept, Axis(start_s, start_s + ecg.shape[-1] / fs_hz, words, _unit(examples)), "", mark)


def _grid(shown: Decisions, kept: list[Seconds], axis: Axis, looked: str, mark: str) -> Picture:
    name, title = "sample_windows", "Windows, right and wrong"
    if not kept:
        return Picture(name, title, "Not drawn: no window that the run kept stands in its table.", None)
    caption = f"Drawn at random per class: truth → answer, with the probability of the second class.{looked}"
    return Picture(name, title, caption, window_figures.window_grid(kept, axis, shown.about.classes, mark))


def _known(shown: Decisions, rows: np.ndarray) -> Iterator[tuple[int, int, bool, str]]:
    """Kept windows that stand in the table: which, class, whether it was called right, and a caption."""
    place = {int(row): at for at, row in enumerate(shown.column("row"))}
    for number, row in enumerate(rows.tolist()):
        if row in place:
            at = place[row]
            label, answer = int(shown.about.label[at]), int(shown.called[at])
            yield number, label, label == answer, _caption(shown, at)


def _caption(shown: Decisions, at: int) -> str:
    """Truth, answer, place, and the glucose where it was measured."""
    classes, seconds = shown.about.classes, float(shown.column("time_s")[at])
    said = f"{classes[shown.about.label[at]]} → {classes[shown.called[at]]}, p({classes[1]}) {shown.p[at, 1]:.2f}"
    place = f"{shown.column('record')[at]}, {int(seconds // 60)}:{seconds % 60:04.1f}"
    known = f"   {shown.column(GLUCOSE)[at]:.1f} mmol/L" if GLUCOSE in shown.about.table else ""
    return f"{said}   {place}{known}"


def _stretch(shown: Decisions, examples: dict[str, np.ndarray], mark: str) -> Picture:
    """Ten seconds with every beat's symbol and what was said of it."""
    place = {int(row): at for at, row in enumerate(shown.column("row"))}
    marks = []
    for at_s, symbol, row in zip(
        examples["stretch_beat_s"], examples["stretch_symbol"], examples["stretch_row"], strict=True
    ):
        said = f"\n{shown.p[place[int(row)], 1]:.2f}" if int(row) in place else ""
        marks.append(Mark(float(at_s), f"{symbol}{said}", beat_colour(str(symbol))))
    fs_hz, start_s = float(examples["stretch_fs_hz"]), float(examples["stretch_start_s"])
    length_s = examples["stretch_ecg"].shape[1] / fs_hz
    title = f"record {examples['stretch_record']}   {start_s:.1f} s to {start_s + length_s:.1f} s"
    leads = tuple(str(name) for name in examples["stretch_leads"])
    unit = str(examples["stretch_unit"])
    figure = paper(Tracing(examples["stretch_ecg"], leads, fs_hz, unit, title, "", "", marks=tuple(marks)), mark)
    caption = (
        f"Ten seconds drawn at random round a beat that is not normal: blue N, orange any other symbol; beneath, "
        f"p({shown.about.classes[1]}) of the window round each beat."
    )
    return Picture("beats_in_a_row", "Beats in a row", caption, figure)


def _abnormal(shown: Decisions, examples: dict[str, np.ndarray], mark: str) -> Picture:
    """One second round a beat of each of some symbols."""
    name, title = "abnormal_beats", "One second around an abnormal beat"
    row = {int(one): at for at, one in enumerate(examples["around_row"])}
    known = [
        (at, shown_at) for shown_at, one in enumerate(shown.column("row")) if (at := row.get(int(one))) is not None
    ]
    if not known:
        return Picture(name, title, "Not drawn: no beat that is shown is other than N.", None)
    fs_hz, middle = float(examples["beats_fs_hz"]), int(examples["beats_n_before"])
    half = min(round(AROUND_S * fs_hz), middle, examples["around_ecg"].shape[-1] - middle)
    ecg = examples["around_ecg"][[at for at, _ in known], :, middle - half : middle + half]
    captions = []
    for at, shown_at in known:
        said, _, where = _caption(shown, shown_at).partition("   ")
        captions.append(f"symbol {examples['around_symbol'][at]}   {where}\n{said}")
    ms = 1000 * np.arange(-half, half) / fs_hz
    figure = window_figures.single_beats(ecg, captions, ms, _unit(examples), mark)
    return Picture(name, title, "Drawn at random, each of another annotation symbol, after preprocessing.", figure)


def _spectrograms(shown: Decisions, examples: dict[str, np.ndarray], frames: Frames, mark: str) -> Picture:
    """A window of each class as the network hears it."""
    name, title = "spectrograms", "Spectrograms"
    kept = [(number, caption) for number, *_, caption in _known(shown, examples["heard_row"])]
    if not kept:
        return Picture(name, title, "Not drawn: no window that the run kept stands in its table.", None)
    ecg = examples["heard_ecg"][[number for number, _ in kept], 0]
    unit = _short(str(examples["heard_unit"]))
    figure = window_figures.spectrograms(ecg, [caption for _, caption in kept], frames, unit, mark)
    caption = (
        f"Above the first lead as the network is given it, beneath its log magnitudes: frames of {frames.n_window} "
        f"samples, one every {frames.hop}."
    )
    return Picture(name, title, caption, figure)


def _unit(examples: dict[str, np.ndarray]) -> str:
    return _short(str(examples["strip_unit"][1]) if "strip_unit" in examples else "mV")


def _short(unit: str) -> str:
    return NO_UNIT if unit == "NU" else unit
