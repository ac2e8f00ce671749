"""Read one WFDB record: header, signals, beats. Nothing is believed before it is checked.

`wfdb` reads a sampling rate of 0, takes a gain of 0 for 200 and allocates whatever length the header names.
So the header is parsed and compared with the size of its signal file here, before `wfdb` opens either.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.structures import BadRecord

# wfdb takes half a second to import, so it is imported where samples are read: a warm cache needs headers only.

AAMI_BEATS = frozenset("NLRejAaJSVEF/fQ")
"""Annotation symbols that are heart beats. Source: ANSI/AAMI EC57; every other WFDB symbol is no beat."""

_SKIP, _TEXT = 59, 63  # codes of annotation words that are none: a long interval, a text; those between say more of one
_BITS = {"212": 12, "16": 16}  # of one sample, by storage format; the lowest value marks an invalid sample


@dataclass(frozen=True)
class LeadHeader:
    """One signal line of a header."""

    name: str
    file: str
    format: str
    gain_per_mv: float
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
    def synthetic(self) -> bool:
        return any(comment.startswith("synthetic:") for comment in self.comments)


def read_header(folder: Path, record: str, fs_hz: float) -> Header:
    """Read and check `<folder>/<record>.hea`, without reading a sample.

    Args:
        folder: where the record's files are.
        record: the record's name.
        fs_hz: the sampling rate that the corpus is known to have.

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
        leads = tuple(_signal_line(record, line) for line in lines[1:])
    except ValueError as error:
        raise error if isinstance(error, BadRecord) else BadRecord(f"record {record}: {path.name}: {error}") from error
    if found_hz != fs_hz:
        raise BadRecord(f"record {record}: sampling rate {found_hz:g} Hz in {path.name}, expected {fs_hz:g} Hz")
    if n_samples < 1:
        raise BadRecord(f"record {record}: {n_samples} samples in {path.name}, expected at least 1")
    if len(leads) != n_leads or not leads:
        raise BadRecord(f"record {record}: {path.name} promises {n_leads} leads and describes {len(leads)}")
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


def _signal_line(record: str, line: str) -> LeadHeader:
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
    if (unit or "mV") != "mV":
        raise BadRecord(f"record {record}: unit {unit} of lead {name} is not mV")
    gain_per_mv = float(gain)
    if not 0 < gain_per_mv < math.inf:
        raise BadRecord(f"record {record}: gain {gain} of lead {name} must be above 0 units per mV")
    return LeadHeader(name, file, storage, gain_per_mv, int(baseline.rstrip(")") or zero), int(checksum) % 65536)


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
        wanted: each a name ("MLII"), alternatives in order of preference ("MLII|V5") or a pattern ("V*").

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
            if place not in chosen and fnmatchcase(name, pattern.strip())
        ]
        if not fits:
            raise BadRecord(
                f"record {record}: no lead {want} among {', '.join(names)}; "
                f"leave the record out, or name another lead or alternatives such as '{want}|{names[0]}'"
            )
        chosen.append(fits[0])
    return tuple(chosen)


def read_ecg(folder: Path, header: Header, places: Sequence[int]) -> Float[np.ndarray, "lead time"]:
    """Read the leads at `places` (see `choose_leads`), in millivolts, float32.

    Raises:
        BadRecord: a sample is marked invalid, a lead never changes, or the values do not sum to the header's checksum.
    """
    import wfdb

    read = wfdb.rdrecord(str(folder / header.record), channels=list(places), physical=False, return_res=16)
    ecg_mv = np.empty((len(places), header.n_samples), np.float32)
    for row, place in enumerate(places):
        lead = header.leads[place]
        digital = np.ascontiguousarray(read.d_signal[:, row], np.int16)
        _check_lead(header.record, lead, digital)
        np.subtract(digital, np.float32(lead.baseline), out=ecg_mv[row])
        ecg_mv[row] /= np.float32(lead.gain_per_mv)
    return ecg_mv


