"""What the terminal shows when a run ends: the numbers, where everything lies, and what to type next."""

import json
import shlex
from pathlib import Path

from rich.console import Console

from ecg_lightning import comparison
from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.predictions import Predictions
from ecg_lightning.report import terminal
from ecg_lightning.report.contents import read_json
from ecg_lightning.report.notices import remarks
from ecg_lightning.report.tables import rows_word
from ecg_lightning.run_folder import Status, quoted

OF_FOLDS = {"fold by fold": "folds.csv", "patient by patient": "patients.csv"}


def say_finished(folder: Path, found: Evaluation | None = None) -> None:
    """A short table of results, the run folder and the next commands.

    Args:
        folder: of the run.
        found: what its predictions are worth, where that was computed just now.
    """
    predictions = Predictions.read(folder / "predictions.parquet")
    card = read_json(folder / "data.json") or {}
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    found = evaluate(predictions) if found is None else found
    terminal.show(predictions, found, patients=False, remarks=remarks(card), recorded=numbers)
    of_all = " in all folds" if (folder / "folds.csv").is_file() else ""
    speed = f"{numbers['fit/windows_per_second']:,.0f} {rows_word(predictions)}/s"
    lines = [
        f"epochs: {numbers['fit/epochs']}{of_all}, {speed}, {numbers['fit/seconds']:.0f} s of training",
        f"run folder: {folder}",
    ]
    lines += [f"{word}: {folder / name}" for word, name in OF_FOLDS.items() if (folder / name).is_file()]
    if not any(name.startswith("test/") for name in numbers):
        lines.append("test rows were not scored, as in every sweep; test=true scores them")
    if (folder / "report.html").is_file():
        lines.append(f"look at:    {folder / 'report.html'}")
    if (folder / "model" / "contract.json").is_file():
        run = shlex.quote(str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder))
        lines.append(f"use it:     python -m ecg_lightning.predict {run} RECORDING --output answer")
    uri = Status.read(folder).tracking_uri
    if uri is not None:
        lines.append(f"compare:    {f'mlflow ui --backend-store-uri {uri}' if uri.startswith('sqlite') else uri}")
    _say(*lines)


def in_short(folder: Path) -> str:
    """How a job of a sweep ended, in a line: the table at the end of the sweep says more."""
    job = comparison.read_job(folder)
    best = comparison.monitored(job)
    return f"job {folder.name} finished: {best['monitor']} {best['monitored']:.3f}, {job.numbers['fit/seconds']:.0f} s"


def say_interrupted(folder: Path) -> None:
    """Where it stopped and how it goes on."""
    begun = (folder / "checkpoints" / "last.ckpt").is_file()
    kept = "the last whole epoch is kept" if begun else "no epoch was whole yet"
    _say("", f"stopped; {kept}. Go on with:", f"    python -m ecg_lightning.train {resume(folder)}")


def resume(folder: Path) -> str:
    """The override that resumes a run, quoted for shell and Hydra where its path needs that."""
    path = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return shlex.quote(f"resume={quoted(path)}")


def _say(*lines: str) -> None:
    for line in lines:
        Console().print(line, soft_wrap=True, markup=False, highlight=False)
