"""Read the csv files of D1NAMO's chest belt: one column of numbers, cut where the clock says that rows are missing.

A file has up to ten million rows. Their times are not parsed: a few thousand rows are looked up by their place in the
file, and only where time has passed without rows is the gap searched for, by halves.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.structures import BadRecord

# pyarrow takes a while to import, so it is imported where samples are read: a warm cache needs none.

MOST_12_BITS = 4095
MOST_G = 16.0  # of the accelerometer behind Activity; the belt writes larger numbers where it has none
STEP = 4096  # rows between two that are looked up, 16 s of ECG
JITTER = 1.5  # periods by which a row may be early or late; beyond it a row is missing
DRIFT = 0.002  # of the rate: more would put the end of a day's recording minutes from its readings of glucose
UNLIKE = 0.1  # of the period: its rows are of another rate, not of one that drifts
N_NEIGHBOURS = 99  # rows that are compared with the next one
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d{4}) (\d\d:\d\d:\d\d\.\d{3}),", re.ASCII)
_TIME_BYTES = 24
_EDGE_BYTES = 4096  # holds the header and a row, also of Summary with its 35 columns
_CHUNK_BYTES = 1 << 22


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rows that follow one another without a gap.

    Args:
        begin_s: clock of the first row, in seconds since 1970.
        value: one per row; NaN where the cell is empty.
    """

    begin_s: float
    value: Float[np.ndarray, " time"]


@dataclass(frozen=True, eq=False)
class _Rows:
    """A file and where its lines end; row 0 is the line below the header."""

    record: str
    path: Path
    text: np.ndarray
    end: Int[np.ndarray, " line"]

    def __len__(self) -> int:
        return len(self.end) - 1

    def time_ms(self, row: int) -> int:
        begin = int(self.end[row]) + 1
        return _time_ms(self.record, f"{self.path.name}, line {row + 2}", self.text[begin : begin + _TIME_BYTES])

    def bad(self, row: int, words: str) -> BadRecord:
        return BadRecord(f"record {self.record}: {self.path.name}, line {row + 2}: {words}")


def read_ecg(record: str, path: Path, fs_hz: float) -> list[Stretch]:
    """Read the unbroken stretches of an ECG, in digital steps.

    Args:
        record: for messages.
        path: of a csv file with the columns Time and EcgWaveform.
        fs_hz: the sampling rate that the corpus is known to have.

    Raises:
        BadRecord: the file is empty, has other columns or another rate, a value is not of 12 bits, or time goes back.
    """
    rows = _rows(record, path)
    value = _column(rows, "EcgWaveform")
    wrong = ~((value >= 0) & (value <= MOST_12_BITS) & (value == np.floor(value)))
    if wrong.any():
        row = int(wrong.argmax())
        raise rows.bad(row, f"EcgWaveform={value[row]:g} is no whole number from 0 to {MOST_12_BITS} (12 bits)")
    return _cut(rows, value, fs_hz)


def read_breathing(record: str, path: Path, fs_hz: float) -> list[Stretch]:
    """Read the unbroken stretches of the breathing waveform, in its own steps; NaN where a cell is empty.

    Raises:
        BadRecord: as `read_ecg`.
    """
    rows = _rows(record, path)
    return _cut(rows, _column(rows, "BreathingWaveform"), fs_hz)


def read_activity(record: str, path: Path, fs_hz: float) -> list[Stretch]:
    """Read the unbroken stretches of the column Activity, in g; NaN where it was not measured.

    Raises:
        BadRecord: as `read_ecg`.
    """
    rows = _rows(record, path)
    value = _column(rows, "Activity")
    return _cut(rows, np.where((value >= 0) & (value <= MOST_G), value, np.float32(np.nan)), fs_hz)


def resampled(stretches: Sequence[Stretch], begin_s: float, n_samples: int, fs_hz: float) -> Float[np.ndarray, " time"]:
    """Lay stretches on a grid that begins at another time; NaN where none of them lies.

    Args:
        stretches: of one signal, at fs_hz.
        begin_s: of the grid, by the same clock.
        n_samples: of the grid.
        fs_hz: of both.
    """
    value = np.full(n_samples, np.nan, np.float32)
    for stretch in stretches:
        place = round((stretch.begin_s - begin_s) * fs_hz)
        first, last = max(place, 0), min(place + len(stretch.value), n_samples)
        if first < last:
            value[first:last] = stretch.value[first - place : last - place]
    return value


def span_s(record: str, path: Path) -> tuple[float, float]:
    """Times of the first and the last row, in seconds since 1970, from the two ends of the file.

    Raises:
        BadRecord: the file has no row, or one of the two has no time.
    """
    with path.open("rb") as file:
        head = file.read(_EDGE_BYTES).splitlines()
        file.seek(max(0, path.stat().st_size - _EDGE_BYTES))
        tail = file.read().splitlines()
    if len(head) < 2:
        raise _empty(record, path)
    return (
        _time_ms(record, f"{path.name}, line 2", head[1]) / 1000,
        _time_ms(record, f"{path.name}, last line", tail[-1]) / 1000,
    )


