"""Set finished runs side by side, and ask whether one is really better: `python -m ecg_lightning.compare RUN RUN`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ecg_lightning.comparison import Comparison, Job
    from ecg_lightning.paired import Paired

WRITTEN = ("comparison.csv", "comparison.png", "paired.csv", "paired.png")
WIDTH_OF_ONE = 26  # letters of a difference with its interval, in the terminal
COLUMNS = ("run", "other", "side")  # of paired.csv, before those of a pair


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0, or 2 where there is nothing to compare.
    """
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.compare", description=__doc__)
    words = "folder of a run, or of a sweep, which stands for its jobs; more than two: the best against every other"
    parser.add_argument("run", type=Path, nargs="+", help=words)
    parser.add_argument("--output", type=Path, help="folder for comparison.csv, comparison.png, paired.csv, paired.png")
    parser.add_argument("--n-boot", type=int, default=1000, help="replicates of the paired bootstrap (default 1000)")
    asked = parser.parse_args(arguments)

    from rich.console import Console  # with pandas and matplotlib a second to import: only after --help

    from ecg_lightning.comparison import compare

    try:
        if asked.n_boot < 0:
            raise ValueError(f"--n-boot={asked.n_boot} must be 0 or more")
        folders = run_folders(asked.run)
        names = distinct_names(folders)
        check_finished(dict(zip(names, folders, strict=True)))
        check_one_task(dict(zip(names, folders, strict=True)), len(asked.run))
        found = compare(folders, names)
        _say(found, folders, asked.output, asked.n_boot, Console())
    except (OSError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def run_folders(named: Sequence[Path]) -> list[Path]:
    """The folders of all runs that are meant, in this order; a sweep stands for its jobs.

    Raises:
        ValueError: a folder is not there, holds no run, or is named twice.
    """
    from ecg_lightning.sweep import runs

    found: list[Path] = []
    for folder in named:
        if not folder.is_dir():
            raise ValueError(f"no folder at {folder}: name the folder of a run, or of a sweep")
        sweeping = (folder / "multirun.yaml").is_file()
        jobs = runs(folder) if sweeping else [folder] * (folder / "status.json").is_file()
        if not jobs:
            raise ValueError(f"{folder} holds no {'job' if sweeping else 'run'}: name the folder of a run that began")
        found += [job.resolve() for job in jobs]
    if twice := next((folder for folder in found if found.count(folder) > 1), None):
        raise ValueError(f"{twice} is named twice: name each run once")
    return found


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """The shortest end of each path that no other one has."""

    def end(folder: Path, n: int) -> tuple[str, ...]:
        return folder.parts[-n:]

    names = []
    for folder in folders:
        others = [other for other in folders if other != folder]
        lengths = range(1, len(folder.parts) + 1)
        n = next((n for n in lengths if all(end(other, n) != end(folder, n) for other in others)), len(folder.parts))
        names.append("/".join(end(folder, n)))
    return names


def called(name: str) -> str:
    """What a run is called in a sentence: 0 minus 1 would be another thing."""
    return f"job {name}" if name.isdigit() else name


def check_finished(runs: Mapping[str, Path]) -> None:
    """Raise unless some run has finished, and every one that has is whole.

    Raises:
        ValueError: none has, or one lacks a file.
    """
    from ecg_lightning.comparison import read_job

    jobs = {name: read_job(folder) for name, folder in runs.items()}
    finished = {name: job for name, job in jobs.items() if job.state == "finished"}
    if not finished:
        states = [f"{name} ({job.state}{f': {job.reason}' if job.reason else ''})" for name, job in jobs.items()]
        raise ValueError(f"no run has finished: {'; '.join(states)}")
    for name, job in finished.items():
        if lacking := _lacking(job):
            raise ValueError(f"{name} lacks {', '.join(lacking)}, whole: copy all of its folder, or train it again")


def check_one_task(runs: Mapping[str, Path], n_named: int) -> None:
    """Raise where runs of several tasks are named one by one; a sweep may have varied its task.

    Raises:
        ValueError: they answer different questions.
    """
    from ecg_lightning.comparison import read_job

    jobs = {name: read_job(folder) for name, folder in runs.items()}
    tasks = {name: job.settings["task"]["name"] for name, job in jobs.items() if job.state == "finished"}
    if n_named > 1 and len(set(tasks.values())) > 1:
        said = "; ".join(f"{name} is of task {task}" for name, task in tasks.items())
        raise ValueError(f"the runs answer different questions: {said}. Name runs of one task")


def _lacking(job: "Job") -> list[str]:
    """Files of a finished run that are not there, or do not say what a comparison must know."""
    task, sides = job.settings.get("task"), [job.card.get(name) for name in ("patients", "counts")]
    there = {
        "config.yaml": isinstance(task, dict) and {"name", "monitor"} <= task.keys(),
        "metrics.json": bool(job.numbers),
        "data.json": all(isinstance(side, dict) and "val" in side for side in sides),
        "predictions.parquet": (job.folder / "predictions.parquet").is_file(),
    }
    return [name for name, whole in there.items() if not whole]


def against(found: "Comparison") -> tuple[int | None, list[int], str]:
    """Which run is paired with which others, by their rows; or why none is.

    Of two finished runs the first with the second, of more the best by validation with every other.
    """
    finished = [int(row) for row in found.table.index[found.table["state"] == "finished"]]
    if len(finished) < 2:
        return None, [], "one run alone has finished"
    if len(finished) == 2:
        return finished[0], finished[1:], ""
    if found.best is None:
        return None, [], "no run is called the best; name two runs to compare these"
    return found.best, [row for row in finished if row != found.best], ""


def _say(found: "Comparison", folders: Sequence[Path], output: Path | None, n_boot: int, console: "Console") -> None:
    """Print the table and what is known of pairs, and write both where that is asked for."""
    from ecg_lightning import sweep

    first, others, why = against(found)
    pairs, unpaired = _pairs(found, folders, first, others, n_boot)
    if output is not None:
        if output.exists() and not output.is_dir():
            raise ValueError(f"--output {output} is a file: name a folder")
        output.mkdir(parents=True, exist_ok=True)
        for name in WRITTEN:
            (output / name).unlink(missing_ok=True)  # none of an earlier comparison stays beside this one
        sweep.write(found, output)
    console.print(sweep.drawn(found, console))
    for line in [*sweep.remarks(found), *([f"not paired: {why}"] if why else unpaired)]:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if first is not None and pairs:
        _say_pairs(found, pairs, found.table["job"][first], output, console)
    for path in [] if output is None else [output / name for name in WRITTEN if (output / name).is_file()]:
        console.print(f"written: {path}", soft_wrap=True, markup=False, highlight=False)


def _pairs(
    found: "Comparison", folders: Sequence[Path], first: int | None, others: Sequence[int], n_boot: int
) -> tuple[dict[str, "Paired"], list[str]]:
    """One run against each of the others, by name, and why some cannot be paired with it."""
    from ecg_lightning.paired import paired, shared_side
    from ecg_lightning.predictions import Predictions
    from ecg_lightning.structures import Refused

    if first is None:
        return {}, []
    one, *rest = (Predictions.read(folders[row] / "predictions.parquet") for row in (first, *others))
    alike = [other for other in rest if other.task == one.task] or rest
    pairs, unpaired = {}, []
    for row, other in zip(others, rest, strict=True):
        job = str(found.table["job"][row])
        try:
            pairs[job] = paired(one, other, shared_side([one, *alike]), n_boot)
        except Refused as error:
            unpaired.append(f"not paired: {found.table['job'][first]} with {job}: {error}")
    return pairs, unpaired


def _say_pairs(
    found: "Comparison", pairs: dict[str, "Paired"], first: str, output: Path | None, console: "Console"
) -> None:
    import pandas as pd

    from ecg_lightning.report import paired_figures, paired_tables
    from ecg_lightning.report.comparison_figures import stamp

    shown = {called(job): one for job, one in pairs.items()}
    (other, pair), *rest = shown.items()
    decisive = found.monitor.partition("/")[2]
    names = list(pair.table["name"])
    if rest:
        names.sort(key=lambda name: name != decisive)  # there is no room for all: what says which is best comes first
        fitting = max(1, console.width // WIDTH_OF_ONE - 1)
        console.print(paired_tables.drawn_of_several(shown, called(first), names[:fitting]))
    else:
        console.print(paired_tables.drawn(pair, called(first), other))
    for line in paired_tables.sentences(shown, called(first)):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if output is None:
        return
    about = [dict(zip(COLUMNS, (first, job, one.side), strict=True)) for job, one in pairs.items()]
    tables = [one.table.assign(**said) for said, one in zip(about, pairs.values(), strict=True)]
    written = pd.concat(tables)
    written[[*COLUMNS, *pair.table.columns]].to_csv(output / "paired.csv", index=False)
    drawn = found.table[found.table["job"].isin([first, *pairs])]
    figure = paired_figures.differences(shown, called(first), names, stamp(drawn))
    if figure is not None:
        figure.savefig(output / "paired.png")


if __name__ == "__main__":
    sys.exit(main())
