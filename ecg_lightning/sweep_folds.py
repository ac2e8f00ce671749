"""The folds of a sweep pooled: one run above them for every combination of what else was asked for."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ecg_lightning import pooling, sweep_plan
from ecg_lightning.comparison import Job, read_job
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.naming import run_tags
from ecg_lightning.report import page
from ecg_lightning.report.contents import read_json
from ecg_lightning.run_folder import Status
from ecg_lightning.sweep_run import track


def pool(sweep: Path) -> dict[Path, Evaluation | None]:
    """Pool the folds of every combination into a folder of its own, as far as all of them have finished.

    Args:
        sweep: its folder; holds one folder per job.

    Returns:
        The folders, and what their folds are worth together; None where one of them is missing.
    """
    return {where: _pooled(sweep, where, numbers) for where, numbers in sweep_plan.by_combination(sweep).items()}


def _pooled(sweep: Path, where: Path, numbers: list[int]) -> Evaluation | None:
    jobs = [read_job(sweep / str(number)) for number in numbers]
    where.mkdir(parents=True, exist_ok=True)
    status = _status(sweep, numbers[0])
    found: Evaluation | None = None
    recorded: dict[str, float] = {}
    if lacking := [job for job in jobs if job.state != "finished"]:
        status.state = "interrupted" if {job.state for job in lacking} <= {"interrupted", "running"} else "failed"
        status.reason = "; ".join(_why(job) for job in lacking)
    else:
        found, recorded = pooling.pool([job.folder for job in jobs], where)
        status.state, status.finished_folds = "finished", list(range(len(jobs)))
        monitors = [job.monitor for job in jobs]
        usual = jobs[monitors.index(max(monitors, key=monitors.count))]  # a fold may have had to go by the loss
        config: Any = OmegaConf.load(usual.folder / "config.yaml")
        config.split.fold, config.resume = None, None
        OmegaConf.save(config, where / "config.yaml")
    status.write(where)
    if found is not None and where == sweep:  # of several combinations the best one gets a page, when it is known
        page.write(where, found)
    tags = run_tags(read_json(where / "data.json") or {}, status) if found else {}
    track(where, jobs[0].settings, status, recorded, pooling.kept(where), tags)
    return found


def _status(sweep: Path, first: int) -> Status:
    """The status of the run above some folds, as their first job says it."""
    file = sweep / str(first) / "status.json"
    choices = Status.read(file.parent).choices if file.is_file() else {}
    overrides = sweep_plan.without_fold(sweep_plan.jobs(sweep)[first])
    return Status(choices=choices, overrides=list(overrides))


def _why(job: Job) -> str:
    fold = job.overrides.get(sweep_plan.FOLD, "?")
    return f"fold {fold} (job {job.folder.name}) {job.state}: {' '.join(job.reason.split())}"
