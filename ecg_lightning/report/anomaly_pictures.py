"""Figures of a problem that looks for what is unlike normal windows."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ecg_lightning.calibration import Decisions
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report import anomaly_figures, binary_figures, binary_pictures
from ecg_lightning.report.anomaly_figures import Bar, Group, Threshold
from ecg_lightning.report.anomaly_words import PARTS, score_words
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.reconstruction_figures import Made, reconstructions
from ecg_lightning.report.stretch_figures import NO_UNIT
from ecg_lightning.report.style import INK, QUIET
from ecg_lightning.report.window_figures import Axis
from ecg_lightning.standards import rule

READABLE = ("I", "II", "V1", "V5")  # of twelve leads
MAX_LEADS = len(READABLE)
IN_USE, BESIDE = class_colour(5), "#c4c4c4"
IN_UNIT = (("mae",), ("weighted",))  # scores that have the unit of the ECG
LEAST_ROWS = LEAST_NUMBERS = 2  # of a map in two dimensions
WHOLE = 0.01  # how far from a whole number of windows a row of a csv file may begin
PLACES = {"time": " and time", "row": " and row (of its file, or of its patient's rows there)", "": ""}


def scores(shown: Decisions, found: Evaluation, card: Mapping[str, Any], side: str, mark: str) -> Iterator[Picture]:
    """How many there are, what was called, where the scores of each kind lie, and how well they are ranked."""
    yield from binary_pictures.counted(shown, card, side, mark)
    about, classes = shown.about, shown.about.classes
    name, title = "ranking", "ROC and precision-recall"
    if len(np.unique(about.label)) < 2:
        yield Picture(name, title, binary_pictures.ONE_CLASS, None)
        return
    positive, score = about.label == 1, shown.p[:, 0]
    points = {"threshold in use": binary_figures.point_of(positive, shown.called == 1)}
    oracle = found.metrics.get(f"{side}/oracle/threshold")
    if oracle is not None:
        points["oracle, best F1"] = binary_figures.point_of(positive, score >= oracle)
    caption = (
        f"{classes[1]} against {classes[0]} over all thresholds, {SIDES[side]} windows. The threshold in use is "
        f"{rule(about)}. The oracle was chosen on the windows shown, for the best F1: nobody could have had it. Dotted "
        "on the right: the precision of calling every window an anomaly."
    )
    figure = binary_figures.operating_curves(score, positive, points, "always anomaly", classes[1], mark)
    yield Picture(name, title, caption, figure)
    yield _kinds(about, found, side, mark)


def _kinds(about: Predictions, found: Evaluation, side: str, mark: str) -> Picture:
    """How well each kind is told from normal windows, and by which part of the score."""
    numbers = found.metrics
    bars = [_bar(numbers, f"{side}/auroc", "all anomalies", IN_USE)]
    for at, kind in enumerate(about.kinds, start=1):
        bars.append(_bar(numbers, f"{side}/auroc/{kind}", kind, class_colour(at)))
    parts = []
    for part in about.parts:
        colour = IN_USE if part in about.score else BESIDE
        parts.append(_bar(numbers, f"{side}/by_part/{part}/auroc", PARTS.get(part, part), colour))
    panels = {"each kind against all normals": bars, "each part of the score alone, all anomalies": parts}
    there = {title: [bar for bar in own if bar is not None] for title, own in panels.items()}
    limited = any(f"{side}/auroc{end}_low" in numbers for end in ("", *(f"/{kind}" for kind in about.kinds)))
    lines = f"Lines are 95 % intervals over {about.units}, {SIDES[side]} windows. " if limited else ""
    caption = f"{lines}Parts that count are coloured: the score is the {score_words(about)}."
    figure = anomaly_figures.ranked_bars({title: own for title, own in there.items() if own}, mark)
    return Picture("kinds", "Kind by kind, and part by part", caption, figure)


def _bar(numbers: Mapping[str, float], name: str, words: str, colour: str) -> Bar | None:
    if name not in numbers:
        return None
    low, high = (numbers.get(f"{name}_{end}", float("nan")) for end in ("low", "high"))
    return Bar(words, numbers[name], (low, high), colour)


def windows(
    shown: Decisions, found: Evaluation, examples: Mapping[str, np.ndarray], side: str, mark: str
) -> Iterator[Picture]:
    """Scores of every window; then what the run kept: reconstructions, and the latent space."""
    yield _histogram(shown, found, examples, side, mark)
    yield _reconstructions(shown, found, examples, mark)
    yield _latent_space(shown, examples, mark)


def patients(shown: Decisions, found: Evaluation, side: str, mark: str) -> Iterator[Picture]:
    """Every patient alone; no picture where nobody has windows of both classes, as where each has one recording."""
    people = found.per_patient[found.per_patient["side"] == side]
    if people["auroc"].notna().any():
        yield binary_pictures.patients(shown, found, side, mark)


def groups(about: Predictions) -> list[Group]:
    """Normal windows, and those of each kind that is there."""
    kinds = [
        Group(name, about.table[f"kind_{name}"].to_numpy() == 1, class_colour(at))
        for at, name in enumerate(about.kinds, start=1)
    ]
    return [Group(about.classes[0], about.label == 0, QUIET), *(kind for kind in kinds if kind.rows.any())]


def _histogram(
    shown: Decisions, found: Evaluation, examples: Mapping[str, np.ndarray], side: str, mark: str
) -> Picture:
    about = shown.about
    meaning = about.class_names | about.kinds
    named = [Group(f"{one.name}, {meaning.get(one.name, one.name)}", one.rows, one.colour) for one in groups(about)]
    limits = tuple(dict.fromkeys(limit for (limit,) in found.thresholds.values()))
    words = score_words(about)
    if about.score in IN_UNIT and "made_unit" in examples:
        words += f", {_unit(examples)}"
    figure = anomaly_figures.score_histograms(
        shown.p[:, 0], shown.called == 1, named, Threshold(limits, rule(about)), words, mark
    )
    caption = (
        f"Scores of {SIDES[side]} windows and how many of each kind are called; the grey line is that of normal ones. "
        "The outermost bins hold what lies beyond."
    )
    return Picture("score_histogram", "Scores of normal windows and of each kind", caption, figure)


def _reconstructions(shown: Decisions, found: Evaluation, examples: Mapping[str, np.ndarray], mark: str) -> Picture:
    name, title = "reconstructions", "Original against reconstruction"
    if "made_ecg" not in examples:
        return Picture(name, title, "Not drawn: the run kept no reconstructions (examples.npz).", None)
    leads = [str(lead) for lead in examples["made_leads"]]
    several = len(leads) > MAX_LEADS
    chosen = [at for at, lead in enumerate(leads) if not several or lead in READABLE] or list(range(MAX_LEADS))
    names = (shown.about.classes[0], *shown.about.kinds)
    place = {int(row): at for at, row in enumerate(shown.column("row"))}
    fs_hz, n_before = float(examples["made_fs_hz"]), int(examples["made_n_before"])
    n_samples = examples["made_ecg"].shape[-1]
    by = _placed_by(shown, n_before, n_samples / fs_hz)
    kept = [
        Made(
            examples["made_ecg"][number][chosen],
            examples["made_reconstruction"][number][chosen],
            names.index(str(examples["made_kind"][number])),
            bool(shown.called[place[row]] == shown.about.label[place[row]]),
            _caption(shown, found, place[row], _place(shown, place[row], by, n_samples / fs_hz)),
        )
        for number, row in enumerate(examples["made_row"].tolist())
        if row in place
    ]
    if not kept:
        return Picture(name, title, "Not drawn: no window that the run kept stands in its table.", None)
    words = "seconds from the R peak" if n_before else "seconds from the window's beginning"
    axis = Axis(-n_before / fs_hz, (n_samples - n_before) / fs_hz, words, _unit(examples))
    figure = reconstructions(kept, axis, names, tuple(leads[at] for at in chosen), mark)
    part = f" ({', '.join(leads[at] for at in chosen)} of {len(leads)} leads)" if several else ""
    beside = "" if _shows_error(shown.about) else ", and the mean absolute error"
    n_crops = int(examples["made_n_crops"])
    first = f" Shown is the first of {n_crops} crops; the score is of all of them." if n_crops > 1 else ""
    caption = (
        f"Drawn at random per kind, as the network sees them{part}: kind, score and threshold, then record{PLACES[by]}"
        f"{beside}. A normal window is wrong if it is called an anomaly, an anomaly if it is not.{first}"
    )
    return Picture(name, title, caption, figure)


def _placed_by(shown: Decisions, n_before: int, window_s: float) -> str:
    """What says where in its record a window is: its row, of a csv file, or its time; nothing if it is all of it."""
    windows = shown.column("time_s").astype(np.float64) / window_s
    if n_before or np.abs(windows - windows.round()).max() > WHOLE:
        return "time"
    return "row" if windows.any() else ""


def _place(shown: Decisions, at: int, by: str, window_s: float) -> str:
    seconds = float(shown.column("time_s")[at])
    if by == "row":
        return f", row {1 + round(seconds / window_s):,}"
    return f", {int(seconds // 60)}:{seconds % 60:04.1f}" if by else ""


def _caption(shown: Decisions, found: Evaluation, at: int, place: str) -> str:
    """Kinds, score and threshold; record and place, and the error that is drawn where the score is another."""
    about = shown.about
    own = [name for name in about.kinds if shown.column(f"kind_{name}")[at] == 1]
    (limit,) = found.thresholds[int(shown.column("fold")[at])]
    said = f"{' + '.join(own) or about.classes[about.label[at]]}: {shown.p[at, 0]:.3g}, threshold {limit:.3g}"
    error = "" if _shows_error(about) else f"\nerror {shown.column('score_mae')[at]:.3g}"
    return f"{said}\n{shown.column('record')[at]}{place}{error}"


def _shows_error(about: Predictions) -> bool:
    """The score is what is drawn between a window and its reconstruction, and no other number."""
    return about.score == ("mae",)


def _latent_space(shown: Decisions, examples: Mapping[str, np.ndarray], mark: str) -> Picture:
    name, title = "latent_space", "Latent space"
    if "latent_vector" not in examples:
        return Picture(name, title, "Not drawn: the run kept no latent vectors (examples.npz).", None)
    at = {int(row): place for place, row in enumerate(shown.column("row"))}
    rows = examples["latent_row"].tolist()
    known = [number for number, row in enumerate(rows) if row in at]
    about = replace(shown.about, table=shown.about.table.iloc[[at[rows[number]] for number in known]])
    latent, normal = examples["latent_vector"][known], about.label == 0
    if normal.sum() < LEAST_ROWS or latent.shape[1] < LEAST_NUMBERS:
        return Picture(name, title, "Not drawn: it takes two normal windows, and latent vectors of two numbers.", None)
    place, share = anomaly_figures.project(latent, normal)
    figure = anomaly_figures.latent_map(place, share, _apart(about), mark)
    caption = (
        f"Latent vectors of {len(known):,} windows, drawn at random, as many anomalies as normal ones where there are "
        "enough, along the two directions in which normal ones vary most (their principal components)."
    )
    return Picture(name, title, caption, figure)


def _apart(about: Predictions) -> list[Group]:
    """Normal windows, those of each kind alone, and those of several; what is not there has no name."""
    several = about.table[[f"kind_{name}" for name in about.kinds]].to_numpy().sum(axis=1) > 1
    alone = [Group(one.name, one.rows & ~several, one.colour) for one in groups(about)]
    apart = [one for one in alone if one.rows.any()]
    return [*apart, Group("several kinds", several, INK)] if several.any() else apart


def _unit(examples: Mapping[str, np.ndarray]) -> str:
    """Of the samples that the network is given."""
    unit = str(examples["made_unit"])
    return NO_UNIT if unit == "NU" else unit
