"""Where a corpus is read from: a folder of the user's, a download, or a synthetic twin."""

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from filelock import FileLock

from ecg_lightning.structures import CorpusNotFound

log = logging.getLogger(__name__)

SOURCES = ("auto", "local", "download", "synthetic")
N_NAMED = 50  # missing records; of more, ten are named: a terminal should not scroll by


@runtime_checkable
class Findable(Protocol):
    """What `locate` must know of a corpus."""

    name: str

    @property
    def download_command(self) -> str:
        """What a user types to get it."""

    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Records that are wanted and not in this folder."""

    def download(self, root: Path) -> None:
        """Fetch what is missing into this folder."""

    def write_twin(self, root: Path) -> None:
        """Write synthetic records, in the corpus's own format, into this folder."""

    def twin_id(self) -> str:
        """Name of the twin's folder; another seed or another generator has another name."""


@dataclass(frozen=True)
class Place:
    """Where a corpus was found, and how."""

    root: Path
    source: Literal["local", "download", "synthetic"]


def locate(corpus: Findable, data_dir: Path, cache_dir: Path, source: str) -> Place:
    """Find a corpus; fetch it or write its twin where `source` says so.

    Args:
        corpus: looked for in `<data_dir>/<corpus.name>`.
        data_dir: the user's databases; written to by source="download" alone.
        cache_dir: twins lie in `<cache_dir>/twins`.
        source: "auto" uses the folder when it is there, else the twin; "local" insists on the folder;
            "download" fetches what the folder lacks; "synthetic" is the twin.

    Raises:
        ValueError: source is none of these.
        CorpusNotFound: source is "local" and there is no such folder, or data_dir is that folder itself.
    """
    check_source(source)
    root = data_dir.absolute() / corpus.name
    if source == "download":
        if corpus.missing_in(root):
            corpus.download(root)
        return Place(root, "download")
    if source != "synthetic" and root.is_dir():
        return Place(root, "local")
    if source != "synthetic" and data_dir.name == corpus.name and data_dir.is_dir():
        raise CorpusNotFound(f"data_dir={data_dir} is the database itself: give the folder above, {data_dir.parent}")
    if source == "local":
        raise CorpusNotFound(
            f"no database {corpus.name}: {root} is not a folder; get it with `{corpus.download_command}`, "
            f"set data_dir (or ECG_DATA_DIR), or use synthetic records with dataset.source=synthetic"
        )
    why = "as asked" if source == "synthetic" else f"as {root} is not there"
    log.warning("SYNTHETIC records stand in for %s, %s: the numbers say nothing about patients", corpus.name, why)
    return Place(_twin(corpus, cache_dir.absolute() / "twins"), "synthetic")


def check_source(source: str) -> None:
    """Refuse a source that is not one of SOURCES."""
    if source not in SOURCES:
        raise ValueError(f"dataset.source={source} must be one of {', '.join(SOURCES)}")


def check_complete(corpus: Findable, root: Path, n_wanted: int, allow_missing: bool) -> tuple[str, ...]:
    """Name the records that are missing from a corpus that is there.

    Returns:
        The missing ones, which the caller leaves out.

    Raises:
        CorpusNotFound: some are missing and that is not allowed, or all are.
    """
    missing = corpus.missing_in(root)
    if not missing:
        return ()
    names = ", ".join(missing if len(missing) <= N_NAMED else (*missing[:10], f"and {len(missing) - 10} others"))
    named = f"{len(missing)} of {n_wanted} records of {corpus.name} are missing in {root}: {names}"
    if len(missing) == n_wanted or not allow_missing:
        go_on = "" if len(missing) == n_wanted else ", or go on without them with dataset.allow_missing=true"
        raise CorpusNotFound(f"{named}; get them with `{corpus.download_command}`{go_on}")
    log.warning("%s; going on without them", named)
    return missing


def source_hash(files: Sequence[Path]) -> str:
    """Hash the text of source files, so that what they wrote is written anew once they change."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _twin(corpus: Findable, twins: Path) -> Path:
    """Write the twin once; processes that start together wait for the first."""
    root = twins / corpus.twin_id()
    if root.is_dir():
        os.utime(root)  # says when it was last used, to whoever prunes
        return root
    twins.mkdir(parents=True, exist_ok=True)
    with FileLock(twins / f"{root.name}.lock"):
        if not root.is_dir():
            part = root.with_name(f"{root.name}.part")
            shutil.rmtree(part, ignore_errors=True)  # left by a writer that was killed
            try:
                part.mkdir()
                corpus.write_twin(part)
            except OSError as error:  # numpy gives it no number where a file could not be written to its end
                shutil.rmtree(part, ignore_errors=True)
                raise OSError(
                    f"cache_dir={twins.parent} cannot take the twin ({error.strerror or error}): "
                    f"free some room, or set ECG_CACHE_DIR to another folder"
                ) from error
            part.rename(root)
    return root
