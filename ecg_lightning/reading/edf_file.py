"""An EDF or EDF+ file of a user: its header is checked against its size first, then the wanted leads alone are read.

Source:
    Kemp et al., Electroenceph clin Neurophysiol 82:391-393 (1992); Kemp and Olivan, Clin Neurophysiol 114:1755 (2003);
    https://www.edfplus.info/specs/edfplus.html
"""

import calendar
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ecg_lightning.dsp.pieces import spans
from ecg_lightning.reading.lead_names import choose
from ecg_lightning.reading.persons import person_of_edf
from ecg_lightning.reading.said import Raw, Said, agreed_fs_hz
from ecg_lightning.reading.units import factor, unit_of
from ecg_lightning.structures import BadRecord

HEAD = 256  # bytes of the header, and of what it says of each signal
ANNOTATIONS = "EDF Annotations"
LOST = -(1 << 15)  # what recorders write for a lost sample, where the header says that no value is so low
FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # bytes: label, transducer, unit, limits, ..., samples
LATE = 0.01  # of a block: what follows a block this much later or earlier than it should is a gap


@dataclass(frozen=True)
class Lane:
    """One signal: what a digital value is worth, and where it stands in every block."""

    label: str
    unit: str
    physical: tuple[float, float]  # at the digital limits
    digital: tuple[int, int]
    first: int  # value of each block
    n_each: int


@dataclass(frozen=True)
class Head:
    """A header that agrees with the size of its file."""

    n_bytes: int
    n_blocks: int
    block_s: float
    lanes: tuple[Lane, ...]
    begin: datetime | None
    patient: str
    broken: bool  # EDF+D: blocks need not follow one another
    notes: tuple[str, ...]

    @property
    def n_values(self) -> int:
        """Of a block."""
        return sum(lane.n_each for lane in self.lanes)


def read(path: Path, wanted: Sequence[str], said: Said) -> Raw:
    """Read the wanted leads; annotations and other signals are left alone.

    Raises:
        BadRecord: as `recordings_in.read_recording`.
    """
    record = path.stem
    head = _head(record, path)
    signals = [lane for lane in head.lanes if lane.label != ANNOTATIONS]
    named_ecg = [k for k, lane in enumerate(signals) if lane.label.lower().startswith(("ecg", "ekg"))]
    chosen = choose(record, [lane.label for lane in signals], wanted, said.leads, named_ecg)
    lanes = [signals[place] for place in chosen.places]
    units = tuple(unit_of(record, lane.label, lane.unit, said.units) for lane in lanes)
    if len({lane.n_each for lane in lanes}) > 1:
        raise BadRecord(f"record {record}: the wanted leads have several sampling rates: resample them to one")
    for lane in lanes:
        _check_limits(record, lane)
    fs_hz = agreed_fs_hz(record, lanes[0].n_each / head.block_s, said.fs_hz)
    blocks = np.memmap(path, "<i2", "r", head.n_bytes, (head.n_blocks, head.n_values))
    notes = head.notes + (_together(record, head, blocks) if head.broken else ())
    ecg = np.empty((len(lanes), head.n_blocks * lanes[0].n_each), np.float32)
    for row, lane, unit in zip(ecg, lanes, units, strict=True):
        for first, last in spans(head.n_blocks, head.n_values):
            some = blocks[first:last, lane.first : lane.first + lane.n_each].ravel()
            row[first * lane.n_each : last * lane.n_each] = _physical(some, lane) * factor(unit)
    return Raw(
        name=record,
        ecg=ecg,
        leads=chosen.leads,
        units=units,
        fs_hz=fs_hz,
        notes=chosen.notes + notes,
        synthetic="synthetic:" in head.patient,
        person=person_of_edf(head.patient, head.begin),
        begin_s=float(calendar.timegm(head.begin.timetuple())) if head.begin else math.nan,
    )


