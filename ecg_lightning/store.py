"""Content-addressed cache of preprocessed signals and beats: written once, mapped into memory by every later run."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np
from filelock import FileLock
from jaxtyping import Float, Int, UInt8
from rich.console import Console
from rich.progress import track

from ecg_lightning import dsp, prepare
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import BadRecord, Record

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
SIGNAL, PEAKS, SYMBOLS, QUALITY = "signal.f32", "peaks.i64", "symbols.s1", "quality.u8"
EXTRA = "extra_"  # and the name of another signal
LARGEST_LOSS = 0.1  # of the records: beyond it, what is left is another database


@dataclass(frozen=True, eq=False)
class Kept:
    """One record as the store keeps it; `about` is what its header says, `parts` its arrays by the file they go to."""

    about: dict[str, Any]
    parts: dict[str, np.ndarray]


Outcome = list[Kept] | BadRecord
"""The unbroken stretches of one record, or why it cannot be trusted."""


@runtime_checkable
class Corpus(Protocol):
    """What the store asks of a database."""

    name: str
    on_bad_record: str

    @property
    def reader_files(self) -> tuple[Path, ...]: ...
    def records(self) -> tuple[str, ...]: ...
    def sources(self, record: str) -> list[Path]: ...
    def read(self, record: str, leads: Sequence[str]) -> Record | Sequence[Record]: ...  # of its unbroken stretches


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
                _write_atomically(folder, corpus, preprocess)
    return _map(folder)


def key(corpus: Corpus, preprocess: Preprocess) -> str:
    """Name of a store: changes with the source files, the preprocessing and the code that does it."""
    files = dict.fromkeys(path for name in corpus.records() for path in corpus.sources(name))
    folders = {folder: folder.resolve() for folder in {path.parent for path in files}}
    sources = []
    for path in files:
        stat = path.stat()
        sources.append((str(folders[path.parent] / path.name), stat.st_size, stat.st_mtime_ns))
    code = sorted([*Path(dsp.__path__[0]).glob("*.py"), Path(prepare.__file__), Path(__file__), *corpus.reader_files])
    text = [hashlib.sha256(path.read_bytes()).hexdigest() for path in code]
    # a skipped record is part of the content, so the policy is part of the key
    what = [sources, asdict(preprocess), text, corpus.on_bad_record]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:20]


def _write_atomically(folder: Path, corpus: Corpus, preprocess: Preprocess) -> None:
    """Write beside the final place, then rename; whatever interrupts it leaves no half store."""
    for left_over in folder.parent.glob(f"{folder.name}.part-*"):  # of a killed process: the lock is ours
        shutil.rmtree(left_over)
    part = Path(mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        _write(part, corpus, preprocess)
        part.rename(folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise OSError(
                f"cache_dir={folder.parent.parent} cannot take the store ({error.strerror}): "
                f"free some room, or set ECG_CACHE_DIR to another folder"
            ) from error
        raise


def _write(folder: Path, corpus: Corpus, preprocess: Preprocess) -> None:
    names = corpus.records()
    digest = hashlib.sha256()
    kept: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    # closed here: an error would leave it to the garbage collector, which may run in one of its own threads
    with closing(_prepared(corpus, preprocess, names)) as prepared, ExitStack() as files:
        outcomes = track(
            prepared,
            f"preparing {corpus.name}",
            len(names),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        arrays: dict[str, BinaryIO] = {}
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome, BadRecord):
                skipped[name] = str(outcome)
                _check_loss(skipped, len(names), corpus.on_bad_record, outcome)
                continue
            for record in outcome:
                for part, array in record.parts.items():
                    if part not in arrays:
                        arrays[part] = files.enter_context((folder / part).open("wb"))
                    arrays[part].write(array.data)
                    digest.update(array.data)
                kept.append(record.about)
        for file in arrays.values():
            file.flush()
            os.fsync(file.fileno())
    if not kept:
        raise BadRecord(f"{corpus.name} has no record to read: choose others or check the folder")
    meta = {"records": kept, "skipped": skipped, "fingerprint": digest.hexdigest(), "preprocess": asdict(preprocess)}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _check_loss(skipped: dict[str, str], n_records: int, policy: str, error: BadRecord) -> None:
    if policy != "skip":
        raise BadRecord(f"{error}; dataset.on_bad_record=skip goes on without it") from error
    if len(skipped) > LARGEST_LOSS * n_records:
        raise BadRecord(
            f"{len(skipped)} of {n_records} records cannot be read, more than {LARGEST_LOSS:.0%} is lost: "
            + "; ".join(skipped.values())
        ) from error


def _prepared(corpus: Corpus, preprocess: Preprocess, names: Sequence[str]) -> Generator[Outcome]:
    """Every record in order, preprocessed by as many threads as there are cores.

    Threads, as numpy and scipy let go of the interpreter; processes would import, pickle, and not mix with threads.
    """
    n_workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            for name in names:
                waiting.append(pool.submit(_one, corpus, preprocess, name))
                if len(waiting) > 2 * n_workers:  # no more in memory than keeps the threads busy
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _one(corpus: Corpus, preprocess: Preprocess, name: str) -> Outcome:
    try:
        read = corpus.read(name, preprocess.leads)
    except BadRecord as error:
        return error
    return [_kept(record, preprocess) for record in ((read,) if isinstance(read, Record) else read)]


def _kept(record: Record, preprocess: Preprocess) -> Kept:
    """A record's arrays as they lie on the disk, leads and channels one behind the other."""
    prepared = prepare.prepare(record, preprocess, Features((), preprocess.mode))
    parts: dict[str, np.ndarray] = {
        SIGNAL: np.ascontiguousarray(prepared.ecg, np.float32),
        PEAKS: prepared.peak_sample.astype(np.int64),
        SYMBOLS: np.array(record.symbol, dtype="S1"),
        QUALITY: prepared.quality,
    }
    extra = {name: prepare.scale_extra(signal) for name, signal in record.extra.items()}
    about = {
        **{"name": record.name, "patient": record.patient, "synthetic": record.synthetic},
        **{"length": prepared.ecg.shape[1], "n_beats": len(prepared.peak_sample), "n_seconds": len(prepared.quality)},
        "n_leads": len(prepared.ecg),
        "begin_s": None if np.isnan(record.begin_s) else record.begin_s,
        "extra": {name: [*value.shape, record.extra[name].fs_hz] for name, value in extra.items()},
    }
    return Kept(about, parts | {f"{EXTRA}{name}": value for name, value in extra.items()})


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
