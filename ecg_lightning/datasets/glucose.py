"""Read a table of glucose readings: date,time,glucose,type,comments, one row per reading."""

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from ecg_lightning.structures import BadRecord, Refused

PER_MMOL_L: Mapping[str, float] = MappingProxyType({"mmol/L": 1.0, "mg/dL": 18.016})  # glucose has 180.16 g/mol
UNLIKELY = 30.0  # a median above it is no mmol/L, and below it no mg/dL: nobody's blood holds so much, or so little
MOST_MMOL_L = 60.0  # beyond what meters show; a larger number is a slip of the pen
COLUMNS = ("date", "time", "glucose", "type", "comments")
TYPES = ("cgm", "manual")
_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, eq=False)
class Readings:
    """Glucose of one person over time.

    Args:
        time_s: of each reading, ascending, in seconds since 1970 by the person's own clock.
        mmol_l: one per reading.
        n_empty: rows without a value, which are left out.
        synthetic: a comment says that no patient stands behind it.
    """

    time_s: Float[np.ndarray, " reading"]
    mmol_l: Float[np.ndarray, " reading"]
    n_empty: int = 0
    synthetic: bool = False


def read_glucose(path: Path, unit: str, manual: bool) -> Readings:
    """Read the readings of a sensor, sorted by time.

    Args:
        path: of a csv file with the columns date (YYYY-MM-DD), time (HH:MM:SS or HH:MM), glucose, type and comments.
        unit: of its values, mmol/L or mg/dL.
        manual: also those from a finger; one of the same time as one of the sensor takes its place.

    Raises:
        BadRecord: a column is missing, a cell makes no sense, or two values of one type have the same time.
        Refused: the values are of the other unit.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file, restval="")
        if lacking := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise BadRecord(
                f"{path} has no column {', '.join(lacking)}, expected {','.join(COLUMNS)} in its first line"
            )
        cells = [(f"{path}, line {reader.line_num}", row) for row in reader]
    filled = [(where, row) for where, row in cells if row["glucose"].strip()]
    found: dict[str, dict[float, float]] = {kind: {} for kind in TYPES}
    for where, row in filled:
        clock_s, value = _clock_s(where, row), _value(where, row)
        if found[_kind(where, row)].setdefault(clock_s, value) != value:
            raise BadRecord(f"{where}: a second, other value of {row['date']} {row['time']}: was the clock set back?")
    by_time = found["cgm"] | (found["manual"] if manual else {})
    return Readings(
        time_s=np.array(sorted(by_time), np.float64),
        mmol_l=_mmol_l(path, np.array([by_time[time] for time in sorted(by_time)], np.float64), unit),
        n_empty=len(cells) - len(filled),
        synthetic=any(row["comments"].strip().lower().startswith("synthetic") for _, row in cells),
    )


def check_unit(unit: str) -> None:
    """Refuse a unit that glucose does not come in."""
    if unit not in PER_MMOL_L:
        raise ValueError(f"dataset.glucose_unit={unit} must be {' or '.join(PER_MMOL_L)}")


def _kind(where: str, row: Mapping[str, str]) -> str:
    kind = row["type"].strip().lower()
    if kind not in TYPES:
        raise BadRecord(f"{where}: type={row['type']} must be {' or '.join(TYPES)}")
    return kind


def _clock_s(where: str, row: Mapping[str, str]) -> float:
    text = f"{row['date'].strip()}T{row['time'].strip()}"
    try:
        clock = datetime.fromisoformat(text) if _CLOCK.fullmatch(text) else None
    except ValueError:  # a 13th month, say
        clock = None
    if clock is None:
        raise BadRecord(f"{where}: date={row['date']} time={row['time']} is not YYYY-MM-DD and HH:MM:SS")
    return clock.replace(tzinfo=UTC).timestamp()


def _value(where: str, row: Mapping[str, str]) -> float:
    try:
        value = float(row["glucose"])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BadRecord(f"{where}: glucose={row['glucose']} is no number above 0; an empty cell would be left out")
    return value


def _mmol_l(path: Path, value: Float[np.ndarray, " reading"], unit: str) -> Float[np.ndarray, " reading"]:
    check_unit(unit)
    mmol_l = value / PER_MMOL_L[unit]
    if not len(value):
        return mmol_l
    median = float(np.median(value))
    if (median > UNLIKELY) == (unit == "mmol/L"):
        other = next(name for name in PER_MMOL_L if name != unit)
        raise Refused(
            f"{path}: its values are not of this unit, their median is {median:g} {unit}: "
            f"set dataset.glucose_unit={other}"
        )
    if mmol_l.max() > MOST_MMOL_L:
        raise BadRecord(f"{path}: glucose={value.max():g} {unit} is more than meters show: correct or empty that cell")
    return mmol_l
