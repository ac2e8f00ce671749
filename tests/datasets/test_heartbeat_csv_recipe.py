"""Beats as the published files have them, and the command that cuts them."""

from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets import heartbeat_csv_files, heartbeat_csv_recipe
from ecg_lightning.datasets.heartbeat_csv import HeartbeatCSV
from ecg_lightning.datasets.heartbeat_csv_recipe import cut_beats, main
from tests.corpora.mitdb import write_mitdb

LABELS = {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    write_mitdb(tmp_path / "records", ["100", "114", "201", "202"], seconds=30)
    return tmp_path / "records"


def test_a_row_runs_from_its_beat_to_a_fifth_of_the_interval_after_the_next() -> None:
    ecg = np.arange(1000.0)
    rows, kept = cut_beats(ecg, np.array([100, 190, 310]), np.array([100, 190, 310]), step=3)
    assert kept.tolist() == [0, 1]  # nothing follows the last
    n = len(range(100, 190 + 24, 3))
    np.testing.assert_allclose(rows[0, :n], np.linspace(0, 1, n), rtol=1e-6)
    assert not rows[0, n:].any()
    assert np.count_nonzero(rows[1]) == len(range(190, 310, 3)) - 1  # no interval after the last; its least is 0


def test_marks_that_are_no_beats_end_a_row_all_the_same() -> None:
    rows, _ = cut_beats(np.arange(1000.0), np.array([100, 310]), np.array([100, 160, 310]), step=3)
    assert np.flatnonzero(rows[0])[-1] + 1 == len(range(100, 160 + 30, 3))


def test_a_long_row_is_scaled_before_it_is_cut() -> None:
    ecg = np.concatenate([np.zeros(700), [5.0], np.zeros(300)])
    ecg[0] = 1.0
    rows, _ = cut_beats(ecg, np.array([0]), np.array([0, 750, 900]), step=1)
    assert rows.shape == (1, 187)
    assert rows[0, 0] == np.float32(0.2)  # of the height of a peak that is not shown


def test_a_flat_row_is_zero() -> None:
    rows, _ = cut_beats(np.ones(100), np.array([0]), np.array([0, 50]), step=1)
    assert not rows.any()


def test_the_command_makes_a_corpus_that_knows_its_patients(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = records.parent / "made"
    assert main([str(records), "--allow-missing", "--output", str(output), "--test-share", "0.25"]) == 0
    said = capsys.readouterr().out
    assert "44 of 48 records are not in" in said
    assert "101" in heartbeat_csv_files.made_without(output)
    assert "101, 102, 103" in said
    assert f"dataset.folder={output}" in said
    corpus = HeartbeatCSV(
        records, records, ("mitbih_train.csv", "mitbih_test.csv"), LABELS, 125, 187, folder=output, source="local"
    )
    read = [record for name in corpus.records() for record in corpus.read(name, ("ECG",))]
    assert {record.patient for record in read} == {"100", "114", "201"}  # 201 and 202 are one person
    symbols = [symbol for record in read for symbol in record.symbol]
    # 30 annotations, of which 4 are no beats and the last has none after it
    assert len(symbols) == 4 * 25
    assert set(symbols) == set("01234")
    n_test = sum(len(record.symbol) for record in read if record.name.startswith("mitbih_test"))
    assert n_test / len(symbols) == pytest.approx(0.25, abs=0.05)
    assert not corpus.synthetic


def test_beats_are_every_third_sample_of_the_first_lead(records: Path) -> None:
    beats, synthetic = heartbeat_csv_recipe.read_beats(records, "114")
    import wfdb

    raw = wfdb.rdrecord(str(records / "114"), physical=False).d_signal[:, 0]
    first = raw[180 : 540 + 72 : 3].astype(float)  # a mark every second from half a second on
    np.testing.assert_allclose(beats.rows[0, : len(first)], (first - first.min()) / np.ptp(first), atol=1e-6)
    assert beats.label[:3].tolist() == [0, 0, 2]
    assert not synthetic


def test_the_draw_goes_by_the_seed(records: Path) -> None:
    for name, seed in (("a", 0), ("again", 0), ("b", 1)):
        assert main([str(records), "--allow-missing", "--output", str(records.parent / name), "--seed", str(seed)]) == 0
    first, again, other = ((records.parent / name / "mitbih_test.csv").read_bytes() for name in ("a", "again", "b"))
    assert first == again != other


def test_beats_of_synthetic_records_are_called_synthetic(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "records", ["100"], seconds=30, comments=["synthetic: written by a test"])
    assert main([str(tmp_path / "records"), "--allow-missing", "--output", str(tmp_path)]) == 0
    assert heartbeat_csv_files.is_synthetic(tmp_path / "mitbih_train.csv")


def test_nothing_is_overwritten(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (records / "mitbih_test_patients.csv").write_text("mine")
    assert main([str(records), "--allow-missing", "--output", str(records)]) == 2
    said = capsys.readouterr().err
    assert "already holds mitbih_test_patients.csv: remove them, or name another folder" in said
    assert (records / "mitbih_test_patients.csv").read_text() == "mine"


def test_a_folder_without_records_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere"), "--allow-missing", "--output", str(tmp_path)]) == 2
    assert "holds no record of MIT-BIH: expected 100.hea, 100.dat, 100.atr" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["0", "1", "-0.5"])
def test_an_impossible_share_is_refused(records: Path, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(records), "--allow-missing", "--output", str(records), f"--test-share={share}"]) == 2
    assert f"--test-share={share} must lie between 0 and 1" in capsys.readouterr().err


def test_a_bad_record_is_refused_by_name(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (records / "114.atr").unlink()
    assert main([str(records), "--allow-missing", "--output", str(records)]) == 2
    assert capsys.readouterr().err.startswith("error: record 114: annotation file 114.atr is missing")


def test_a_folder_that_cannot_be_made_is_refused(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(records), "--allow-missing", "--output", str(records / "100.hea" / "made")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_missing_records_are_named_unless_they_may_be(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(records), "--output", str(records.parent / "none")]) == 2
    said = capsys.readouterr().err
    assert "44 of 48 records are not in" in said
    assert "--allow-missing goes on without them, and leaves a note" in said
    assert not (records.parent / "none").exists()
