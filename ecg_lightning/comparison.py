"""Jobs side by side: what varies between them, what they reach, and which is best by validation."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ecg_lightning.evaluation import headline_names
from ecg_lightning.predictions import Predictions

N_NAMED = 8  # of what was swept, in one sentence
N_HEADLINE = 3  # numbers of each job; metrics.json has them all
BESIDE = ("always_anomaly/", "majority/", "oracle/")  # what stands beside numbers of a network and is none of its own
SIDES = ("val", "test")
LIMITS = ("", "_low", "_high")
IDLE = ("resume", "sweep", "test", "tracking", "plugins")  # words that change no number: never what varied
COSTS = ("fit/seconds", "fit/epochs", "model/parameters")


@dataclass(frozen=True, eq=False)
class Job:
    """What a job left in its folder; all but its name, its state and its reason may be empty.

    Args:
        folder: of the run.
        state: of its status.json.
        reason: why it did not finish.
        overrides: value by key, as they were typed.
        choices: option of every config group.
        numbers: of its metrics.json.
        settings: of its config.yaml.
        card: of its data.
        history: one row per epoch.
    """

    folder: Path
    state: str
    reason: str
    overrides: dict[str, str]
    choices: dict[str, str | None]
    numbers: dict[str, float]
    settings: dict[str, Any]
    card: dict[str, Any]
    history: pd.DataFrame

    @property
    def monitor(self) -> tuple[str, str]:
        """Name of the number that chose its best epoch, and "max" or "min"."""
        said = self.settings["task"]["monitor"]
        return said["metric"], said["mode"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Jobs as the rows of a table.

    Args:
        table: one row per job: job, what varied, best, state, reason, monitor and monitored (name of the number that
            chose its best epoch, and its best value), best_epoch (counted from 1), headline numbers of each side that
            was scored with their limits, costs, synthetic, leaky_split. What a job does not have is NaN or empty.
        varied: keys of what differs between jobs, which are columns of the table.
        headline: names of numbers, without their side.
        best: row of the best job by validation; None where none is.
        monitor: name of the number by which it is the best: the one that chose its epochs, if not only epochs know it;
            empty where none is.
        why_none: why there is no best job; empty where there is one.
        units: what the intervals are over, in words.
    """

    table: pd.DataFrame
    varied: tuple[str, ...]
    headline: tuple[str, ...]
    best: int | None
    monitor: str
    why_none: str
    units: str


def compare(folders: Sequence[Path], names: Sequence[str] = ()) -> Comparison:
    """Read the folders of jobs, finished or not, and set them side by side in this order.

    Args:
        folders: of the jobs.
        names: what they are called; none for those of the folders, which must then differ.
    """
    jobs = [read_job(folder) for folder in folders]
    finished = [job for job in jobs if job.state == "finished"]
    varied = _varied(jobs)
    headline, units = _headline(finished)
    table = pd.DataFrame([_row(job, varied, headline) for job in jobs])
    table["job"] = list(names) or table["job"]
    best, monitor, why_none = _best(table, finished, varied, headline)
    table.insert(1 + len(varied), "best", table.index == best)
    test = [name for name in table if str(name).startswith("test/")]
    if table[test].isna().all(axis=None):
        table = table.drop(columns=test)
    return Comparison(table, varied, headline, best, monitor, why_none, units)


def own_headline(about: Predictions) -> list[str]:
    """Headline numbers that are the network's own."""
    return [name for name in headline_names(about) if not name.startswith(BESIDE)]


def read_job(folder: Path) -> Job:
    """Read what a job left."""
    status = _json(folder / "status.json")
    state = status.get("state", "failed")
    silent = {"failed": "it left no status.json", "running": "it has not said that it ended"}
    words = [override.lstrip("+~").partition("=") for override in status.get("overrides", [])]
    return Job(
        folder=folder,
        state=state,
        reason=status.get("reason") or silent.get(state, ""),
        overrides={key: value.strip("'\"") for key, _, value in words},
        choices=status.get("choices", {}),
        numbers=_json(folder / "metrics.json"),
        settings=_yaml(folder / "config.yaml"),
        card=_json(folder / "data.json"),
        history=_history(folder / "history.csv"),
    )


def _json(path: Path) -> dict[str, Any]:
    """An object of a job's folder; empty where there is none, or half of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _history(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return pd.DataFrame({"epoch": []})


def _varied(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Keys whose value is not the same in all jobs, in the order in which they were typed.

    The jobs of a sweep typed the same keys, and whatever else differs follows from these. Jobs of several commands may
    also differ in options that nobody typed.
    """
    told = [job for job in jobs if job.overrides or job.choices]  # one that left no status says nothing
    typed = dict.fromkeys(key for job in told for key in job.overrides)
    varied = [key for key in typed if _differs(told, key)]
    if not varied or _several(sorted(job.overrides) for job in told):
        groups = dict.fromkeys(key for job in told for key in job.choices if not key.startswith("hydra/"))
        varied += [key for key in groups if key not in typed and _differs(told, key)]
    return tuple(varied)


def _differs(jobs: Sequence[Job], key: str) -> bool:
    return key.partition(".")[0] not in IDLE and _several(_plain(_value(job, key)) for job in jobs)


def _value(job: Job, key: str) -> str:
    """What was typed, or else the option that was chosen, or else the value in the config; empty where unknown."""
    if key in job.overrides:
        return job.overrides[key]
    if key in job.choices:
        return job.choices[key] or "null"
    value = _setting(job.settings, key)
    while isinstance(value, str) and (link := re.fullmatch(r"\$\{([\w.]+)\}", value)):
        value = _setting(job.settings, link[1])
    if isinstance(value, dict):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _setting(settings: Any, key: str) -> Any:
    for word in key.split("."):
        if not isinstance(settings, dict) or word not in settings:
            return ""
        settings = settings[word]
    return settings


