"""Fetch a database: `python -m ecg_lightning.download mitdb`."""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

CORPORA = ("mitdb",)
"""Modules of ecg_lightning.datasets that have URL and download(folder, url)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the named database.

    Returns:
        The exit code: 0, 1 where the transfer failed, 2 for refused input, 130 after Ctrl-C.
    """
    parser = _parser()
    asked = parser.parse_args(arguments)
    from ecg_lightning.datasets.fetch import DownloadError, check_url  # not at the top: --help is to be quick

    corpus = importlib.import_module(f"ecg_lightning.datasets.{asked.corpus}")
    url = asked.source_url or corpus.URL
    folder = Path(asked.data_dir) / asked.corpus
    try:
        check_url(url)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    try:
        corpus.download(folder, url)
    except DownloadError as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped; the same command resumes where it stopped\n")
    print(f"{asked.corpus} is in {folder}. Next:\n    {_next_line(asked.data_dir)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecg_lightning.download",
        description="Fetch a database file by file; what is there and fits its checksum is not fetched again.",
    )
    parser.add_argument("corpus", choices=CORPORA, help="the database")
    parser.add_argument(
        "--data-dir", default=_default_dir(), help="folder of databases (default: $ECG_DATA_DIR, else data)"
    )
    parser.add_argument("--source-url", help="its folder on a mirror, https only (default: PhysioNet)")
    return parser


def _default_dir() -> str:
    return os.environ.get("ECG_DATA_DIR", "data")


def _next_line(data_dir: str) -> str:
    """What a newcomer types next."""
    there = "" if data_dir == _default_dir() else f"ECG_DATA_DIR={shlex.quote(data_dir)} "
    return f"{there}python -m ecg_lightning.train task=arrhythmia"


if __name__ == "__main__":
    sys.exit(main())
