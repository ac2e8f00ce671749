"""Temperature and thresholds are found again, are the best there are, and never see a test row."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second

from ecg_lightning.calibration import (
    FITTED_ON,
    best_threshold,
    called,
    decide,
    fit_temperature,
    fit_temperatures,
    fit_thresholds,
    most_sensitive_threshold,
    probabilities,
    uncalibrated,
)
from ecg_lightning.evaluation import evaluate
from tests.corpora import binary
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import OVERCONFIDENT, draw_multilabel
from tests.corpora.run_folder import draw_predictions


def test_the_temperature_that_was_put_in_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 5)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    label = (p.cumsum(1) > rng.random((20000, 1))).argmax(1)
    assert fit_temperature(logits * 3, label) == pytest.approx(3, rel=0.03)
    assert fit_temperature(logits[:0], label[:0]) == 1


def test_the_temperature_of_several_labels_is_found_again() -> None:
    drawn = draw_multilabel(10, n_val=8000)
    assert fit_temperatures(drawn)[0] == pytest.approx(OVERCONFIDENT, rel=0.03)


def test_the_temperature_comes_from_validation_rows_of_its_own_fold() -> None:
    predictions = draw_predictions(500)
    test = predictions.table["side"].to_numpy() != FITTED_ON
    disturbed = predictions.table.copy()
    disturbed.loc[test, "logit_S"] = 9.0
    second_fold = predictions.table.assign(fold=1, logit_N=0.0)
    both = replace(predictions, table=pd.concat([disturbed, second_fold, second_fold[test].assign(fold=2)]))
    alone, found = fit_temperatures(predictions), fit_temperatures(both)
    assert found[0] == alone[0]
    assert found[1] != alone[0]
    assert found[2] == 1
    assert "calibration/temperature" not in evaluate(both, n_boot=0).metrics
    assert fit_thresholds(both, probabilities(both, found)) == {}


def test_thresholds_come_from_validation_rows_of_their_own_fold() -> None:
    drawn = draw_multilabel(100)
    test = drawn.table["side"].to_numpy() != FITTED_ON
    disturbed = drawn.table.copy()
    disturbed.loc[test, "label_MI"] = 1
    other = drawn.table.assign(fold=1, logit_MI=drawn.table["logit_HYP"])
    both = replace(drawn, table=pd.concat([disturbed, other, other[test].assign(fold=2)]))
    alone = fit_thresholds(drawn, probabilities(drawn, fit_temperatures(drawn)))
    found = fit_thresholds(both, probabilities(both, fit_temperatures(both)))
    assert found[0] == alone[0]
    assert found[1] != alone[0]
    assert found[2] == (0.5,) * 5
    assert not [name for name in evaluate(both, n_boot=0).metrics if name.startswith("calibration/")]


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_no_threshold_gives_a_better_f1(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    p = np.round(rng.random(200), decimals)
    positive = rng.random(200) < p**2
    chosen = best_threshold(p, positive)
    possible = [second.f1_score(positive, p >= limit, zero_division=0) for limit in np.unique(p)]
    assert second.f1_score(positive, p >= chosen) == max(possible)
    assert chosen not in p


def test_a_threshold_lies_midway_and_of_equals_the_highest_is_taken() -> None:
    yes, no = True, False
    assert best_threshold(np.array([0.2, 0.6, 0.8]), np.array([no, yes, yes])) == pytest.approx(0.4)
    assert best_threshold(np.array([0.2, 0.6]), np.array([yes, yes])) == pytest.approx(0.1)
    # calling the first alone, or the first four, is equally good: 2/3
    p, positive = np.array([0.9, 0.7, 0.5, 0.3]), np.array([yes, no, no, yes])
    assert best_threshold(p, positive) == pytest.approx(0.8)
    assert best_threshold(p, np.zeros(4, dtype=bool)) == 0.5


def test_a_threshold_between_neighbouring_floats_still_parts_them() -> None:
    low = 0.5
    for p in (np.array([low, np.nextafter(low, 1)]), np.array([np.nextafter(low, 0), low]), np.array([0.0, 5e-324])):
        np.testing.assert_array_equal(p >= best_threshold(p, np.array([False, True])), [False, True])
    assert best_threshold(np.zeros(2), np.ones(2, dtype=bool)) == 0


@pytest.mark.parametrize("decimals", [1, 2, 9])
@pytest.mark.parametrize("least", [0.5, 0.9, 0.99])
def test_no_threshold_of_that_specificity_is_more_sensitive(least: float, decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    p = np.round(rng.random(300), decimals)
    positive = rng.random(300) < p**2
    chosen = most_sensitive_threshold(p, positive, least)
    false, found, _ = second.roc_curve(positive, p, drop_intermediate=False)
    assert (p >= chosen)[positive].mean() == pytest.approx(found[false <= 1 - least + 1e-12].max())
    assert (p < chosen)[~positive].mean() >= least


def test_the_most_sensitive_threshold_lies_midway_and_calls_no_more_than_it_must() -> None:
    p, positive = np.array([0.1, 0.2, 0.4, 0.6, 0.8]), np.array([False, False, True, False, True])
    assert most_sensitive_threshold(p, positive, 0.5) == pytest.approx(0.3)
    assert most_sensitive_threshold(p, positive, 0.9) == pytest.approx(0.7)
    assert most_sensitive_threshold(p, positive, 0.1) == pytest.approx(0.3), "0.05 would find no more"


def test_where_no_positive_can_be_found_nothing_is_called() -> None:
    p, positive = np.array([0.2, 0.6, 0.6, 0.8]), np.array([False, True, False, False])
    assert most_sensitive_threshold(p, positive, 0.9) == pytest.approx(0.9)
    sure = np.ones(4)
    assert not (sure >= most_sensitive_threshold(sure, positive, 0.9)).any()
    for one in (np.zeros(4, dtype=bool), np.ones(4, dtype=bool), np.zeros(0, dtype=bool)):
        assert most_sensitive_threshold(p[: len(one)], one, 0.9) == 0.5


def test_two_classes_are_told_apart_from_the_threshold_on() -> None:
    drawn = draw_binary()
    p = probabilities(drawn, {0: 2.0})
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-drawn.logits[:, 0] / 2)))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    rows = decide(drawn, p, {0: (0.3,)})
    np.testing.assert_array_equal(rows.called, (p[:, 1] >= 0.3).astype(int))


def test_the_temperature_of_two_classes_is_found_again() -> None:
    drawn = draw_binary(90_000)
    drawn = replace(drawn, table=drawn.table[~drawn.table["patient"].isin(binary.NEVER)])
    assert fit_temperatures(drawn)[0] == pytest.approx(binary.OVERCONFIDENT, rel=0.03)


def test_the_threshold_of_two_classes_comes_from_validation_rows_by_its_rule() -> None:
    best, specific = draw_binary(), draw_binary(least_specificity=0.95)
    val = best.table["side"].to_numpy() == FITTED_ON
    p = probabilities(best, fit_temperatures(best))
    positive = best.label[val] == 1
    assert fit_thresholds(best, p) == {0: (best_threshold(p[val, 1], positive),)}
    assert fit_thresholds(specific, p) == {0: (most_sensitive_threshold(p[val, 1], positive, 0.95),)}
    assert evaluate(specific, n_boot=0).metrics["val/specificity"] >= 0.95
    disturbed = replace(best, table=best.table.assign(label=np.where(val, best.table["label"], 1)))
    assert fit_thresholds(disturbed, p) == fit_thresholds(best, p)


def test_a_class_is_called_from_its_threshold_on() -> None:
    found = called(np.array([[0.3, 0.3], [0.5, 0.1]]), np.array([[0.3, 0.4]]))
    np.testing.assert_array_equal(found, [[True, False], [True, False]])


def test_each_row_is_decided_by_its_own_fold() -> None:
    drawn = draw_multilabel(30)
    both = replace(drawn, table=pd.concat([drawn.table, drawn.table.assign(fold=1)]))
    p = probabilities(both, {0: 1.0, 1: 2.0})
    rows = decide(both, p, {0: (0.2,) * 5, 1: (1.0,) * 5})
    np.testing.assert_array_equal(rows.called[:60], p[:60] >= 0.2)
    assert not rows.called[60:].any()
    part = rows.where(rows.column("fold") == 1)
    np.testing.assert_allclose(part.p, 1 / (1 + np.exp(-drawn.logits / 2)))
    assert len(part.called) == len(part.about.table) == 60


def test_the_likeliest_class_is_called_where_there_is_one() -> None:
    drawn = draw_predictions(100)
    np.testing.assert_array_equal(decide(drawn, uncalibrated(drawn), {}).called, drawn.logits.argmax(axis=1))
    np.testing.assert_allclose(uncalibrated(drawn).sum(axis=1), 1)
    np.testing.assert_array_equal(uncalibrated(drawn), probabilities(drawn, {0: 1.0}))
