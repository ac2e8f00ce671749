"""How well the R-peak detector finds the beats of MIT-BIH, beside others: `python -m benchmarks.detector [DATA_DIR]`.

DATA_DIR holds the folder `mitdb`; without it, the environment's ECG_DATA_DIR. First lead MLII, else V5.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.measure import quiet
from ecg_lightning.datasets.mitdb import MITDB, PACED
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.predict.detector_quality import Counts, counted, outside, together

Detector = Callable[[Float[np.ndarray, "lead time"], float], Int[np.ndarray, " peak"]]


def neurokit(ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float) -> Int[np.ndarray, " peak"]:
    """neurokit2's default, cleaning included."""
    import neurokit2

    clean = neurokit2.ecg_clean(ecg_mv[0].astype(np.float64), sampling_rate=int(fs_hz))
    found = neurokit2.ecg_peaks(clean, sampling_rate=int(fs_hz))[1]["ECG_R_Peaks"]
    return np.sort(np.asarray(found, np.int64))


def xqrs(ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float) -> Int[np.ndarray, " peak"]:
    """XQRS of wfdb."""
    from wfdb import processing

    found = processing.xqrs_detect(ecg_mv[0].astype(np.float64), fs=fs_hz, verbose=False)
    return np.sort(np.asarray(found, np.int64))


DETECTORS: dict[str, Detector] = {"ecg_lightning": find_r_peaks, "neurokit2": neurokit, "wfdb xqrs": xqrs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector", description=__doc__)
    parser.add_argument("data_dir", type=Path, nargs="?", default=Path(os.environ.get("ECG_DATA_DIR", "data")))
    parser.add_argument("--ours", action="store_true", help="without the detectors of other packages")
    asked = parser.parse_args(arguments)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the other packages
        corpus = MITDB(asked.data_dir, asked.data_dir, source="local", allow_missing=True, paced=True)
        detectors: dict[str, Detector] = {"ecg_lightning": find_r_peaks} if asked.ours else DETECTORS
        found = {name: measured(corpus, name, detectors) for name in track(corpus.records(), transient=True)}
    show(found, list(detectors))
    return 0


def measured(corpus: MITDB, name: str, detectors: dict[str, Detector]) -> dict[str, tuple[Counts, float]]:
    """Counts and seconds of every detector on one record, outside flutter."""
    import wfdb

    record = corpus.read(name, ("MLII|V5",))
    annotations = wfdb.rdann(str(corpus.root / name), "atr")
    true = outside(record.peak_sample, annotations.sample, annotations.symbol)
    results = {}
    for which, detect in detectors.items():
        began = time.perf_counter()
        peaks = detect(record.ecg_mv, record.fs_hz)
        seconds = time.perf_counter() - began
        peaks = outside(peaks, annotations.sample, annotations.symbol)
        results[which] = counted(true, peaks, record.fs_hz), seconds
    return results


def show(found: dict[str, dict[str, tuple[Counts, float]]], detectors: Sequence[str]) -> None:
    """Print a row per record, then all of them together, with the paced ones and without."""
    table = Table("record", "beats", title="sensitivity and positive predictivity in %, within 150 ms, outside flutter")
    for which in detectors:
        table.add_column(which, justify="right")
    for name, results in found.items():
        table.add_row(name, f"{results[detectors[0]][0].n_true:,}", *(_shares(results[one][0]) for one in detectors))
    for title, names in (("all", list(found)), ("unpaced", [name for name in found if name not in PACED])):
        sums = [together([found[name][which][0] for name in names]) for which in detectors]
        table.add_row(f"{title} {len(names)}", f"{sums[0].n_true:,}", *map(_shares, sums))
    seconds = [sum(results[which][1] for results in found.values()) for which in detectors]
    table.add_row("seconds", "", *(f"{one:.1f}" for one in seconds))
    Console(width=30 + 20 * len(detectors)).print(table)


def _shares(counts: Counts) -> str:
    return f"{100 * counts.sensitivity:.2f}  {100 * counts.predictivity:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
