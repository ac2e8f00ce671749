"""The folder that an answer is written to: nobody else's files are touched, and no name leads out of it."""

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ecg_lightning.whole_files import written_whole

ANSWER = "predict.json"  # says whose the folder is, and which files in it
COMMAND = "ecg_lightning.predict"
PAGE = "report.html"
LONGEST = 60  # letters of a folder's name


class TakenFolder(ValueError):
    """The folder is not this command's to write to."""


def earlier_files(folder: Path) -> tuple[str, ...]:
    """The files of an earlier answer that the folder holds; none where it is empty or not there.

    Raises:
        TakenFolder: it is a file, or holds something else.
    """
    if not folder.exists() and not folder.is_symlink():
        return ()
    if not folder.is_dir():
        raise TakenFolder(f"--output={folder} is no folder: name one that is empty or not there yet")
    if not any(folder.iterdir()):
        return ()
    try:
        found = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        if found["command"] == COMMAND:
            return tuple(str(name) for name in found["files"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise TakenFolder(
        f"--output={folder} holds other files than an earlier answer of this command: name a folder that is empty or "
        f"not there yet"
    )


def folder_name(recording: str, taken: Collection[str]) -> str:
    """A name for a recording's folder, of harmless letters, that none has yet, whatever the case of its letters.

    Args:
        recording: may be called anything, "../x" too.
        taken: names that are given away.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", recording).strip("._-")[:LONGEST] or "recording"
    lower = {name.lower() for name in taken}
    names = (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.lower() not in lower)


def own_folder(output: Path, name: str) -> Path:
    """Make the folder of a recording.

    Raises:
        TakenFolder: something of that name leads out of `output`, or is no folder.
    """
    folder = output / name
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise TakenFolder(f"{folder} is not the folder of an earlier answer: move it away, or name another --output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def remove_left_over(output: Path, earlier: Iterable[str], written: Collection[str]) -> None:
    """Remove what an earlier answer wrote and this one did not; nothing outside the folder, and no link is followed."""
    root = output.resolve()
    for name in earlier:
        path = output / name
        if name in written or not path.is_file() or not path.parent.resolve().is_relative_to(root):
            continue
        path.unlink()
        for above in path.parents:
            if above == output or any(above.iterdir()):
                break
            above.rmdir()


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write plain values, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def printable(text: str) -> str:
    """A name as it may stand in a terminal or on a page: what commands a terminal, or is no text, becomes "?"."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def as_json(content: dict[str, Any]) -> str:
    """Plain values in one line."""
    return json.dumps(content, allow_nan=False)
