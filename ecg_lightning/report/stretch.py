"""A few seconds of any record, read from its own files without the rest of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning.datasets import wfdb_beats
from ecg_lightning.datasets.wfdb_files import Header
from ecg_lightning.dsp import peaks
from ecg_lightning.structures import Refused

CSV_END = "_ECG.csv"  # of a file in the layout of D1NAMO
CSV_COLUMNS = "Time,EcgWaveform"
CSV_TIME = "%d/%m/%Y %H:%M:%S.%f"
CSV_LEAD, CSV_UNIT = "ECG", "NU"  # digital steps, whose size nobody tells
TWIN_NOTE, TWIN_WORDS = "README.txt", "This folder is synthetic"
RATE_ROWS = 1000  # from which the rate is read: a file names its times to the millisecond
LATE = 1.5  # periods between two rows from which on some are missing
FINE_UNITS = {"uV": 1000.0, "µV": 1000.0}  # steps per mV


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some seconds of a record, and where its beats are if that was asked for.

    Args:
        record: its name.
        ecg: one row per lead; NaN where a sample is marked invalid.
        leads: names of the rows.
        units: of the rows.
        fs_hz: sampling rate.
        start_s: of the first sample, from the record's beginning.
        beat_s: R peaks, from the record's beginning.
        symbol: of each of them; "" where they were found and not annotated.
        synthetic: as the record says of itself.
    """

    record: str
    ecg: Float[np.ndarray, "lead time"]
    leads: tuple[str, ...]
    units: tuple[str, ...]
    fs_hz: float
    start_s: float
    beat_s: tuple[float, ...] = ()
    symbol: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def stop_s(self) -> float:
        return self.start_s + self.ecg.shape[1] / self.fs_hz


@dataclass(frozen=True)
class _Known:
    """What is known of a record before a sample is read."""

    record: str
    fs_hz: float
    n_samples: int


def read_stretch(path: Path, at_s: float | None, seconds: float) -> Stretch:
    """Read some seconds of a record.

    Args:
        path: of a WFDB record, with or without .hea, or of a file <time>_ECG.csv in the layout of D1NAMO.
        at_s: where they begin, from the record's beginning; None for a place drawn by the record's name.
        seconds: how long; of a shorter record all of it.

    Raises:
        FileNotFoundError: there is no such record.
        Refused: it cannot be read, ends before, or is flat or has a gap there.
    """
    stretch = _read_csv(path, at_s, seconds) if path.suffix == ".csv" else _read_wfdb(path, at_s, seconds)
    if not (np.nanmax(stretch.ecg, axis=1, initial=-np.inf) > np.nanmin(stretch.ecg, axis=1, initial=np.inf)).any():
        raise Refused(
            f"record {stretch.record}: every lead is flat or invalid from {stretch.start_s:.1f} s to "
            f"{stretch.stop_s:.1f} s: choose another place with --at"
        )
    return stretch


def with_beats(stretch: Stretch, path: Path) -> Stretch:
    """The same with its beats: the annotated ones (.atr beside the record), else R peaks found in its first lead.

    Raises:
        BadRecord: the annotations cannot be trusted.
    """
    folder, start, n_samples = path.parent, round(stretch.start_s * stretch.fs_hz), stretch.ecg.shape[1]
    if path.suffix == ".csv" or not (folder / f"{stretch.record}.atr").is_file():
        sample, symbol = peaks.find_r_peaks(np.nan_to_num(stretch.ecg), stretch.fs_hz), None
    else:
        whole = Header(stretch.record, stretch.fs_hz, np.iinfo(np.int64).max, (), ())
        peak_sample, symbols = wfdb_beats.read_beats(folder, whole)
        here = (peak_sample >= start) & (peak_sample < start + n_samples)
        sample, symbol = peak_sample[here] - start, [symbols[beat] for beat in np.flatnonzero(here)]
    beat_s = stretch.start_s + sample / stretch.fs_hz
    return replace(stretch, beat_s=tuple(beat_s.tolist()), symbol=tuple(symbol or [""] * len(beat_s)))


def _place(known: _Known, at_s: float | None, seconds: float) -> tuple[int, int]:
    """First sample of the stretch, and how many it has."""
    n_samples = min(round(seconds * known.fs_hz), known.n_samples)
    last = known.n_samples - n_samples
    if at_s is None:
        return int(np.random.default_rng(list(known.record.encode())).integers(last + 1)), n_samples
    start = round(at_s * known.fs_hz)
    if not 0 <= start <= last:
        raise Refused(
            f"record {known.record} lasts {known.n_samples / known.fs_hz:.1f} s: --at={at_s:g} must lie between 0 and "
            f"{np.floor(10 * last / known.fs_hz) / 10:.1f} for {n_samples / known.fs_hz:g} s to follow"
        )
    return start, n_samples


