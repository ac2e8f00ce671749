"""Write what was found: one self-contained page, numbers as JSON and csv, pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecg_lightning import report
from ecg_lightning.explain import table
from ecg_lightning.explain.findings import METHODS, Explained
from ecg_lightning.explain.pictures import draw
from ecg_lightning.predictions import SIDES
from ecg_lightning.report.contents import read_contents
from ecg_lightning.report.notices import notices
from ecg_lightning.report.picture import kept, stamp
from ecg_lightning.report.tables import Cell, Row, Table
from ecg_lightning.whole_files import written_whole

PAGE, NUMBERS, WAVES = "explain.html", "explain.json", "explain.csv"
PICTURES = "explain"


def write(found: Explained, run: Path, folder: Path, command: str) -> tuple[Path, ...]:
    """Write explain.html, explain.json, explain.csv and a folder of pictures.

    Args:
        found: what to write.
        run: its run folder, for what a reader must know of the data.
        folder: made where it is missing.
        command: as it was typed.
    """
    shown = kept(draw(found), folder / PICTURES)
    templates = FileSystemLoader(Path(str(report.__file__)).parent)
    environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("explained.html.j2").render(
        title=f"{found.predictions.task}: where the network looks",
        subtitle=f"{found.contract.network.rpartition('.')[2]}, {SIDES[found.wanted.side]}, {run.resolve().name}",
        stamp=stamp(found.predictions),
        notices=notices(read_contents(run)),
        sentences=table.sentences(found),
        doubts=table.doubts(found),
        waves=_waves(table.waves(found)),
        faithfulness=_faithfulness(table.faithfulness(found)),
        pictures=shown,
        methods=", ".join(METHODS[name] for name in found.wanted.methods),
        wanted=found.wanted,
        command=command,
    )
    files = (folder / PAGE, folder / NUMBERS, folder / WAVES)
    _whole(files[0], page)
    _whole(files[1], table.as_json(found))
    _whole(files[2], table.waves(found).to_csv(index=False))
    return (*files, folder / PICTURES)


def _whole(path: Path, text: str) -> None:
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def _waves(numbers: pd.DataFrame) -> Table:
    rows = [
        Row(
            f"{one['class']}, {METHODS[one['method']]}, {one['wave']}",
            [_cell(one, name) for name in ("map", "time", "size")],
        )
        for one in numbers.to_dict("records")
    ]
    return Table(("", "of the map", "of the samples", "of the ECG's size"), rows)


def _faithfulness(numbers: pd.DataFrame) -> Table:
    names = ("deletion_area", "deletion_gain", "insertion_area", "insertion_gain")
    rows = [
        Row(f"{one['class']}, {METHODS[one['method']]}", [*(_cell(one, name) for name in names), Cell(one["verdict"])])
        for one in numbers.to_dict("records")
    ]
    columns = ("", "deletion: area", "better than chance by", "insertion: area", "better than chance by", "in words")
    return Table(columns, rows)


def _cell(one: Mapping[Any, Any], name: str) -> Cell:
    low, high = one.get(f"{name}_low"), one.get(f"{name}_high")
    few = f"of {one['n_patients']} patient{'s' * (one['n_patients'] != 1)}" if f"{name}_low" in one else ""
    limits = few if low is None or pd.isna(low) else f"{low:.3f} to {high:.3f}"
    return Cell(f"{one[name]:.3f}", limits)
