"""The numbers of a run as tables in the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecg_lightning.evaluation import Evaluation, headline_names, with_interval
from ecg_lightning.predictions import SIDES, Predictions


def show(predictions: Predictions, found: Evaluation, patients: bool) -> None:
    """Print warnings, headline numbers, scores per class and, if wanted, one row per patient."""
    console = Console()
    if predictions.synthetic:
        console.print("SYNTHETIC data: these numbers say nothing about patients", style="yellow")
    for name, value in predictions.tags.items():
        console.print(f"note: {name}={value}", style="yellow", markup=False, highlight=False)
    sides = [side for side in SIDES if f"{side}/n_windows" in found.metrics]
    console.print(_headline_table(predictions, found.metrics, sides))
    for side in sides[-1:]:
        console.print(_class_table(predictions, found.metrics, side))
    if any(name.startswith("test/without_") for name in found.metrics):
        console.print(_without_table(predictions, found.metrics))
    if patients:
        console.print(_patient_table(found))


def _headline_table(predictions: Predictions, numbers: dict[str, float], sides: list[str]) -> Table:
    table = Table("", *(SIDES[side] for side in sides), title="95 % intervals over " + predictions.resample + "s")
    for name in headline_names(predictions):
        table.add_row(name, *(with_interval(numbers, f"{side}/{name}") for side in sides))
    for name in ("n_classes", "n_windows", "n_patients"):
        table.add_row(name, *(f"{numbers[f'{side}/{name}']:,}" for side in sides))
    return table


def _class_table(predictions: Predictions, numbers: dict[str, float], side: str) -> Table:
    table = Table("class", "F1", "sensitivity", "precision", "AUROC", title=SIDES[side])
    for name in predictions.classes:
        f1 = with_interval(numbers, f"{side}/f1/{name}")
        others = (numbers.get(f"{side}/{kind}/{name}") for kind in ("sensitivity", "precision", "auroc"))
        table.add_row(name, f1, *(_cell(value) for value in others))
    return table


def _without_table(predictions: Predictions, numbers: dict[str, float]) -> Table:
    known = [record for record in predictions.without if f"test/without_{record}/accuracy" in numbers]
    table = Table("test", "all", *(escape(f"without {record}") for record in known))
    for name in [*headline_names(predictions)[:-3], *(f"f1/{name}" for name in predictions.classes)]:
        places = [f"test/{name}", *(f"test/without_{record}/{name}" for record in known)]
        table.add_row(name, *(_cell(numbers.get(place)) for place in places))
    return table


def _patient_table(found: Evaluation) -> Table:
    counts = [name.removeprefix("n_") for name in found.per_patient.columns[5:]]
    table = Table("patient", "side", "windows", "accuracy", "macro F1", *map(escape, counts))
    for row in found.per_patient.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: str | float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return escape(value)
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
