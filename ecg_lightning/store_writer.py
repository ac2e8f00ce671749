"""A store is written: every record prepared, its arrays one behind the other, all of it or nothing."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO

import numpy as np
from rich.console import Console
from rich.progress import track

from ecg_lightning import prepare
from ecg_lightning.corpus import Corpus
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


def write_atomically(folder: Path, corpus: Corpus, preprocess: Preprocess) -> None:
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
        return [_kept(record, preprocess) for record in ((read,) if isinstance(read, Record) else read)]
    except BadRecord as error:
        return error


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
