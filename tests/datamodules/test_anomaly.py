"""Normal windows to learn from: beats by AAMI class or symbol, recordings by their statements, rows of a csv."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.anomaly import AnomalyData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import Official
from ecg_lightning.structures import Refused
from ecg_lightning.windowing import Crops, Window
from tests.corpora.beat_data import ByRecord
from tests.corpora.mitdb import write_mitdb
from tests.corpora.record_data import SUPER, corpus_in, preprocess_of, write_records

RECORDS = ["100", "101", "103", "114"]
KINDS = {"N": "normal", "S": "supraventricular", "V": "ventricular"}
RHYTHM = Features(("pre_rr_s",), "diagnostic")


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
    with pytest.raises(Refused, match="which dataset ptbxl does not mark: features=none"):
        of_recordings(recordings_in, features=RHYTHM)
    with pytest.raises(Refused, match="leaves no normal rows for train"):
        _ = anomaly_data(beats_in, kinds={"x": "blocked", "N": "normal", "V": "ventricular"}).fold
