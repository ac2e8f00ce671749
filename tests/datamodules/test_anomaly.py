"""Normal windows to learn from: beats by AAMI class or symbol, recordings by their statements, rows of a csv."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.anomaly import AnomalyData
from ecg_lightning.datasets.heartbeat_csv import HeartbeatCSV
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.datasets.ptbxl import PTBXL
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import Files, Holdout, Official
from ecg_lightning.structures import Fold, Refused, WindowTable
from ecg_lightning.windowing import Crops, Window
from tests.corpora.beat_data import ByRecord
from tests.corpora.heartbeat_csv import write_heartbeat_csv
from tests.corpora.mitdb import write_mitdb
from tests.corpora.record_data import SUPER, corpus_in, preprocess_of, write_records

RECORDS = ["100", "101", "103", "114"]
KINDS = {"N": "normal", "S": "supraventricular", "V": "ventricular"}
RHYTHM = Features(("pre_rr_s",), "diagnostic")


class AnomaliesValidate:
    """A split whose validation rows are anomalies, all but one."""

    needs: tuple[str, ...] = ()

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        normal, other = np.flatnonzero(table.label == 0), np.flatnonzero(table.label == 1)
        val = np.append(other, normal[0])
        yield Fold(normal[1:-1], val, normal[-1:], shares_patients=True)


@pytest.fixture(scope="module")
def beats_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", RECORDS, seconds=40)
    return folder


@pytest.fixture(scope="module")
def recordings_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    write_records(folder, 40)
    return folder


def anomaly_data(data_dir: Path, **settings: Any) -> AnomalyData:
    given: dict[str, Any] = {
        "corpus": MITDB(data_dir, data_dir, source="local", allow_missing=True),
        "classes": ("normal", "anomaly"),
        "kinds": KINDS,
        "window": Window(280, 140),
        "preprocess": Preprocess(("MLII",), 360.0, "diagnostic", "butterworth"),
        "features": Features((), "diagnostic"),
        "split": ByRecord(1, 1),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 64,
        "seed": 0,
        "cache_dir": data_dir / "cache",
        "scope": "window",
    }
    return AnomalyData(**(given | settings))


def of_recordings(data_dir: Path, **settings: Any) -> AnomalyData:
    given: dict[str, Any] = {
        "corpus": corpus_in(data_dir),
        "kinds": dict.fromkeys(SUPER, "a meaning"),
        "window": Crops(1000, 500, "mean"),
        "preprocess": preprocess_of(),
        "split": Official(9, 10),
    }
    return anomaly_data(data_dir, **(given | settings))


def test_beats_of_the_first_kind_are_normal_and_those_of_no_kind_have_no_row(beats_in: Path) -> None:
    data = anomaly_data(beats_in)
    symbol = data.store.symbol
    kept = symbol[np.isin(symbol, list("NLRejSAaJVE"))]
    assert len(data.table) == len(kept) < len(symbol)
    np.testing.assert_array_equal(data.table.label == 0, np.isin(kept, list("NLRej")))
    np.testing.assert_array_equal(data.table.kinds["V"], np.isin(kept, ["V", "E"]))
    assert list(data.table.kinds) == list(data.kinds) == ["S", "V"]


def test_a_kind_may_be_the_very_symbol(beats_in: Path) -> None:
    data = anomaly_data(beats_in, kinds={"N": "normal", "L": "left bundle branch block"})
    n_left = int((data.store.symbol == "L").sum())
    assert data.table.kinds["L"].sum() == n_left > 0
    assert (data.table.label == 0).sum() == np.isin(data.store.symbol, list("NLRej")).sum() - n_left


def test_training_rows_are_normal_and_the_other_sides_hold_all_rows(beats_in: Path) -> None:
    data = anomaly_data(beats_in)
    assert set(data.table.label[data.fold.train]) == {0}
    everyone = ByRecord(1, 1).divide(data.table)
    whole = next(iter(everyone))
    np.testing.assert_array_equal(data.fold.val, whole.val)
    np.testing.assert_array_equal(data.fold.test, whole.test)
    assert 0 < len(data.fold.train) < len(whole.train)
    assert data.facts.class_counts == (len(data.fold.train), 0)


def test_rhythm_is_counted_over_all_beats(beats_in: Path) -> None:
    data = anomaly_data(beats_in, features=RHYTHM)
    first = data.store.peaks_by_record()[0]
    np.testing.assert_allclose(data.table.features[1, 0], (first[1] - first[0]) / 360, rtol=1e-5)


def test_a_recording_is_normal_by_its_first_statement_alone(recordings_in: Path) -> None:
    data = of_recordings(recordings_in)
    stated = corpus_in(recordings_in).labels("super", 0)
    stated = stated[stated.any(axis=1)]
    alone = (stated[:, 0] == 1) & (stated.sum(axis=1) == 1)
    np.testing.assert_array_equal(data.table.label == 0, alone)
    assert (stated[:, 0] == 1).sum() > alone.sum() > 0, "some have another beside it"
    np.testing.assert_array_equal(np.stack(list(data.table.kinds.values()), axis=1), stated[:, 1:] == 1)
    assert data.preprocess.unit == "mV"


def test_batches_of_one_side_come_without_chance_and_spread_over_it(beats_in: Path) -> None:
    data = anomaly_data(beats_in, augment=Augment({"noise": lambda *_: pytest.fail("chance was asked")}), batch_size=8)
    rows = torch.cat([batch.row for batch in data.unchanged("train", 20)]).numpy()
    assert len(rows) == 20
    assert (rows[0], rows[-1]) == (data.fold.train[0], data.fold.train[-1])
    assert sum(len(batch.row) for batch in data.unchanged("train", 10**6)) == len(data.fold.train)


def test_what_cannot_be_is_refused_in_words(beats_in: Path, recordings_in: Path) -> None:
    with pytest.raises(ValueError, match=r"task.kinds=.* must name the normal kind first, and at least one other"):
        anomaly_data(beats_in, kinds={"N": "normal"})
    with pytest.raises(Refused, match=r"task.data.window is a Crops, but rows of dataset mitdb are single beats"):
        anomaly_data(beats_in, window=Crops(280, 140, "mean"))
    with pytest.raises(Refused, match=r"task.data.window is a Window, but rows of dataset ptbxl are whole recordings"):
        of_recordings(recordings_in, window=Window(1000, 0))
    with pytest.raises(Refused, match="which dataset ptbxl does not mark: features=none"):
        of_recordings(recordings_in, features=RHYTHM)
    with pytest.raises(Refused, match="leaves 0 normal rows for train, of which it takes at least 2"):
        _ = anomaly_data(beats_in, kinds={"x": "blocked", "N": "normal", "V": "ventricular"}).fold


def test_beats_of_no_kind_and_kinds_of_no_beat_are_remarked(beats_in: Path) -> None:
    data = anomaly_data(beats_in, kinds=KINDS | {"x": "blocked"})
    n_others = len(data.store.symbol) - len(data.table)
    assert data.remarks() == (
        f"{n_others} beats are of none of the kinds N, S, V, x and are left out",
        "no row is of kind x",
    )


def test_validation_without_normal_rows_is_refused_before_training(beats_in: Path) -> None:
    with pytest.raises(Refused, match="leaves 1 normal rows for val, of which it takes at least 2"):
        _ = anomaly_data(beats_in, split=AnomaliesValidate()).fold


def test_recordings_know_their_own_kinds_alone(recordings_in: Path) -> None:
    with pytest.raises(Refused, match=r"task.kinds=.* must be the 5 that recordings state"):
        _ = of_recordings(recordings_in, kinds=dict.fromkeys((*SUPER, "X"), "")).table


def test_recordings_without_a_unit_are_z_scored(recordings_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PTBXL, "unit", "NU")
    data = of_recordings(recordings_in)
    assert (data.preprocess.unit, data.preprocess.scale) == ("NU", "record")


def of_csv(folder: Path, fs_hz: float = 125.0, n_samples: int = 187, **settings: Any) -> AnomalyData:
    files = [path.name for path in sorted(folder.glob("mitbih_t*n.csv")) + sorted(folder.glob("mitbih_test.csv"))]
    labels = settings.pop("labels", {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"})
    corpus = HeartbeatCSV(folder, folder, files, labels, fs_hz, n_samples, folder=folder)
    given: dict[str, Any] = {
        "corpus": corpus,
        "kinds": dict.fromkeys("NSVFQ", "a meaning"),
        "window": Window(n_samples, 0),
        "preprocess": Preprocess(("ECG",), 125.0, "diagnostic", "none", scale="none"),
        "split": Files(0.5, 0),
        "cache_dir": folder / "cache",
    }
    return anomaly_data(folder, **(given | settings))


def test_rows_of_a_csv_are_windows_as_they_stand_in_it(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path)
    data = of_csv(tmp_path)
    rows = np.loadtxt(tmp_path / "mitbih_train.csv", delimiter=",")
    batch = data.source.gather(torch.arange(40), torch.ones(40, dtype=torch.bool))
    np.testing.assert_allclose(batch.ecg[:, 0].numpy(), rows[:, :-1], atol=1e-6)
    np.testing.assert_array_equal(data.table.label[:40], rows[:, -1] > 0)
    np.testing.assert_array_equal(data.table.kinds["V"][:40], rows[:, -1] == 2)
    assert data.fold.tags == {"leaky_split": "true"}
    assert set(data.fold.test) == set(range(40, 80))
    assert "heartbeat csv names no patients" in data.remarks()[0]


def test_rows_are_told_apart_by_patients_where_a_file_names_them(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path / "known", patients=("100", "101", "103", "105", "106"))
    data = of_csv(tmp_path / "known", split=Holdout(0.2, 0.2, 0))
    assert data.table.patient_known is not None
    assert data.table.patient_known.all()
    assert "leaky_split" not in data.fold.tags
    write_heartbeat_csv(tmp_path / "unknown")
    with pytest.raises(Refused, match=r"nobody knows whose the rows of mitbih_\w+.csv are"):
        _ = of_csv(tmp_path / "unknown", split=Holdout(0.2, 0.2, 0)).fold


def test_what_rows_of_a_csv_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path)
    with pytest.raises(Refused, match=r"preprocess.filter=butterworth .* would run from beat to beat"):
        of_csv(tmp_path, preprocess=Preprocess(("ECG",), 125.0, "diagnostic", "butterworth"))
    with pytest.raises(Refused, match=r"dataset.fs_hz=120 differs from task.signal.fs_hz=125"):
        of_csv(tmp_path, fs_hz=120.0)
    with pytest.raises(Refused, match=r"names X, which task.kinds=.* does not hold: .*\+task.kinds.X=meaning"):
        of_csv(tmp_path, labels={0: "N", 1: "S", 2: "V", 3: "F", 4: "X"})
    with pytest.raises(Refused, match="which dataset heartbeat_csv does not mark: features=none"):
        of_csv(tmp_path, features=RHYTHM)
    _ = of_csv(tmp_path).table  # writes the store
    with pytest.raises(Refused, match=r"rows of dataset heartbeat_csv have 187 samples, but windows 140: .*=187/125"):
        _ = of_csv(tmp_path, n_samples=140).table
