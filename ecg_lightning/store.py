"""Content-addressed cache of preprocessed signals and beats: written once, mapped into memory by every later run."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from jaxtyping import Float, Int, UInt8

from ecg_lightning import dsp, prepare, store_writer
from ecg_lightning.corpus import Corpus
from ecg_lightning.prepare import Preprocess
from ecg_lightning.store_writer import EXTRA, PEAKS, QUALITY, SIGNAL, SYMBOLS, write_atomically


@dataclass(frozen=True, eq=False)
class Extra:
    """Another signal of all records, one behind the other.

    Args:
        signal: flat and memory-mapped, z-scored by record; each record's channels follow one another.
        first: where each record begins in `signal`.
        length: samples per channel of each record.
        n_channels: of every record.
        fs_hz: its own sampling rate.
    """

    signal: Float[np.ndarray, " sample"]
    first: Int[np.ndarray, " record"]
    length: Int[np.ndarray, " record"]
    n_channels: int
    fs_hz: float


@dataclass(frozen=True, eq=False)
class Store:
    """Preprocessed records, one behind the other, and their beats.

    Args:
        signal: flat and memory-mapped; each record's leads follow one another.
        records: names, in order.
        patients: the person of each record.
        first: where each record begins in `signal`.
        length: samples per lead of each record.
        n_beats: beats of each record.
        n_seconds: judged seconds of each record; 0 where beats are annotated.
        peak_sample: R peaks of all beats, counted from their record's beginning.
        symbol: annotation symbol of every beat; none where beats were detected.
        quality: flags of all judged seconds, as `dsp.quality` gives them.
        begin_s: clock of each record's first sample, in seconds since 1970; NaN is not known.
        extra: other signals by name.
        fingerprint: sha256 over signal and beats, taken when they were written.
        skipped: records that could not be trusted, with the reason.
        synthetic: some record says that no patient stands behind it.
        folder: where it lies.
    """

    signal: Float[np.ndarray, " sample"]
    records: tuple[str, ...]
    patients: tuple[str, ...]
    first: Int[np.ndarray, " record"]
    length: Int[np.ndarray, " record"]
    n_beats: Int[np.ndarray, " record"]
    n_seconds: Int[np.ndarray, " record"]
    peak_sample: Int[np.ndarray, " beat"]
    symbol: np.ndarray
    quality: UInt8[np.ndarray, " second"]
    begin_s: Float[np.ndarray, " record"]
    extra: Mapping[str, Extra]
    fingerprint: str
    skipped: dict[str, str]
    synthetic: bool
    folder: Path

    def record(self, name: str, n_leads: int) -> Float[np.ndarray, "lead time"]:
        """The preprocessed signal of one record."""
        i = self.records.index(name)
        begin, n = int(self.first[i]), int(self.length[i])
        return self.signal[begin : begin + n_leads * n].reshape(n_leads, n)

    def peaks_by_record(self) -> list[Int[np.ndarray, " beat"]]:
        """R peaks of each record, counted from its beginning."""
        return np.split(self.peak_sample, np.cumsum(self.n_beats)[:-1])

    def quality_by_record(self) -> list[UInt8[np.ndarray, " second"]]:
        """Flags of the seconds of each record."""
        return np.split(self.quality, np.cumsum(self.n_seconds)[:-1])


def open_store(corpus: Corpus, preprocess: Preprocess, cache_dir: Path) -> Store:
    """Map the store of a corpus, and write it first where it is not there.

    Args:
        corpus: whose records.
        preprocess: what is done to them.
        cache_dir: stores lie below it, in `stores/`.

    Raises:
        BadRecord: a record cannot be trusted and the corpus says "stop", or too many cannot.
        OSError: no room on the disk; nothing half-written is left.
    """
    folder = cache_dir / "stores" / f"{corpus.name}-{key(corpus, preprocess)}"
    if not (folder / "meta.json").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / "meta.json").is_file():
                write_atomically(folder, corpus, preprocess)
    return _map(folder)


def key(corpus: Corpus, preprocess: Preprocess) -> str:
    """Name of a store: changes with the source files, the preprocessing and the code that does it."""
    files = dict.fromkeys(path for name in corpus.records() for path in corpus.sources(name))
    folders = {folder: folder.resolve() for folder in {path.parent for path in files}}
    sources = []
    for path in files:
        stat = path.stat()
        sources.append((str(folders[path.parent] / path.name), stat.st_size, stat.st_mtime_ns))
    own = (Path(prepare.__file__), Path(store_writer.__file__), Path(__file__))
    code = sorted([*Path(dsp.__path__[0]).glob("*.py"), *own, *corpus.reader_files])
    text = [hashlib.sha256(path.read_bytes()).hexdigest() for path in code]
    # a skipped record is part of the content, so the policy is part of the key
    what = [sources, asdict(preprocess), text, corpus.on_bad_record]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:20]


def _map(folder: Path) -> Store:
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    os.utime(folder / "meta.json")  # says when it was last used, to whoever prunes
    records = meta["records"]
    column = {k: np.array([r[k] for r in records], np.int64) for k in ("length", "n_beats", "n_seconds")}
    return Store(
        signal=np.memmap(folder / SIGNAL, np.float32, mode="c"),  # torch warns on read-only maps
        records=tuple(r["name"] for r in records),
        patients=tuple(r["patient"] for r in records),
        first=_begins(column["length"] * np.array([r["n_leads"] for r in records])),
        peak_sample=np.fromfile(folder / PEAKS, np.int64),
        symbol=np.fromfile(folder / SYMBOLS, "S1").astype("U1"),
        quality=np.fromfile(folder / QUALITY, np.uint8),
        begin_s=np.array([r["begin_s"] for r in records], np.float64),  # None becomes NaN
        extra={name: _extra(folder, name, records) for name in records[0]["extra"]},
        fingerprint=meta["fingerprint"],
        skipped=meta["skipped"],
        synthetic=any(r["synthetic"] for r in records),
        folder=folder,
        **column,
    )


def _extra(folder: Path, name: str, records: Sequence[dict[str, Any]]) -> Extra:
    n_channels, length, fs_hz = (np.array([r["extra"][name][k] for r in records]) for k in range(3))
    signal = np.memmap(folder / f"{EXTRA}{name}", np.float32, mode="c")
    return Extra(signal, _begins(n_channels * length), length, int(n_channels[0]), float(fs_hz[0]))


def _begins(size: Int[np.ndarray, " record"]) -> Int[np.ndarray, " record"]:
    """Where each of some arrays begins when they lie one behind the other."""
    return np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
