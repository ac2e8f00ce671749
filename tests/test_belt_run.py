"""A whole run over windows of a belt: pretrained, scored, served and adapted, with nothing lost on the way."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from ecg_lightning import bundle, config
from ecg_lightning.predict.segments import watch
from ecg_lightning.predictions import Predictions
from ecg_lightning.splits import folds
from tests.corpora.compose import composed
from tests.corpora.glucose_run import SMALL, train_belt
from tests.corpora.record_run import start

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning"),
    pytest.mark.filterwarnings("ignore:.*are one person"),
]


def numbers(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "metrics.json").read_text())
    return found


def test_a_run_leaves_its_encoder_numbers_page_and_a_bundle(finished_belt_run: Path) -> None:
    for name in ("pretrain/encoder.safetensors", "pretrain/history.csv", "report.html", "model/contract.json"):
        assert (finished_belt_run / name).is_file(), name
    kept = load_file(finished_belt_run / "pretrain" / "encoder.safetensors")
    network = bundle.read(finished_belt_run / "model").network
    trained = network.get_submodule("encoder").state_dict()
    assert all(torch.equal(kept[name], trained[name]) for name in kept), "a frozen encoder has moved"
    assert {"test/auroc", "test/sensitivity_at_specificity_90", "val/majority/accuracy"} <= numbers(
        finished_belt_run
    ).keys()
    table = pd.read_parquet(finished_belt_run / "predictions.parquet")
    low = table["measured_glucose_mmol_l"] < 3.9
    assert (low == (table["label"] == 1)).all()


def test_a_bundle_answers_the_windows_of_a_record_as_the_run_did(finished_belt_run: Path, twin_cache: Path) -> None:
    """No skew between training and serving, whatever the stretch, with breathing and activity at their own rates."""
    words = (f"cache_dir={twin_cache}", f"data_dir={twin_cache}", "task.extra=[breathing,activity]")
    corpus = config.constructed(composed("task=hypoglycemia", *words).dataset)
    model = bundle.read(finished_belt_run / "model")
    table = Predictions.read(finished_belt_run / "predictions.parquet").table
    record = str(table["record"].iloc[0])
    (read,) = [one for one in corpus.read(record.partition("#")[0], ("ECG",)) if one.name == record]
    served = watch(model, read).set_index("time_s")
    own = table[table["record"] == record]
    answered = served.loc[own["time_s"].to_numpy(), "p"].to_numpy()
    assert len(own) > 1
    calibrated = own["logit_low"].to_numpy() / model.contract.temperature + model.contract.offsets[0]
    np.testing.assert_allclose(answered, 1 / (1 + np.exp(-calibrated)), atol=1e-5)


@pytest.mark.slow
def test_a_patient_who_was_never_seen_is_adapted_to(tmp_path: Path, twin_cache: Path) -> None:
    train_belt(tmp_path / "first", twin_cache, "split=holdout")
    contract = bundle.read(tmp_path / "first" / "model").contract
    cfg = composed("task=hypoglycemia", "split=holdout", f"cache_dir={twin_cache}", f"data_dir={twin_cache}")
    data = config.constructed(cfg.task.data, corpus=config.constructed(cfg.dataset), scope="window")
    (fold,) = folds(data.split, data.table)
    people, low = np.array(data.table.patient_names)[data.table.patient], data.table.label == 1
    patient = next(who for who in contract.patients["test"] if low[fold.test][people[fold.test] == who].any())
    adapt = ("adapt=patient", f"adapt.bundle={tmp_path / 'first' / 'model'}", f"adapt.patient='{patient}'")
    small = [word for word in SMALL if not word.startswith("split=")]
    places = (f"cache_dir={twin_cache}", f"data_dir={twin_cache}", "tracking=none", "trainer=smoke")
    quiet = ("trainer.accelerator=cpu", "trainer.enable_progress_bar=false")
    start(tmp_path / "second", "task=hypoglycemia", *small, *places, *quiet, *adapt)
    found = numbers(tmp_path / "second")
    assert {"before/test/n_windows", "test/n_windows"} <= found.keys()
    assert found["before/test/n_windows"] == found["test/n_windows"]
    adapted = bundle.read(tmp_path / "second" / "model").contract
    assert patient in adapted.patients["train"]
    assert set(contract.patients["train"]) <= set(adapted.patients["train"])
    assert adapted.tags["same_patients"] == "true"


def test_normal_and_abnormal_beats_are_scored_on_training_rows_too(tmp_path: Path, twin_cache: Path) -> None:
    words = ("tracking=none", "trainer=cpu", "trainer.max_epochs=1", "trainer.enable_progress_bar=false")
    places = (f"cache_dir={twin_cache}", f"data_dir={twin_cache}")
    start(tmp_path / "run", "task=abnormal_beat", "model=gru", "model.n_units=4", *words, *places)
    found = numbers(tmp_path / "run")
    assert {"train/accuracy", "train/f1/abnormal", "val/auroc", "test/majority/accuracy"} <= found.keys()
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert table["row"].is_unique
    card = json.loads((tmp_path / "run" / "data.json").read_text())
    assert table["side"].value_counts().to_dict() == card["rows"]