def _head(record: str, path: Path) -> Head:
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(HEAD).decode("latin-1")
        if size < HEAD or first[:8].strip() != "0":
            raise BadRecord(f"record {record}: {path.name} is no EDF file: it does not begin as one, or is cut short")
        try:
            n_bytes, n_signals = int(first[184:192]), int(first[252:256])
            n_blocks, block_s = int(first[236:244]), float(first[244:252])
            if n_signals < 1 or n_bytes != HEAD * (n_signals + 1) or n_bytes > size:
                raise BadRecord(
                    f"record {record}: the header says {n_bytes} bytes for {n_signals} signals in a file of {size}"
                )
            lanes = _lanes(file.read(n_bytes - HEAD).decode("latin-1"), n_signals)
        except (ValueError, OverflowError) as error:
            wrong = error if isinstance(error, BadRecord) else BadRecord(f"record {record}: its header: {error}")
            raise wrong from None
    if not 0 < block_s < math.inf or min(lane.n_each for lane in lanes) < 0 or not any(lane.n_each for lane in lanes):
        raise BadRecord(f"record {record}: the header says blocks of {block_s:g} s, which gives no sampling rate")
    n_held, rest = divmod(size - n_bytes, 2 * sum(lane.n_each for lane in lanes))
    notes: tuple[str, ...] = ()
    if n_blocks == -1:  # the recorder was stopped before it wrote how many
        n_blocks, notes = n_held, (f"the header does not say how long it is; {n_held * block_s:g} s are there",)
    if n_blocks < 1 or n_blocks != n_held or rest:
        raise BadRecord(
            f"record {record}: the header promises {n_blocks} blocks of {block_s:g} s, {path.name} holds "
            f"{n_held}{' and a part' if rest else ''}: copy the file again"
        )
    begin = _begin(first[168:184])
    return Head(n_bytes, n_blocks, block_s, lanes, begin, first[8:88].strip(), first[192:197] == "EDF+D", notes)


def _lanes(text: str, n_signals: int) -> tuple[Lane, ...]:
    columns, at = [], 0
    for width in FIELDS:
        columns.append([text[at + k * width : at + (k + 1) * width].strip() for k in range(n_signals)])
        at += width * n_signals
    labels, _, units, low, high, least, most, _, counts, _ = columns
    n_each = [int(count) for count in counts]
    firsts = np.cumsum([0, *n_each]).tolist()
    return tuple(
        Lane(
            labels[k],
            units[k],
            (float(low[k]), float(high[k])),
            (int(float(least[k])), int(float(most[k]))),
            firsts[k],
            n_each[k],
        )
        for k in range(n_signals)
    )


def _begin(text: str) -> datetime | None:
    """Of "dd.mm.yyhh.mm.ss"; years from 85 on are those of the last century."""
    try:
        day, month, year = (int(part) for part in text[:8].split("."))
        hour, minute, second = (int(part) for part in text[8:].split("."))
        return datetime(year + (1900 if year >= 85 else 2000), month, day, hour, minute, second)
    except ValueError:
        return None


def _check_limits(record: str, lane: Lane) -> None:
    if lane.n_each < 1:
        raise BadRecord(f"record {record}: signal {lane.label} has no samples")
    if lane.digital[0] >= lane.digital[1] or lane.physical[0] == lane.physical[1]:
        raise BadRecord(
            f"record {record}: signal {lane.label} runs from {lane.physical[0]:g} to {lane.physical[1]:g} {lane.unit} "
            f"for {lane.digital[0]} to {lane.digital[1]}, which gives no scale"
        )
    if not all(map(math.isfinite, lane.physical)):
        raise BadRecord(f"record {record}: signal {lane.label} has limits that are no numbers")


def _physical(digital: np.ndarray, lane: Lane) -> Float[np.ndarray, " time"]:
    (low, high), (least, most) = lane.physical, lane.digital
    physical = low + (digital.astype(np.float64) - least) * ((high - low) / (most - least))
    return np.where(digital == LOST, np.nan, physical) if least > LOST else physical


def _together(record: str, head: Head, blocks: np.ndarray) -> tuple[str, ...]:
    """Say that the blocks of a file that may have gaps follow one another.

    Raises:
        BadRecord: they do not, or do not say when they begin.
    """
    lane = next((lane for lane in head.lanes if lane.label == ANNOTATIONS), None)
    if lane is None:
        raise BadRecord(f"record {record}: EDF+D without {ANNOTATIONS}, so nobody knows where its gaps are")
    try:
        begin_s = np.array([_onset(block[lane.first : lane.first + lane.n_each].tobytes()) for block in blocks])
    except ValueError:
        raise BadRecord(f"record {record}: EDF+D, but a block does not say when it begins") from None
    off_s = np.diff(begin_s) - head.block_s
    gaps = np.flatnonzero(np.abs(off_s) > LATE * head.block_s)
    if len(gaps):
        raise BadRecord(
            f"record {record}: EDF+D with {len(gaps)} gaps, the first of {off_s[gaps[0]]:.3g} s at "
            f"{begin_s[gaps[0]] - begin_s[0] + head.block_s:.3g} s: export each stretch as a file of its own"
        )
    return ("EDF+D, but its blocks follow one another without a gap",)


def _onset(content: bytes) -> float:
    """When a block begins, from its first time stamp, e.g. "+12.5" before two bytes 20."""
    return float(content.split(b"\x14", 1)[0].decode("ascii"))
