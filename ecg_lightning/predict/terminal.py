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
    titles = words.titles(recordings)
    shown = len(recordings) <= MOST_TABLES
    said = {note for one in recordings for note in one["notes"]} if shown else set()
    console.print(words.RESEARCH, style="yellow", highlight=False)
    for line in (
        *content["model"]["warnings"],
        *(folder.printable(note) for note in content["notes"] if note not in said),
    ):
        console.print(f"note: {line}", style="yellow", markup=False, highlight=False)
    for title, one in zip(titles, recordings, strict=True) if shown else ():
        console.print(_table(title, one))
    if not shown:
        console.print(_list(titles, recordings))
    for one in content["refused"]:
        line = f"refused: {folder.printable(one['input'])}: {one['reason']}"
        console.print(line, style="red", markup=False, highlight=False)
    if recordings:
        console.print(f"look next at {output / folder.PAGE}", markup=False, highlight=False)


def _table(title: str, one: Mapping[str, Any]) -> Table:
    synthetic = " (SYNTHETIC)" if one["synthetic"] else ""
    table = Table(title=escape(f"recording {title}{synthetic}"), box=box.SIMPLE)
    table.add_column("", no_wrap=False, ratio=1)
    table.add_column("", ratio=3)
    table.show_header = False
    for name, said in words.of_recording(one):
        table.add_row(escape(name), escape(said))
    return table


def _list(titles: list[str], recordings: list[Mapping[str, Any]]) -> Table:
    table = Table("recording", "duration", "bpm", "found", box=box.SIMPLE_HEAD)
    for title, one in zip(titles, recordings, strict=True):
        rate = one["heart_rate"]
        bpm = "" if rate is None else f"{rate['mean_bpm']:.0f}"
        name = title + (" (SYNTHETIC)" if one["synthetic"] else "")
        table.add_row(escape(name), words.clock(one["duration_s"]), bpm, escape(words.in_short(one)))
    return table
