"""The tables of the page: rows of cells, each a number with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ecg_lightning.evaluation import headline_names, without_names
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report.anomaly_words import PARTS
from ecg_lightning.report.colours import MAX_CLASSES, class_colour

IN_WORDS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1, classes present",
    "kappa": "Cohen's kappa",
    "jk_index": "jk index",
    "auroc": "AUROC",
    "average_precision": "AUPRC",
    "sensitivity_at_specificity_90": "sensitivity, specificity 0.9",
    "patient_auroc_mean": "mean AUROC within patients",
    "majority/accuracy": "accuracy of one class for all",
    "majority/macro_f1": "macro F1 of one class for all",
    "always_anomaly/accuracy": "accuracy, always anomaly",
    "always_anomaly/f1": "F1, always anomaly",
    "always_anomaly/average_precision": "AUPRC, always anomaly",
    "oracle/f1": "oracle F1, best of these rows",
    "oracle/threshold": "oracle threshold",
    **{f"by_part/{part}/auroc": f"AUROC, {words} alone" for part, words in PARTS.items()},
    "macro_auroc": "macro AUROC",
    "macro_average_precision": "macro AUPRC",
    "macro_precision": "macro precision",
    "macro_sensitivity": "macro sensitivity",
    "subset_accuracy": "subset accuracy",
    "hamming_loss": "Hamming loss",
    "ece": "expected calibration error",
    "n_patients": "patients",
    "n_patients_both_classes": "patients of both classes",
    "n_classes": "classes present",
}
KINDS = {
    "auroc": "AUROC",
    "average_precision": "AUPRC",
    "f1": "F1",
    "sensitivity": "sensitivity",
    "precision": "precision",
    "specificity": "specificity",
}
KINDS_OF_ANOMALY = ("auroc", "average_precision", "sensitivity")
MAX_PEOPLE = 50  # rows of a table that nobody reads further
FIRST = {"anomaly": "auroc", "binary": "auroc", "multilabel": "macro_auroc"}  # the number that counts
COLUMNS = {"train": SIDES["train"], "val": SIDES["val"], "before/test": "test, before", "test": SIDES["test"]}
TWO = ("anomaly", "binary")  # problems that tell two classes apart
GROUPED = dict.fromkeys(TWO, ("auroc", "average_precision", "macro_f1")) | {"multiclass": ("macro_f1", "macro_auroc")}


@dataclass(frozen=True)
class Cell:
    """A number as text, and its interval, empty where it has none."""

    number: str
    limits: str = ""


@dataclass(frozen=True)
class Row:
    """A name, its cells (None is a number that is not defined), its colour and what the name means."""

    name: str
    cells: Sequence[Cell | None]
    colour: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """Columns with names, rows, and which rows stand out."""

    columns: Sequence[str]
    rows: Sequence[Row]
    bold: tuple[int, ...] = field(default=())


def rows_word(about: Predictions) -> str:
    """What a row of the predictions is called."""
    return "records" if about.problem == "multilabel" else "windows"


def before_adapting(recorded: Mapping[str, float]) -> dict[str, float]:
    """Of the numbers that a run recorded, what its network was worth before it learned from the patient."""
    return {name: value for name, value in recorded.items() if name.startswith("before/")}


def headline(about: Predictions, numbers: dict[str, float]) -> Table:
    """The sides beside one another, and before test what it was before adapting; of many the last has intervals."""
    sides = [side for side in COLUMNS if f"{side}/n_windows" in numbers]
    names = [name for name in headline_names(about) if any(f"{side}/{name}" in numbers for side in sides)]
    limited = sides if set(sides) <= {"val", "test"} else sides[-1:]
    rows = [
        Row(_words(about, name), [_score(numbers, f"{side}/{name}", side in limited) for side in sides])
        for name in names
    ]
    sizes = ("n_windows", "n_patients", "n_patients_both_classes", "n_classes")
    there = [name for name in sizes if any(f"{side}/{name}" in numbers for side in sides)]
    rows += [Row(_words(about, name), [_size(numbers, f"{side}/{name}") for side in sides]) for name in there]
    first = FIRST.get(about.problem, about.headline_name if about.headline_classes else "macro_f1")
    return Table(["", *(COLUMNS[side] for side in sides)], rows, bold=(names.index(first),) if first in names else ())


def over_folds(about: Predictions, numbers: dict[str, float], side: str) -> Table:
    """Headline numbers of all rows beside their mean over folds; no rows where there is one fold."""
    there = [name for name in headline_names(about) if f"{side}/{name}_fold_n" in numbers]
    rows = []
    for name in there:
        place = f"{side}/{name}"
        cells = [_score(numbers, place), *(_score(numbers, f"{place}_fold_{word}") for word in ("mean", "sd"))]
        rows.append(Row(_words(about, name), [*cells, _size(numbers, f"{place}_fold_n")]))
    return Table(["", "all rows together", "mean over folds", "SD", "folds"], rows)


def per_class(about: Predictions, numbers: dict[str, float], side: str) -> Table:
    """Scores of each class that is there, of the test rows or another side."""
    several = about.problem == "multilabel"
    of_calls = ("f1", "sensitivity", "precision")
    kinds = tuple(KINDS) if several else (*of_calls, "auroc", "average_precision")
    kinds = of_calls if about.problem in TWO else kinds
    label = about.label[about.table["side"].to_numpy() == side]
    counts = (label.sum(axis=0) if several else np.bincount(label, minlength=len(about.classes))).tolist()
    rows = []
    for index, name in enumerate(about.classes):
        cells = [_score(numbers, f"{side}/{kind}/{name}") for kind in kinds]
        cells += [_score(numbers, f"calibration/threshold/{name}")] if several else []
        colour = class_colour(index) if len(about.classes) <= MAX_CLASSES else ""
        rows.append(Row(name, [_count(counts[index]), *cells], colour, about.class_names.get(name, "")))
    return Table(["", rows_word(about), *(KINDS[kind] for kind in kinds), *(["threshold"] if several else [])], rows)


def groups(about: Predictions, numbers: dict[str, float]) -> Table:
    """Test scores of each group of people that is large enough."""
    names = GROUPED.get(about.problem, ("macro_auroc", "macro_average_precision", "macro_f1"))
    rows = []
    for group, word in group_places(about, numbers):
        place = f"test/{group}_{word}"
        sizes = [_count(numbers[f"{place}/{name}"]) for name in ("n_windows", "n_classes")]
        rows.append(Row(f"{group}: {word}", [*sizes, *(_score(numbers, f"{place}/{name}") for name in names)]))
    short = [IN_WORDS[name].partition(",")[0] for name in names]
    return Table(["", rows_word(about), "classes", *short], rows)


def group_places(about: Predictions, numbers: dict[str, float]) -> list[tuple[str, str]]:
    """Name and value of the groups that have numbers: "under 40" before "40-59", "unknown" last."""
    known = [(group, word) for group in about.groups for word in sorted(set(about.table[f"group_{group}"]), key=_place)]
    return [(group, word) for group, word in known if f"test/{group}_{word}/n_windows" in numbers]


def _place(word: str) -> tuple[bool, bool, str]:
    return word == "unknown", not word.startswith("under"), word


def of_anomalies(about: Predictions, numbers: dict[str, float], side: str) -> dict[str, Table]:
    """Scores of each kind of anomaly against all normal windows, and of each part of the score, by title."""
    if about.problem != "anomaly":
        return {}
    n_normal = int(((about.table["side"] == side) & (about.table["label"] == 0)).sum())
    rows = []
    for at, name in enumerate(about.kinds, start=1):
        n = numbers.get(f"{side}/n/{name}", 0)
        auroc, precise, found = (_score(numbers, f"{side}/{kind}/{name}") for kind in KINDS_OF_ANOMALY)
        chance = Cell(f"{n / (n + n_normal):.3f}") if n else None
        rows.append(Row(name, [_count(n), auroc, precise, chance, found], class_colour(at), about.kinds[name]))
    names = [KINDS[kind] for kind in KINDS_OF_ANOMALY]
    kinds = Table(["", rows_word(about), *names[:2], "AUPRC, chance", names[2]], rows)
    areas = KINDS_OF_ANOMALY[:2]
    parts = [
        Row(PARTS.get(part, part), [_score(numbers, f"{side}/by_part/{part}/{area}") for area in areas])
        for part in about.parts
    ]
    count = tuple(at for at, part in enumerate(about.parts) if part in about.score)
    of_parts = Table(["", *names[:2]], parts, bold=count)
    return {f"Kind by kind against all normals, {SIDES[side]}": kinds, f"Part by part, {SIDES[side]}": of_parts}


def without(about: Predictions, numbers: dict[str, float]) -> Table:
    """Test scores of all records beside those without single ones."""
    known = [record for record in about.without if f"test/without_{record}/n_classes" in numbers]
    if not known:
        return Table([], [])
    names = [*without_names(about), *(f"f1/{name}" for name in about.classes), "n_classes"]
    rows = []
    for name in names:
        places = [f"test/{name}", *(f"test/without_{record}/{name}" for record in known)]
        cells = [_count(numbers[place]) if name == "n_classes" else _score(numbers, place) for place in places]
        rows.append(Row(_words(about, name), cells))
    return Table(["", "all", *(f"without {record}" for record in known)], rows)


def counts(about: Predictions, card: dict[str, Any]) -> Table:
    """Rows per side and class, and in all: a row of several classes counts once there."""
    in_all = card.get("rows") or {}
    rows = []
    for side, own in (card.get("counts") or {}).items():
        values = _per_class(about, own)
        rows.append(Row(SIDES.get(side, side), [*map(_count, values), _count(in_all.get(side, sum(values)))]))
    return Table(["", *about.classes, f"all {rows_word(about)}"], rows)


def people(about: Predictions, card: dict[str, Any]) -> Table:
    """Rows per patient and class, of the first patients."""
    rows = []
    for one in (card.get("per_patient") or [])[:MAX_PEOPLE]:
        side = SIDES.get(one.get("side", ""), one.get("side", ""))
        rows.append(Row(str(one.get("patient", "")), [Cell(side), *map(_count, _per_class(about, one))]))
    return Table(["patient", "side", *about.classes], rows)


def scores_of_patients(about: Predictions, per_patient: pd.DataFrame) -> Table:
    """Whatever was computed of each patient; a score that is not defined is said to be so."""
    names = [str(name) for name in per_patient.columns]
    rows = [Row(str(row[0]), [_cell(value) for value in row[1:]]) for row in per_patient.itertuples(index=False)]
    return Table(
        [_words(about, name.removeprefix("n_") if name[2:] in about.classes else name) for name in names], rows
    )


def _cell(value: str | float | int) -> Cell:
    if isinstance(value, str):
        return Cell(SIDES.get(value, value))
    if isinstance(value, float) and np.isnan(value):
        return Cell("not defined")
    return Cell(f"{value:.3f}" if isinstance(value, float) else f"{value:,}")


def _per_class(about: Predictions, own: dict[str, Any]) -> list[int]:
    return [int(own.get(name, 0)) for name in about.classes]


def _words(about: Predictions, name: str) -> str:
    if about.headline_classes and name == about.headline_name:
        return "macro F1 of " + ", ".join(about.headline_classes)
    if name == "n_windows":
        return rows_word(about)
    if name == "n_patients" and about.units != "patients":
        return "patients (unknown: one each)"
    if name == "macro_f1" and about.problem == "multilabel":
        return "macro F1 at thresholds"
    kind, _, of = name.partition("/")
    known = kind in KINDS and of in (*about.classes, *about.kinds)
    return f"{KINDS[kind]} of {of}" if known else IN_WORDS.get(name, name)


def _score(numbers: dict[str, float], name: str, limited: bool = True) -> Cell | None:
    if name not in numbers:
        return None
    low, high = numbers.get(f"{name}_low"), numbers.get(f"{name}_high")
    known = limited and low is not None and high is not None
    return Cell(f"{numbers[name]:.3f}", f"{low:.3f} to {high:.3f}" if known else "")


def _size(numbers: dict[str, float], name: str) -> Cell | None:
    return _count(numbers[name]) if name in numbers else None


def _count(value: float) -> Cell:
    return Cell(f"{int(value):,}")
