"""Read one WFDB record: header, signals, beats. Nothing is believed before it is checked.

`wfdb` reads a sampling rate of 0, takes a gain of 0 for 200 and allocates whatever length the header names.
So the header is parsed and compared with the size of its signal file here, before `wfdb` opens either.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.structures import BadRecord

# wfdb takes half a second to import, so it is imported where samples are read: a warm cache needs headers only.

_BITS = {"212": 12, "16": 16}  # of one sample, by storage format; the lowest value marks an invalid sample
AGE_AND_SEX = re.compile(r"(-?\d{1,3}) ([MF])\b")  # "69 M 1085 1629 x1", first in headers of MIT-BIH; -1 is not known
_PER_MV = {"mV": 1.0, "uV": 1000.0}  # units that are read as millivolts


@dataclass(frozen=True)
class LeadHeader:
    """One signal line of a header."""

    name: str
    file: str
    format: str
    unit: str  # "mV", or "NU" where the corpus has lost the amplitude
    gain: float  # digital steps per unit
    baseline: int
    checksum: int | None  # of the digital values, modulo 65536


@dataclass(frozen=True)
class Header:
    """A header that agrees with itself and with its signal file."""

    record: str
    fs_hz: float
    n_samples: int
    leads: tuple[LeadHeader, ...]
    comments: tuple[str, ...]

    @property
    def lead_names(self) -> tuple[str, ...]:
        return tuple(lead.name for lead in self.leads)

    @property
    def unit(self) -> str:
        return self.leads[0].unit

    @property
    def synthetic(self) -> bool:
        return any(comment.startswith("synthetic:") for comment in self.comments)


def read_header(folder: Path, record: str, fs_hz: float, units: Sequence[str] = ("mV",)) -> Header:
    """Read and check `<folder>/<record>.hea`, without reading a sample.

    Args:
        folder: where the record's files are.
        record: the record's name.
        fs_hz: the sampling rate that the corpus is known to have.
        units: those that the corpus is known to have, among mV, uV (read as mV) and NU; one for all leads.

    Raises:
        BadRecord: the header is missing, empty, cut short or wrong, or its signal file is missing or of another length.

    Source:
        https://physionet.org/physiotools/wag/header-5.htm
    """
    path = folder / f"{record}.hea"
    if not path.is_file():
        raise BadRecord(f"record {record}: {path.name} is missing in {folder}")
    # ascii like wfdb, which would otherwise see other lead names than we do
    lines = [line.strip() for line in path.read_text(encoding="ascii", errors="ignore").splitlines()]
    comments = tuple(line.strip(" \t#") for line in lines if line.startswith("#"))
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise BadRecord(f"record {record}: {path.name} is empty")
    try:
        n_leads, found_hz, n_samples = _record_line(record, lines[0])
        leads = tuple(_signal_line(record, line, units) for line in lines[1:])
    except ValueError as error:
        raise error if isinstance(error, BadRecord) else BadRecord(f"record {record}: {path.name}: {error}") from error
    if found_hz != fs_hz:
        raise BadRecord(f"record {record}: sampling rate {found_hz:g} Hz in {path.name}, expected {fs_hz:g} Hz")
    if n_samples < 1:
        raise BadRecord(f"record {record}: {n_samples} samples in {path.name}, expected at least 1")
    if len(leads) != n_leads or not leads:
        raise BadRecord(f"record {record}: {path.name} promises {n_leads} leads and describes {len(leads)}")
    if len({lead.unit for lead in leads}) > 1:
        raise BadRecord(f"record {record}: {path.name} gives its leads in several units, expected one")
    header = Header(record, found_hz, n_samples, leads, comments)
    _check_length(folder, header)
    return header


def _record_line(record: str, line: str) -> tuple[int, float, int]:
    """Number of leads, sampling rate, samples per lead."""
    fields = line.split()
    if len(fields) < 4:
        raise BadRecord(
            f"record {record}: the header's first line is cut short ({line!r}), expected name, leads, rate and length"
        )
    if fields[0] != record:
        raise BadRecord(f"record {record}: the header is that of {fields[0]!r} (several segments are not read)")
    return int(fields[1]), float(fields[2].split("/")[0]), int(fields[3])


def _signal_line(record: str, line: str, units: Sequence[str]) -> LeadHeader:
    fields = line.split(maxsplit=8)
    if len(fields) < 9:
        raise BadRecord(f"record {record}: a signal line of the header is cut short ({line!r}), expected 9 fields")
    file, storage, scale, _, zero, _, checksum, _, name = fields
    if storage not in _BITS:
        raise BadRecord(f"record {record}: storage format {storage} of lead {name} is not among {', '.join(_BITS)}")
    if Path(file).name != file:
        raise BadRecord(f"record {record}: signal file {file!r} is not in the record's own folder")
    scale, _, unit = scale.partition("/")
    gain, _, baseline = scale.partition("(")
    unit = unit or "mV"
    if unit not in units:
        raise BadRecord(f"record {record}: unit {unit} of lead {name} is not {' or '.join(units)}")
    steps = float(gain) * _PER_MV.get(unit, 1.0)
    if not 0 < steps < math.inf:
        raise BadRecord(f"record {record}: gain {gain} of lead {name} must be above 0 units per {unit}")
    unit = "mV" if unit in _PER_MV else unit
    return LeadHeader(name, file, storage, unit, steps, int(baseline.rstrip(")") or zero), int(checksum) % 65536)


def _check_length(folder: Path, header: Header) -> None:
    """Compare the header's length with the size of every signal file it names."""
    for (file, storage), n_leads in Counter((lead.file, lead.format) for lead in header.leads).items():
        path = folder / file
        if not path.is_file():
            raise BadRecord(f"record {header.record}: signal file {file} is missing in {folder}")
        n_bytes, n_values = path.stat().st_size, n_leads * header.n_samples
        least = math.ceil(n_values * _BITS[storage] / 8)
        most = 3 * math.ceil(n_values / 2) if storage == "212" else least  # 212 packs two samples in three bytes
        if not least <= n_bytes <= most:
            held = n_bytes * 8 // _BITS[storage] // n_leads
            raise BadRecord(
                f"record {header.record}: the header promises {header.n_samples} samples per lead, {file} holds {held}"
            )


