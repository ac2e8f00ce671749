"""A WFDB record of a user: its header is checked first, then the wanted leads alone are read."""

import calendar
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.datasets import wfdb_beats, wfdb_files
from ecg_lightning.reading.lead_names import choose
from ecg_lightning.reading.persons import person_of_comments
from ecg_lightning.reading.said import Raw, Said, agreed_fs_hz
from ecg_lightning.reading.units import factor, unit_of
from ecg_lightning.reading.wfdb_formats import FORMATS, values
from ecg_lightning.reading.wfdb_header import Head, Line, read_head
from ecg_lightning.structures import BadRecord

N_VALUES = 4_000_000  # at a time
_RESOLUTION = re.compile(rb"## time resolution: (\d+(?:\.\d+)?)")  # a note of an annotation file with ticks of its own
_DATE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d*)?) (\d{1,2})/(\d{1,2})/(\d{4})")


def read(path: Path, wanted: Sequence[str], said: Said) -> Raw:
    """Read the wanted leads, the beats of `.atr` where there is one, and what the header says of the person.

    Raises:
        BadRecord: as `recordings_in.read_recording`.
    """
    head = read_head(path)
    chosen = choose(head.record, [line.name for line in head.lines], wanted, said.leads)
    lines = [head.lines[place] for place in chosen.places]
    units = tuple(unit_of(head.record, line.name, line.unit, said.units) for line in lines)
    frames_hz = head.fs_hz or said.fs_hz
    if frames_hz is None:
        raise BadRecord(f"record {head.record}: the header gives no sampling rate: say --fs-hz")
    if len({line.n_each for line in lines}) > 1:
        raise BadRecord(f"record {head.record}: the wanted leads have several sampling rates: resample them to one")
    n_each = lines[0].n_each
    if head.fs_hz is not None:
        agreed_fs_hz(head.record, frames_hz * n_each, said.fs_hz)
    ecg = np.empty((len(lines), head.n_frames * n_each), np.float32)
    for row, line, unit in zip(ecg, lines, units, strict=True):
        _read_lead(head, line, factor(unit), row)
    peak_sample, symbol = _beats(head, frames_hz, n_each)
    person, odd = person_of_comments(head.comments)
    return Raw(
        name=head.record,
        ecg=ecg,
        leads=chosen.leads,
        units=units,
        fs_hz=frames_hz * n_each,
        notes=chosen.notes + _notes(head, lines) + odd,
        peak_sample=peak_sample,
        symbol=symbol,
        synthetic=any(comment.startswith("synthetic:") for comment in head.comments),
        person=person,
        begin_s=_begin_s(head.date),
    )


def _notes(head: Head, lines: Sequence[Line]) -> tuple[str, ...]:
    gains = [
        f"the header gives no gain for lead {line.name}: {line.gain:g} steps per mV are taken, as WFDB has it"
        for line in lines
        if not line.calibrated
    ]
    return (*gains, *(["the header gives no sampling rate: --fs-hz is taken"] if head.fs_hz is None else []))


def _read_lead(head: Head, line: Line, mv: float, row: Float[np.ndarray, " time"]) -> None:
    """Fill a row with one lead, NaN where it is lost."""
    own, form = head.of_file(line.file), FORMATS[line.format]
    n_frame = sum(one.n_each for one in own)
    first = sum(one.n_each for one in own[: own.index(line)])
    content = np.memmap(head.folder / line.file, np.uint8, "r", offset=line.offset)
    n_at_once = max(1, N_VALUES // n_frame)
    total, before = 0, line.initial
    row[max(len(row) - line.skew * line.n_each, 0) :] = np.nan
    for frame in range(0, head.n_frames, n_at_once):
        last = min(frame + n_at_once, head.n_frames)
        found = values(content, form, frame * n_frame, last * n_frame).reshape(-1, n_frame)
        digital = found[:, first : first + line.n_each].ravel()
        if line.format == "8":
            digital = before + np.cumsum(digital, dtype=np.int64)
            before = int(digital[-1])
        total += int(digital.sum(dtype=np.int64))
        _put(row, (frame - line.skew) * line.n_each, _physical(digital, line, mv))
    if line.checksum not in (None, 0, total % 65536):  # recorders that do not compute it write 0
        raise BadRecord(
            f"record {head.record}: lead {line.name} sums to {total % 65536}, the header says {line.checksum}: a file "
            f"has changed, copy the record again"
        )


def _physical(digital: Int[np.ndarray, " time"], line: Line, mv: float) -> Float[np.ndarray, " time"]:
    physical = (digital - line.baseline) * (mv / line.gain)
    lost = FORMATS[line.format].lost
    return physical if lost is None else np.where(digital == lost, np.nan, physical)


def _put(row: Float[np.ndarray, " time"], at_sample: int, some: Float[np.ndarray, " _"]) -> None:
    """Write samples into a row, those before its beginning left out."""
    some = some[max(0, -at_sample) :]
    begin = max(0, at_sample)
    row[begin : begin + len(some)] = some[: max(0, len(row) - begin)]


def _beats(head: Head, frames_hz: float, n_each: int) -> tuple[Int[np.ndarray, " beat"], tuple[str, ...]]:
    """R peaks of the annotation file, counted in samples; none without such a file."""
    path = head.folder / f"{head.record}.atr"
    if not path.is_file():
        return np.zeros(0, np.int64), ()
    ticks = _RESOLUTION.search(path.read_bytes())
    if ticks and float(ticks[1]) != frames_hz:
        raise BadRecord(
            f"record {head.record}: {path.name} counts {float(ticks[1]):g} ticks a second, but the record has "
            f"{frames_hz:g} Hz: write it again in the record's own samples, or move it away"
        )
    known = wfdb_files.Header(head.record, frames_hz, head.n_frames, (), ())
    peak_sample, symbol = wfdb_beats.annotated(head.folder, known)
    return peak_sample * n_each, symbol


def _begin_s(date: str) -> float:
    """Seconds since 1970 by the recorder's clock; NaN where time or date is missing or none."""
    found = _DATE.fullmatch(date)
    if found is None:
        return math.nan
    hour, minute, second, day, month, year = (float(part) for part in found.groups())
    if not (hour < 24 and minute < 60 and second < 61 and 1 <= day <= 31 and 1 <= month <= 12 and year >= 1):
        return math.nan
    return calendar.timegm((int(year), int(month), int(day), int(hour), int(minute), 0)) + second
