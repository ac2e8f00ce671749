"""Files of the chest belt: every way in which their clock or their cells can be wrong."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.d1namo_files import Stretch, read_activity, read_breathing, read_ecg, resampled, span_s
from ecg_lightning.structures import BadRecord
from tests.corpora.d1namo import BEGIN, ecg_values, row_times, write_rows

BEGIN_S = 1412158179.417  # `date -u -d '2014-10-01 10:09:39.417' +%s.%N`
HEADER = "Time,EcgWaveform"


def write_ecg(folder: Path, times: Sequence[datetime], header: str = HEADER) -> Path:
    write_rows(folder / "now_ECG.csv", header, times, ecg_values(len(times)))
    return folder / "now_ECG.csv"


def read(folder: Path, times: Sequence[datetime]) -> list[Stretch]:
    return read_ecg("001/now", write_ecg(folder, times), 250)


def without(times: Sequence[datetime], *missing: range) -> list[datetime]:
    return [time for row, time in enumerate(times) if not any(row in rows for rows in missing)]


def changed(path: Path, line: int, text: str) -> Path:
    lines = path.read_text().splitlines()
    lines[line - 1] = text
    path.write_text("\n".join([*lines, ""]))
    return path


def test_unbroken_file_is_one_stretch(tmp_path: Path) -> None:
    (stretch,) = read(tmp_path, row_times(BEGIN, 10_000, 4))
    assert stretch.begin_s == BEGIN_S
    np.testing.assert_array_equal(stretch.value, ecg_values(10_000))
    assert stretch.value.dtype == np.float32


@pytest.mark.parametrize("missing", [range(1, 3), range(4095, 4097), range(5000, 9000), range(9998, 9999 + 500)])
def test_file_is_cut_where_rows_are_missing(tmp_path: Path, missing: range) -> None:
    times = row_times(BEGIN, 12_000, 4)
    before, after = read(tmp_path, without(times, missing))
    assert len(before.value) == missing.start
    assert len(after.value) == 12_000 - missing.stop
    assert after.begin_s == pytest.approx(BEGIN_S + missing.stop * 0.004, abs=1e-6)
    np.testing.assert_array_equal([*before.value, *after.value], ecg_values(12_000 - len(missing)))


def test_every_gap_of_many_is_found(tmp_path: Path) -> None:
    missing = [range(start, start + 10 + start // 100) for start in range(300, 20_000, 700)]
    found = read(tmp_path, without(row_times(BEGIN, 20_500, 4), *missing))
    begins = [round((stretch.begin_s - BEGIN_S) * 250) for stretch in found]
    assert begins == [0, *(rows.stop for rows in missing)]


def test_jitter_of_less_than_a_sample_is_no_gap(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times = [time + timedelta(milliseconds=int(random.integers(0, 3))) for time in row_times(BEGIN, 10_000, 4)]
    assert len(read(tmp_path, times)) == 1


def test_clock_that_runs_a_little_fast_is_no_gap(tmp_path: Path) -> None:
    (stretch,) = read(tmp_path, row_times(BEGIN, 20_000, 4.002))
    assert len(stretch.value) == 20_000


@pytest.mark.parametrize("period_ms", [2, 5, 8, 40])
def test_file_of_another_rate_is_refused(tmp_path: Path, period_ms: float) -> None:
    said = rf"001/now: rows of now_ECG.csv are {period_ms} ms apart, expected 4 ms \(250 Hz\)"
    with pytest.raises(BadRecord, match=said):
        read(tmp_path, row_times(BEGIN, 10_000, period_ms))


def test_rate_that_is_nearly_right_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"ECG.csv, line 2: from here to line 4098 rows are 3.906 ms apart, not 4"):
        read(tmp_path, row_times(BEGIN, 10_000, 1000 / 256))


def test_part_of_another_rate_is_refused(tmp_path: Path) -> None:
    times = row_times(BEGIN, 8193, 4)
    with pytest.raises(BadRecord, match=r"ECG.csv, line 8194: from here to line 9193 rows are 5 ms apart, not 4"):
        read(tmp_path, [*times, *row_times(times[-1], 1000, 5)[1:]])


@pytest.mark.parametrize("row", [1, 4096, 7777])
def test_time_that_goes_back_is_named(tmp_path: Path, row: int) -> None:
    times = row_times(BEGIN, 10_000, 4)
    back = [*times[:row], *(time - timedelta(hours=1) for time in times[row:])]
    with pytest.raises(BadRecord, match=rf"ECG.csv, line {row + 2}: time goes back by 3600 s: the clock was set, or"):
        read(tmp_path, back)


def test_repeated_rows_are_named(tmp_path: Path) -> None:
    times = row_times(BEGIN, 10_000, 4)
    with pytest.raises(BadRecord, match=r"line 5002: time goes back by 0.248 s: the clock was set, or rows are repeat"):
        read(tmp_path, [*times[:5000], *times[4937:]])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("4096", r"line 700: EcgWaveform=4096 is no whole number from 0 to 4095 \(12 bits\)"),
        ("-1", "line 700: EcgWaveform=-1 is no whole number"),
        ("2048.5", "line 700: EcgWaveform=2048.5 is no whole number"),
        ("", "line 700: EcgWaveform=nan is no whole number"),
        ("off", "now_ECG.csv cannot be read: .*Row #700: .*invalid value 'off'"),
        ("7,8", "now_ECG.csv cannot be read: .*Row #700: Expected 2 columns, got 3"),
    ],
)
def test_value_that_is_not_of_12_bits_is_named(tmp_path: Path, cell: str, said: str) -> None:
    path = changed(write_ecg(tmp_path, row_times(BEGIN, 1000, 4)), 700, f"01/10/2014 10:09:42.209,{cell}")
    with pytest.raises(BadRecord, match=said):
        read_ecg("001/now", path, 250)


@pytest.mark.parametrize("time", ["2014-10-01 10:09:39.417", "13/13/2014 10:09:39.417", "01/10/2014 10:09:39", ""])
def test_time_of_another_form_is_refused(tmp_path: Path, time: str) -> None:
    path = changed(write_ecg(tmp_path, row_times(BEGIN, 1000, 4)), 2, f"{time},2048")
    said = rf"001/now: now_ECG.csv, line 2: time '{time}' is not dd/mm/YYYY HH:MM:SS.fff"
    for read_it in (lambda: read_ecg("001/now", path, 250), lambda: span_s("001/now", path)):
        with pytest.raises(BadRecord, match=said):
            read_it()


def test_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = write_ecg(tmp_path, row_times(BEGIN, 1000, 4))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadRecord, match=r"cannot be read: .*Row #1001: Expected 2 columns, got 1"):
        read_ecg("001/now", path, 250)
    with pytest.raises(BadRecord, match=r"now_ECG.csv, last line: time '01/10/\d*' is not dd/mm/YYYY"):
        span_s("001/now", path)


@pytest.mark.parametrize("content", ["", HEADER, f"{HEADER}\n"])
def test_file_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "now_ECG.csv"
    path.write_text(content)
    for read_it in (lambda: read_ecg("001/now", path, 250), lambda: span_s("001/now", path)):
        with pytest.raises(BadRecord, match=r"record 001/now: now_ECG.csv has no rows: unpack it again, or remove"):
            read_it()


@pytest.mark.parametrize("header", ["EcgWaveform,Time", "Time,Ecg", "01/10/2014 10:09:39.413,2048"])
def test_other_header_is_refused(tmp_path: Path, header: str) -> None:
    path = write_ecg(tmp_path, row_times(BEGIN, 10, 4), header)
    said = rf"line 1: the header is '{header}', expected Time first and a column EcgWaveform"
    with pytest.raises(BadRecord, match=said):
        read_ecg("001/now", path, 250)


def test_line_ends_of_windows_and_a_missing_last_one_do_not_matter(tmp_path: Path) -> None:
    path = write_ecg(tmp_path, row_times(BEGIN, 3000, 4))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (stretch,) = read_ecg("001/now", path, 250)
    np.testing.assert_array_equal(stretch.value, ecg_values(3000))
    path.write_bytes(path.read_bytes().removesuffix(b"\r\n"))
    assert len(read_ecg("001/now", path, 250)[0].value) == 3000


def test_single_row_is_a_stretch(tmp_path: Path) -> None:
    (stretch,) = read(tmp_path, [BEGIN])
    assert (stretch.begin_s, len(stretch.value)) == (BEGIN_S, 1)


def test_empty_line_is_named(tmp_path: Path) -> None:
    path = changed(write_ecg(tmp_path, row_times(BEGIN, 10, 4)), 5, "")
    with pytest.raises(BadRecord, match=r"now_ECG.csv, line 5: EcgWaveform=nan is no whole number"):
        read_ecg("001/now", path, 250)


def test_line_ends_of_several_kinds_are_refused(tmp_path: Path) -> None:
    path = write_ecg(tmp_path, row_times(BEGIN, 10, 4))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r", 3).replace(b"\r", b"\n", 2))
    with pytest.raises(BadRecord, match=r"001/now: now_ECG.csv has 9 lines but 10 rows: unpack it again"):
        read_ecg("001/now", path, 250)


def test_breathing_may_lack_values(tmp_path: Path) -> None:
    path = tmp_path / "now_Breathing.csv"
    times = without(row_times(BEGIN, 1000, 40), range(400, 500))
    write_rows(path, "Time,BreathingWaveform", times, ["" if row == 7 else row for row in range(900)])
    first, second = read_breathing("001/now", path, 25)
    assert np.isnan(first.value[7])
    assert (len(first.value), second.value[0]) == (400, 400)
    assert second.begin_s == pytest.approx(BEGIN_S + 20)


def test_activity_is_found_by_name_and_is_nan_where_the_belt_has_none(tmp_path: Path) -> None:
    path = tmp_path / "now_Summary.csv"
    cells = [f"70,{value},x" for value in (0.05, 0.3, 655.35, -1, 16)]
    write_rows(path, "Time,HR,Activity,Note", row_times(BEGIN, 5, 1000), cells)
    (stretch,) = read_activity("001/now", path, 1)
    np.testing.assert_allclose(stretch.value, [0.05, 0.3, np.nan, np.nan, 16])


def test_first_and_last_time_come_from_the_ends_of_the_file(tmp_path: Path) -> None:
    begin_s, end_s = span_s("001/now", write_ecg(tmp_path, row_times(BEGIN, 10_001, 4)))
    assert (begin_s, end_s) == (BEGIN_S, pytest.approx(BEGIN_S + 40))


def test_stretches_are_laid_on_another_clock_and_are_nan_between() -> None:
    stretches = [Stretch(10.0, np.arange(4, dtype=np.float32)), Stretch(16.0, np.arange(7, 9, dtype=np.float32))]
    nan = np.nan
    np.testing.assert_array_equal(resampled(stretches, 8.6, 10, 1), [nan, 0, 1, 2, 3, nan, nan, 7, 8, nan])
    np.testing.assert_array_equal(resampled(stretches, 12.0, 2, 1), [2, 3])
    np.testing.assert_array_equal(resampled(stretches, 30.0, 2, 1), [nan, nan])
    np.testing.assert_array_equal(resampled([], 0.0, 2, 25), [nan, nan])
