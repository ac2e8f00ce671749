"""What a user sees in the terminal: what was found, what was refused, and where to look next."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ecg_lightning.predict import folder, words

MOST_TABLES = 4  # recordings that get one each; of more there is one line each


class Told(Protocol):
    """Is called with the name of a file before it is read."""

    def __call__(self, name: str) -> None: ...


@contextmanager
def progress(n_inputs: int) -> Iterator[Told]:
    """A bar over the recordings, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=n_inputs, completed=-1)

        def told(name: str) -> None:
            bar.update(task, advance=1, description=escape(folder.printable(name)))

        yield told


def show(console: Console, content: Mapping[str, Any], output: Path) -> None:
    """Print a table per recording, or a line each where there are many; then what was refused, and where to look."""
    recordings = content["recordings"]
    console.print(words.RESEARCH, style="yellow", highlight=False)
    for line in content["model"]["warnings"]:
        console.print(f"note: {line}", style="yellow", markup=False, highlight=False)
    for one in recordings if len(recordings) <= MOST_TABLES else ():
        console.print(_table(one))
    if len(recordings) > MOST_TABLES:
        console.print(_list(recordings))
    for one in content["refused"]:
        said = f"refused: {folder.printable(one['input'])}: {one['reason']}"
        console.print(said, style="red", markup=False, highlight=False)
    if recordings:
        console.print(f"look next at {output / folder.PAGE}", markup=False, highlight=False)


def _table(one: Mapping[str, Any]) -> Table:
    synthetic = " (SYNTHETIC)" if one["synthetic"] else ""
    table = Table(title=escape(f"recording {folder.printable(one['recording'])}{synthetic}"), box=box.SIMPLE)
    table.add_column("", no_wrap=False, ratio=1)
    table.add_column("", ratio=3)
    table.show_header = False
    for name, said in words.of_recording(one):
        table.add_row(escape(name), escape(said))
    return table


def _list(recordings: list[Mapping[str, Any]]) -> Table:
    table = Table("recording", "duration", "bpm", "found", box=box.SIMPLE_HEAD)
    for one in recordings:
        rate = one["heart_rate"]
        bpm = "" if rate is None else f"{rate['mean_bpm']:.0f}"
        name = folder.printable(one["recording"]) + (" (SYNTHETIC)" if one["synthetic"] else "")
        table.add_row(escape(name), words.clock(one["duration_s"]), bpm, escape(words.in_short(one)))
    return table
