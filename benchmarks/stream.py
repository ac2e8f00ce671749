"""What real time costs: `python -m benchmarks.stream RUN [DATA_DIR]`, with the folder of a task.mode=real_time run.

DATA_DIR holds the folder `mitdb`; without it, the environment's ECG_DATA_DIR. Detectors are held to all records, whose
beats they find, in lead MLII or V5; the run's network to its own test records, of which it says nothing else.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.measure import n_cores, quiet
from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.dsp import live_peaks
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.metrics import accuracy, confusion, f1, macro
from ecg_lightning.predict import beats, place
from ecg_lightning.predict.answers import called, probabilities
from ecg_lightning.predict.detector_quality import outside, pairs
from ecg_lightning.predict.stream import Stream
from ecg_lightning.structures import AAMI, Record

CHUNKS_S = (0.02, 0.1, 1.0)
TIMED_S = 300  # of one record
Peaks = Int[np.ndarray, " peak"]


class Found(NamedTuple):
    """Peaks of one record beside its beats."""

    n_true: int
    n_found: int
    off_ms: Float[np.ndarray, " hit"]
    late_ms: Float[np.ndarray, " peak"]  # from the peak until it is known


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__)
    parser.add_argument("run", help="folder of a task.mode=real_time run")
    parser.add_argument("data", nargs="?", type=Path, default=Path(os.environ.get("ECG_DATA_DIR", "data")))
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        made = bundle.read(place.find(asked.run).model)
        with quiet():
            corpus = MITDB(asked.data, asked.data, source="local", allow_missing=True)
            names = corpus.records()
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console = Console()
    console.print(detectors(corpus, names))
    tested = [name for name in names if name in made.contract.patients["test"]]
    console.print(timed(made, corpus.read(tested[0], made.contract.preprocess.leads)))
    console.print(answered(made, corpus, tested))
    console.print(f"{n_cores()} cores, load {os.getloadavg()[0]:.1f}", style="dim", highlight=False)
    return 0


def outside_flutter(corpus: MITDB, name: str) -> Callable[[Peaks], Peaks]:
    """What leaves out peaks in flutter, as EC57 does."""
    import wfdb

    notes = wfdb.rdann(str(corpus.root / name), "atr")
    return lambda peak: outside(peak, notes.sample, notes.symbol)


def detectors(corpus: MITDB, names: Sequence[str]) -> Table:
    """The causal detector beside that of whole records."""
    live, offline = [], []
    for name in track(names, "detectors", transient=True):
        record = corpus.read(name, ("MLII|V5",))
        keep, fs_hz = outside_flutter(corpus, name), record.fs_hz
        true = keep(record.peak_sample)
        causal, _ = live_peaks.step(record.ecg_mv[0], None, fs_hz)
        late_ms = 1000 * (causal.known_sample - causal.peak_sample) / fs_hz
        live.append(_held(true, keep(causal.peak_sample), late_ms, fs_hz))
        offline.append(_held(true, keep(find_r_peaks(record.ecg_mv, fs_hz)), np.zeros(0), fs_hz))
    table = Table("detector", "sensitivity %", "PPV %", "off ms, median", "95 %", "known after ms, median", "99 %")
    table.title = f"{len(names)} records, {sum(one.n_true for one in live):,} beats"
    for name, held in (("causal", live), ("whole record", offline)):
        off_ms, late_ms = (np.concatenate([one[place] for one in held]) for place in (2, 3))
        n_true, n_found = sum(one.n_true for one in held), sum(one.n_found for one in held)
        late = [f"{x:.0f}" for x in np.percentile(late_ms, (50, 99))] if len(late_ms) else ["-", "-"]
        off = [f"{x:.1f}" for x in np.percentile(np.abs(off_ms), (50, 95))]
        table.add_row(name, f"{100 * len(off_ms) / n_true:.2f}", f"{100 * len(off_ms) / n_found:.2f}", *off, *late)
    return table


def _held(true: Peaks, found: Peaks, late_ms: Float[np.ndarray, " peak"], fs_hz: float) -> Found:
    own, other = pairs(true, found, fs_hz)
    return Found(len(true), len(found), 1000 * (found[other] - true[own]) / fs_hz, late_ms)


def timed(made: Bundle, record: Record) -> Table:
    """Time of one core, by the length of the chunks: others on the machine do not count."""
    n_samples = min(round(TIMED_S * record.fs_hz), record.ecg_mv.shape[1])
    table = Table("chunk ms", "times real time", "ms per chunk", "ms per chunk with a beat, median", "99 %")
    table.title = f"{n_samples / record.fs_hz:.0f} s of record {record.name}, time of one core"
    for chunk_s in track(CHUNKS_S, "chunks", transient=True):
        stream, n_chunk = Stream(made, record.leads, record.fs_hz), round(chunk_s * record.fs_hz)
        stream.push(record.ecg_mv[:, -n_chunk:])  # warm
        empty: list[float] = []
        with_beat: list[float] = []
        for at in range(0, n_samples, n_chunk):
            began = time.process_time()
            said = stream.push(record.ecg_mv[:, at : at + n_chunk])
            (with_beat if said else empty).append(1000 * (time.process_time() - began))
        total_s = (sum(empty) + sum(with_beat)) / 1000
        slow = [f"{x:.2f}" for x in np.percentile(with_beat, (50, 99))]
        each = f"{np.median(empty):.2f}" if empty else "-"
        table.add_row(f"{1000 * chunk_s:.0f}", f"{n_samples / record.fs_hz / total_s:.0f}", each, *slow)
    return table


def answered(made: Bundle, corpus: MITDB, names: Sequence[str]) -> Table:
    """Macro-F1 and latency with beats that are annotated and with those that the stream finds, on the same beats."""
    classes = made.contract.classes
    label, with_true, with_found, late_ms, n_true = [], [], [], [], 0
    others: Counter[str] = Counter()
    for name in track(names, "test records", transient=True):
        record = corpus.read(name, made.contract.preprocess.leads)
        stream = Stream(made, record.leads, record.fs_hz)
        said = stream.push(record.ecg_mv) + stream.finish()
        own, other = pairs(record.peak_sample, np.array([one.peak_sample for one in said]), record.fs_hz)
        annotated = called(made.contract, probabilities(made.contract, beats.logits(made, record)))
        of = {symbol: classes.index(c) for c, symbols in AAMI.items() if c in classes for symbol in symbols}
        label += [of[record.symbol[k]] for k in own]
        with_true += [classes.index(annotated[k]) for k in own]
        with_found += [classes.index(said[k].called) for k in other]
        late_ms += [one.latency_ms for one in said]
        n_true += len(record.peak_sample)
        others += Counter(said[k].called for k in set(range(len(said))) - set(other.tolist()))
    table = Table("R peaks", "macro-F1 N,S,V,F", *(f"F1 {c}" for c in classes[:4]), "accuracy")
    called_so = ", ".join(f"{c} {others[c]}" for c in classes)
    table.title = (
        f"{len(names)} test records, {len(label):,} beats found of {n_true:,} ({100 * len(label) / n_true:.2f} %), "
        f"{others.total()} others ({called_so}); "
        f"ms after R: {np.median(late_ms):.0f}, 99 % {np.percentile(late_ms, 99):.0f}, at most {max(late_ms):.0f}"
    )
    for name, numbers in (("annotated", with_true), ("found by the stream", with_found)):
        table.add_row(name, *_scores(np.array(label), np.array(numbers), len(classes)))
    return table


def _scores(label: Int[np.ndarray, " row"], said: Int[np.ndarray, " row"], n_classes: int) -> list[str]:
    counts = confusion(label, said, n_classes)
    each = f1(counts)[:4]
    return [f"{x:.4f}" for x in (float(macro(each)), *each, float(accuracy(counts)))]


if __name__ == "__main__":
    raise SystemExit(main())
