"""A npy file of a user: an array of numbers and nothing else; leads, rate and unit are said by the user."""

import ast
import math
import operator
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ecg_lightning.dsp.pieces import spans
from ecg_lightning.reading.lead_names import choose
from ecg_lightning.reading.said import Raw, Said
from ecg_lightning.reading.units import factor, unit_of
from ecg_lightning.structures import BadRecord

MAGIC = b"\x93NUMPY"
MOST_BYTES = 10_000  # of a header, as numpy has it
NUMBERS = "iuf"  # kinds of numpy types


def read(path: Path, wanted: Sequence[str], said: Said) -> Raw:
    """Read the wanted leads; nothing is unpickled.

    Raises:
        BadRecord: as `recordings_in.read_recording`.
    """
    record = path.stem
    rows = _oriented(record, _array(record, path), said.leads)
    if said.fs_hz is None:
        raise BadRecord(f"record {record}: {path.name} holds no sampling rate: say --fs-hz")
    chosen = choose(record, said.leads, wanted)
    unit = unit_of(record, chosen.leads[0], "", said.units)
    ecg = np.empty((len(chosen.places), rows.shape[1]), np.float32)
    for row, place in zip(ecg, chosen.places, strict=True):
        for first, last in spans(rows.shape[1]):
            row[first:last] = rows[place, first:last].astype(np.float64) * factor(unit)
    return Raw(record, ecg, chosen.leads, (unit,) * len(ecg), said.fs_hz, chosen.notes)


def _array(record: str, path: Path) -> np.ndarray:
    """The array, mapped and not read, after its header is compared with the size of its file."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadRecord(f"record {record}: {path.name} is no npy file; pickles and archives are not opened")
        n_field = 2 if file.read(2)[:1] == b"\x01" else 4
        n_bytes = int.from_bytes(file.read(n_field), "little")
        header = file.read(min(n_bytes, MOST_BYTES))
        begin = len(MAGIC) + 2 + n_field + n_bytes
    try:
        about = ast.literal_eval(header.decode("latin-1").strip())
        dtype, shape = np.dtype(str(about["descr"])), tuple(operator.index(n) for n in about["shape"])
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
        raise BadRecord(
            f"record {record}: the header of {path.name} ({n_bytes:,} bytes) does not describe an array"
        ) from None
    if dtype.hasobject or dtype.kind not in NUMBERS:
        raise BadRecord(f"record {record}: {path.name} holds {dtype}, not numbers: nothing is unpickled")
    promised, held = math.prod(shape) * dtype.itemsize, path.stat().st_size - begin
    if promised != held or promised <= 0 or any(n < 0 for n in shape):
        raise BadRecord(
            f"record {record}: the header of {path.name} promises {promised:,} bytes for shape {shape}, it holds "
            f"{held:,}: copy the file again"
        )
    return np.memmap(path, dtype, "r", begin, shape, "F" if about.get("fortran_order") is True else "C")


def _oriented(record: str, array: np.ndarray, leads: Sequence[str]) -> Float[np.ndarray, "lead time"] | np.ndarray:
    """One row per lead, by the number of names alone."""
    if not leads:
        raise BadRecord(f"record {record}: an array of shape {array.shape} names no leads: say --leads, in its order")
    if array.ndim == 1:
        array = array[None]
    fits = [k for k in range(array.ndim) if array.shape[k] == len(leads)]
    if array.ndim != 2 or not fits:
        raise BadRecord(
            f"record {record}: an array of shape {array.shape} has no axis of {len(leads)} leads ({', '.join(leads)}): "
            f"give (lead, time) or (time, lead), and a name in --leads for each"
        )
    if len(fits) == 2:
        raise BadRecord(f"record {record}: an array of shape {array.shape} could be either way round: cut it otherwise")
    return array if fits[0] == 0 else array.T
