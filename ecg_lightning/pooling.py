"""The folds of a split together: their answers in one table, and every number computed from all of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ecg_lightning import evaluation
from ecg_lightning.comparison import monitored, read_job
from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import write_json

POOLED = ("val", "test")  # training rows stay with their folds: they would stand here once per fold
KEPT = (
    *("config.yaml", "metrics.json", "data.json", "predictions.parquet", "folds.csv", "patients.csv"),
    *("report.html", "figures"),
)
ONE_OF_EACH = ("tags", "skipped")  # of a card: what one fold says is said of all


def pool(folders: Sequence[Path], into: Path) -> tuple[evaluation.Evaluation, dict[str, float]]:
    """Set the answers of all folds side by side, and compute every number anew.

    Each row counts with its own fold's calibration and thresholds. Writes predictions.parquet, metrics.json, data.json,
    folds.csv (one row per fold) and patients.csv (one row per patient and side).

    Args:
        folders: of the folds, all finished.
        into: the folder of the run that stands above them.

    Returns:
        What they are worth together, and the numbers that the run records.
    """
    predictions = together([Predictions.read(folder / "predictions.parquet") for folder in folders])
    predictions.write(into / "predictions.parquet")
    found = evaluation.evaluate(predictions)
    costs = [json.loads((folder / "metrics.json").read_text(encoding="utf-8")) for folder in folders]
    numbers = found.metrics | _costs(costs) | _monitored(folders)
    write_json(into / "metrics.json", numbers)
    cards = [json.loads((folder / "data.json").read_text(encoding="utf-8")) for folder in folders]
    write_json(into / "data.json", joined(cards))
    pd.DataFrame(_rows(predictions, cards, costs)).to_csv(into / "folds.csv", index=False)
    found.per_patient.to_csv(into / "patients.csv", index=False)
    return found, numbers


def kept(folder: Path) -> list[Path]:
    """What MLflow keeps of the run above the folds."""
    return [folder / name for name in KEPT if (folder / name).exists()]


def together(parts: Sequence[Predictions]) -> Predictions:
    """One table of several folds; a validation row may stand in it more than once."""
    tables = [part.table[part.table["side"].isin(POOLED)] for part in parts]
    tags: dict[str, str] = {}
    for part in parts:
        tags |= part.tags
    without = dict.fromkeys(name for part in parts for name in part.without)
    return replace(parts[0], table=pd.concat(tables, ignore_index=True), tags=tags, without=tuple(without))


def joined(cards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One card of several folds: who stood where in any of them, and how many rows in all."""
    card = dict(cards[0])
    for name in ONE_OF_EACH:
        card[name] = {key: value for one in cards for key, value in one[name].items()}
    counted = [f"{len(cards)} folds: training and validation rows are counted once per fold"] if len(cards) > 1 else []
    card["remarks"] = list(dict.fromkeys([*(line for one in cards for line in one["remarks"]), *counted]))
    card["split_hash"] = "+".join(one["split_hash"][:4] for one in cards)
    card["rows"] = {side: sum(one["rows"][side] for one in cards) for side in card["rows"]}
    card["counts"] = {
        side: {name: sum(one["counts"][side][name] for one in cards) for name in of_side}
        for side, of_side in card["counts"].items()
    }
    card["patients"] = {
        side: list(dict.fromkeys(name for one in cards for name in one["patients"][side])) for side in card["patients"]
    }
    people = {(row["patient"], row["side"]): row for one in cards for row in one["per_patient"]}
    card["per_patient"] = list(people.values())
    return card


def _costs(numbers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Seconds and epochs of all folds, and how fast they were on average."""
    seconds, epochs = (sum(one[f"fit/{name}"] for one in numbers) for name in ("seconds", "epochs"))
    weight = [one["fit/seconds"] / seconds if seconds else 1 / len(numbers) for one in numbers]
    speed = sum(w * one["fit/windows_per_second"] for w, one in zip(weight, numbers, strict=True))
    size = numbers[0]["model/parameters"]
    return {"fit/epochs": epochs, "fit/seconds": seconds, "fit/windows_per_second": speed, "model/parameters": size}


def _monitored(folders: Sequence[Path]) -> dict[str, float]:
    """Mean of the number by which the best epochs were chosen, over the folds that went by the same one."""
    found = [monitored(read_job(folder)) for folder in folders]
    names = [one["monitor"] for one in found]
    most = max(dict.fromkeys(names), key=names.count)
    values = pd.Series([one["monitored"] for one in found if one["monitor"] == most]).dropna()
    return {"fit/monitored": float(values.mean())} if len(values) else {}


def _rows(
    predictions: Predictions, cards: Sequence[Mapping[str, Any]], costs: Sequence[Mapping[str, float]]
) -> Iterator[dict[str, Any]]:
    """Each fold with whom it reported on and what it reached."""
    names = evaluation.headline_names(predictions)
    for fold, card, numbers in zip(dict.fromkeys(predictions.table["fold"]), cards, costs, strict=True):
        wanted = [f"{side}/{name}" for side in POOLED for name in names]
        yield {
            "fold": fold,
            "test_patients": " ".join(card["patients"]["test"]),
            "val_patients": " ".join(card["patients"]["val"]),
            **{f"{side}_rows": card["rows"][side] for side in ("train", *POOLED)},
            **{name: numbers[name] for name in wanted if name in numbers},
            **{name: numbers[name] for name in ("fit/epochs", "fit/seconds")},
        }
