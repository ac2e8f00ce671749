"""Folds together: each row once with its own fold's calibration, and numbers over patients and over folds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ecg_lightning.calibration import probabilities
from ecg_lightning.evaluation import evaluate
from ecg_lightning.pooling import joined, kept, pool, together
from ecg_lightning.predictions import Predictions
from tests.corpora.folds import N_FOLDS, folds_of, write_fold


@pytest.fixture(scope="module")
def parts() -> list[Predictions]:
    return folds_of()


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory, parts: list[Predictions]) -> Path:
    folder = tmp_path_factory.mktemp("pooled")
    folders = [folder / "folds" / str(number) for number in range(N_FOLDS)]
    for place, part in zip(folders, parts, strict=True):
        write_fold(place, part)
    pool(folders, folder)
    return folder


def test_every_row_is_reported_on_once(pooled: Path, parts: list[Predictions]) -> None:
    table = Predictions.read(pooled / "predictions.parquet").table
    test = table[table["side"] == "test"]
    assert sorted(test["row"]) == list(range(900))
    assert len(table) == sum(len(part.table) for part in parts)
    assert sorted(table["fold"].unique()) == list(range(N_FOLDS))


def test_each_fold_keeps_its_own_calibration(parts: list[Predictions]) -> None:
    """Limit case: a row is as probable among all folds as in its fold alone, although the logits differ in scale."""
    whole = together(parts)
    found = evaluate(whole, n_boot=0)
    p = probabilities(whole, found.temperatures, found.offsets)
    for fold, part in enumerate(parts):
        alone = evaluate(part, n_boot=0)
        own = probabilities(part, alone.temperatures, alone.offsets)
        np.testing.assert_allclose(p[(whole.table["fold"] == fold).to_numpy()], own)


def test_mean_and_spread_over_folds_are_those_of_the_folds(pooled: Path, parts: list[Predictions]) -> None:
    numbers = json.loads((pooled / "metrics.json").read_text())
    each = []
    for part in parts:
        test = part.table[part.table["side"] == "test"]
        each.append(roc_auc_score(test["label"], test["logit_low"]))
    assert numbers["test/auroc_fold_mean"] == pytest.approx(np.mean(each))
    assert numbers["test/auroc_fold_sd"] == pytest.approx(np.std(each, ddof=1))
    assert numbers["test/auroc_fold_n"] == N_FOLDS
    assert numbers["test/auroc_low"] < numbers["test/auroc"] < numbers["test/auroc_high"], "over all nine patients"
    assert numbers["test/n_patients"] == 9


def test_a_fold_without_the_number_is_not_counted(parts: list[Predictions]) -> None:
    """A patient who never goes low has no AUROC: two folds have one, and the third is left out."""
    table = parts[2].table
    healthy = table.assign(label=np.where(table["side"] == "test", 0, table["label"]).astype(np.int16))
    found = evaluate(together([*parts[:2], replace(parts[2], table=healthy)]), n_boot=0).metrics
    assert found["test/auroc_fold_n"] == 2
    one = evaluate(together([parts[0], replace(parts[2], table=healthy)]), n_boot=0).metrics
    assert one["test/auroc_fold_n"] == 1
    assert "test/auroc_fold_sd" not in one


def test_one_fold_has_no_numbers_over_folds(parts: list[Predictions]) -> None:
    assert not [name for name in evaluate(parts[0], n_boot=0).metrics if "_fold_" in name]


def test_costs_add_up_and_the_monitor_is_averaged(pooled: Path) -> None:
    numbers = json.loads((pooled / "metrics.json").read_text())
    assert (numbers["fit/epochs"], numbers["fit/seconds"]) == (9, 30.0)
    assert numbers["fit/windows_per_second"] == pytest.approx(100)
    assert numbers["fit/monitored"] == pytest.approx((0.5 + 0.6 + 0.7) / 3)
    assert numbers["model/parameters"] == 12


def test_folds_and_patients_have_tables(pooled: Path) -> None:
    folds = pd.read_csv(pooled / "folds.csv")
    assert folds["fold"].tolist() == [0, 1, 2]
    assert folds["test_patients"].tolist() == ["001 004 007", "002 005 008", "003 006 009"]
    assert folds["test/auroc"].tolist() == pytest.approx([0.5, 0.6, 0.7])
    people = pd.read_csv(pooled / "patients.csv", dtype={"patient": str})
    assert sorted(people.loc[people["side"] == "test", "patient"]) == [f"{i:03d}" for i in range(1, 10)]


def test_the_card_says_who_stood_where_in_any_fold(pooled: Path) -> None:
    card = json.loads((pooled / "data.json").read_text())
    assert card["rows"]["test"] == 900
    assert sorted(card["patients"]["test"]) == [f"{i:03d}" for i in range(1, 10)]
    assert card["tags"] == {"tag_0": "true", "tag_1": "true", "tag_2": "true"}
    assert card["split_hash"] == "0000+1111+2222"
    assert card["remarks"] == ["low is below 3.9", "3 folds: training and validation rows are counted once per fold"]
    assert len(card["per_patient"]) == 9


def test_cards_of_one_fold_are_that_fold() -> None:
    card = {"tags": {}, "skipped": {}, "remarks": ["a"], "split_hash": "0123456789", "rows": {"val": 3}}
    card |= {
        "counts": {"val": {"low": 1}},
        "patients": {"val": ["1"]},
        "per_patient": [{"patient": "1", "side": "val"}],
    }
    assert joined([card]) == card | {"split_hash": "0123"}


def test_mlflow_keeps_what_there_is(pooled: Path) -> None:
    names = {path.name for path in kept(pooled)}
    assert {"metrics.json", "predictions.parquet", "folds.csv", "patients.csv", "data.json"} <= names
    assert "report.html" not in names


def test_training_rows_stay_with_their_folds(parts: list[Predictions]) -> None:
    table = pd.concat([parts[0].table, parts[0].table.assign(side="train")])
    assert set(together([replace(parts[0], table=table)]).table["side"]) == {"val", "test"}
