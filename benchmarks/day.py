"""What a day of one lead costs, from a file to the class of every beat: `python -m benchmarks.day BUNDLE`.

A day at 250 Hz is made of records of MIT-BIH, or of its twin, one after another, slowly growing and shrinking. Every
row is measured in a process of its own, the import of the package and the opening of the bundle included.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

FS_HZ = 250.0
HOURS = 24
STEP_MV = 0.005
RECORDS = 4
LEAD = "MLII"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("bundle", type=Path, help="run, or model folder, of a network of single beats")
    parser.add_argument("file", type=Path, nargs="?", help="measure this file alone, in this process")
    asked = parser.parse_args(arguments)
    if asked.file:
        measure(asked.bundle, asked.file)
        return 0
    table = Table("file", "MB", "read", "R peaks", "classes", "all, with imports", "CPU", "most memory", "beats")
    with TemporaryDirectory() as folder:
        for file in write(Path(folder), day()):
            command = [sys.executable, "-m", "benchmarks.day", str(asked.bundle), str(file)]
            began = time.perf_counter()
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            read, peaks, classes, cpu, memory, n_beats = said
            whole = f"{time.perf_counter() - began:.1f} s"
            size = f"{sum(one.stat().st_size for one in file.parent.glob(f'{file.stem}.*')) / 1e6:.0f}"
            seconds = [f"{float(one):.1f} s" for one in (read, peaks, classes)]
            table.add_row(file.name, size, *seconds, whole, f"{float(cpu):.1f} s", f"{memory} MB", n_beats)
    Console(width=120).print(table)
    print(f"{HOURS} h at {FS_HZ:g} Hz, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0


def measure(bundle_folder: Path, file: Path) -> None:
    """Read, search and classify one file; print seconds of each, CPU seconds, most memory in MB, and beats."""
    from ecg_lightning import bundle
    from ecg_lightning.dsp.peaks import find_r_peaks
    from ecg_lightning.predict.beats import classify
    from ecg_lightning.predict.place import find
    from ecg_lightning.reading.recordings import Said, read_recording
    from ecg_lightning.structures import Record

    made = bundle.read(find(str(bundle_folder)).model)
    clock = [time.perf_counter()]
    record = read_recording(file, made.contract.preprocess.leads, Said(FS_HZ, "mV", (LEAD,))).record
    clock.append(time.perf_counter())
    peak_sample = find_r_peaks(record.ecg_mv, record.fs_hz)
    clock.append(time.perf_counter())
    found = classify(made, Record(**{**vars(record), "peak_sample": peak_sample}))
    clock.append(time.perf_counter())
    most = most_kb() // 1024
    print(*np.round(np.diff(clock), 2), round(time.process_time(), 2), most, len(found))


def most_kb() -> int:
    """Most memory that this process has held; the kernel's other count begins with that of its parent."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def day() -> Float[np.ndarray, " time"]:
    """A day of one lead, in whole steps, in millivolts."""
    from benchmarks.measure import quiet
    from benchmarks.parts import composed
    from ecg_lightning import config
    from ecg_lightning.dsp.resample import resample

    with quiet():
        corpus = config.constructed(composed().dataset)
        names = corpus.records()[:: max(1, len(corpus.records()) // RECORDS)][:RECORDS]
        parts = [corpus.read(name, (LEAD,)) for name in names]
    one = np.concatenate([resample(part.ecg_mv, part.fs_hz, FS_HZ)[0] for part in parts])
    n_samples = round(HOURS * 3600 * FS_HZ)
    swell = 1 + 0.3 * np.sin(2 * np.pi * np.arange(n_samples) / FS_HZ / 7200)
    return (np.round(np.resize(one, n_samples) * swell / STEP_MV) * STEP_MV).astype(np.float32)


def write(folder: Path, ecg_mv: Float[np.ndarray, " time"]) -> list[Path]:
    """The same day in every format."""
    writers: tuple[Callable[[Path, np.ndarray], Path], ...] = (_wfdb("212"), _wfdb("16"), _edf, _csv, _npy)
    return [writer(folder, ecg_mv) for writer in writers]


def _wfdb(storage: str) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, ecg_mv: np.ndarray) -> Path:
        import wfdb

        digital = np.round(ecg_mv / STEP_MV).astype(np.int64).clip(-2047, 2047)[:, None]
        about = {"fs": FS_HZ, "units": ["mV"], "sig_name": [LEAD], "fmt": [storage], "adc_gain": [1 / STEP_MV]}
        wfdb.wrsamp(f"wfdb{storage}", d_signal=digital, baseline=[0], write_dir=str(folder), **about)
        return folder / f"wfdb{storage}.hea"

    return write


def _edf(folder: Path, ecg_mv: np.ndarray) -> Path:
    import pyedflib

    path, n_each = folder / "day.edf", round(FS_HZ)
    about: dict[str, str | int | float | None] = {
        **{"label": f"ECG {LEAD}", "dimension": "mV", "sample_frequency": FS_HZ, "transducer": "", "prefilter": ""},
        **{"physical_min": -20, "physical_max": 20, "digital_min": -32768, "digital_max": 32767},
    }
    with pyedflib.EdfWriter(str(path), 1, pyedflib.FILETYPE_EDFPLUS) as writer:
        writer.setSignalHeader(0, about)
        for first in range(0, len(ecg_mv), n_each):
            writer.writePhysicalSamples(ecg_mv[first : first + n_each].astype(np.float64))
    return path


def _csv(folder: Path, ecg_mv: np.ndarray) -> Path:
    import pyarrow as pa
    from pyarrow import csv

    time_s = np.round(np.arange(len(ecg_mv)) / FS_HZ, 3)
    table = pa.table({"time_s": time_s, f"{LEAD} (mV)": np.round(ecg_mv.astype(np.float64), 3)})
    csv.write_csv(table, folder / "table.csv")
    return folder / "table.csv"


def _npy(folder: Path, ecg_mv: np.ndarray) -> Path:
    np.save(folder / "array.npy", ecg_mv)
    return folder / "array.npy"


if __name__ == "__main__":
    raise SystemExit(main())
