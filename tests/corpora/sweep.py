"""Write the folders of a sweep's jobs that never took place, with believable numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ecg_lightning import sweep_plan
from tests.corpora.binary import draw_binary

UNTRACKED = {"_target_": "ecg_lightning.tracking.Tracker", "uri": None, "experiment": "hypoglycemia"}
SETTINGS = {
    "task": {"name": "hypoglycemia", "monitor": {"metric": "val/auroc", "mode": "max"}},
    "loss": "bce",
    "tracking": UNTRACKED,
}
CARD = {"synthetic": False, "tags": {}, "patients": {"val": ["001", "002"]}, "counts": {"val": {"low": 9}}}


def write_job(
    folder: Path,
    overrides: Sequence[str],
    auroc: float,
    sides: Sequence[str] = ("val",),
    card: Mapping[str, Any] = CARD,
) -> Path:
    """Write what a finished job leaves, as far as a comparison reads it.

    Args:
        folder: of the job; must not exist.
        overrides: as they were typed.
        auroc: of every side; other numbers follow from it.
        sides: that were scored.
        card: of its data.
    """
    folder.mkdir(parents=True)
    draw_binary(n_rows=100).write(folder / "predictions.parquet")
    numbers = {"fit/seconds": 61.5, "fit/epochs": 3, "model/parameters": 1000 + int(1000 * auroc)}
    for side in sides:
        numbers[f"{side}/majority/accuracy"] = 0.9  # no number of the network's own
        for name, value in (("auroc", auroc), ("average_precision", auroc / 2)):
            numbers |= {f"{side}/{name}": value, f"{side}/{name}_low": value - 0.1, f"{side}/{name}_high": value + 0.1}
    status = {"state": "finished", "reason": None, "overrides": list(overrides)}
    for name, content in (("status", status), ("metrics", numbers), ("data", dict(card))):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "config.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    history = ["epoch,val/auroc,val/error_auroc,val/loss", "0,0.5,0.5,3", f"1,{auroc},{auroc + 0.01},2", "2,0.4,0.4,1"]
    (folder / "history.csv").write_text("\n".join(history) + "\n", encoding="utf-8")
    return folder


def write_sweep(folder: Path, key: str, aurocs: Mapping[str, float], sides: Sequence[str] = ("val",)) -> list[Path]:
    """Write one job per value of one key."""
    write_plan(folder, f"{key}={','.join(aurocs)}", "tracking=none")
    return [
        write_job(folder / str(number), [f"{key}={value}", "tracking=none"], auroc, sides)
        for number, (value, auroc) in enumerate(aurocs.items())
    ]


def write_plan(folder: Path, *words: str, params: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write what Hydra leaves of a sweep before its first job begins.

    Args:
        folder: of the sweep.
        words: as they were typed.
        params: of a preset.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_plan.write(folder, sweep_plan.expanded([*(f"{key}={value}" for key, value in params.items()), *words]))
    plan = {"sweeper": {"params": dict(params)}, "overrides": {"task": list(words), "hydra": ["hydra.mode=MULTIRUN"]}}
    plan |= {"runtime": {"config_sources": [{"path": "conf", "provider": "main"}]}, "job": {"config_name": "config"}}
    (folder / "multirun.yaml").write_text(yaml.safe_dump({"hydra": plan}, sort_keys=False), encoding="utf-8")


def write_failed_job(folder: Path, overrides: Sequence[str], reason: str) -> Path:
    """Write what a job leaves that was refused."""
    folder.mkdir(parents=True)
    status = {"state": "failed", "reason": reason, "overrides": list(overrides)}
    (folder / "status.json").write_text(json.dumps(status), encoding="utf-8")
    return folder


def monitor(folder: Path, metric: str, mode: str, loss: str = "bce") -> None:
    """Let a job go by another number."""
    task = {"name": "hypoglycemia", "monitor": {"metric": metric, "mode": mode}}
    (folder / "config.yaml").write_text(yaml.safe_dump({**SETTINGS, "task": task, "loss": loss}), encoding="utf-8")
