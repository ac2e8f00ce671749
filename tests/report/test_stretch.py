"""A stretch is what its record holds there; what cannot be drawn is said in a sentence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecg_lightning.report.stretch import Stretch, read_stretch, with_beats
from ecg_lightning.structures import Refused
from tests.corpora.mitdb import SYMBOLS, write_record


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Thirty seconds of two leads at 360 Hz, a beat every second from 0.5 s on."""
    write_record(tmp_path, "100", ("MLII", "V1"), 30.0)
    return tmp_path / "100"


def write_any(folder: Path, ecg: np.ndarray, fs_hz: float, units: list[str]) -> Path:
    names = [f"lead {number}" for number in range(len(units))]
    wfdb.wrsamp("any", fs_hz, units, names, p_signal=ecg.T, fmt=["16"] * len(units), write_dir=str(folder))
    return folder / "any"


def write_csv(folder: Path, seconds: float, gap_s: float = 0.0) -> Path:
    """A count of samples at 250 Hz; a gap lies in the middle."""
    sample = np.arange(round(250 * seconds))
    late = np.where(sample >= len(sample) // 2, gap_s, 0.0)
    time = pd.Timestamp("2014-10-01 23:59:50.120") + pd.to_timedelta(sample / 250 + late, unit="s")
    lines = [
        f"{at:%d/%m/%Y %H:%M:%S}.{at.microsecond // 1000:03d},{value}" for at, value in zip(time, sample, strict=True)
    ]
    path = folder / "2014_10_01-23_59_50_ECG.csv"
    path.write_text("\n".join(["Time,EcgWaveform", *lines]) + "\n", encoding="ascii")
    return path


@pytest.mark.parametrize("ending", ["", ".hea"])
def test_a_stretch_holds_the_samples_of_its_place(record: Path, ending: str) -> None:
    found = read_stretch(record.with_name(f"100{ending}"), 12.5, 4.0)
    whole = wfdb.rdrecord(str(record)).p_signal.T
    np.testing.assert_array_equal(found.ecg, whole[:, 4500 : 4500 + 1440])
    assert (found.record, found.leads, found.units, found.fs_hz) == ("100", ("MLII", "V1"), ("mV", "mV"), 360.0)
    assert (found.start_s, found.stop_s, found.synthetic) == (12.5, 16.5, False)


def test_a_place_that_is_not_named_is_drawn_by_the_name_and_the_same_every_time(record: Path) -> None:
    found = [read_stretch(record, None, 10.0) for _ in range(2)]
    assert found[0].start_s == found[1].start_s
    assert 0 <= found[0].start_s <= 20.0
    write_record(record.parent, "101", ("MLII", "V1"), 30.0)
    assert read_stretch(record.with_name("101"), None, 10.0).start_s != found[0].start_s


def test_of_a_shorter_record_all_is_drawn(record: Path) -> None:
    found = read_stretch(record, None, 60.0)
    assert (found.start_s, found.stop_s) == (0.0, 30.0)


def test_rates_and_units_are_those_of_the_record_and_microvolts_become_millivolts(tmp_path: Path) -> None:
    ecg = np.stack([np.linspace(0, 1000, 1000), np.linspace(80, 120, 1000)])
    found = read_stretch(write_any(tmp_path, ecg, 128.0, ["uV", "mmHg"]), 0.0, 5.0)
    assert (found.units, found.fs_hz, found.ecg.shape) == (("mV", "mmHg"), 128.0, (2, 640))
    np.testing.assert_allclose(found.ecg, ecg[:, :640] / [[1000], [1]], atol=0.01)


def test_synthetic_records_say_so(tmp_path: Path) -> None:
    write_record(tmp_path, "100", ("MLII", "V1"), 12.0, ["synthetic: no patient"])
    assert read_stretch(tmp_path / "100", None, 5.0).synthetic
    path = write_csv(tmp_path, 20.0)
    assert not read_stretch(path, None, 5.0).synthetic
    (tmp_path / "README.txt").write_text("This folder is synthetic: it holds no patient.")
    assert read_stretch(path, None, 5.0).synthetic


def test_rows_of_a_csv_are_read_at_their_place_past_midnight(tmp_path: Path) -> None:
    found = read_stretch(write_csv(tmp_path, 20.0), 12.0, 4.0)
    np.testing.assert_array_equal(found.ecg, np.arange(3000.0, 4000.0)[None])
    assert (found.record, found.units, found.fs_hz, found.start_s) == ("2014_10_01-23_59_50", ("NU",), 250.0, 12.0)


def test_annotated_beats_are_those_of_the_stretch_with_their_symbols(record: Path) -> None:
    found = with_beats(read_stretch(record, 5.0, 6.0), record)
    symbols = {0.5 + number: SYMBOLS[number % len(SYMBOLS)] for number in range(30)}
    beats = {at_s: symbols[at_s] for at_s in np.arange(5.5, 11.0) if symbols[at_s] not in "+|"}
    assert found.beat_s == tuple(beats)
    assert found.symbol == tuple(beats.values())


def test_beats_that_nobody_has_annotated_are_found_and_have_no_symbol(tmp_path: Path) -> None:
    time = np.arange(2500) / 250
    ecg = sum(np.exp(-(((time - at) / 0.02) ** 2)) for at in np.arange(0.5, 10, 0.8))
    path = write_any(tmp_path, np.asarray(ecg)[None], 250.0, ["mV"])
    found = with_beats(read_stretch(path, 0.0, 10.0), path)
    assert set(found.symbol) == {""}
    np.testing.assert_allclose(found.beat_s, np.arange(0.5, 10, 0.8), atol=0.02)


def refused(path: Path, at_s: float | None, words: str) -> None:
    with pytest.raises((Refused, FileNotFoundError), match=words) as error:
        read_stretch(path, at_s, 10.0)
    assert "\n" not in str(error.value)


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "999", None, r"no record at .*999: there is no 999\.hea")
    refused(tmp_path / "x_ECG.csv", None, r"no record at .*x_ECG\.csv: there is no such file")


