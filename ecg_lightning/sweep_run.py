"""The run of a sweep in MLflow, above those of its jobs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf

from ecg_lightning import config, sweep_plan
from ecg_lightning.report.contents import read_json
from ecg_lightning.run_folder import Status, write_json
from ecg_lightning.tracking import Tracker, flatten

OUTCOMES: Mapping[str, Literal["FINISHED", "FAILED", "KILLED"]] = {"finished": "FINISHED", "interrupted": "KILLED"}
NOTE = "mlflow_run.json"  # as mlflow_run.SHARED, which only the thread of a tracker may import


def track(
    folder: Path,
    settings: Mapping[str, Any],
    status: Status,
    numbers: Mapping[str, float],
    files: Sequence[Path],
    tags: Mapping[str, str],
) -> None:
    """Hand over what is known when the last job is done; says in status.json where it is.

    Args:
        folder: of the sweep, or of folds that are pooled inside of it.
        settings: config of one of its jobs; empty where no job came to have one, and nothing is tracked.
        status: of the folder.
        numbers: to log.
        files: to keep.
        tags: what a reader must know.
    """
    if not settings:
        return
    cfg = OmegaConf.create({"tracking": settings["tracking"]})
    config.trusted(cfg.tracking._target_, list(settings.get("plugins") or []))
    below = () if sweep_plan.is_sweep(folder) else (folder.parents[1],)
    tracker: Tracker = config.constructed(cfg.tracking, below=below)
    known = read_json(folder / NOTE) or {}
    tracker.start(folder.name, flatten(_asked(folder, settings)), dict(tags), known.get("run_id"))
    tracker.log_metrics(numbers, step=0)
    tracker.log_artifacts(files)
    status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.run_id
    tracker.finish(OUTCOMES.get(status.state, "FAILED"))
    if status.mlflow_run_id is not None:  # no job may have come so far as to make it: one that goes on finds it here
        write_json(folder / NOTE, {"uri": status.tracking_uri, "run_id": status.mlflow_run_id})
    status.write(folder)


def _asked(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a run above jobs: the config where they differ in their fold alone, else what was swept."""
    if folder in sweep_plan.by_combination(folder if sweep_plan.is_sweep(folder) else folder.parents[1]):
        return {**settings, "split": {**settings["split"], "fold": None}}
    return {"jobs": len(sweep_plan.jobs(folder)), "varied": list(sweep_plan.varied(folder))}
