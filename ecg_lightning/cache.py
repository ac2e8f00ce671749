"""List what the cache holds, and prune what nobody uses: `python -m ecg_lightning.cache --prune 30`."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

KINDS = ("stores", "twins", "pretrain")  # folders of the cache; nothing else in it is ever looked at
DAY_S = 24 * 3600


@dataclass(frozen=True)
class Entry:
    """One store, twin or pretrained encoder.

    Args:
        folder: where it lies.
        n_bytes: of all its files.
        age_days: since it was last written or, where its reader says so, last used.
    """

    folder: Path
    n_bytes: int
    age_days: float

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for refused input."""
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.cache", description=__doc__)
    parser.add_argument("--prune", type=float, metavar="DAYS", help="remove what was not used for so many days")
    parser.add_argument(
        "--cache-dir", type=Path, default=_default_dir(), help="default: $ECG_CACHE_DIR, else the user's cache folder"
    )
    asked = parser.parse_args(arguments)
    if asked.prune is not None and not asked.prune >= 0:
        parser.error(f"--prune={asked.prune:g} must be at least 0 days")
    try:
        _show(asked.cache_dir, list(entries(asked.cache_dir)))
        if asked.prune is not None:
            removed = prune(asked.cache_dir, asked.prune)
            print(f"removed {len(removed)}, {_size(sum(entry.n_bytes for entry in removed))}")
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def entries(cache_dir: Path) -> Iterator[Entry]:
    """Every store, twin and pretrained encoder, longest unused first; links are left alone, wherever they lead."""
    found = []
    for kind in KINDS:
        above = cache_dir / kind
        if above.is_dir() and not above.is_symlink():
            found += [_entry(folder) for folder in above.iterdir() if folder.is_dir() and not folder.is_symlink()]
    yield from sorted(found, key=lambda entry: -entry.age_days)


def prune(cache_dir: Path, days: float) -> list[Entry]:
    """Remove what was not used for so many days; what is being written stays.

    A process that has a store mapped keeps its pages until it ends.

    Returns:
        What was removed.
    """
    removed = []
    for entry in entries(cache_dir):
        if entry.age_days < days:
            continue
        lock = FileLock(f"{_final(entry.folder)}.lock", timeout=0)
        try:
            with lock:
                shutil.rmtree(entry.folder)
        except Timeout:
            continue
        removed.append(entry)
    return removed


def _entry(folder: Path) -> Entry:
    stats = [folder.stat(), *(path.lstat() for path in folder.rglob("*"))]
    used = max(stat.st_mtime for stat in stats)
    return Entry(folder, sum(stat.st_size for stat in stats[1:]), (time.time() - used) / DAY_S)


def _final(folder: Path) -> Path:
    """The place that a folder is written for: "x.part-a1b2" and "x.part" are the beginnings of "x"."""
    return folder.with_name(folder.name.partition(".part")[0])


def _show(cache_dir: Path, found: list[Entry]) -> None:
    if not found:
        print(f"nothing is cached in {cache_dir}")
        return
    width = max(len(entry.name) for entry in found)
    for entry in found:
        print(f"{entry.name:{width}}  {_size(entry.n_bytes):>9}  {entry.age_days:5.1f} days ago")
    print(f"{len(found)} in {cache_dir}, {_size(sum(entry.n_bytes for entry in found))}")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"


def _default_dir() -> Path:
    from ecg_lightning.resolvers import default_cache

    return Path(os.environ.get("ECG_CACHE_DIR") or default_cache())


if __name__ == "__main__":
    sys.exit(main())
