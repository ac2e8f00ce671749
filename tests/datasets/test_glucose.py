"""Tables of glucose, read as they are and refused where they make no sense."""

from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.glucose import Readings, check_unit, read_glucose
from ecg_lightning.structures import BadRecord, Refused
from tests.corpora.d1namo import GLUCOSE_ROWS, write_glucose

FIRST_S = 1412157900.0  # `date -u -d '2014-10-01 10:05' +%s`


def read(folder: Path, rows: tuple[str, ...], unit: str = "mmol/L", manual: bool = False) -> Readings:
    return read_glucose(write_glucose(folder, "001", rows), unit, manual)


def test_readings_come_with_seconds_since_1970(tmp_path: Path) -> None:
    found = read(tmp_path, GLUCOSE_ROWS)
    np.testing.assert_array_equal(found.time_s - FIRST_S, [0, 300, 600])
    np.testing.assert_array_equal(found.mmol_l, [5.1, 4.2, 3.6])
    assert (found.n_empty, found.synthetic) == (0, False)


def test_milligrams_are_turned_into_millimoles(tmp_path: Path) -> None:
    found = read(tmp_path, ("2014-10-01,10:05,180.16,cgm,", "2014-10-01,10:10,90.08,cgm,"), "mg/dL")
    np.testing.assert_allclose(found.mmol_l, [10, 5])


@pytest.mark.parametrize(("unit", "other", "value"), [("mmol/L", "mg/dL", 112), ("mg/dL", "mmol/L", 6.2)])
def test_values_of_the_other_unit_are_refused(tmp_path: Path, unit: str, other: str, value: float) -> None:
    rows = tuple(f"2014-10-01,10:{minute},{value},cgm," for minute in ("05", "10", "15"))
    with pytest.raises(Refused, match=rf"their median is {value} {unit}: set dataset.glucose_unit={other}"):
        read(tmp_path, rows, unit)


def test_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dataset.glucose_unit=g/L must be mmol/L or mg/dL"):
        check_unit("g/L")


def test_rows_are_sorted_by_time(tmp_path: Path) -> None:
    assert read(tmp_path, GLUCOSE_ROWS[::-1]).mmol_l.tolist() == [5.1, 4.2, 3.6]


def test_empty_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, (*GLUCOSE_ROWS, "2014-10-01,10:20:00,,cgm,", "2014-10-01,10:25:00, ,cgm,lost"))
    assert (len(found.time_s), found.n_empty) == (3, 2)


def test_readings_from_a_finger_come_only_when_asked_for(tmp_path: Path) -> None:
    rows = (*GLUCOSE_ROWS, "2014-10-01,10:12:00,4.0,manual,", "2014-10-01,10:15:00,3.3,Manual,")
    assert read(tmp_path, rows).mmol_l.tolist() == [5.1, 4.2, 3.6]
    assert read(tmp_path, rows, manual=True).mmol_l.tolist() == [5.1, 4.2, 4.0, 3.3]


def test_same_reading_twice_counts_once(tmp_path: Path) -> None:
    assert len(read(tmp_path, (*GLUCOSE_ROWS, GLUCOSE_ROWS[0])).time_s) == 3


def test_two_values_of_one_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"glucose.csv, line 5: a second, other value of 2014-10-01 10:05:00: was the "):
        read(tmp_path, (*GLUCOSE_ROWS, "2014-10-01,10:05:00,9.9,cgm,"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("01/10/2014,10:20:00,5,cgm,", r"line 5: date=01/10/2014 time=10:20:00 is not YYYY-MM-DD and HH:MM:SS"),
        ("2014-13-01,10:20:00,5,cgm,", r"line 5: date=2014-13-01 time=10:20:00 is not YYYY-MM-DD and HH:MM:SS"),
        ("2014-10-01,,5,cgm,", r"line 5: date=2014-10-01 time= is not YYYY-MM-DD"),
        ("2014-10-01,10:20:00,7:0,cgm,", r"line 5: glucose=7:0 is no number above 0; an empty cell would be left out"),
        ("2014-10-01,10:20:00,0,cgm,", r"line 5: glucose=0 is no number above 0"),
        ("2014-10-01,10:20:00,nan,cgm,", r"line 5: glucose=nan is no number above 0"),
        ("2014-10-01,10:20:00,5.5,BB,", r"line 5: type=BB must be cgm or manual"),
        ("2014-10-01,10:20:00,61,cgm,", r"glucose.csv: glucose=61 mmol/L is more than meters show: correct or empty"),
    ],
)
def test_cell_that_makes_no_sense_is_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(BadRecord, match=said):
        read(tmp_path, (*GLUCOSE_ROWS, row))


@pytest.mark.parametrize("header", ["date;time;glucose;type;comments", ""])
def test_table_with_other_columns_is_refused(tmp_path: Path, header: str) -> None:
    path = write_glucose(tmp_path, "001")
    path.write_text(path.read_text().replace("date,time,glucose,type,comments\n", header and f"{header}\n"))
    with pytest.raises(
        BadRecord, match=r"glucose.csv has no column date, time, glucose, type, comments, expected date,"
    ):
        read_glucose(path, "mmol/L", manual=False)


def test_table_without_rows_has_no_readings(tmp_path: Path) -> None:
    assert len(read(tmp_path, ()).time_s) == 0
    assert len(read(tmp_path, ("2014-10-01,10:05:00,5.1,manual,",)).mmol_l) == 0


def test_comment_says_that_the_readings_are_synthetic(tmp_path: Path) -> None:
    assert read(tmp_path, tuple(f"{row}synthetic" for row in GLUCOSE_ROWS)).synthetic
    assert not read(tmp_path, tuple(f"{row}after lunch" for row in GLUCOSE_ROWS)).synthetic