def choose_leads(record: str, names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """Find the wanted leads by name.

    Args:
        record: for the message.
        names: the record's leads, in its own order.
        wanted: each a name ("MLII"), alternatives in order of preference ("MLII|V5") or a pattern ("V*"); "aVR" and
            "AVR" are one lead.

    Returns:
        For each wanted lead, the place in names; no place twice.

    Raises:
        BadRecord: the record has no such lead.
    """
    chosen: list[int] = []
    for want in wanted:
        fits = [
            place
            for pattern in want.split("|")
            for place, name in enumerate(names)
            if place not in chosen and fnmatchcase(name.lower(), pattern.strip().lower())
        ]
        if not fits:
            raise BadRecord(
                f"record {record}: no lead {want} among {', '.join(names)}; "
                f"leave the record out, or name another lead, or several of which one will do ('MLII|V5')"
            )
        chosen.append(fits[0])
    return tuple(chosen)


def read_ecg(
    folder: Path, header: Header, places: Sequence[int], flat_leads: bool = False
) -> Float[np.ndarray, "lead time"]:
    """Read the leads at `places` (see `choose_leads`), in the header's unit, float32.

    Args:
        folder: where the record's files are.
        header: of the record.
        places: of the wanted leads.
        flat_leads: whether a lead that never changes is taken as it is, as long as another one changes.

    Raises:
        BadRecord: a sample is marked invalid, a lead never changes, or the values do not sum to the header's checksum.
    """
    leads = [header.leads[place] for place in places]
    digital = _digital(folder, header, places)
    for lead, row in zip(leads, digital, strict=True):
        _check_lead(header.record, lead, row)
    changes = (digital != digital[:, :1]).any(axis=1)
    if not (changes.any() if flat_leads else changes.all()):
        flat = int(changes.argmin())
        raise BadRecord(f"record {header.record}: lead {leads[flat].name} is flat: every sample is {digital[flat, 0]}")
    baseline = np.array([lead.baseline for lead in leads], np.float32)
    gain = np.array([lead.gain for lead in leads], np.float32)
    ecg = digital - baseline[:, None]
    ecg /= gain[:, None]
    return ecg


def _digital(folder: Path, header: Header, places: Sequence[int]) -> Int[np.ndarray, "lead time"]:
    """The values as they are stored, int16."""
    if any(header.leads[place].format != "16" for place in places):
        import wfdb

        read = wfdb.rdrecord(str(folder / header.record), channels=list(places), physical=False, return_res=16)
        return np.ascontiguousarray(read.d_signal.T, np.int16)
    digital = np.empty((len(places), header.n_samples), np.int16)
    for file in {header.leads[place].file for place in places}:
        within = [place for place, lead in enumerate(header.leads) if lead.file == file]
        frames = np.fromfile(folder / file, "<i2").reshape(header.n_samples, len(within))
        for row, place in enumerate(places):
            if place in within:
                digital[row] = frames[:, within.index(place)]
    return digital


def _check_lead(record: str, lead: LeadHeader, digital: Int[np.ndarray, " time"]) -> None:
    invalid = -(1 << (_BITS[lead.format] - 1))
    if int(digital.min()) == invalid:
        first = int(np.argmin(digital))
        raise BadRecord(f"record {record}: lead {lead.name} has invalid samples (NaN), the first is sample {first}")
    checksum = int(digital.sum(dtype=np.int64)) % 65536
    if checksum != lead.checksum:
        raise BadRecord(
            f"record {record}: lead {lead.name} sums to {checksum}, the header says {lead.checksum}: a file has changed"
        )
