"""The tables of PTB-XL, written as the corpus writes them and spoilt one cell at a time."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_lightning.datasets.ptbxl_tables import Row, check_statements, read_rows, record_name, statements_of
from ecg_lightning.structures import CorpusNotFound, Refused
from tests.corpora.ptbxl import ROWS, write_ptbxl, write_statements


def rows_with(folder: Path, **cells: str) -> dict[str, Row]:
    """Rows of a table whose second record has these cells."""
    write_ptbxl(folder, [ROWS[0], ROWS[1] | cells])
    return read_rows(folder)


def test_row_says_all_that_is_known(tmp_path: Path) -> None:
    row = rows_with(tmp_path)["00002"]
    assert row == Row("13243", True, 19.0, False, 0.0, 2, "{'IMI': 35.0, 'LAFB': 100.0, 'AFIB': 0.0}")
    assert statements_of("00002", row) == {"IMI": 35.0, "LAFB": 100.0, "AFIB": 0.0}


def test_empty_cells_are_not_known(tmp_path: Path) -> None:
    row = rows_with(tmp_path, patient_id="", age="", sex="")["00002"]
    assert (row.patient, row.patient_known) == ("unknown-2", False)
    assert math.isnan(row.age_years)
    assert math.isnan(row.sex_female)


def test_age_that_the_corpus_hides_is_ninety(tmp_path: Path) -> None:
    row = rows_with(tmp_path, age="300")["00002"]
    assert (row.age_years, row.over_89) == (90, True)


def test_record_is_named_by_five_digits() -> None:
    assert (record_name("317"), record_name("21837")) == ("00317", "21837")


@pytest.mark.parametrize("read", [read_rows, check_statements])
def test_absent_table_is_named(tmp_path: Path, read: object) -> None:
    with pytest.raises(CorpusNotFound, match=r"(ptbxl_database|scp_statements).csv is missing in .*; get it with"):
        read(tmp_path)


@pytest.mark.parametrize("read", [read_rows, check_statements])
def test_a_table_that_was_saved_in_another_encoding_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        (tmp_path / name).write_bytes("ecg_id,report\n1,spätes R\n".encode("latin-1"))
    with pytest.raises(Refused, match=r"(ptbxl_database|scp_statements).csv is no table in UTF-8 \(.*\); get it with"):
        read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{'NORM': 100.0",
        "['NORM']",
        "{'NORM': 'sure'}",
        "__import__('os').getcwd()",
        "7",
        "{'NORM': None}",
        f"{{'NORM': 1{'0' * 400}}}",
    ],
)
def test_cell_that_is_no_list_of_statements_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused, match=r"scp_codes=.* of ecg_id=2 in ptbxl_database.csv is no list of statements"):
        statements_of("00002", rows_with(tmp_path, scp_codes=text)["00002"])


@pytest.mark.parametrize("text", ["{'HEADACHE': 100.0}", "{'NORM': -1.0}", "{'NORM': 101}", "{'NORM': 1e999}"])
def test_statement_that_does_not_exist_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused, match=r"of ecg_id=2 in .*: (HEADACHE|NORM) is no statement of PTB-XL with 0 to 100 %"):
        statements_of("00002", rows_with(tmp_path, scp_codes=text)["00002"])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"age": "old"}, r"age='old' of ecg_id=2 in ptbxl_database.csv makes no sense"),
        ({"age": "-1"}, r"age='-1' of ecg_id=2"),
        ({"age": "200"}, r"age='200' of ecg_id=2"),
        ({"sex": "2"}, r"sex='2' of ecg_id=2"),
        ({"strat_fold": "11"}, r"strat_fold='11' of ecg_id=2"),
        ({"strat_fold": ""}, r"strat_fold='' of ecg_id=2 in ptbxl_database.csv must be a fold from 1 to 10"),
        ({"ecg_id": "two"}, r"ecg_id='two' in ptbxl_database.csv is no whole number of at most five digits"),
        ({"ecg_id": "1"}, r"ecg_id=1 occurs twice in ptbxl_database.csv; remove one of the two lines"),
    ],
)
def test_cell_that_makes_no_sense_is_refused(tmp_path: Path, cells: dict[str, str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        rows_with(tmp_path, **cells)


def test_table_without_a_column_is_refused(tmp_path: Path) -> None:
    write_ptbxl(tmp_path)
    table = tmp_path / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("strat_fold", "fold"))
    with pytest.raises(Refused, match=r"ptbxl_database.csv has no column 'strat_fold': it is not the table of PTB-XL"):
        read_rows(tmp_path)


def test_table_without_a_record_is_refused(tmp_path: Path) -> None:
    write_ptbxl(tmp_path, [])
    with pytest.raises(Refused, match=r"ptbxl_database.csv lists no record; get it with `python -m ecg_lightning"):
        read_rows(tmp_path)


@pytest.mark.parametrize(("old", "new"), [("NORM,NORM", "NORM,MI"), ("IMI,", "IMMI,"), ("STACH,", "STAG,")])
def test_table_of_other_statements_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_statements(tmp_path)
    check_statements(tmp_path)
    table = tmp_path / "scp_statements.csv"
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(Refused, match=r"scp_statements.csv differs from PTB-XL 1.0.3 in [\w, ]+; get it anew"):
        check_statements(tmp_path)
