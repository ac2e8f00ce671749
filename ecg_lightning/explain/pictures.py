"""The figures of an explanation, in the order of the page."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ecg_lightning.explain import score_figures, trace_figures
from ecg_lightning.explain.findings import METHODS, Examples, Explained, OfClass
from ecg_lightning.explain.trace_figures import MeanBeat, Scale, Traced
from ecg_lightning.predictions import SIDES
from ecg_lightning.report.ecg_figures import LONG_MS, UNITS
from ecg_lightning.report.picture import Picture, stamp
from ecg_lightning.windowing import Crops, Window

ROUND_R_S = (0.3, 0.5)  # what is averaged of beats in long windows
UNIT = {
    "ig": "log-odds of the class per sample",
    "occlusion": "log-odds of the class per sample",
    "gradcam": "Grad-CAM, largest = 1",
    "attention": "attention, 1 = even share",
}
MADE_OF = {"attention": "attention", "reconstruction": "reconstruction error"}  # else attribution


def first_method(found: Explained) -> str:
    """The method that most figures show."""
    return found.wanted.methods[0]


def draw(found: Explained) -> Iterator[Picture]:
    """Draw every figure."""
    mark = stamp(found.predictions)
    yield _waves(found, mark)
    yield _mean_beats(found, mark)
    if any(one.curves for one in found.classes):
        yield _faithful(found, mark)
    if found.stages:
        yield _random_weights(found, mark)
    if any(len(one.beside) > 1 for one in found.classes):
        yield _beside(found, mark)
    for one in found.classes:
        if one.examples is not None:
            yield from _of_class(found, one, one.examples, mark)


def unit_of(found: Explained, method: str) -> str:
    """What a map is measured in."""
    seen = found.classes[0].cases.unit if found.contract.preprocess.scale == "none" else "SD"
    return UNIT.get(method, f"|ECG - reconstruction|, {seen}")


def _names(found: Explained) -> list[str]:
    return [found.predictions.classes[one.label] for one in found.classes]


def _waves(found: Explained, mark: str) -> Picture:
    method = first_method(found)
    shares = {name: one.shares[method] for name, one in zip(_names(found), found.classes, strict=True)}
    shares = {name: own for name, own in shares.items() if own}
    title = "On which waves the map lies"
    if not shares:
        return Picture("waves", title, "Not drawn: every map is 0.", None)
    caption = (
        f"{METHODS[method]}: share of its absolute sum on each wave, 95 % intervals over patients, beside the "
        "share of the samples, and beside the share of the ECG's own size, as of a map without knowledge."
    )
    return Picture("waves", title, caption, score_figures.on_waves(shares, MADE_OF.get(method, "attribution"), mark))


def _mean_beats(found: Explained, mark: str) -> Picture:
    """Windows round R as they are; of longer windows every beat in them."""
    method, contract = first_method(found), found.contract
    fs_hz, single = contract.preprocess.fs_hz, _is_beat(found)
    beats = []
    for name, one in zip(_names(found), found.classes, strict=True):
        ecg, value = one.cases.ecg.numpy(), one.values[method]
        if not single:
            around = (round(ROUND_R_S[0] * fs_hz), round(ROUND_R_S[1] * fs_hz))
            ecg, value = trace_figures.around_peaks(ecg, value, one.cases.peaks, around)
        if len(ecg):
            beats.append(MeanBeat(f"{name}: {len(ecg)} beats", ecg, value))
    title = "Mean beats"
    if not beats:
        return Picture("mean_beats", title, "Not drawn: no R peak lies in these windows.", None)
    window = contract.window
    before = window.n_before if isinstance(window, Window) and single else round(ROUND_R_S[0] * fs_hz)
    ms = (np.arange(beats[0].ecg.shape[-1]) - before) / fs_hz * 1000
    scale = Scale(ms, "ms round R", _leads(found), _unit(found), unit_of(found, method))
    caption = (
        f"{METHODS[method]}, averaged over beats that are aligned at R: colour is the mean map, grey the spread (1 SD) "
        "of the ECG. Below: the mean of the absolute map with its spread over beats."
    )
    return Picture("mean_beats", title, caption, trace_figures.mean_beats(beats, scale, mark))


def _faithful(found: Explained, mark: str) -> Picture:
    lines = {name: one.curves for name, one in zip(_names(found), found.classes, strict=True) if one.curves}
    caption = (
        f"Mean probability of the class while pieces of 20 ms of the ECG are replaced by the baseline "
        f"({found.wanted.baseline}), those with the most attribution first (top: lower is better), and while they are "
        "given back (bottom: higher is better). Features stay. The dashed line is chance."
    )
    figure = score_figures.deletion_and_insertion(lines, METHODS, mark)
    return Picture("deletion_and_insertion", "Deletion and insertion", caption, figure)


def _random_weights(found: Explained, mark: str) -> Picture:
    caption = (
        "Layers are made random from the output down. Maps that went on looking the same would not depend on what was "
        "learned. Absolute values stay somewhat alike, since Integrated Gradients are multiplied by the ECG."
    )
    figure = score_figures.random_weights(found.stages, mark)
    return Picture("random_weights", "Maps of a network with random weights", caption, figure)


def _beside(found: Explained, mark: str) -> Picture:
    shares = {name: one.beside for name, one in zip(_names(found), found.classes, strict=True)}
    caption = "How much of the absolute attribution lies on what the network is given beside the ECG."
    return Picture("beside_the_ecg", "Beside the ECG", caption, score_figures.beside_the_ecg(shares, mark))


def _of_class(found: Explained, one: OfClass, shown: Examples, mark: str) -> Iterator[Picture]:
    name, method = found.predictions.classes[one.label], first_method(found)
    scale = _scale(found, shown.cases.ecg.shape[-1], unit_of(found, method))
    captions = _captions(found, one.label, shown)
    ecg = shown.cases.ecg.numpy()
    rows = [Traced(ecg[k], shown.values[method][k], captions[k], bool(shown.right[k])) for k in range(len(shown.right))]
    figure = trace_figures.examples(rows, scale, name, mark)
    words = found.predictions.class_names.get(name, name)
    whom = (
        "red speaks for the class that was called, blue against it"
        if ecg.size and method in ("ig", "occlusion")
        else ""
    )
    several = found.contract.problem == "multilabel"
    whom = whom.replace("class that was called", f"label {name}") if several else whom
    side = SIDES[found.wanted.side].capitalize()
    caption = (
        f"{side} rows of {name} ({words}), {METHODS[method]}{': ' * bool(whom)}{whom}. Unit of the ECG: {_unit(found)}."
    )
    yield Picture(f"examples_{one.label}", f"Examples of {name}", caption, figure)
    if len(shown.values) > 1:
        values = {METHODS[key]: value[0] for key, value in shown.values.items()}
        scales = [replace(scale, map_words=unit_of(found, key)) for key in shown.values]
        figure = trace_figures.methods(rows[0], values, scales, mark)
        of_lead = f" Of the leads {_leads(found)[0]} alone is shown." if len(_leads(found)) > 1 else ""
        said = f"One row of {name} by every method, {', '.join(values)}; each has its own scale.{of_lead}"
        yield Picture(f"methods_{one.label}", f"Methods beside one another, {name}", said, figure)


def _captions(found: Explained, label: int, shown: Examples) -> list[str]:
    classes, table = found.predictions.classes, shown.cases.predictions.table
    captions = []
    for k in range(len(table)):
        row = table.iloc[k]
        start = 0 if shown.cases.start is None else shown.cases.start[k]
        at = float(row["time_s"]) + start / found.contract.preprocess.fs_hz
        said = f"score {shown.p[k]:.2f}" if found.contract.problem == "anomaly" else f"p = {shown.p[k]:.2f}"
        called = classes[int(shown.target[k])]
        if found.contract.problem == "multilabel":
            called = f"{called}" if shown.right[k] else f"not {called}"
        doubt = "" if shown.believed[k] else "; its map misses its sum"
        captions.append(f"{classes[label]}, called {called}, {said}: record {row['record']}, {at:.2f} s{doubt}")
    return captions


def _scale(found: Explained, n_samples: int, words: str) -> Scale:
    window, fs_hz = found.contract.window, found.contract.preprocess.fs_hz
    at = np.arange(n_samples) - (window.n_before if isinstance(window, Window) else 0)
    if _is_beat(found):
        return Scale(at / fs_hz * 1000, "ms round R", _leads(found), _unit(found), words)
    whose = "crop" if isinstance(window, Crops) else "window"
    of = "round the R peak" if isinstance(window, Window) else f"from the {whose}'s beginning"
    return Scale(at / fs_hz, f"seconds {of}", _leads(found), _unit(found), words)


def _is_beat(found: Explained) -> bool:
    window, fs_hz = found.contract.window, found.contract.preprocess.fs_hz
    return isinstance(window, Window) and window.n_samples / fs_hz * 1000 <= LONG_MS


def _leads(found: Explained) -> tuple[str, ...]:
    return tuple(found.contract.preprocess.leads)


def _unit(found: Explained) -> str:
    unit = found.classes[0].cases.unit
    return {"SD": "SD", "NU": "no unit"}.get(unit, UNITS.get(unit, unit))
