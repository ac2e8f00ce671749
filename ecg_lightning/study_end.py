"""What happens when a study is over, or stops: its table, pictures, and the best settings as a config."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import rich.table
from omegaconf import OmegaConf
from rich import box
from rich.console import Console
from rich.markup import escape

from ecg_lightning import config, experiment_file, summary
from ecg_lightning.report import page, study_figures
from ecg_lightning.report.comparison_figures import short_keys
from ecg_lightning.report.contents import read_json
from ecg_lightning.run_folder import Status
from ecg_lightning.study_table import best_trial, table
from ecg_lightning.sweep_run import NOTE, OUTCOMES
from ecg_lightning.tracking import Tracker, flatten, public
from ecg_lightning.trials import Asked

MAX_ROWS = 40  # of the table in the terminal; trials.csv has all


def finish(study: optuna.Study, wanted: Asked, status: Status) -> bool:
    """Write what the trials reached into the study's folder, say it, and hand it to the run above the trials.

    Args:
        study: over, or stopped.
        wanted: what it was asked for.
        status: of the folder; its state says which.

    Returns:
        Whether a trial has finished.
    """
    folder, found = wanted.folder, table(study, wanted.settings)
    found.to_csv(folder / "trials.csv", index=False)
    best, console = best_trial(study), Console()
    console.print(drawn(found, wanted))
    if best is None:
        status.state, status.reason = (
            ("failed", "no trial finished") if status.state == "finished" else (status.state, None)
        )
    else:
        _draw(study, found, wanted, _stamp(found))
        words = [*wanted.words, *_words(study.trials[best].params, wanted)]
        (folder / "experiment.yaml").write_text(_experiment(found, words, wanted), encoding="utf-8")
        if status.state == "finished" and Path(found["folder"][found["best"]].item()).is_dir():
            page.write(Path(found["folder"][found["best"]].item()))
    for line in [*remarks(found, wanted), *what_next(found, wanted)]:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    status.write(folder)
    if len(found):
        _track(found, wanted, status)
    return best is not None


def drawn(found: pd.DataFrame, wanted: Asked) -> rich.table.Table:
    """The trials for a terminal, the best in bold; of many the best ones."""
    shown, keys = found, [setting.key for setting in wanted.settings]
    if len(found) > MAX_ROWS:
        ordered = found.sort_values("value", ascending=wanted.monitor[1] == "min", na_position="last")
        shown = ordered.head(MAX_ROWS).sort_index()
    made = rich.table.Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for word in ["trial", *short_keys(tuple(keys)), wanted.monitor[0], "epochs", "state"]:
        made.add_column(escape(word), overflow="fold")
    for row in shown.to_dict("records"):
        cells = [f"{row['trial']} *" if row["best"] else str(row["trial"])]
        cells += [_said(row[key]) for key in keys]
        cells += ["" if pd.isna(row["value"]) else f"{row['value']:.4f}", _said(row["epochs"]), row["state"]]
        made.add_row(*map(escape, cells), style="bold" if row["best"] else None)
    return made


def remarks(found: pd.DataFrame, wanted: Asked) -> list[str]:
    """What a reader of the table must know."""
    said = ["SYNTHETIC data: these numbers say nothing about patients"] if _synthetic(found) else []
    n, (monitor, _) = int((found["state"] == "finished").sum()), wanted.monitor
    if len(found) > MAX_ROWS:
        said.append(f"the best {MAX_ROWS} of {len(found)} trials; trials.csv has all")
    if n:
        mean = ", the mean over its folds" if wanted.several_folds else ""
        said.append(
            f"* best of {n} finished trials by {monitor} on validation rows{mean}; chosen as the best of {n}, that "
            f"number is too good: only rows that chose nothing say how good it is. No row was scored as a test row"
        )
        if wanted.several_folds:
            said.append(
                "who is tested in one fold has validated another: test rows of these folds have had a say in what is "
                "best, and only patients of none of them have not"
            )
    for state in ("failed", "interrupted"):
        for reason, some in found[found["state"] == state].groupby("reason", sort=False):
            said.append(f"{_trials(some)} {state}: {'; '.join(str(reason).splitlines())}")
    if (pruned := found[found["state"] == "pruned"]).any(axis=None):
        said.append(f"{_trials(pruned)} pruned: worse than the median of the others at the same point")
    if (running := found[found["state"] == "running"]).any(axis=None):
        said.append(f"{_trials(running)} still running in another process: resume this study to see the end of it")
    return said


def what_next(found: pd.DataFrame, wanted: Asked) -> list[str]:
    """Where the files lie, and the command that trains the best settings."""
    folder = _shown(wanted.folder)
    said = [f"table:    {folder / 'trials.csv'}"]
    if not found["best"].any():
        return said
    said.append(f"pictures: {folder / 'figures'}")
    best = Path(found["folder"][found["best"]].item())
    if (best / "report.html").is_file():
        said.append(f"look at:  {_shown(best) / 'report.html'}")
    said.append("to train the best settings and score test rows, once (further words may follow):")
    said.append(f"    {command(wanted)}")
    return said


def command(wanted: Asked) -> str:
    """What trains the best settings, as it is typed."""
    words = [f"--config-dir={_shown(wanted.folder)}", f"--config-name={experiment_file.NAME}"]
    return shlex.join(["python", "-m", "ecg_lightning.train", *words, *experiment_file.beside(wanted.words)])


def say_how_to_go_on(wanted: Asked) -> None:
    """The command that takes the study up again."""
    line = f"what is missing: python -m ecg_lightning.tune {summary.resume(wanted.folder)}"
    Console().print(line, soft_wrap=True, markup=False, highlight=False)


def _experiment(found: pd.DataFrame, words: Sequence[str], wanted: Asked) -> str:
    best = found[found["best"]].iloc[0]
    monitor, n = wanted.monitor[0], int((found["state"] == "finished").sum())
    remarks = [
        f"the best of {n} trials by {monitor} on validation rows: {best['value']:.4f}, trial {best['trial']}",
        *(["SYNTHETIC data: this number says nothing about patients"] if _synthetic(found) else []),
        command(wanted),
    ]
    return experiment_file.written(words, wanted.choices, wanted.primary, remarks)


def _words(point: dict[str, Any], wanted: Asked) -> list[str]:
    return [setting.word(point[setting.key]) for setting in wanted.settings]


def _draw(study: optuna.Study, found: pd.DataFrame, wanted: Asked, stamp: str) -> None:
    """The pictures: history, settings, and importance where trials differ."""
    (monitor, mode), keys = wanted.monitor, [setting.key for setting in wanted.settings]
    figures = {"history": study_figures.history(found, monitor, mode, stamp)}
    figures["settings"] = study_figures.settings(found, wanted.settings, monitor, stamp)
    finished = found[found["state"] == "finished"]
    if finished["value"].nunique() > 1 and (finished[keys].astype(str).nunique() > 1).any():
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
        figures["importance"] = study_figures.importance(shares, len(finished), stamp)
    (wanted.folder / "figures").mkdir(exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(wanted.folder / "figures" / f"{name}.png")


def _track(found: pd.DataFrame, wanted: Asked, status: Status) -> None:
    """Table, pictures and the best value on the run above the trials."""
    folder, best = wanted.folder, found[found["best"]]
    tracker: Tracker = config.constructed(OmegaConf.create({"tracking": wanted.cfg.tracking}).tracking)
    known = read_json(folder / NOTE) or {}
    tags = {"study": ",".join(setting.key for setting in wanted.settings)}
    tags |= {"best_trial": str(best["trial"].item())} if len(best) else {}
    tracker.start(folder.name, flatten({"search": searched(wanted)}), tags, known.get("run_id"))
    tracker.log_metrics({wanted.monitor[0]: best["value"].item()} if len(best) else {}, step=0)
    names = ("trials.csv", "experiment.yaml", "study.yaml", "figures")
    tracker.log_artifacts([folder / name for name in names if (folder / name).exists()])
    status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.run_id
    tracker.finish(OUTCOMES.get(status.state, "FAILED"))
    status.write(folder)


def searched(wanted: Asked) -> dict[str, Any]:
    """The settings of the search, without the password of its store."""
    said: Any = OmegaConf.to_container(wanted.cfg.search, resolve=True)
    return {**said, "storage": None if said["storage"] is None else public(said["storage"])}


def _synthetic(found: pd.DataFrame) -> bool:
    cards = [read_json(Path(folder) / "data.json") or {} for folder in found["folder"] if folder]
    return any(card.get("synthetic") for card in cards)


def _stamp(found: pd.DataFrame) -> str:
    cards = [read_json(Path(folder) / "data.json") or {} for folder in found["folder"] if folder]
    leaky = any("leaky_split" in card.get("tags", {}) for card in cards)
    return " · ".join([*(["SYNTHETIC"] if _synthetic(found) else []), *(["LEAKY SPLIT"] if leaky else [])])


def _trials(some: pd.DataFrame) -> str:
    return f"trial{'s' if len(some) > 1 else ''} {', '.join(map(str, some['trial']))}"


def _said(value: Any) -> str:
    """A value in a cell."""
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "null" if value is None else str(value)


def _shown(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
