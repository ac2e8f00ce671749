"""What happens when the last job of a sweep is done: a table and a picture of all of them, and what to type next."""

import shlex
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rich.table
from rich import box
from rich.console import Console
from rich.markup import escape

from ecg_lightning import summary, sweep_folds, sweep_plan, sweep_run
from ecg_lightning.comparison import LIMITS, SIDES, Comparison, compare, read_job
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.report import comparison_figures, page
from ecg_lightning.report.comparison_figures import in_words, short_keys
from ecg_lightning.report.notices import TAGS
from ecg_lightning.run_folder import Status

NOT_REPEATED = ("sweep=", "test=")  # of a job's overrides, when it is trained once more alone
COSTS = {"model/parameters": ",.0f", "fit/seconds": ".0f"}  # and how they are written
WIDEST = 1000  # letters, of a table that is not yet folded into the terminal


def finish(folder: Path) -> tuple[int, int]:
    """Write what the jobs reached beside them, say it in the terminal, and hand it on to the run above them.

    That is comparison.csv and comparison.png; where folds vary, they are pooled before; where nothing else does, the
    sweep's folder is itself that of a run.

    Returns:
        How many jobs did not finish, and of how many.
    """
    begun, n_jobs = job_folders(folder), len(sweep_plan.jobs(folder))
    if not begun:
        return n_jobs, n_jobs
    n_failed = max(n_jobs, len(begun)) - [read_job(job).state for job in begun].count("finished")
    pooled = sweep_folds.pool(folder)
    if folder in pooled:
        _say_folds(folder, pooled[folder])
    else:
        _compare(folder, list(pooled) or begun, n_failed, n_jobs)
    return n_failed, n_jobs


def _say_folds(folder: Path, found: Evaluation | None) -> None:
    """Of a sweep over folds alone: the numbers of all of them, or which are missing and how to go on."""
    if found is None:
        Console().print(f"not all folds have finished: {Status.read(folder).reason}", soft_wrap=True, markup=False)
        _say_resume(folder)
        return
    summary.say_finished(folder, found)


def _say_resume(folder: Path) -> None:
    words = f"what is missing: python -m ecg_lightning.train {summary.resume(folder)}"
    Console().print(words, soft_wrap=True, markup=False, highlight=False)


def _compare(folder: Path, rows: list[Path], n_failed: int, n_jobs: int) -> None:
    names = [str(row.relative_to(folder)) for row in rows]
    found = compare(rows, names)
    write(found, folder)
    console = Console()
    console.print(drawn(found, console))
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    for line in [*remarks(found), *what_next(found, shown, rows)]:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if (n_missing := n_jobs - len(job_folders(folder))) > 0:
        console.print(
            f"the sweep was stopped: jobs without a row here, as they never began: {n_missing}", highlight=False
        )
    status = Status(state="finished")
    if n_failed:
        stopped = found.table["state"].isin(["interrupted", "running"]).any()
        status.state = "interrupted" if stopped else "failed"
        status.reason = f"{n_failed} of {n_jobs} jobs did not finish"
        _say_resume(folder)
    status.write(folder)
    _track(folder, found, status)


def draw_best(folder: Path) -> None:
    """Write the page of the best job, where there is one; the other jobs have numbers only."""
    if not (folder / "comparison.csv").is_file():
        return
    table = pd.read_csv(folder / "comparison.csv", dtype={"job": str})
    for row in table.index[table["best"]]:
        drawn = page.write(runs(folder)[row])
        Console().print(f"page of the best job: {drawn}", soft_wrap=True, markup=False, highlight=False)


def _track(folder: Path, found: Comparison, status: Status) -> None:
    """Table, picture and the best job on the run above the jobs."""
    settings = next((job.settings for job in map(read_job, job_folders(folder)) if job.settings), {})
    files = [folder / name for name in ("comparison.csv", "comparison.png") if (folder / name).is_file()]
    best = {} if found.best is None else found.table.loc[found.best].to_dict()
    tags = {"sweep": ",".join(found.varied), **({"best_job": str(best["job"])} if best else {})}
    numbers = {str(name): float(x) for name, x in best.items() if str(name).startswith(("val/", "test/"))}
    sweep_run.track(folder, settings, status, numbers, files, tags)


def write(found: Comparison, folder: Path) -> None:
    """Write comparison.csv, and comparison.png where any job has a number."""
    found.table.to_csv(folder / "comparison.csv", index=False)
    figure = comparison_figures.comparison(found)
    if figure is not None:
        figure.savefig(folder / "comparison.png")


def runs(folder: Path) -> list[Path]:
    """The runs that a sweep stands for: its jobs, or where these are folds, what they are together."""
    if (folder / "predictions.parquet").is_file():
        return [folder]
    pooled = [where for where in sweep_plan.by_combination(folder) if where != folder and where.is_dir()]
    return pooled or job_folders(folder)


def job_folders(folder: Path) -> list[Path]:
    """The jobs of a sweep in the order in which they began."""
    began = [path for path in folder.iterdir() if any((path / name).is_file() for name in ("status.json", "train.log"))]
    return sorted(began, key=lambda path: (len(path.name), path.name))


