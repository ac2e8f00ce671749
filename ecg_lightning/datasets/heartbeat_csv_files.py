"""Read and write heartbeat csv: one beat a line, its samples and then the number of its class, without a header."""

import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.structures import Refused

# pyarrow takes a while to import, so it is imported where samples are read: a warm cache needs none.

SYNTHETIC = "# SYNTHETIC"
"""How the first line of a file without patients behind it begins."""

_LARGEST = float(np.finfo(np.float32).max)
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def is_synthetic(path: Path) -> bool:
    """Whether a comment at the top of the file says that no patient stands behind it."""
    return any(line.startswith(SYNTHETIC) for line in _comments(path))


def patients_file(path: Path) -> Path:
    """Where the patients of the rows of a file stand: `<stem>_patients.csv` beside it."""
    return path.with_name(f"{path.stem}_patients.csv")


MISSING = "missing_records.txt"  # beside the files: records of the database that they were made without


def made_without(folder: Path) -> list[str]:
    """Records that the files of a folder were made without, as the command that made them noted."""
    note = folder / MISSING
    return note.read_text(encoding="utf-8").split() if note.is_file() else []


def read_rows(
    path: Path, n_samples: int, fs_hz: float, labels: Mapping[int, str]
) -> tuple[Float[np.ndarray, "row time"], Int[np.ndarray, " row"]]:
    """Read every row, and the number of its class.

    Args:
        path: of a csv file; lines that begin with # at its top are comments.
        n_samples: of every row.
        fs_hz: sampling rate, for the message about rows of another length.
        labels: numbers that the last column may hold.

    Raises:
        Refused: the file is empty, a row has more or fewer cells than the first, a cell is no finite number, or a
            class is not in labels.
        Refused: rows have another length than n_samples.
    """
    from pyarrow import ArrowInvalid, csv, float32

    n_comments = len(_comments(path))
    n_columns = _n_columns(path, n_comments)
    if n_columns == 1:
        raise Refused(f"{path.name} has one cell a line: part its cells by commas")
    if n_columns != n_samples + 1:
        raise Refused(
            f"rows of {path.name} have {n_columns - 1} samples and a class, but {n_samples} samples are asked for: "
            f"set task.signal.window_s={n_columns - 1}/{fs_hz:g}"
        )
    names = [str(column) for column in range(n_columns)]
    try:
        table = csv.read_csv(
            path,
            csv.ReadOptions(column_names=names, skip_rows=n_comments),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, float32()), null_values=[]),
        )
    except ArrowInvalid as error:
        raise _first_fault(path, n_comments, n_columns, labels) from error
    value = np.stack([column.to_numpy() for column in table.itercolumns()], axis=1)
    if not np.isfinite(value).all() or not np.isin(value[:, -1], list(labels)).all():
        raise _first_fault(path, n_comments, n_columns, labels)
    return np.ascontiguousarray(value[:, :-1]), value[:, -1].astype(np.int64)


def read_patients(path: Path, n_rows: int) -> np.ndarray:
    """Read whose each row is.

    Args:
        path: one id per line, in the order of the rows.
        n_rows: of the file of beats.

    Returns:
        Words, one per row.

    Raises:
        Refused: a line is empty, or there are more or fewer lines than rows.
    """
    lines = patient_lines(path)
    if "" in lines:
        line = lines.index("") + len(_comments(path)) + 1
        raise Refused(f"{path.name}, line {line}: no patient: give every row one, or remove the file")
    if len(lines) != n_rows:
        raise Refused(f"{path.name} names patients of {len(lines):,} rows, but there are {n_rows:,} rows")
    return np.array(lines)


def patient_lines(path: Path) -> list[str]:
    """Words of a file of patients, one per row, unchecked."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    return lines[len(_comments(path)) :]


def write_rows(path: Path, rows: Float[np.ndarray, "row time"], label: Int[np.ndarray, " row"], comment: str) -> None:
    """Write a file of beats beside its final place, then rename it.

    Args:
        path: to write.
        rows: samples.
        label: number of the class of each row.
        comment: first line, which begins with #; empty for none.
    """
    import pyarrow as pa
    from pyarrow import csv

    columns = [*rows.T.astype(np.float32), label]
    table = pa.table(
        [pa.array(np.ascontiguousarray(column)) for column in columns], list(map(str, range(len(columns))))
    )
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(f"{comment}\n".encode() if comment else b"")
        csv.write_csv(table, file, csv.WriteOptions(include_header=False))
    part.rename(path)


def _comments(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return list(takewhile(lambda line: line.startswith("#"), file))


def _n_columns(path: Path, n_comments: int) -> int:
    """Cells of the first row."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file):
            if number >= n_comments and line.strip():
                return line.count(",") + 1
    raise Refused(f"{path.name} is empty: it must hold one beat a line")


def _first_fault(path: Path, n_comments: int, n_columns: int, labels: Mapping[int, str]) -> Refused:
    """The first line that cannot be, in words; slow, and called where there is one."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        faults = (
            (number, fault)
            for number, line in enumerate(file, start=1)
            if number > n_comments and line.rstrip("\r\n") and (fault := _fault(line.strip(), n_columns, labels))
        )
        number, fault = next(faults)
    return Refused(f"{path.name}, line {number}: {fault}")


def _fault(line: str, n_columns: int, labels: Mapping[int, str]) -> str:
    cells = [cell.strip() for cell in line.split(",")]
    if not line:
        return "only blanks: remove the line"
    if len(cells) != n_columns:
        return f"{len(cells)} cells, but the first row has {n_columns}"
    for column, cell in enumerate(cells, start=1):
        if not _NUMBER.fullmatch(cell) or abs(float(cell)) > _LARGEST:
            return f"cell {column} is {cell[:20]!r}, which is no finite number"
    if float(cells[-1]) not in labels:
        return f"the class is {cells[-1]}, but dataset.labels knows {', '.join(map(str, labels))}"
    return ""
