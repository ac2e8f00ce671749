"""The files of one recording: tables, annotations, pictures, summary."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from ecg_lightning.bundle import Bundle
from ecg_lightning.predict import annotations, folder, words
from ecg_lightning.predict.findings import Findings
from ecg_lightning.predict.pictures import pictures
from ecg_lightning.report.picture import Picture
from ecg_lightning.whole_files import written_whole
from ecg_lightning.windowing import Crops, Segments

FORMATS = ("csv", "parquet")
DIGITS = "%.6g"  # of a number in a csv; times keep a hundredth of a millisecond over a day
TIMES = ("time_s", "start_s", "stop_s", "rr_s")


def write(
    own: Path, bundle: Bundle, found: Findings, account: dict[str, Any], n_figures: int, form: str
) -> dict[str, Any]:
    """Write all that belongs to a recording.

    Args:
        own: its folder.
        bundle: that answered.
        found: what it found.
        account: of the same.
        n_figures: pictures at most.
        form: "csv" or "parquet".

    Returns:
        The account with the names of its files, and of its pictures with their captions.
    """
    made = [_table(own / f"beats.{form}", found.beats)]
    if named := {Segments: "windows", Crops: "labels"}.get(type(bundle.contract.window)):
        made.append(_table(own / f"{named}.{form}", found.answers))
    annotated = annotations.write(own, own.name, bundle.contract, found)
    made += [] if annotated is None else [annotated]
    figures = list(_figures(own, pictures(bundle, found, account, n_figures))) if n_figures else []
    names = [path.name for path in made] + [one["file"] for one in figures]
    full = account | {"figures": figures, "files": [*names, "summary.md", "summary.json"]}
    folder.write_text(own / "summary.md", summary(full))
    folder.write_json(own / "summary.json", full)
    return full


def summary(account: dict[str, Any]) -> str:
    """An account as a page of Markdown."""
    lines = [f"# Recording {_markdown(folder.printable(account['recording']))}", "", *_bad(account), words.RESEARCH, ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {_markdown(name)} | {_markdown(said)} |" for name, said in words.of_recording(account)]
    lines += [
        f"\n![{_markdown(one['title'])}]({one['file']})\n\n{_markdown(one['caption'])}" for one in account["figures"]
    ]
    return "\n".join(lines) + "\n"


def _bad(account: dict[str, Any]) -> list[str]:
    return ["**SYNTHETIC recording.**", ""] if account["synthetic"] else []


def _markdown(text: str) -> str:
    """Text of which nothing is taken for a mark of Markdown or HTML."""
    for letter, other in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("*", "\\*"), ("_", "\\_"), ("`", "\\`")):
        text = text.replace(letter, other)
    return text.replace("[", "\\[").replace("]", "\\]")


def _table(path: Path, table: pd.DataFrame) -> Path:
    with written_whole(path) as part:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            exact = {name: table[name].map("{:.5f}".format, na_action="ignore") for name in TIMES if name in table}
            table.assign(**exact).to_csv(part, index=False, float_format=DIGITS)
    return path


def _figures(own: Path, drawn: Iterable[Picture]) -> Iterable[dict[str, str]]:
    for number, picture in enumerate(drawn, start=1):
        if picture.figure is None:
            continue
        path = own / f"{number:02d}_{picture.name}.png"
        with written_whole(path) as part:
            picture.figure.savefig(part, format="png")
        yield {"file": path.name, "title": picture.title, "caption": picture.caption}
