"""A npy file of a user: an array of numbers and nothing else; leads, rate and unit are said by the user."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ecg_lightning.dsp.pieces import spans
from ecg_lightning.predict.lead_names import choose
from ecg_lightning.predict.said import Raw, Said
from ecg_lightning.predict.units import factor, unit_of
from ecg_lightning.structures import BadRecord

MAGIC = b"\x93NUMPY"
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
        file.seek(0)
        try:
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, _, dtype = header[version](file)
        except (ValueError, KeyError) as error:
            raise BadRecord(f"record {record}: the header of {path.name} is wrong ({_first(error)})") from None
        begin = file.tell()
    if dtype.hasobject or dtype.kind not in NUMBERS:
        raise BadRecord(f"record {record}: {path.name} holds {dtype}, not numbers: nothing is unpickled")
    promised, held = math.prod(shape) * dtype.itemsize, path.stat().st_size - begin
    if promised != held or not promised:
        raise BadRecord(
            f"record {record}: the header of {path.name} promises {promised:,} bytes for shape {shape}, it holds "
            f"{held:,}: copy the file again"
        )
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _first(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split(".", 1)[0][:120]


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
