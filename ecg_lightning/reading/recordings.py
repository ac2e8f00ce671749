"""Recordings of users: which files they are, and one way to read them all."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecg_lightning.reading.said import Raw, Recording, Said
from ecg_lightning.structures import BadRecord, Refused

__all__ = ["Recording", "Said", "inputs_below", "inputs_or_reasons", "read_recording"]

WFDB = (".hea", ".dat", ".atr")
OTHERS = (".edf", ".csv", ".npy")


def inputs_below(paths: Sequence[Path]) -> list[Path]:
    """Find the recordings that a user names: WFDB headers, EDF, csv and npy files, and all of those below folders.

    Args:
        paths: files, folders, or WFDB records without an ending.

    Returns:
        Each once, in the order of `paths`, sorted within a folder.

    Raises:
        Refused: a path does not exist, is no recording, or is a folder that holds none, or a link out of it.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for one in _below(path) if path.is_dir() else [_named(path)]:
            found.setdefault(one.resolve(), one)
    return list(found.values())


def inputs_or_reasons(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """As `inputs_below`, but a path that is none is no reason to leave the others out.

    Returns:
        The recordings, and of each path without one why.
    """
    found: dict[Path, Path] = {}
    wrong: dict[Path, str] = {}
    for path in paths:
        try:
            found |= {one.resolve(): one for one in inputs_below([path]) if one.resolve() not in found}
        except (Refused, OSError) as error:
            wrong[path] = str(error)
    return list(found.values()), wrong


def _named(path: Path) -> Path:
    """The file to read where a user names one."""
    if (header := path.with_name(f"{path.name}.hea")).is_file():
        return header
    if path.suffix in WFDB and (header := path.with_suffix(".hea")).is_file():
        return header
    if not path.is_file():
        raise Refused(f"input={path}: there is no such file or folder, nor a WFDB header {path.name}.hea")
    if path.suffix in WFDB[1:]:
        raise Refused(f"input={path}: its header {path.stem}.hea is missing, without which nobody can read it")
    if path.suffix.lower() not in OTHERS:
        raise Refused(f"input={path} is no recording that can be read: give {', '.join((WFDB[0], *OTHERS))}")
    return path


def _below(folder: Path) -> list[Path]:
    found = sorted(_files(folder))
    if not found:
        raise Refused(f"input={folder} holds no recording: {', '.join((WFDB[0], *OTHERS))} are looked for")
    root = folder.resolve()
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise Refused(f"input={path} is a link that leads out of {folder}: name the file itself, or remove it")
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Those with the ending of a recording; hidden files and folders, and folders behind links, are left out."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(where) / name
            if not name.startswith(".") and (path.suffix == WFDB[0] or path.suffix.lower() in OTHERS):
                yield path


def read_recording(path: Path, wanted: Sequence[str], said: Said) -> Recording:
    """Read the leads that a network takes, in millivolts, called as it calls them.

    Args:
        path: one of `inputs_below`.
        wanted: the network's leads, each a name, alternatives ("MLII|V5") or a pattern ("V*").
        said: what the user says of files that do not say it themselves; nothing is guessed.

    Returns:
        The record, with its annotated beats where `.atr` lies beside it, and notes on what was done to it.

    Raises:
        BadRecord: in one sentence that names the recording: a lead, rate or unit is missing or unknown, the file is
            cut short or not what it says, too much is lost, or the amplitude is none of an ECG.
    """
    from ecg_lightning.reading.samples import finished

    try:
        return finished(_raw(path, wanted, said))
    except OSError as error:
        raise BadRecord(f"record {path.stem}: {path} cannot be read ({error.strerror or error})") from error


def _raw(path: Path, wanted: Sequence[str], said: Said) -> Raw:
    if path.suffix == WFDB[0]:
        from ecg_lightning.reading import wfdb_file

        return wfdb_file.read(path, wanted, said)
    if path.suffix.lower() == ".edf":
        from ecg_lightning.reading import edf_file

        return edf_file.read(path, wanted, said)
    if path.suffix.lower() == ".npy":
        from ecg_lightning.reading import npy_file

        return npy_file.read(path, wanted, said)
    from ecg_lightning.reading import csv_file

    return csv_file.read(path, wanted, said)
