"""The header of a WFDB record of any laboratory: every optional field may be missing, nothing is believed.

Source:
    https://physionet.org/physiotools/wag/header-5.htm
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from ecg_lightning.reading.wfdb_formats import FORMATS, n_bytes_of
from ecg_lightning.structures import BadRecord

MOST_BYTES = 1_000_000  # of a header
UNCALIBRATED = 200.0  # steps per mV where a header gives no gain, or 0. Source: header-5
MOST_STEPS = 1 << 31  # no format holds more
SPARE_BYTES = 512  # after the last sample, where a recorder fills a block
_STORAGE = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_SCALE = re.compile(r"([-+.\deE]+)(?:\((-?\d+)\))?(?:/(\S+))?")


@dataclass(frozen=True)
class Line:
    """One signal line: which file, how packed, and what a step of it is worth."""

    name: str
    file: str
    format: str
    n_each: int  # samples per frame
    skew: int  # frames by which it is late
    offset: int  # bytes before its first sample
    gain: float
    calibrated: bool
    baseline: int
    unit: str
    initial: int
    checksum: int | None


@dataclass(frozen=True)
class Head:
    """A header that agrees with itself and with its signal files."""

    record: str
    folder: Path
    fs_hz: float | None  # frames per second
    n_frames: int
    lines: tuple[Line, ...]
    date: str  # base time and date, as they are written
    comments: tuple[str, ...]

    def of_file(self, file: str) -> tuple[Line, ...]:
        """Signals that share a file, in their order."""
        return tuple(line for line in self.lines if line.file == file)


def read_head(path: Path) -> Head:
    """Read and check a header, without reading a sample.

    Raises:
        BadRecord: it is missing, empty, huge, cut short or wrong, or a signal file is missing, elsewhere or of another
            length.
    """
    record, folder = path.stem, path.parent
    if not path.is_file():
        raise BadRecord(f"record {record}: {path.name} is missing in {folder}")
    if path.stat().st_size > MOST_BYTES:
        raise BadRecord(f"record {record}: {path.name} has {path.stat().st_size:,} bytes, too many for a header")
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    comments = tuple(line.strip(" \t#") for line in lines if line.startswith("#"))
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise BadRecord(f"record {record}: {path.name} is empty")
    fields = lines[0].split()
    try:
        n_lines, fs_hz, n_frames = _record_line(record, fields)
        signals = tuple(_signal_line(record, k, line) for k, line in enumerate(lines[1:]))
    except ValueError as error:
        raise error if isinstance(error, BadRecord) else BadRecord(f"record {record}: {path.name}: {error}") from error
    if n_lines != len(signals) or not signals:
        raise BadRecord(f"record {record}: {path.name} promises {n_lines} signals and describes {len(signals)}")
    files = dict.fromkeys(line.file for line in signals)
    n_held = min(_n_frames(record, folder, signals, file, n_frames) for file in files)
    return Head(record, folder, fs_hz, n_frames or n_held, signals, " ".join(fields[4:6]), comments)


def _record_line(record: str, fields: list[str]) -> tuple[int, float | None, int]:
    """Signals, frames per second (None where not said), frames (0 where not said)."""
    if "/" in fields[0]:
        raise BadRecord(
            f"record {record}: it is split into several segments, which are not read: give the segments' own headers, "
            f"or join them with wfdb"
        )
    if len(fields) < 2:
        raise BadRecord(f"record {record}: the header's first line is cut short ({fields[0]!r})")
    fs_hz = float(re.split(r"[/(]", fields[2])[0]) if len(fields) > 2 else None
    n_frames = int(fields[3]) if len(fields) > 3 else 0
    if n_frames < 0 or (fs_hz is not None and not 0 < fs_hz < math.inf):
        raise BadRecord(f"record {record}: the header says {fs_hz:g} Hz and {n_frames} samples, which cannot be")
    return int(fields[1]), fs_hz, n_frames


def _signal_line(record: str, number: int, line: str) -> Line:
    fields = line.split(maxsplit=8)
    fields += [""] * (9 - len(fields))
    file, storage, scale, _, zero, initial, checksum, _, name = fields
    name = name.strip() or f"signal {number}"
    if Path(file).name != file or "://" in file or "\\" in file or file in ("-", "~", ".", ".."):
        raise BadRecord(f"record {record}: signal file {file!r} is not a file in the record's own folder")
    packed = _STORAGE.fullmatch(storage)
    if packed is None or packed[1] not in FORMATS:
        raise BadRecord(f"record {record}: storage format {storage!r} of {name} is not among {', '.join(FORMATS)}")
    scaled = _SCALE.fullmatch(scale or "0")
    if scaled is None:
        raise BadRecord(f"record {record}: gain {scale!r} of {name} is not a number of steps per unit")
    gain = float(scaled[1])
    if not math.isfinite(gain):
        raise BadRecord(f"record {record}: gain {scale!r} of {name} must be finite")
    n_each = int(packed[2] or 1)
    if n_each < 1:
        raise BadRecord(f"record {record}: {name} has {n_each} samples per frame")
    baseline, first = int(scaled[2] or zero or 0), int(initial or zero or 0)
    if max(abs(baseline), abs(first)) > MOST_STEPS:
        raise BadRecord(f"record {record}: baseline {baseline} or first value {first} of {name} is beyond 32 bits")
    return Line(
        name=name,
        file=file,
        format=packed[1],
        n_each=n_each,
        skew=int(packed[3] or 0),
        offset=int(packed[4] or 0),
        gain=gain or UNCALIBRATED,
        calibrated=gain != 0,
        baseline=baseline,
        unit=scaled[3] or "mV",
        initial=first,
        checksum=int(checksum) % 65536 if checksum else None,
    )


def _n_frames(record: str, folder: Path, signals: tuple[Line, ...], file: str, n_promised: int) -> int:
    """Frames that a signal file holds; it must agree with what the header promises."""
    path, own = folder / file, [line for line in signals if line.file == file]
    if not path.is_file():
        raise BadRecord(f"record {record}: signal file {file} is missing in {folder}")
    if path.resolve().parent not in (folder.resolve(), (folder / f"{record}.hea").resolve().parent):
        raise BadRecord(f"record {record}: signal file {file} is a link out of {folder}: copy the file there")
    if len({(line.format, line.offset) for line in own}) > 1:
        raise BadRecord(f"record {record}: signals of {file} are said to be packed in several ways")
    form, n_each = FORMATS[own[0].format], sum(line.n_each for line in own)
    n_bytes = max(path.stat().st_size - own[0].offset, 0)
    n_held = n_bytes * form.n_values // form.n_bytes // n_each
    least = n_bytes_of(form, n_promised * n_each)
    if n_held < 1 or n_bytes < least or (n_promised and n_bytes > least + SPARE_BYTES):
        raise BadRecord(
            f"record {record}: the header promises {n_promised} samples per signal, {file} holds {n_held}: copy the "
            f"record again"
        )
    return n_held
