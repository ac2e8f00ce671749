"""What a bundle found in some recordings as one self-contained page."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecg_lightning.predict import folder, words
from ecg_lightning.whole_files import written_whole

MOST_PICTURES = 200  # inside the page: more make it too large to open; they stay beside it


def write(path: Path, content: Mapping[str, Any], stamp: str) -> None:
    """Write the page.

    Args:
        path: of the page, in the folder of the answer.
        content: of `predict.json`.
        stamp: across the page; empty for none.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    about, left = content["model"], MOST_PICTURES
    recordings = []
    for title, one in zip(words.titles(content["recordings"]), content["recordings"], strict=True):
        inside = one["figures"][: max(left, 0)]
        left -= len(inside)
        recordings.append(_recording(path.parent, title, one, inside))
    page = environment.get_template("findings.html.j2").stream(
        title=f"{len(recordings):,} recording{'s' * (len(recordings) != 1)}: {about['task']}",
        stamp=stamp,
        notices=[words.RESEARCH, *about["warnings"], *map(folder.printable, content["notes"])],
        model=list(words.of_model(about)),
        recordings=recordings,
        refused=[{name: folder.printable(said) for name, said in one.items()} for one in content["refused"]],
    )
    with written_whole(path) as part:
        page.dump(str(part), encoding="utf-8")


def _recording(output: Path, title: str, one: Mapping[str, Any], inside: list[dict[str, str]]) -> dict[str, Any]:
    encoded = [base64.b64encode((output / one["folder"] / figure["file"]).read_bytes()).decode() for figure in inside]
    rate = one["heart_rate"]
    return {
        "name": title,
        "folder": one["folder"],
        "synthetic": one["synthetic"],
        "duration": words.clock(one["duration_s"]),
        "rate": "" if rate is None else f"{rate['mean_bpm']:.0f}",
        "short": words.in_short(one),
        "lines": list(words.of_recording(one)),
        "files": one["files"],
        "pictures": [{**figure, "png": png} for figure, png in zip(inside, encoded, strict=True)],
        "n_beside": len(one["figures"]) - len(inside),
    }