def drawn(found: Comparison, console: Console) -> rich.table.Table:
    """The table for a terminal: as many intervals, from the left, as there is room for, or else fewer numbers."""
    numbers, wide = _numbers(found), console.options.update(width=WIDEST)
    columns = [[*numbers, *_costs(found)], *(numbers[:n] for n in range(len(numbers), 0, -1))]
    limited = [name for name in numbers if f"{name}_low" in found.table and found.table[f"{name}_low"].notna().any()]
    choices = [(names, limited[:n]) for names in columns for n in range(len(limited), 0, -1)]
    for names, some in [*choices, *((names, []) for names in columns)]:
        table = _drawn(found, names, some)
        if console.measure(table, options=wide).maximum <= console.width:
            break
    return table


def remarks(found: Comparison) -> list[str]:
    """What a reader of the table must know: made-up data, leaky splits, what is best and why, what failed and why."""
    table = found.table
    said = ["SYNTHETIC data: these numbers say nothing about patients"] if table["synthetic"].any() else []
    if table["leaky_split"].any():
        said.append(f"{_jobs(table[table['leaky_split']])}: {TAGS['leaky_split']}")
    if found.best is None:
        said.append(f"no job is called the best: {found.why_none}")
    else:
        said.append(f"* best on validation rows, by {found.monitor}{_unordered(found)}")
    stopped = table[table["state"] != "finished"]
    for (state, reason), some in stopped.groupby(["state", "reason"], sort=False):
        said.append(f"{_jobs(some)} {state}: {'; '.join(str(reason).splitlines())}")
    return said


def what_next(found: Comparison, folder: Path, rows: list[Path]) -> list[str]:
    """Where the files lie, and the commands that look closer at the best job, or else at the first that finished."""
    said = [f"table:   {folder / 'comparison.csv'}"]
    if (folder / "comparison.png").is_file():
        said.append(f"picture: {folder / 'comparison.png'}")
    finished = found.table.index[found.table["state"] == "finished"]
    if finished.empty:
        return said
    job = rows[finished[0] if found.best is None else found.best]
    job = job.relative_to(Path.cwd()) if job.is_relative_to(Path.cwd()) else job
    commands = ["evaluate", *(["report"] if found.best is None else [])]  # of the best job there is a page
    said += [f"look:    python -m ecg_lightning.{word} {shlex.quote(str(job))}" for word in commands]
    if len(finished) > 1:
        said.append(f"pair:    python -m ecg_lightning.compare {shlex.quote(str(folder))}")
    if found.best is not None and not any(str(name).startswith("test/") for name in found.table):
        words = [word for word in Status.read(job).overrides if not word.startswith(NOT_REPEATED)]
        said.append("test rows were not scored, so that nothing is chosen by them; for those of the best job:")
        said.append(f"         {shlex.join(['python', '-m', 'ecg_lightning.train', *words])}")
    return said


def _unordered(found: Comparison) -> str:
    """Which jobs the best one cannot be told from, as far as their intervals are known."""
    table, low, high = found.table, f"{found.monitor}_low", f"{found.monitor}_high"
    if low not in table or high not in table:
        return ""
    best = table.loc[found.best]
    alike = (table[low] <= best[high]) & (table[high] >= best[low]) & (table.index != found.best)
    if not alike.any():
        return ""
    others = _jobs(table[alike])
    return f"; its interval overlaps that of {others}: no order of these jobs is a finding by these intervals alone"


def _jobs(some: pd.DataFrame) -> str:
    return f"job{'s' if len(some) > 1 else ''} {', '.join(some['job'])}"


def _numbers(found: Comparison) -> list[str]:
    """Columns of the table that the terminal shows, the sides in turn: what says which job is best comes first."""
    names = [f"{side}/{name}" for name in found.headline for side in SIDES if f"{side}/{name}" in found.table]
    if found.monitor in ("", *names):
        return sorted(names, key=lambda name: name != found.monitor)
    return ["monitored", *names]


def _costs(found: Comparison) -> list[str]:
    """What the jobs cost: their size only where it differs."""
    return [name for name in COSTS if name != "model/parameters" or found.table[name].nunique() > 1]


def _drawn(found: Comparison, numbers: list[str], limited: list[str]) -> rich.table.Table:
    """The table with these numbers, some of them with their intervals."""
    known = [name for name in numbers if f"{name}_low" in found.table and found.table[f"{name}_low"].notna().any()]
    more = "" if len(limited) == len(known) else " (of the others in comparison.csv)"
    title = f"95 % intervals over {found.units}{more}" if limited else None
    drawn = rich.table.Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for word in ["job", *short_keys(found.varied), *(_header(found, name) for name in numbers)]:
        drawn.add_column(escape(word), overflow="fold")
    for row, job in enumerate(found.table.to_dict("records")):
        cells = [f"{job['job']} *" if row == found.best else job["job"], *(job[key] for key in found.varied)]
        cells += [_number(job, name, name in limited) for name in numbers]
        drawn.add_row(*map(escape, cells), style="bold" if row == found.best else None)
    return drawn


def _header(found: Comparison, name: str) -> str:
    """A column of numbers in words: the side above, what is counted below."""
    side, _, rest = (found.monitor if name == "monitored" else name).partition("/")
    return f"{side}\n{in_words(rest)}".replace(" ", "\n")


def _number(job: dict[Hashable, Any], name: str, limited: bool) -> str:
    """A number of a job, and its interval where it has one; empty where it has no such number."""
    value, low, high = (job.get(f"{name}{end}", np.nan) for end in LIMITS)
    if np.isnan(value):
        return ""
    known = limited and not np.isnan([low, high]).any()
    return f"{value:{COSTS.get(name, '.3f')}}" + (f" ({low:.3f} to {high:.3f})" if known else "")
