"""The twin of heartbeat csv is four files in its format, which say that nobody stands behind them."""

from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets import heartbeat_csv_files, heartbeat_csv_twin
from ecg_lightning.datasets.heartbeat_csv import HeartbeatCSV
from ecg_lightning.structures import Record

LABELS = {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"}
MITBIH, PTBDB = ("mitbih_train.csv", "mitbih_test.csv"), ("ptbdb_normal.csv", "ptbdb_abnormal.csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("twin")


@pytest.fixture(scope="module")
def records(folder: Path) -> dict[str, Record]:
    found = {}
    for files, labels in ((MITBIH, LABELS), (PTBDB, {0: "N", 1: "abnormal"})):
        corpus = HeartbeatCSV(folder, folder, files, labels, 125, 187, source="synthetic")
        for name in corpus.records():
            (found[name],) = corpus.read(name, ("ECG",))
        assert corpus.synthetic
    return found


def rows(record: Record) -> np.ndarray:
    return record.ecg_mv.reshape(-1, 187)


def test_the_twin_has_the_original_s_files_and_no_patients(records: dict[str, Record], folder: Path) -> None:
    assert sorted(f"{name}.csv" for name in records) == sorted((*MITBIH, *PTBDB))
    (root,) = (path for path in (folder / "twins").iterdir() if path.is_dir())
    assert len(list(root.iterdir())) == 4
    assert all(path.read_text().startswith(heartbeat_csv_files.SYNTHETIC) for path in root.iterdir())
    assert all(record.synthetic and record.patient == "unknown" for record in records.values())


def test_every_class_is_on_both_sides_and_most_beats_are_normal(records: dict[str, Record]) -> None:
    for name, least in (("mitbih_train", 5000), ("mitbih_test", 1200)):
        symbol = np.array(records[name].symbol)
        assert len(symbol) > least
        assert all((symbol == one).sum() >= 15 for one in "01234")
        assert 0.8 < (symbol == "0").mean() < 0.92
    assert set(records["ptbdb_normal"].symbol) == {"0"}
    assert set(records["ptbdb_abnormal"].symbol) == {"1"}
    assert len(records["ptbdb_normal"].symbol) == len(records["ptbdb_abnormal"].symbol) == 800


def test_rows_look_like_those_of_the_original(records: dict[str, Record]) -> None:
    for record in records.values():
        beats = rows(record)
        assert (beats.min(), beats.max()) == (0, 1)
        assert 0.3 < (beats[:, 0] == 1).mean() < 0.6  # of 1,000 originals 0.41, of 200 of the other files 0.52
        assert 80 < np.median((beats != 0).cumsum(axis=1).argmax(axis=1)) < 140


def test_anomalies_can_be_seen_but_not_at_once(records: dict[str, Record]) -> None:
    train, test = rows(records["mitbih_train"]), rows(records["mitbih_test"])
    normal = train[np.array(records["mitbih_train"].symbol) == "0"]
    _, _, axes = np.linalg.svd(normal[::3] - normal.mean(axis=0), full_matrices=False)
    away = test - normal.mean(axis=0)
    error = np.abs(away - away @ axes[:8].T @ axes[:8]).mean(axis=1)
    abnormal = np.array(records["mitbih_test"].symbol) != "0"
    above = (error[abnormal][:, None] > error[~abnormal]).mean()  # AUROC
    assert 0.75 < above < 0.92


def test_the_same_seed_gives_the_same_beats_and_another_others() -> None:
    first, again = (heartbeat_csv_twin._people(3, True, 30) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, heartbeat_csv_twin._people(4, True, 30))
    assert not np.array_equal(first, heartbeat_csv_twin._people(3, False, 30))
