"""What a sweep was asked for: its jobs, written down before the first begins, and what varies between them."""

import json
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser

from ecg_lightning.whole_files import written_whole

MULTIRUN = "multirun.yaml"  # Hydra's own
PLAN = "jobs.json"
FOLD = "split.fold"
CHOOSES_NOTHING = {FOLD, "seed"}  # to vary these is to measure, not to choose
POOLED = "pooled"


def of_sweep(folder: Path) -> bool:
    """Whether a run folder is that of a job."""
    return is_sweep(folder.absolute().parent)


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a whole sweep."""
    return (folder / MULTIRUN).is_file()


def expanded(words: list[str], config_loader: ConfigLoader | None = None) -> list[list[str]]:
    """The overrides of every job, as Hydra's own sweeper makes jobs of words.

    Args:
        words: of a preset, then those that were typed.
        config_loader: finds the options that a glob() names.
    """
    overrides = OverridesParser.create(config_loader=config_loader).parse_overrides(words)
    (every,) = BasicSweeper.split_arguments(overrides, None)
    return every


def write(folder: Path, every: list[list[str]]) -> None:
    """Write down the jobs of a sweep before the first begins."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / PLAN) as part:
        part.write_text(json.dumps(every, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def jobs(folder: Path) -> list[list[str]]:
    """The overrides of every job, in the order of their numbers, whether it has begun or not; none of an old sweep."""
    file = folder / PLAN
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def varied(folder: Path) -> tuple[str, ...]:
    """The keys that differ between the jobs of a sweep."""
    values: dict[str, set[str]] = {}
    for job in jobs(folder):
        for word in job:
            values.setdefault(word.partition("=")[0], set()).add(word)
    return tuple(key for key, several in values.items() if len(several) > 1)


def chooses(folder: Path) -> bool:
    """Whether something may be chosen by a sweep, so that no test row is scored unless it is asked for."""
    return not set(varied(folder)) <= CHOOSES_NOTHING


def by_combination(folder: Path) -> dict[Path, list[int]]:
    """Where the folds of each combination of the other overrides are pooled, and the numbers of their jobs.

    That is the sweep's own folder where nothing but folds varies; nothing where folds do not vary.
    """
    if FOLD not in varied(folder):
        return {}
    found: dict[tuple[str, ...], list[int]] = {}
    for number, overrides in enumerate(jobs(folder)):
        found.setdefault(without_fold(overrides), []).append(number)
    if len(found) == 1:
        return {folder: next(iter(found.values()))}
    return {folder / POOLED / str(number): members for number, members in enumerate(found.values())}


def above(job: Path) -> tuple[Path, ...]:
    """The folders whose runs a job's run stands below, the outermost first; none where it is of no sweep."""
    sweep = job.absolute().parent
    if not is_sweep(sweep):
        return ()
    pooled = [where for where, members in by_combination(sweep).items() if job.name in map(str, members)]
    return tuple(dict.fromkeys([sweep, *pooled]))


def without_fold(overrides: list[str]) -> tuple[str, ...]:
    """What a job was asked for beside its fold."""
    return tuple(word for word in overrides if word.partition("=")[0].lstrip("+") != FOLD)