def _plain(value: str) -> str:
    """A number in one way of writing, so that 1e-3 is 0.001."""
    try:
        return str(float(value))
    except ValueError:
        return value


def _several(values: Iterable[Any]) -> bool:
    return len({json.dumps(value, sort_keys=True, default=str) for value in values}) > 1


def _headline(finished: Sequence[Job]) -> tuple[tuple[str, ...], str]:
    """The first headline numbers of every task, and what their intervals are over."""
    names: dict[str, None] = {}
    units = "patients"
    for job in {
        job.settings["task"]["name"]: job for job in sorted(finished, key=lambda job: len(job.numbers))
    }.values():
        about = Predictions.read(job.folder / "predictions.parquet")
        own = own_headline(about)
        there = [name for name in own if any(f"{side}/{name}" in job.numbers for side in SIDES)]
        names |= dict.fromkeys(there[:N_HEADLINE])
        units = about.units
    return tuple(names), units


def _row(job: Job, varied: Sequence[str], headline: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"job": job.folder.name, **{key: _value(job, key) for key in varied}}
    row |= {"state": job.state, "reason": job.reason}
    names = [f"{side}/{name}{end}" for side in SIDES for name in headline for end in LIMITS]
    tags = {"synthetic": bool(job.card.get("synthetic")), "leaky_split": "leaky_split" in job.card.get("tags", {})}
    return row | monitored(job) | {name: job.numbers.get(name, np.nan) for name in (*names, *COSTS)} | tags


def monitored(job: Job) -> dict[str, Any]:
    """The number that chose the best epoch: as it was computed from the predictions, else the best of any epoch."""
    if job.state != "finished":
        return {"monitor": "", "monitored": np.nan, "best_epoch": np.nan}
    metric, mode = job.monitor
    curve = job.history[metric].dropna() if metric in job.history else pd.Series(dtype=float)
    if curve.empty:
        value = job.numbers.get(metric, job.numbers.get("fit/monitored", np.nan))  # of several folds, their mean
        return {"monitor": metric, "monitored": value, "best_epoch": np.nan}
    at = int(curve.argmax() if mode == "max" else curve.argmin())
    value = job.numbers.get(metric, float(curve.iloc[at]))
    return {"monitor": metric, "monitored": value, "best_epoch": int(job.history["epoch"][curve.index[at]]) + 1}


def _best(
    table: pd.DataFrame, finished: Sequence[Job], varied: Sequence[str], headline: Sequence[str]
) -> tuple[int | None, str, str]:
    """Row of the best job and by which number, or None and why."""
    if why := _not_comparable(finished, varied):
        return None, "", why
    metric, mode = _decisive(finished[0], headline)
    values = table[metric if metric in table else "monitored"].to_numpy(dtype=np.float64)
    if np.isnan(values).all():
        return None, "", f"no job has a value of {metric}"
    if "seed" in varied:
        return None, "", f"a lucky seed must not be chosen; {_over_seeds(table, values, varied, metric, mode)}"
    most = np.nanmax(values) if mode == "max" else np.nanmin(values)
    if (values == most).sum() > 1:
        return None, "", f"{(values == most).sum()} jobs reach the same {metric}, {most:.3f}"
    return int(np.flatnonzero(values == most)[0]), metric, ""


def _over_seeds(table: pd.DataFrame, values: np.ndarray, varied: Sequence[str], metric: str, mode: str) -> str:
    """Mean and standard deviation over the seeds of all that varies beside them, the best first."""
    keys = [key for key in varied if key != "seed"]
    told = table[keys].astype(str).agg(", ".join, axis=1)
    means = pd.Series(values).groupby(told, sort=False).agg(["mean", "std", "count"])
    ordered = means.sort_values("mean", ascending=mode == "min").head(N_NAMED)
    said = [
        f"{name} {row['mean']:.3f}" + (f" (SD {row['std']:.3f})" if row["count"] > 1 else " (one seed)")
        for name, row in ordered.iterrows()
    ]
    return f"mean of {metric} over seeds: {'; '.join(said)}"


def _decisive(job: Job, headline: Sequence[str]) -> tuple[str, str]:
    """What chose the epochs; the first headline number where only epochs know that one, and it is no loss."""
    metric, mode = job.monitor
    epochs_alone = metric in job.history and metric not in job.numbers and not metric.endswith("/loss")
    return (f"val/{headline[0]}", "max") if epochs_alone and headline else (metric, mode)


def _not_comparable(finished: Sequence[Job], varied: Sequence[str]) -> str:
    """Why no job can be called the best; empty where one can."""
    if len(finished) < 2:
        return "fewer than two jobs finished"
    if set(varied) == {"seed"}:
        return "only the seed varies, and a lucky one must not be chosen"
    if _several(job.monitor for job in finished):
        return f"jobs go by different numbers ({', '.join(sorted({job.monitor[0] for job in finished}))})"
    if _several([job.card[name]["val"] for name in ("patients", "counts")] for job in finished):
        return "jobs are validated on different rows"
    if finished[0].monitor[0].endswith("/loss"):
        parts = [part for part in ("loss", "preprocess") if _several(job.settings.get(part) for job in finished)]
        if parts:
            return f"jobs go by {finished[0].monitor[0]}, which means another thing with another {parts[0]}"
    return ""
