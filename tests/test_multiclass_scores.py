"""Replicates are the rows drawn one by one; each patient's numbers are those of the patient's rows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as second

from ecg_lightning.calibration import Decisions, decide, uncalibrated
from ecg_lightning.multiclass_scores import (
    decision_scores,
    headline_names,
    n_classes,
    other_scores,
    per_patient,
    ranking_scores,
    without_names,
)
from ecg_lightning.predictions import Predictions
from tests.corpora.run_folder import draw_predictions


def decided(predictions: Predictions) -> Decisions:
    return decide(predictions, uncalibrated(predictions), {})


@pytest.mark.parametrize("n_units", [5, 300])
def test_replicates_equal_scikit_learn_on_the_repeated_rows(n_units: int) -> None:
    rows = decided(draw_predictions(1000))
    rng = np.random.default_rng(0)
    unit = rng.integers(0, n_units, len(rows.p))
    weight = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=3).astype(np.float64)
    found = {**decision_scores(rows, unit, weight), **ranking_scores(rows, unit, weight)}
    for replicate, drawn in enumerate(weight):
        chosen = np.repeat(np.arange(len(unit)), drawn[unit].astype(int))
        label, called, p = rows.about.label[chosen], rows.called[chosen], rows.p[chosen]
        assert found["accuracy"][replicate] == pytest.approx(second.accuracy_score(label, called))
        assert found["sensitivity/V"][replicate] == pytest.approx(second.recall_score(label == 2, called == 2))
        assert found["auroc/V"][replicate] == pytest.approx(second.roc_auc_score(label == 2, p[:, 2]))


def test_names_follow_the_task_and_lead_to_numbers() -> None:
    rows = decided(draw_predictions(1500))
    everyone, weight = np.zeros(len(rows.p), dtype=int), np.ones((1, 1))
    found = {**decision_scores(rows, everyone, weight), **ranking_scores(rows, everyone, weight), **other_scores(rows)}
    assert set(headline_names(rows.about)) < set(found)
    assert headline_names(rows.about)[:3] == without_names(rows.about) == ["accuracy", "macro_f1", "macro_f1_nsvf"]
    assert without_names(replace(rows.about, headline_classes=())) == ["accuracy", "macro_f1"]
    assert n_classes(rows) == len(np.unique(rows.about.label))


def test_the_patient_table_counts_every_row_once() -> None:
    predictions = draw_predictions(1500)
    table = per_patient(decided(predictions))
    assert table["n_windows"].sum() == len(predictions.table)
    assert list(table.columns[:5]) == ["patient", "side", "n_windows", "accuracy", "macro_f1"]
    chosen = (predictions.table["patient"] == "232").to_numpy()
    row = table[table["patient"] == "232"].iloc[0]
    label, called = predictions.label[chosen], predictions.logits[chosen].argmax(1)
    assert row["side"] == "test"
    assert row["n_V"] == (label == 2).sum()
    assert row["accuracy"] == pytest.approx((label == called).mean())
    assert row["macro_f1"] == pytest.approx(second.f1_score(label, called, average="macro"))
