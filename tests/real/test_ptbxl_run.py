"""A run over the real PTB-XL records, where ECG_DATA_DIR holds them: two batches an epoch, and all that follows."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning import bundle, evaluate
from ecg_lightning.datasets.ptbxl import PTBXL
from ecg_lightning.predict import recordings
from ecg_lightning.predictions import Predictions
from tests.corpora.record_data import LEADS, SUPER
from tests.corpora.record_run import BRIEF, NETWORK, start

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
pytestmark = [
    pytest.mark.skipif(not (DATA_DIR / "ptbxl").is_dir(), reason="ECG_DATA_DIR holds no ptbxl"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning"),
]
TWO_BATCHES = ("trainer.limit_train_batches=2", "trainer.max_epochs=1")


def train(folder: Path, cache_dir: Path, *words: str, alone: bool = True) -> Path:
    """The folder of a run."""
    places = (f"data_dir={DATA_DIR}", f"cache_dir={cache_dir}", "dataset.source=local")
    start(folder, "task=ptbxl", *BRIEF, *TWO_BATCHES, *places, *words, alone=alone)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, twin_cache: Path) -> Path:
    return train(tmp_path_factory.mktemp("real") / "run", twin_cache, *NETWORK)


def test_every_record_of_the_official_folds_is_scored(folder: Path) -> None:
    predictions = Predictions.read(folder / "predictions.parquet")
    corpus = PTBXL(DATA_DIR, DATA_DIR, 100, source="local")
    fold, label = corpus.sheet().official_fold, corpus.labels("super", 0)
    names = np.array(corpus.records())
    for side, number in (("val", 9), ("test", 10)):
        rows = predictions.table[predictions.table["side"] == side]
        assert set(rows["record"]) == set(names[(fold == number) & label.any(axis=1)])
    place = {name: i for i, name in enumerate(corpus.records())}
    of_row = label[[place[name] for name in predictions.table["record"]]]
    np.testing.assert_array_equal(predictions.label, of_row)


def test_what_a_reader_must_know_is_said(folder: Path) -> None:
    card = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert "9 of 2,127 records have no label of kind super and are left out" in card["remarks"]
    assert sum(card["rows"].values()) == 2127 - 9
    assert (card["synthetic"], card["tags"]["unit"]) == (False, "NU")
    assert sum(card["counts"][side]["NORM"] for side in ("train", "val", "test")) == 1173
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert {f"test/auroc/{c}" for c in SUPER} | {"test/macro_auroc", "test/sex_female/macro_auroc"} <= set(numbers)
    assert evaluate.main([str(folder)]) == 0


def test_the_bundle_answers_as_the_run(folder: Path) -> None:
    made, corpus = bundle.read(folder / "model"), PTBXL(DATA_DIR, DATA_DIR, 100, source="local")
    assert (made.contract.preprocess.unit, made.contract.preprocess.scale) == ("NU", "record")
    predictions = Predictions.read(folder / "predictions.parquet")
    for i in range(0, len(predictions.table), 40):
        found = recordings.logits(made, corpus.read(predictions.table["record"].iloc[i], LEADS))
        np.testing.assert_allclose(found, predictions.logits[i], atol=1e-5, rtol=1e-5)


def test_crops_of_real_records_are_answered_alike(tmp_path: Path, twin_cache: Path) -> None:
    small = ("model=cnn", "model.width=4", "features=none", "task.signal.window_s=2.5", "augment=strong")
    train(tmp_path / "run", twin_cache, *small, alone=False)
    made, corpus = bundle.read(tmp_path / "run" / "model"), PTBXL(DATA_DIR, DATA_DIR, 100, source="local")
    predictions = Predictions.read(tmp_path / "run" / "predictions.parquet")
    for i in range(0, len(predictions.table), 40):
        found = recordings.logits(made, corpus.read(predictions.table["record"].iloc[i], LEADS))
        np.testing.assert_allclose(found, predictions.logits[i], atol=1e-5, rtol=1e-5)