def _check_lead(record: str, lead: LeadHeader, digital: Int[np.ndarray, " time"]) -> None:
    lowest, highest = int(digital.min()), int(digital.max())
    invalid = -(1 << (_BITS[lead.format] - 1))
    if lowest == invalid:
        first = int(np.argmin(digital))
        raise BadRecord(f"record {record}: lead {lead.name} has invalid samples (NaN), the first is sample {first}")
    if lowest == highest:
        raise BadRecord(f"record {record}: lead {lead.name} is flat: every sample is {lowest}")
    checksum = int(digital.sum(dtype=np.int64)) % 65536
    if checksum != lead.checksum:
        raise BadRecord(
            f"record {record}: lead {lead.name} sums to {checksum}, the header says {lead.checksum}: a file has changed"
        )


def read_beats(
    folder: Path, header: Header, extension: str = "atr"
) -> tuple[Int[np.ndarray, " beat"], tuple[str, ...]]:
    """Read where the beats are and what they are called; annotations that are no beat are left out.

    Returns:
        The sample of every R peak, ascending, and the symbol of every beat.

    Raises:
        BadRecord: the file is missing, cut short or unreadable, or its symbols or their order make no sense.

    Source:
        https://physionet.org/physiotools/wag/annot-5.htm
    """
    sample, code = _read_annotations(folder, header.record, extension)
    symbols = _symbols()
    if unknown := sorted(set(code.tolist()) - symbols.keys()):
        raise BadRecord(f"record {header.record}: annotation codes {unknown} in .{extension} are unknown to WFDB")
    if (np.diff(sample) < 0).any():
        raise BadRecord(f"record {header.record}: annotations in .{extension} are not in ascending order")
    if len(sample) and not 0 <= sample[0] <= sample[-1] < header.n_samples:
        raise BadRecord(
            f"record {header.record}: annotations in .{extension} lie at samples {sample[0]} to {sample[-1]}, "
            f"outside the record's 0 to {header.n_samples - 1}"
        )
    symbol = np.array([symbols[one] for one in code.tolist()], dtype=object)
    beat = np.array([one in AAMI_BEATS for one in symbol], dtype=bool)
    peak_sample = sample[beat]
    if not len(peak_sample):
        raise BadRecord(f"record {header.record}: no beat is annotated in .{extension}")
    if (np.diff(peak_sample) == 0).any():
        raise BadRecord(f"record {header.record}: two beats at one sample in .{extension}")
    return peak_sample, tuple(symbol[beat])


def _symbols() -> dict[int, str]:
    """WFDB's annotation symbol by stored code."""
    from wfdb.io.annotation import ann_labels

    return {label.label_store: label.symbol for label in ann_labels}


def _read_annotations(
    folder: Path, record: str, extension: str
) -> tuple[Int[np.ndarray, " annotation"], Int[np.ndarray, " annotation"]]:
    """Sample and stored code of every annotation."""
    path = folder / f"{record}.{extension}"
    if not path.is_file():
        raise BadRecord(f"record {record}: annotation file {path.name} is missing in {folder}")
    content = path.read_bytes()
    if content[-2:] != b"\0\0":  # the format's end mark; without it beats would be missing in silence
        raise BadRecord(f"record {record}: annotation file {path.name} is empty or cut short")
    try:
        return _decoded_annotations(content)
    except ValueError as error:
        raise BadRecord(f"record {record}: annotation file {path.name} is unreadable ({error})") from error


def _decoded_annotations(content: bytes) -> tuple[Int[np.ndarray, " annotation"], Int[np.ndarray, " annotation"]]:
    """Sample and stored code of every annotation in MIT format; `wfdb.rdann` gives the same, ten times slower.

    Raises:
        ValueError: an odd number of bytes, or more is announced than follows.
    """
    words = [*np.frombuffer(content, "<u2").tolist(), 0]  # one more, as an interval takes two
    n_words = len(words) - 2  # the end mark and that one
    samples, codes = [], []
    sample, at = 0, 0
    while at < n_words:
        code, value = words[at] >> 10, words[at] & 1023
        at += 1
        if code == _SKIP:
            skipped = words[at] << 16 | words[at + 1]
            sample += skipped - (1 << 32 if skipped >> 31 else 0)
            at += 2
        elif code == _TEXT:
            at += (value + 1) // 2
        elif code < _SKIP:
            sample += value
            samples.append(sample)
            codes.append(code)
    if at != n_words:
        raise ValueError("its last annotation is cut short")
    return np.array(samples, np.int64), np.array(codes, np.int64)
