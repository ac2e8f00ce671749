"""Heartbeat csv as files: what is read, and what is refused by its line."""

import re
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets import heartbeat_csv_files as files
from ecg_lightning.structures import Refused

LABELS = {0: "N", 1: "S"}


def read(path: Path, text: str) -> tuple[np.ndarray, np.ndarray]:
    path.write_text(text)
    return files.read_rows(path, 3, 125.0, LABELS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "beats.csv"


def test_rows_and_classes_are_read_whatever_the_writing_of_numbers(path: Path) -> None:
    rows, label = read(path, "0,0.5,1,0\n1.000000000000000000e+00,5e-1, -2,1.0\n")
    np.testing.assert_array_equal(rows, [[0, 0.5, 1], [1, 0.5, -2]])
    np.testing.assert_array_equal(label, [0, 1])
    assert (rows.dtype, label.dtype) == (np.float32, np.int64)


def test_comments_at_the_top_and_empty_lines_are_passed_over(path: Path) -> None:
    rows, label = read(path, "# SYNTHETIC: no patient\n# more\n0,0,1,1\n\n0,1,0,0\n\n")
    assert rows.shape == (2, 3)
    np.testing.assert_array_equal(label, [1, 0])
    assert files.is_synthetic(path)


def test_a_file_that_says_nothing_is_not_synthetic(path: Path) -> None:
    read(path, "# beats\n0,0,1,1\n")
    assert not files.is_synthetic(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "beats.csv is empty: it must hold one beat a line"),
        ("# only a comment\n\n", "beats.csv is empty"),
        ("0,1,2,0\n0,1,0\n", "beats.csv, line 2: 3 cells, but the first row has 4"),
        ("0,1,2,0\n\n0,1,2,0,0\n", "beats.csv, line 3: 5 cells, but the first row has 4"),
        ("a,b,c,label\n0,1,2,0\n", "beats.csv, line 1: cell 1 is 'a', which is no finite number"),
        ("# one\n0,1,2,0\n0,nan,2,0\n", "beats.csv, line 3: cell 2 is 'nan', which is no finite number"),
        ("0,1,2,0\n0,,2,0\n", "beats.csv, line 2: cell 2 is '', which is no finite number"),
        ("0,1,inf,0\n", "beats.csv, line 1: cell 3 is 'inf'"),
        ("0,1,1e99,0\n", "beats.csv, line 1: cell 3 is '1e99'"),
        ('0,1,"2",0\n', "line 1: cell 3 is '\"2\"'"),
        ("0,1,2,0\n# late\n", "beats.csv, line 2: 1 cells"),
        ("0,1,2,0\n0,1,2,7.0\n", "beats.csv, line 2: the class is 7.0, but dataset.labels knows 0, 1"),
        ("0,1,2,0.5\n", "beats.csv, line 1: the class is 0.5"),
    ],
)
def test_what_cannot_be_is_refused_by_its_line(path: Path, text: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        read(path, text)


def test_bytes_that_are_no_text_are_refused_by_their_line(path: Path) -> None:
    path.write_bytes(b"0,1,2,0\n0,\xff\xfe,2,0\n")
    with pytest.raises(Refused, match="line 2: cell 2 is"):
        files.read_rows(path, 3, 125.0, LABELS)


def test_what_is_written_is_read_again(path: Path) -> None:
    rows = np.random.default_rng(0).random((50, 3), np.float32)
    label = np.arange(50) % 2
    files.write_rows(path, rows, label, f"{files.SYNTHETIC}: of a test")
    again, labels = files.read_rows(path, 3, 125.0, LABELS)
    np.testing.assert_array_equal(again, rows)
    np.testing.assert_array_equal(labels, label)
    assert files.is_synthetic(path)
    assert [file.name for file in path.parent.iterdir()] == ["beats.csv"]


def test_patients_stand_beside_in_the_order_of_the_rows(path: Path) -> None:
    beside = files.patients_file(path)
    assert beside.name == "beats_patients.csv"
    beside.write_text("100\n 201 \n100\n")
    assert files.read_patients(beside, 3).tolist() == ["100", "201", "100"]


def test_too_few_patients_are_refused(tmp_path: Path) -> None:
    beside = tmp_path / "beats_patients.csv"
    beside.write_text("100\n201\n")
    with pytest.raises(Refused, match=r"beats_patients.csv names patients of 2 rows, but there are 3 rows"):
        files.read_patients(beside, 3)


def test_a_row_without_a_patient_is_refused(tmp_path: Path) -> None:
    beside = tmp_path / "beats_patients.csv"
    beside.write_text("# whose\n100\n\n201\n")
    with pytest.raises(Refused, match=r"beats_patients.csv, line 3: no patient: give every row one, or remove the"):
        files.read_patients(beside, 3)
