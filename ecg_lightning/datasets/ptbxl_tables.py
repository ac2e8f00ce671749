"""The two tables of PTB-XL: what it says of every record, and of every statement. No cell is believed unread."""

import ast
import csv
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg_lightning.scp import STATEMENTS
from ecg_lightning.structures import NAMELESS, CorpusNotFound, Refused

DATABASE, STATEMENT_TABLE = TABLES = "ptbxl_database.csv", "scp_statements.csv"
OVER_89 = 300.0  # written for an age that the corpus hides
AGE_OVER_89 = 90.0
OLDEST = 120
COLUMNS = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")


@dataclass(frozen=True)
class Row:
    """What the table says of one record.

    Args:
        patient: the person; an id of its own where nobody knows.
        patient_known: whether the table names the person.
        age_years: NaN where not known, 90 where the corpus only says "over 89".
        over_89: whether it does.
        sex_female: 0 or 1, NaN where not known.
        official_fold: 1 to 10.
        scp_codes: its statements, as the table writes them.
    """

    patient: str
    patient_known: bool
    age_years: float
    over_89: bool
    sex_female: float
    official_fold: int
    scp_codes: str


def read_rows(root: Path) -> dict[str, Row]:
    """Read `<root>/ptbxl_database.csv`: what it says of every record, by the record's name.

    Raises:
        CorpusNotFound: there is no such file.
        Refused: columns are missing, an id occurs twice, or a cell makes no sense; the message names the ecg_id.

    Source:
        Columns: Wagner et al., Scientific Data 7:154 (2020), table 2 (sex: male 0, female 1). Age 300 is over 89:
        https://physionet.org/content/ptb-xl/1.0.3/
    """
    rows: dict[str, Row] = {}
    for cells in _lines(root / DATABASE, COLUMNS):
        name = record_name(cells["ecg_id"])
        if name in rows:
            raise Refused(f"ecg_id={cells['ecg_id']} occurs twice in {DATABASE}; remove one of the two lines")
        rows[name] = _row(name, cells)
    if not rows:
        raise Refused(f"{root / DATABASE} lists no record; get it with `python -m ecg_lightning.download ptbxl`")
    return rows


def record_name(ecg_id: str) -> str:
    """The ecg_id in five digits, as in the names of the files."""
    if not re.fullmatch(r"\d{1,5}", ecg_id):
        raise Refused(f"ecg_id={ecg_id!r} in {DATABASE} is no whole number of at most five digits")
    return f"{int(ecg_id):05d}"


def check_statements(root: Path) -> None:
    """Compare `<root>/scp_statements.csv` with our own table, which the labels are made by.

    Raises:
        CorpusNotFound: there is no such file.
        Refused: a statement is of other classes there than here, or is not in both.
    """
    columns = ("", "diagnostic_class", "diagnostic_subclass", "form", "rhythm")
    found = {cells[""]: _statement(cells) for cells in _lines(root / STATEMENT_TABLE, columns)}
    ours = {code: (one.superclass, one.subclass, one.form, one.rhythm) for code, one in STATEMENTS.items()}
    if odd := sorted(code for code in found.keys() | ours.keys() if found.get(code) != ours.get(code)):
        raise Refused(
            f"{root / STATEMENT_TABLE} differs from PTB-XL 1.0.3 in {', '.join(odd[:5])}; "
            f"get it anew with `python -m ecg_lightning.download ptbxl`"
        )


def statements_of(record: str, row: Row) -> dict[str, float]:
    """A record's statements by code, with how likely each is, in percent.

    Raises:
        Refused: the cell is no such list; the message names the ecg_id.
    """
    try:
        codes = ast.literal_eval(row.scp_codes)
        found = {str(code): float(percent) for code, percent in codes.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError) as error:
        raise Refused(f"{_cell(record, 'scp_codes', row.scp_codes)} is no list of statements and percents") from error
    if odd := [code for code, percent in found.items() if code not in STATEMENTS or not 0 <= percent <= 100]:
        raise Refused(
            f"{_cell(record, 'scp_codes', row.scp_codes)}: {odd[0]} is no statement of PTB-XL with 0 to 100 %"
        )
    return found


def _lines(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    if not path.is_file():
        raise CorpusNotFound(
            f"{path.name} is missing in {path.parent}; get it with `python -m ecg_lightning.download ptbxl`"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, restval="")
            rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(
            f"{path} is no table in UTF-8 ({error}); get it with `python -m ecg_lightning.download ptbxl`"
        ) from error
    if absent := [column for column in columns if column not in (lines.fieldnames or ())]:
        raise Refused(f"{path} has no column {', '.join(map(repr, absent))}: it is not the table of PTB-XL")
    return rows


def _row(name: str, cells: Mapping[str, str]) -> Row:
    patient = cells["patient_id"].strip().removesuffix(".0")
    age = _number(name, cells, "age", lambda years: years == OVER_89 or 0 <= years <= OLDEST)
    fold = _number(name, cells, "strat_fold", lambda number: number in range(1, 11))
    if math.isnan(fold):
        raise Refused(f"{_cell(name, 'strat_fold', '')} must be a fold from 1 to 10")
    return Row(
        patient=patient or f"{NAMELESS}{int(name)}",
        patient_known=bool(patient),
        age_years=AGE_OVER_89 if age == OVER_89 else age,
        over_89=age == OVER_89,
        sex_female=_number(name, cells, "sex", lambda sex: sex in (0, 1)),
        official_fold=int(fold),
        scp_codes=cells["scp_codes"],
    )


def _number(name: str, cells: Mapping[str, str], column: str, allowed: Callable[[float], bool]) -> float:
    """A cell's number, NaN where it is empty."""
    text = cells[column].strip()
    if not text:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not allowed(number):
        raise Refused(f"{_cell(name, column, text)} makes no sense")
    return number


def _cell(name: str, column: str, text: str) -> str:
    return f"{column}={text!r} of ecg_id={int(name)} in {DATABASE}"


def _statement(cells: Mapping[str, str]) -> tuple[str | None, str | None, bool, bool]:
    superclass, subclass = (cells[column] or None for column in ("diagnostic_class", "diagnostic_subclass"))
    return superclass, subclass, bool(cells["form"]), bool(cells["rhythm"])