def _read_wfdb(path: Path, at_s: float | None, seconds: float) -> Stretch:
    """Read the stretch alone: a header that promises too much then costs no memory."""
    import wfdb  # half a second

    path = path.with_suffix("") if path.suffix == ".hea" else path
    if not path.with_name(f"{path.name}.hea").is_file():
        raise FileNotFoundError(f"no record at {path}: there is no {path.name}.hea")
    try:
        header = wfdb.rdheader(str(path))
    except (ValueError, LookupError, AttributeError) as broken:  # as wfdb says it of a header that is none
        raise Refused(f"record {path.name}: its header cannot be read ({broken}): copy it again") from broken
    if not header.fs or not header.sig_len or header.sig_len < 1:
        raise Refused(f"record {path.name}: its header gives it no sampling rate or no samples")
    known = _Known(path.name, float(header.fs), int(header.sig_len))
    start, n_samples = _place(known, at_s, seconds)
    try:
        read = wfdb.rdrecord(str(path), sampfrom=start, sampto=start + n_samples)
    except (ValueError, LookupError, TypeError, OSError) as broken:
        raise Refused(f"record {path.name}: its samples cannot be read ({broken}): copy it again") from broken
    fine = np.array([FINE_UNITS.get(unit, 1.0) for unit in read.units])
    units = tuple("mV" if unit in FINE_UNITS else unit for unit in read.units)
    synthetic = any(comment.strip(" #").startswith("synthetic:") for comment in read.comments)
    ecg = (read.p_signal / fine).T
    return Stretch(
        *(path.name, ecg, tuple(read.sig_name), units, known.fs_hz, start / known.fs_hz), synthetic=synthetic
    )


def _read_csv(path: Path, at_s: float | None, seconds: float) -> Stretch:
    """Read rows of a file that may have ten million, and the times of these alone."""
    name = path.name.removesuffix(CSV_END)
    if not path.is_file():
        raise FileNotFoundError(f"no record at {path}: there is no such file")
    with path.open("rb") as file:
        header = file.readline().decode("utf-8", errors="replace").strip()
        if header != CSV_COLUMNS:
            raise Refused(f"record {name}: {path.name} begins with {header[:40]!r}, expected {CSV_COLUMNS!r}")
        n_rows = sum(block.count(b"\n") for block in _blocks(file))
    first_ms, _ = _rows(path, 0, RATE_ROWS)
    if len(first_ms) < 2 or not np.median(np.diff(first_ms)) > 0:
        raise Refused(f"record {name}: {path.name} has no two rows with ascending times")
    period_ms = float(np.median(np.diff(first_ms)))
    known = _Known(name, 1000 / period_ms, n_rows)
    start, n_samples = _place(known, at_s, seconds)
    time_ms, value = _rows(path, start, n_samples)
    late = np.flatnonzero(np.diff(time_ms) > LATE * period_ms)
    if len(late):
        gap_s = float(time_ms[late[0] + 1] - time_ms[late[0]]) / 1000
        where = f"{(start + late[0]) / known.fs_hz:.1f} s"
        raise Refused(f"record {name}: {gap_s:.1f} s are missing after {where}: choose another place with --at")
    start_s, synthetic = start / known.fs_hz, _in_twin(path)
    return Stretch(name, value[None], (CSV_LEAD,), (CSV_UNIT,), known.fs_hz, start_s, synthetic=synthetic)


def _in_twin(path: Path) -> bool:
    """Whether a folder above says that all in it was made up."""
    notes = (folder / TWIN_NOTE for folder in path.resolve().parents)
    return any(note.is_file() and TWIN_WORDS in note.read_text(encoding="utf-8", errors="replace") for note in notes)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(1 << 24):
        yield block


def _rows(path: Path, start: int, n: int) -> tuple[Int[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    """Times in milliseconds and values of some rows behind the header."""
    try:
        rows = pd.read_csv(path, skiprows=1 + start, nrows=n, header=None, names=["time", "value"])
        time = pd.to_datetime(rows["time"], format=CSV_TIME)
        return time.to_numpy("datetime64[ms]").astype(np.int64), rows["value"].to_numpy(np.float64)
    except ValueError as broken:  # pandas' own errors are of this class
        where = f"rows {start} to {start + n} of {path.name}"
        raise Refused(
            f"record {path.name.removesuffix(CSV_END)}: {where} are not of a time dd/mm/YYYY HH:MM:SS.fff and a number"
        ) from broken
