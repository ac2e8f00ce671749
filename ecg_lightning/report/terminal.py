"""The numbers of a run as tables in the terminal, in the words of the page."""

from collections.abc import Mapping, Sequence

import rich.table
from rich import box
from rich.console import Console
from rich.markup import escape

from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report import sentences, tables
from ecg_lightning.report.notices import in_words

ALL_LIMITS, ONE_LIMIT = 4, 7  # columns up to which every number, or the first one, has its interval beside it


def show(
    predictions: Predictions,
    found: Evaluation,
    patients: bool,
    remarks: Sequence[str] = (),
    recorded: Mapping[str, float] | None = None,
) -> None:
    """Print warnings, headline numbers, scores per class and group and, if wanted, one row per patient.

    Args:
        predictions: of the run.
        found: their worth.
        patients: whether each is named.
        remarks: what the corpus says of itself, from the data card.
        recorded: by the run; what it was worth before it was adapted cannot be computed from predictions.
    """
    console, numbers = Console(), found.metrics | tables.before_adapting(recorded or {})
    if predictions.synthetic:
        console.print("SYNTHETIC data: these numbers say nothing about patients", style="yellow")
    tags = {name: value for name, value in predictions.tags.items() if name != "synthetic"}  # said just now
    for line in (*in_words(tags, remarks), *remarks):
        console.print(f"note: {line}", style="yellow", markup=False, highlight=False)
    sides = [side for side in SIDES if f"{side}/n_windows" in numbers]
    first = tables.headline(predictions, numbers)
    limited = any(cell and cell.limits for row in first.rows for cell in row.cells)
    console.print(_drawn(first, f"95 % intervals over {predictions.units}" if limited else ""))
    for side in sides[-1:]:
        for title, table in _of_side(predictions, numbers, side).items():
            console.print(_drawn(table, title))
        console.print(sentences.calibration(predictions, numbers, side), markup=False, highlight=False)
    for said in (sentences.one_class(predictions), sentences.few_positives(predictions)):
        if said:
            console.print(said, markup=False, highlight=False)
    for title, table in _others(predictions, found, patients).items():
        console.print(_drawn(table, title))


def _of_side(predictions: Predictions, numbers: dict[str, float], side: str) -> dict[str, tables.Table]:
    """Tables of one side, by title."""
    over = tables.over_folds(predictions, numbers, side)
    first = {f"{SIDES[side]}, over folds": over} if over.rows else {}
    of_anomalies = tables.of_anomalies(predictions, numbers, side)
    return {**first, SIDES[side]: tables.per_class(predictions, numbers, side), **of_anomalies}


def _others(predictions: Predictions, found: Evaluation, patients: bool) -> dict[str, tables.Table]:
    """Tables that hold something, by title."""
    others = {
        "test, group by group": tables.groups(predictions, found.metrics),
        "test without single records": tables.without(predictions, found.metrics),
    }
    if patients:
        others["patient by patient"] = tables.scores_of_patients(predictions, found.per_patient)
    return {title: table for title, table in others.items() if table.rows}


def _drawn(table: tables.Table, title: str) -> rich.table.Table:
    """Lay a table out for eighty columns: the more numbers in a row, the fewer of them with their interval."""
    n_columns = len(table.columns)
    n_limits = n_columns if n_columns <= ALL_LIMITS else int(n_columns <= ONE_LIMIT)
    drawn = rich.table.Table(*(escape(name) for name in table.columns), title=title, box=box.SIMPLE_HEAD)
    drawn.padding = (0, 1 if n_columns <= ALL_LIMITS else 0, 0, 0)
    for number, row in enumerate(table.rows):
        wide = [place for place, cell in enumerate(row.cells) if cell is not None and cell.limits][:n_limits]
        cells = [_text(cell, place in wide) for place, cell in enumerate(row.cells)]
        drawn.add_row(escape(row.name), *cells, style="bold" if number in table.bold else None)
    return drawn


def _text(cell: tables.Cell | None, with_limits: bool) -> str:
    if cell is None:
        return ""
    return escape(f"{cell.number} ({cell.limits})" if with_limits else cell.number)
