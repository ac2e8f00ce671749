"""Fetch a database: `python -m ecg_lightning.download mitdb`, `... ptbxl --fs-hz 100`."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

CORPORA = ("mitdb", "ptbxl", "d1namo")
RATES_HZ = (100, 500)  # of PTB-XL, which holds every record twice


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the named database.

    Returns:
        The exit code: 0, 1 where the transfer failed, 2 for refused input, 130 after Ctrl-C.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.fs_hz and asked.corpus != "ptbxl":
        parser.exit(2, f"error: --fs-hz={asked.fs_hz} is for ptbxl: {asked.corpus} comes at one rate, leave it out\n")
    from ecg_lightning.datasets.fetch import DownloadError, check_url  # not at the top: --help is to be quick

    folder = Path(asked.data_dir) / asked.corpus
    try:
        if asked.source_url:
            check_url(asked.source_url, "--source-url")
    except ValueError as error:
        parser.exit(2, f"error: {error}\n")
    try:
        _fetch(asked, folder)
    except DownloadError as error:
        parser.exit(1, f"error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped; the same command resumes where it stopped\n")
    print(f"{asked.corpus} is in {folder}. Next:\n    {_next_line(asked)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecg_lightning.download",
        description="Fetch a database file by file; what is there and fits its checksum is not fetched again.",
    )
    parser.add_argument("corpus", choices=CORPORA, help="the database")
    parser.add_argument(
        "--fs-hz",
        type=int,
        choices=RATES_HZ,
        help=f"of ptbxl: the rate to fetch its records at (default: {RATES_HZ[0]})",
    )
    parser.add_argument(
        "--data-dir", default=_default_dir(), help="folder of databases (default: $ECG_DATA_DIR, else data)"
    )
    parser.add_argument(
        "--source-url", help="its folder on a mirror, https only (default: PhysioNet; Zenodo for d1namo)"
    )
    return parser


def _fetch(asked: argparse.Namespace, folder: Path) -> None:
    from ecg_lightning.datasets import d1namo_folders, mitdb, ptbxl_files

    if asked.corpus == "mitdb":
        mitdb.download(folder, asked.source_url or mitdb.URL)
    elif asked.corpus == "d1namo":
        api = None if asked.source_url else d1namo_folders.API
        d1namo_folders.download(folder, asked.source_url or d1namo_folders.URL, api)
    else:
        ptbxl_files.download(folder, asked.source_url or ptbxl_files.URL, asked.fs_hz or RATES_HZ[0])


def _default_dir() -> str:
    return os.environ.get("ECG_DATA_DIR", "data")


def _next_line(asked: argparse.Namespace) -> str:
    """What a newcomer types next."""
    there = "" if asked.data_dir == _default_dir() else f"ECG_DATA_DIR={shlex.quote(asked.data_dir)} "
    task = {"mitdb": "arrhythmia", "ptbxl": "ptbxl", "d1namo": "hypoglycemia"}[asked.corpus]
    rate = f" task.signal.fs_hz={asked.fs_hz}" if asked.fs_hz == RATES_HZ[1] else ""
    return f"{there}python -m ecg_lightning.train task={task}{rate}"


if __name__ == "__main__":
    sys.exit(main())
