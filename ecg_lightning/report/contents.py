"""What a run folder holds, as far as it is there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import yaml

from ecg_lightning.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Contents:
    """The files of one run; only the predictions must be there.

    Args:
        folder: of the run.
        predictions: answers to validation and test rows.
        metrics: as the run recorded them; empty where it did not.
        card: of the data: source, licence, counts.
        status: state, choices and overrides.
        config: as text.
        monitor: name of the number that chose the best epoch, and "max" or "min"; None where it is not known.
        settings: of the config, as it was written.
        history: one row per epoch.
        pretraining: one row per epoch of the stage before.
        examples: arrays for the pictures of the ECG.
    """

    folder: Path
    predictions: Predictions
    metrics: dict[str, Any]
    card: dict[str, Any]
    status: dict[str, Any]
    config: str
    monitor: tuple[str, str] | None
    settings: dict[str, Any]
    history: pd.DataFrame
    pretraining: pd.DataFrame
    examples: dict[str, np.ndarray]

    def number(self, *path: str) -> float | None:
        """A number of the config by its place, e.g. "model", "n_window"; None where there is none."""
        value: Any = self.settings
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, int | float) else None


def read_contents(folder: Path) -> Contents:
    """Read a run folder; what is absent is empty, what is broken is refused by name."""
    config = folder / "config.yaml"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    settings = _settings(config, text)
    return Contents(
        folder=folder,
        predictions=Predictions.read(folder / "predictions.parquet"),
        metrics=read_json(folder / "metrics.json") or {},
        card=read_json(folder / "data.json") or {},
        status=read_json(folder / "status.json") or {},
        config=text,
        monitor=_monitor(settings),
        settings=settings,
        history=_history(folder / "history.csv"),
        pretraining=_history(folder / "pretrain" / "history.csv"),
        examples=_arrays(folder / "examples.npz"),
    )


def read_json(path: Path) -> dict[str, Any] | None:
    """Read one object; None where there is no such file."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise ValueError(f"{path} is not JSON ({broken}): train the run again") from broken
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object: train the run again")
    return content


def _settings(path: Path, text: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as broken:
        raise ValueError(f"{path} is not YAML: train the run again") from broken
    return config if isinstance(config, dict) else {}


def _monitor(settings: dict[str, Any]) -> tuple[str, str] | None:
    task = settings.get("task")
    said = task.get("monitor") if isinstance(task, dict) else None
    return (
        (str(said["metric"]), str(said["mode"])) if isinstance(said, dict) and {"metric", "mode"} <= set(said) else None
    )


def _history(path: Path) -> pd.DataFrame:
    if not path.is_file() or not path.stat().st_size:
        return pd.DataFrame({"epoch": []})
    try:
        history = pd.read_csv(path)
    except (pd.errors.ParserError, UnicodeDecodeError) as broken:
        raise ValueError(f"{path} is no table of numbers: train the run again") from broken
    if "epoch" not in history:
        raise ValueError(f"{path} is no table with a column epoch: train the run again")
    return history


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, BadZipFile) as broken:
        raise ValueError(f"{path} is not a whole npz file: train the run again") from broken
