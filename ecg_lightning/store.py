"""Content-addressed cache of preprocessed signals and beats: written once, mapped into memory by every later run."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol, runtime_checkable

import numpy as np
from filelock import FileLock
from jaxtyping import Float, Int
from rich.console import Console
from rich.progress import track

from ecg_lightning import dsp, prepare
from ecg_lightning.prepare import Features, Preprocess
from ecg_lightning.structures import BadRecord, Record

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
LARGEST_LOSS = 0.1  # of the records: beyond it, what is left is another database

Outcome = tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray] | BadRecord
"""What the header says, signal, R peaks and symbols of one record; or why it cannot be trusted."""


@runtime_checkable
class Corpus(Protocol):
    """What the store asks of a database."""

    name: str
    on_bad_record: str

    @property
    def reader_files(self) -> tuple[Path, ...]: ...
    def records(self) -> tuple[str, ...]: ...
    def sources(self, record: str) -> list[Path]: ...
    def read(self, record: str, leads: Sequence[str]) -> Record: ...


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
        peak_sample: R peaks of all beats, counted from their record's beginning.
        symbol: annotation symbol of every beat.
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
    peak_sample: Int[np.ndarray, " beat"]
    symbol: np.ndarray
    fingerprint: str
    skipped: dict[str, str]
    synthetic: bool
    folder: Path

    def record(self, name: str, n_leads: int) -> Float[np.ndarray, "lead time"]:
        """The preprocessed signal of one record."""
        i = self.records.index(name)
        begin, n = int(self.first[i]), int(self.length[i])
        return self.signal[begin : begin + n_leads * n].reshape(n_leads, n)


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


def _write(part: Path, corpus: Corpus, preprocess: Preprocess) -> None:
    names = corpus.records()
    digest = hashlib.sha256()
    kept: list[dict[str, Any]] = []
    beats: list[tuple[np.ndarray, np.ndarray]] = []
    skipped: dict[str, str] = {}
    first = 0
    # closed here: an error would leave it to the garbage collector, which may run in one of its own threads
    with closing(_prepared(corpus, preprocess, names)) as prepared, (part / "signal.f32").open("wb") as file:
        outcomes = track(
            prepared,
            f"preparing {corpus.name}",
            len(names),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome, BadRecord):
                skipped[name] = str(outcome)
                _check_loss(skipped, len(names), corpus.on_bad_record, outcome)
                continue
            record, ecg, peak_sample, symbol = outcome
            file.write(ecg.data)
            digest.update(ecg.data)
            digest.update(peak_sample.tobytes() + symbol.tobytes())
            beats.append((peak_sample, symbol))
            kept.append(record | {"first": first, "length": ecg.shape[1], "n_beats": len(peak_sample)})
            first += ecg.size
        file.flush()
        os.fsync(file.fileno())
    if not kept:
        raise BadRecord(f"{corpus.name} has no record to read: choose others or check the folder")
    np.save(part / "peak_sample.npy", np.concatenate([b[0] for b in beats]))
    np.save(part / "symbol.npy", np.concatenate([b[1] for b in beats]))
    meta = {"records": kept, "skipped": skipped, "fingerprint": digest.hexdigest(), "preprocess": asdict(preprocess)}
    (part / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


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
        record = corpus.read(name, preprocess.leads)
    except BadRecord as error:
        return error
    prepared = prepare.prepare(record, preprocess, Features((), preprocess.mode))
    meta = {"name": record.name, "patient": record.patient, "synthetic": record.synthetic}
    symbol = np.array(record.symbol, dtype="S1")
    return meta, np.ascontiguousarray(prepared.ecg, np.float32), prepared.peak_sample.astype(np.int64), symbol


def _map(folder: Path) -> Store:
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    os.utime(folder / "meta.json")  # says when it was last used, to whoever prunes
    records = meta["records"]
    column = {k: np.array([r[k] for r in records], np.int64) for k in ("first", "length", "n_beats")}
    return Store(
        signal=np.memmap(folder / "signal.f32", np.float32, mode="c"),  # torch warns on read-only maps
        records=tuple(r["name"] for r in records),
        patients=tuple(r["patient"] for r in records),
        peak_sample=np.load(folder / "peak_sample.npy"),
        symbol=np.load(folder / "symbol.npy").astype("U1"),
        fingerprint=meta["fingerprint"],
        skipped=meta["skipped"],
        synthetic=any(r["synthetic"] for r in records),
        folder=folder,
        **column,
    )