def _rows(record: str, path: Path) -> _Rows:
    if not path.stat().st_size:
        raise _empty(record, path)
    text = np.memmap(path, np.uint8, mode="r")
    found = [np.flatnonzero(text[a : a + _CHUNK_BYTES] == ord("\n")) + a for a in range(0, len(text), _CHUNK_BYTES)]
    end = np.concatenate([*found, [] if text[-1] == ord("\n") else [len(text)]]).astype(np.int64)
    if len(end) < 2:
        raise _empty(record, path)
    return _Rows(record, path, text, end)


def _empty(record: str, path: Path) -> BadRecord:
    return BadRecord(f"record {record}: {path.name} has no rows: unpack it again, or remove its folder")


def _column(rows: _Rows, name: str) -> Float[np.ndarray, " time"]:
    """One number per row, NaN where the cell is empty."""
    import pyarrow as pa
    from pyarrow import csv

    header = rows.text[: rows.end[0]].tobytes().decode("ascii", errors="replace").strip()
    if header.split(",")[0] != "Time" or name not in header.split(","):
        raise rows.bad(-1, f"the header is {header[:60]!r}, expected Time first and a column {name}")
    try:
        table = csv.read_csv(
            rows.path,
            read_options=csv.ReadOptions(use_threads=False),  # the store reads several files at once
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(include_columns=[name], column_types={name: pa.float32()}),
        )
    except pa.ArrowInvalid as error:
        raise BadRecord(f"record {rows.record}: {rows.path.name} cannot be read: {error}") from error
    if len(table) != len(rows):
        raise BadRecord(
            f"record {rows.record}: {rows.path.name} has {len(rows)} lines but {len(table)} rows: unpack it again"
        )
    return table.column(0).to_numpy()


def _cut(rows: _Rows, value: Float[np.ndarray, " time"], fs_hz: float) -> list[Stretch]:
    edges = [0, *_gaps(rows, 1000 / fs_hz), len(rows)]
    return [Stretch(rows.time_ms(first) / 1000, value[first:last]) for first, last in pairwise(edges)]


def _gaps(rows: _Rows, period_ms: float) -> Iterator[int]:
    """Rows that come later than those before them would have it."""
    _check_period(rows, period_ms)
    checks = [*range(0, len(rows) - 1, STEP), len(rows) - 1]
    for first, last in pairwise(checks):
        lost_ms = _lost_ms(rows, first, last, period_ms)
        for gap in _gaps_between(rows, first, last, period_ms):
            yield gap
            lost_ms -= _lost_ms(rows, gap - 1, gap, period_ms)
        most_ms = JITTER * period_ms + DRIFT * period_ms * (last - first)
        if abs(lost_ms) > most_ms:
            found_ms = period_ms + lost_ms / (last - first)
            raise rows.bad(first, f"from here to line {last + 2} rows are {found_ms:.4g} ms apart, not {period_ms:g}")


def _check_period(rows: _Rows, period_ms: float) -> None:
    """Compare neighbours all over the file, so that a file of another rate is not taken for a file of gaps."""
    places = np.linspace(0, len(rows) - 2, min(len(rows) - 1, N_NEIGHBOURS)).astype(int)
    apart_ms = [rows.time_ms(int(row) + 1) - rows.time_ms(int(row)) for row in places]
    if apart_ms and abs(float(np.median(apart_ms)) / period_ms - 1) > UNLIKE:
        raise BadRecord(
            f"record {rows.record}: rows of {rows.path.name} are {np.median(apart_ms):g} ms apart, "
            f"expected {period_ms:g} ms ({1000 / period_ms:g} Hz)"
        )


def _gaps_between(rows: _Rows, first: int, last: int, period_ms: float) -> Iterator[int]:
    """Search by halves for neighbours with time missing between them."""
    lost_ms = _lost_ms(rows, first, last, period_ms)
    if abs(lost_ms) <= JITTER * period_ms:
        return
    if last - first > 1:
        middle = (first + last) // 2
        yield from _gaps_between(rows, first, middle, period_ms)
        yield from _gaps_between(rows, middle, last, period_ms)
    elif lost_ms > 0:
        yield last
    else:
        back_s = (rows.time_ms(first) - rows.time_ms(last)) / 1000
        raise rows.bad(last, f"time goes back by {back_s:g} s: the clock was set, or rows are repeated")


def _lost_ms(rows: _Rows, first: int, last: int, period_ms: float) -> float:
    """Time between two rows beyond that of the rows between them."""
    return rows.time_ms(last) - rows.time_ms(first) - (last - first) * period_ms


def _time_ms(record: str, where: str, text: np.ndarray | bytes) -> int:
    """Milliseconds since 1970 of `dd/mm/YYYY HH:MM:SS.fff,` by the recorder's own clock, at the beginning of a line."""
    line = bytes(text[:_TIME_BYTES]).decode("ascii", errors="replace")
    found = _TIME.fullmatch(line)
    try:
        clock = datetime.fromisoformat(found.expand(r"\3-\2-\1T\4+00:00")) if found else None
    except ValueError:  # a 13th month, say
        clock = None
    if clock is None:
        raise BadRecord(f"record {record}: {where}: time {line.split(',')[0]!r} is not dd/mm/YYYY HH:MM:SS.fff")
    return round(clock.timestamp() * 1000)
