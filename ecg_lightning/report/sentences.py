"""What page and terminal say of calibration, of thresholds and of who is left out, in whole sentences."""

from collections.abc import Collection

import numpy as np

from ecg_lightning.calibration import TEMPERATURE_LIMITS
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report.anomaly_words import called_anomaly
from ecg_lightning.report.tables import TWO, rows_word

MAX_NAMES = 30  # of records, patients or classes in a row
FEW_POSITIVES = 10  # of validation rows; with fewer a threshold of best F1 is a matter of chance


def calibration(about: Predictions, numbers: dict[str, float], side: str) -> str:
    """One to four sentences: what the probabilities are worth, and how classes are called."""
    if about.problem == "anomaly":
        return called_anomaly(about, numbers)
    before, after = (numbers.get(f"{side}/{name}") for name in ("ece_uncalibrated", "ece"))
    by = {"binary": "temperature and offset", "multilabel": "one temperature and an offset per class"}
    by_what = by.get(about.problem, "one temperature")
    said = f"Probabilities are calibrated by {by_what}, fitted on validation rows alone{_fitted(about, numbers)}"
    if before is not None and after is not None:
        said += f"; the expected calibration error on the {SIDES[side]} side is {after:.3f}, and {before:.3f} without"
    said += "."
    if "before/test/n_windows" in numbers:
        said += (
            " 'Test, before' is the bundle on the same rows, before it learned from this patient, with probabilities "
            "and threshold fitted anew on the same validation rows."
        )
    if about.problem == "multiclass":
        return said
    if about.problem == "binary":
        return f"{said} {_threshold(about, numbers)}"
    return (
        f"{said} A class is called from its threshold on: the calibrated probability with the best F1 on validation "
        "rows. What is said of calls and of calibration on these same rows is too good."
    )


def _fitted(about: Predictions, numbers: dict[str, float]) -> str:
    """The temperature, and the offset where there is one alone, in brackets; nothing where folds have their own."""
    temperature = numbers.get("calibration/temperature")
    if temperature is None:
        return ""
    moved = ""
    if about.problem == "binary":
        moved = f"offset {numbers[f'calibration/offset/{about.classes[1]}']:.3f}, "
    return f" ({moved}temperature {temperature:.3f}{_at_limit(temperature)})"


def _at_limit(temperature: float) -> str:
    """What to say of a temperature that was not found between its limits; the search ends a little before them."""
    stands = np.isclose(temperature, TEMPERATURE_LIMITS, rtol=1e-3).any()
    return ", which is the limit of what is tried: the best lies beyond" if stands else ""


def _threshold(about: Predictions, numbers: dict[str, float]) -> str:
    """From where on the second class is called, and by which rule."""
    name, least = about.classes[1], about.least_specificity
    limit = numbers.get(f"calibration/threshold/{name}")
    value = "its threshold" if limit is None else f"a calibrated probability of {limit:.3f}"
    rule = "that of the best F1"
    if least is not None:
        rule = f"the most sensitive threshold with a specificity of at least {least:g}"
    return (
        f"A window is called {name} from {value} on: {rule} on validation rows. What is said of calls on these same "
        "rows is too high."
    )


def one_class(about: Predictions) -> str:
    """How many patients have rows of one class alone, of the test rows or else the validation rows; empty for none."""
    if about.problem not in TWO:
        return ""
    side = "test" if (about.table["side"] == "test").any() else "val"
    share = about.table[about.table["side"] == side].groupby("patient")["label"].mean()
    lacking = [(about.classes[1], int((share == 0).sum())), (about.classes[0], int((share == 1).sum()))]
    said = [f"without {rows_word(about)} of the class {name}: {n} of {len(share)}" for name, n in lacking if n]
    if not said:
        return ""
    return (
        f"{SIDES[side].capitalize()} patients {', '.join(said)}. Within them AUROC is not defined, and they are left "
        "out of its mean over patients."
    )


def few_positives(about: Predictions) -> str:
    """Which classes have a threshold that few validation rows chose, or none; empty where there is no such class."""
    if about.problem != "multilabel":
        return ""
    counts = [about.label[rows].sum(axis=0) for rows in about.fitted_on().values() if rows.any()]
    if not counts:
        return ""
    found = np.min(counts, axis=0)  # of several folds the one with the fewest
    none = [name for name, n in zip(about.classes, found, strict=True) if not n]
    few = [f"{name} ({n})" for name, n in zip(about.classes, found, strict=True) if 0 < n < FEW_POSITIVES]
    said = [f"No validation record is of {first(none)}: called from 0.5 on, which nothing chose."] if none else []
    if few:
        said.append(f"Few validation records are of {first(few)}: their thresholds are rough.")
    return " ".join(said)


def first(names: Collection[str]) -> str:
    """Names in a row; beyond a page's patience only how many more there are."""
    shown = ", ".join(list(names)[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} ... and {len(names) - MAX_NAMES:,} more"
