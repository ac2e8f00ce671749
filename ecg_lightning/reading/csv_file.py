"""A csv file of a user: one row per sample, one column per lead; a day of it is read in seconds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from pyarrow import csv

from ecg_lightning.reading import csv_time
from ecg_lightning.reading.csv_layout import LOST, Layout, layout
from ecg_lightning.reading.lead_names import Chosen, choose
from ecg_lightning.reading.said import Raw, Said
from ecg_lightning.reading.units import factor, unit_of
from ecg_lightning.structures import BadRecord

BLOCK_BYTES = 4_000_000  # at a time; a longer line is refused


def read(path: Path, wanted: Sequence[str], said: Said) -> Raw:
    """Read the wanted leads; a column that is called time is none.

    Raises:
        BadRecord: as `recordings_in.read_recording`.
    """
    record, found = path.stem, layout(path.stem, path)
    fs_hz = csv_time.check(record, path, found, found.names or said.leads, said.fs_hz)
    chosen = _chosen(record, found, wanted, said)
    columns = [found.signals[place] for place in chosen.places]
    units = tuple(
        unit_of(record, lead, found.units[column], said.units)
        for lead, column in zip(chosen.leads, columns, strict=True)
    )
    ecg = _samples(record, path, found, columns)
    for row, unit in zip(ecg, units, strict=True):
        row *= factor(unit)
    left_out = [found.names[k] for k in range(found.n_columns) if k not in found.signals]
    notes = tuple(f"column {name!r} is taken as time and not as a lead" for name in left_out)
    return Raw(record, ecg, chosen.leads, units, fs_hz, chosen.notes + notes, synthetic=found.synthetic)


def _chosen(record: str, found: Layout, wanted: Sequence[str], said: Said) -> Chosen:
    if found.names:
        return choose(record, [found.names[k] for k in found.signals], wanted, said.leads)
    if len(said.leads) != found.n_columns:
        raise BadRecord(
            f"record {record}: {found.n_columns} columns without names, and --leads names {len(said.leads)}: say "
            f"--leads with one name per column (time for one that is no lead), or give the file a line of names"
        )
    return choose(record, said.leads, wanted)


def _samples(record: str, path: Path, found: Layout, columns: Sequence[int]) -> Float[np.ndarray, "lead time"]:
    names = [str(k) for k in range(found.n_columns)]
    wanted = [names[k] for k in columns]
    reading = csv.ReadOptions(block_size=BLOCK_BYTES, skip_rows=found.n_before, column_names=names)
    one_column = found.n_columns == 1  # an empty line of it is a lost sample
    parsing = csv.ParseOptions(delimiter=found.separator, ignore_empty_lines=not one_column)
    converting = csv.ConvertOptions(
        column_types={name: pa.float32() for name in wanted},
        include_columns=wanted,
        null_values=list(LOST),
        strings_can_be_null=True,
        decimal_point=found.decimal,
    )
    pieces: list[list[np.ndarray]] = [[] for _ in wanted]
    try:
        with csv.open_csv(path, reading, parsing, converting) as table:
            for batch in table:
                for column, own in zip(batch.columns, pieces, strict=True):
                    own.append(column.to_numpy(zero_copy_only=False).astype(np.float32, copy=False))
    except pa.ArrowInvalid as error:
        raise BadRecord(f"record {record}: {path.name} is no table of numbers: {_in_short(error)}") from None
    ecg = np.empty((len(wanted), sum(map(len, pieces[0]))), np.float32)
    for row, own in zip(ecg, pieces, strict=True):
        np.concatenate(own, out=row)
        own.clear()
    return ecg


def _in_short(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]
