"""How a table of numbers is written: separator, decimal sign, names and units of its columns."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ecg_lightning.reading.units import known
from ecg_lightning.structures import BadRecord

HEAD_BYTES = 65_536  # of the file, in which names and the first numbers must lie
TIME = re.compile(
    r"(elapsed\s*)?(time|t|timestamps?|date|seconds|sec|s|ms|samples?|sample\s*#|#|index|)(\s*[\[(].*[\])])?|time_m?s",
    re.IGNORECASE,
)
LOST = ("", "-", "NA", "N/A", "NaN", "nan", "null", "None")
_WITH_UNIT = re.compile(r"(.*?)\s*[\[(]\s*([^\])]*?)\s*[\])]")


@dataclass(frozen=True)
class Layout:
    """Of one file.

    Args:
        separator: between columns.
        decimal: "." or ",".
        n_before: lines before the first numbers.
        names: of the columns; empty where the file has no line of names.
        units: of the columns; "" where not said.
        n_columns: of the first numbers.
        synthetic: whether a comment says so.
    """

    separator: str
    decimal: str
    n_before: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    n_columns: int
    synthetic: bool

    @property
    def signals(self) -> list[int]:
        """Columns that are not the time, by their names."""
        return [k for k in range(self.n_columns) if not self.names or not TIME.fullmatch(self.names[k])]


def layout(record: str, path: Path) -> Layout:
    """Look at the beginning of a file.

    Raises:
        BadRecord: it is empty, no text, or holds no line of numbers near its beginning.
    """
    head = _head(path)
    if b"\0" in head or head[:2] in (b"PK", b"\x1f\x8b", b"\x80\x04"):
        raise BadRecord(f"record {record}: {path.name} is no text but an archive, a pickle or other binary data")
    lines = head_lines(path)
    for number, line in enumerate(lines):
        for separator in (";", "\t", ","):
            decimal = "," if separator != "," and "," in line and "." not in line else "."
            row = cells(line, separator)
            if _is_numbers(row, decimal) and not (len(row) == 1 and decimal == ","):
                return _laid_out(record, lines[:number], number, row, separator, decimal)
    raise BadRecord(
        f"record {record}: no line of numbers in the first {len(head):,} bytes of {path.name}: give one row per sample"
    )


def head_lines(path: Path) -> list[str]:
    """The first whole lines of a file of text."""
    head = _head(path)
    try:
        text = head.decode("utf-8-sig", errors="ignore" if len(head) == HEAD_BYTES else "strict")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    lines = re.split(r"\r\n|\r|\n", text)
    return lines[:-1] if len(head) == HEAD_BYTES else lines


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def cells(line: str, separator: str) -> list[str]:
    """What stands in the columns of a line, without quotes."""
    quote = "'" if line.lstrip().startswith("'") else '"'
    return [cell.strip().strip("'\"") for cell in next(csv.reader([line], delimiter=separator, quotechar=quote), [])]


def _is_numbers(row: list[str], decimal: str) -> bool:
    """Whether a line holds samples: its last cell is a number, and all are, but perhaps a time at the beginning."""
    numbers = [_is_number(cell, decimal) for cell in row]
    return bool(numbers) and numbers[-1] and all(numbers[1:]) and (numbers[0] or any(sign in row[0] for sign in ":-"))


def _is_number(cell: str, decimal: str) -> bool:
    try:
        float(cell.replace(decimal, ".") if decimal == "," else cell)
    except ValueError:
        return False
    return True


def _laid_out(record: str, before: list[str], n_before: int, first: list[str], separator: str, decimal: str) -> Layout:
    texts = [line for line in before if line.strip() and not line.lstrip().startswith("#")]
    synthetic = any(line.lstrip(" #").startswith("synthetic:") for line in before if line.lstrip().startswith("#"))
    rows = [cells(line, separator) for line in texts]
    if len(rows) > 2 or any(len(row) != len(first) for row in rows):
        raise BadRecord(
            f"record {record}: its first numbers have {len(first)} columns, but {len(rows)} lines before them "
            f"({texts[0][:60]!r}) do not name these: give one line of names, or none"
        )
    names = tuple(rows[0]) if rows else ()
    units = tuple(rows[1]) if len(rows) > 1 else ("",) * len(first)
    if len(rows) == 1:
        split = [_WITH_UNIT.fullmatch(name) for name in names]
        units = tuple(one[2] if one and known(one[2]) else "" for one in split)
        names = tuple(one[1] if one and known(one[2]) else name for one, name in zip(split, names, strict=True))
    return Layout(separator, decimal, n_before, names, units, len(first), synthetic)