@pytest.mark.parametrize("at_s", [-1.0, 20.1, 1800.0])
def test_a_place_beyond_the_end_is_refused(record: Path, at_s: float) -> None:
    refused(record, at_s, r"record 100 lasts 30\.0 s: --at=.* must lie between 0 and 20\.0 for 10 s to follow")


def test_a_flat_place_and_one_without_valid_samples_are_refused(tmp_path: Path) -> None:
    refused(write_any(tmp_path, np.ones((1, 5000)), 250.0, ["mV"]), 3.0, r"every lead is flat or invalid from 3\.0 s")
    lost = np.where(np.arange(5000) < 4000, np.nan, np.arange(5000.0))[None]
    refused(write_any(tmp_path, lost, 250.0, ["mV"]), 3.0, r"every lead is flat or invalid from 3\.0 s")


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ("100 2 360", "", "its header cannot be read"),
        (" 360 ", " 0 ", "its header gives it no sampling rate or no samples"),
        (" 10800", "", "its header gives it no sampling rate or no samples"),
        ("100.dat", "lost.dat", "its samples cannot be read"),
        (" 212 ", " 999 ", "its samples cannot be read"),
    ],
)
def test_a_broken_header_is_refused(record: Path, was: str, becomes: str, words: str) -> None:
    path = record.with_name("100.hea")
    path.write_text(path.read_text().replace(was, becomes))
    refused(record, 3.0, f"record 100: {words}")


def test_samples_that_were_cut_off_and_an_empty_header_are_refused(record: Path) -> None:
    data = record.with_name("100.dat")
    data.write_bytes(data.read_bytes()[:300])
    refused(record, 3.0, "record 100: its samples cannot be read")
    record.with_name("100.hea").write_text("")
    refused(record, 3.0, "record 100: its header cannot be read")


def test_a_csv_of_other_columns_without_times_or_with_a_gap_is_refused(tmp_path: Path) -> None:
    refused(write_csv(tmp_path, 30.0, gap_s=2.5), 10.0, r"2\.5 s are missing after 15\.0 s: choose another place")
    path = tmp_path / "other_ECG.csv"
    for content, words in (
        ("a,b\n1,2\n", "begins with 'a,b', expected 'Time,EcgWaveform'"),
        ("Time,EcgWaveform\n", "has no two rows with ascending times"),
        ("Time,EcgWaveform\nnoon,3\nnight,4\n", r"rows 0 to 1000 of other_ECG.csv are not of a time"),
    ):
        path.write_text(content)
        refused(path, None, f"record other: .*{words}")


def test_a_stretch_ends_where_its_samples_do() -> None:
    assert Stretch("a", np.zeros((1, 500)), ("I",), ("mV",), 250.0, 3.0).stop_s == 5.0
