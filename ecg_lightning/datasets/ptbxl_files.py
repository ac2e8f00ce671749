"""Where the files of PTB-XL lie, in its own folder and on PhysioNet."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ecg_lightning.datasets import ptbxl_tables

URL = "https://physionet.org/files/ptb-xl/1.0.3"
FOLDER_AND_SUFFIX = {100: ("records100", "_lr"), 500: ("records500", "_hr")}  # by sampling rate


def check_rate(fs_hz: float) -> None:
    """Refuse a sampling rate that PTB-XL does not come at."""
    if fs_hz not in FOLDER_AND_SUFFIX:
        raise ValueError(f"dataset.fs_hz={fs_hz:g} must be 100 or 500, the two rates of PTB-XL")


def where(root: Path, record: str, fs_hz: float) -> tuple[Path, str]:
    """Folder of a record's files, and their name without its ending.

    Both follow from the ecg_id, so that a table whose columns of file names are empty will do.
    """
    folder, suffix = FOLDER_AND_SUFFIX[int(fs_hz)]
    return root / folder / _thousands(record), f"{record}{suffix}"


def missing_in(root: Path, records: Iterable[str], fs_hz: float) -> tuple[str, ...]:
    """Records without a header or a signal file; one look per folder instead of two per record."""
    folder, suffix = FOLDER_AND_SUFFIX[int(fs_hz)]
    if not (root / folder).is_dir():
        return tuple(records)
    folders = [entry for entry in os.scandir(root / folder) if entry.is_dir()]
    there = {f"{parent.name}/{file.name}" for parent in folders for file in os.scandir(parent)}
    stems = ((record, f"{_thousands(record)}/{record}{suffix}") for record in records)
    return tuple(record for record, stem in stems if not {f"{stem}.hea", f"{stem}.dat"} <= there)


def download(root: Path, url: str, fs_hz: float) -> None:
    """Fetch both tables, the licence and every record at one sampling rate; what is there and fits its checksum stays.

    Args:
        root: folder to fetch into.
        url: the database's folder on PhysioNet or on a mirror.
        fs_hz: 100 or 500.
    """
    from ecg_lightning.datasets.fetch import fetch_listed

    folder, suffix = FOLDER_AND_SUFFIX[int(fs_hz)]
    tables = "|".join(re.escape(name) for name in ptbxl_tables.TABLES)
    fetch_listed(url, root, rf"LICENSE\.txt|{tables}|{folder}/\d{{5}}/\d{{5}}{suffix}\.(hea|dat)")


def _thousands(record: str) -> str:
    return f"{int(record) // 1000 * 1000:05d}"
