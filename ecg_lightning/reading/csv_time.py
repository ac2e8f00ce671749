"""The sampling rate that a column of time gives away: compared with what the user says, never taken in its place."""

import re
from pathlib import Path

import numpy as np

from ecg_lightning.reading.csv_layout import Layout, cells, head_lines
from ecg_lightning.structures import BadRecord

APART = 0.01  # of the rate: clocks of recorders are better
LEAST_FS_HZ, MOST_FS_HZ = 60.0, 20_000.0  # a column of plain "time" outside of it does not count seconds
GAP = 3.0  # times the usual step: a longer one is a gap
LEAST_ROWS = 50
PLAIN = re.compile(r"t|(elapsed\s*)?time|timestamps?", re.IGNORECASE)
SECONDS = re.compile(r"(.*[\s_(\[])?(s|secs?|seconds?)[)\]]?", re.IGNORECASE)
MILLISECONDS = re.compile(r"(.*[\s_(\[])?(ms|msecs?|milliseconds?)[)\]]?", re.IGNORECASE)


def check(record: str, path: Path, found: Layout, names: tuple[str, ...], said_hz: float | None) -> float:
    """The rate that the user says, if no column of time contradicts it.

    Args:
        record: for the message.
        path: of the table.
        found: how it is written.
        names: of its columns.
        said_hz: by the user.

    Raises:
        BadRecord: nothing is said, or the first rows of a column of time in seconds or milliseconds say otherwise.
    """
    fits = {name: hz for k, name in enumerate(names) if (hz := _fs_hz(path, found, name, k)) is not None}
    column, hz = next(iter(fits.items()), ("", None))
    if said_hz is None:
        hint = "" if hz is None else f"; its column {column} fits {hz:.4g} Hz: say --fs-hz {hz:.4g}"
        raise BadRecord(f"record {record}: {path.name} says no sampling rate{hint or ': say --fs-hz'}")
    if hz is not None and abs(said_hz - hz) > APART * hz:
        raise BadRecord(
            f"record {record}: --fs-hz is {said_hz:g}, but its column {column} fits {hz:.4g} Hz: say --fs-hz {hz:.4g}, "
            f"or take the column out if it is wrong"
        )
    return said_hz


def _fs_hz(path: Path, found: Layout, name: str, column: int) -> float | None:
    """By the first rows; None where the unit is not clear, the rows are few or rounded, or time runs backwards."""
    said = f"{name} ({found.units[column]})" if found.units[column] else name
    plain = PLAIN.fullmatch(said) is not None
    in_s = 1e-3 if MILLISECONDS.fullmatch(said) else 1.0 if plain or SECONDS.fullmatch(said) else None
    if in_s is None:
        return None
    step_s = np.diff(_numbers(path, found, column)) * in_s
    if len(step_s) < LEAST_ROWS or not (step_s >= 0).all() or not step_s.any():
        return None
    least_s = step_s[step_s > 0].min()
    kept_s = step_s[step_s <= GAP * max(float(np.median(step_s)), least_s)]
    if least_s > APART * kept_s.sum():  # rounded more than can be told
        return None
    hz = len(kept_s) / float(kept_s.sum())
    hz = float(round(hz)) if abs(hz - round(hz)) <= hz * least_s / kept_s.sum() else hz  # no more than can be told
    return hz if not plain or LEAST_FS_HZ <= hz <= MOST_FS_HZ else None


def _numbers(path: Path, found: Layout, column: int) -> np.ndarray:
    """Of the first rows; none where a cell is no number."""
    rows = [cells(line, found.separator) for line in head_lines(path)[found.n_before :] if line.strip()]
    try:
        return np.array([float(row[column].replace(found.decimal, ".")) for row in rows])
    except (ValueError, IndexError):
        return np.zeros(0)
