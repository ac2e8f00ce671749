"""The tables of the page: rows of cells, each a number with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ecg_lightning.evaluation import headline_names
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report.colours import class_colour

IN_WORDS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1, classes present",
    "kappa": "Cohen's kappa",
    "jk_index": "jk index",
    "macro_auroc": "macro AUROC",
    "n_windows": "windows",
    "n_patients": "patients",
    "n_classes": "classes present",
}


@dataclass(frozen=True)
class Cell:
    """A number as text, and its interval, empty where it has none."""

    number: str
    limits: str = ""


@dataclass(frozen=True)
class Row:
    """A name and its cells; None is a number that is not defined."""

    name: str
    cells: Sequence[Cell | None]
    colour: str = ""


@dataclass(frozen=True)
class Table:
    """Columns with names, rows, and which rows stand out."""

    columns: Sequence[str]
    rows: Sequence[Row]
    bold: tuple[int, ...] = field(default=())


def headline(about: Predictions, numbers: dict[str, float]) -> Table:
    """Validation and test side by side."""
    sides = [side for side in SIDES if f"{side}/n_windows" in numbers]
    rows = [
        Row(_words(about, name), [_score(numbers, f"{side}/{name}") for side in sides])
        for name in headline_names(about)
        if any(f"{side}/{name}" in numbers for side in sides)
    ]
    sizes = ("n_windows", "n_patients", "n_classes")
    rows += [Row(IN_WORDS[name], [_count(numbers[f"{side}/{name}"]) for side in sides]) for name in sizes if sides]
    return Table(["", *(SIDES[side] for side in sides)], rows, bold=(2,) if about.headline_classes else (1,))


def per_class(about: Predictions, numbers: dict[str, float], side: str, counts: Sequence[int]) -> Table:
    """Scores of each class that is there."""
    rows = []
    for index, name in enumerate(about.classes):
        kinds = ("f1", "sensitivity", "precision", "auroc", "average_precision")
        cells = [_score(numbers, f"{side}/{kind}/{name}") for kind in kinds]
        meaning = about.class_names.get(name)
        full = f"{name}, {meaning}" if meaning else name
        rows.append(Row(full, [_count(counts[index]), *cells], class_colour(index)))
    return Table(["", "windows", "F1", "sensitivity", "precision", "AUROC", "average precision"], rows)


def without(about: Predictions, numbers: dict[str, float]) -> Table:
    """Test scores of all records beside those without single ones."""
    known = [record for record in about.without if f"test/without_{record}/accuracy" in numbers]
    if not known:
        return Table([], [])
    names = [*headline_names(about)[:-3], *(f"f1/{name}" for name in about.classes), "n_classes"]
    rows = []
    for name in names:
        places = [f"test/{name}", *(f"test/without_{record}/{name}" for record in known)]
        cells = [_count(numbers[place]) if name == "n_classes" else _score(numbers, place) for place in places]
        rows.append(Row(_words(about, name), cells))
    return Table(["", "all", *(f"without {record}" for record in known)], rows)


def counts(about: Predictions, card: dict[str, Any]) -> Table:
    """Windows per side and class."""
    rows = [Row(SIDES.get(side, side), _per_class(about, own)) for side, own in (card.get("counts") or {}).items()]
    return Table(["", *about.classes, "all"], rows)


def people(about: Predictions, card: dict[str, Any]) -> Table:
    """Windows per patient and class."""
    rows = [
        Row(
            str(one.get("patient", "")),
            [Cell(SIDES.get(one.get("side", ""), one.get("side", ""))), *_per_class(about, one)],
        )
        for one in card.get("per_patient") or []
    ]
    return Table(["patient", "side", *about.classes, "all"], rows)


def _per_class(about: Predictions, own: dict[str, Any]) -> list[Cell | None]:
    values = [int(own.get(name, 0)) for name in about.classes]
    return [_count(value) for value in (*values, sum(values))]


def _words(about: Predictions, name: str) -> str:
    if about.headline_classes and name == about.headline_name:
        return "macro F1 of " + ", ".join(about.headline_classes)
    return IN_WORDS.get(name, name.replace("f1/", "F1 of "))


def _score(numbers: dict[str, float], name: str) -> Cell | None:
    if name not in numbers:
        return None
    low, high = numbers.get(f"{name}_low"), numbers.get(f"{name}_high")
    return Cell(f"{numbers[name]:.3f}", "" if low is None or high is None else f"{low:.3f} to {high:.3f}")


def _count(value: float) -> Cell:
    return Cell(f"{int(value):,}")
