"""Temperature, offset and thresholds are found again, are the best there are, and never see a test row."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second
from sklearn.linear_model import LogisticRegression

from ecg_lightning.calibration import (
    TEMPERATURE_LIMITS,
    best_threshold,
    called,
    decide,
    fit_calibration,
    fit_lines,
    fit_temperature,
    fit_thresholds,
    most_sensitive_threshold,
    probabilities,
    uncalibrated,
)
from ecg_lightning.evaluation import evaluate
from ecg_lightning.metrics import expected_calibration_error
from ecg_lightning.predictions import FITTED_ON, Predictions
from ecg_lightning.standards import fit_standards, scores
from tests.corpora import binary
from tests.corpora.anomalies import draw_anomalies
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


def test_one_temperature_and_the_offset_of_each_of_several_labels_are_found_again() -> None:
    drawn = draw_multilabel(10, n_val=20_000)
    moved = replace(drawn, table=drawn.table.assign(logit_MI=drawn.table["logit_MI"] + 4))
    temperatures, offsets = fit_calibration(moved)
    assert temperatures[0] == pytest.approx(OVERCONFIDENT, rel=0.03)
    assert offsets[0] == pytest.approx((0, -4 / OVERCONFIDENT, 0, 0, 0), abs=0.1)


def test_the_temperature_and_offsets_of_several_labels_equal_those_of_logistic_regression() -> None:
    drawn = draw_multilabel(10, n_val=1000)
    val = drawn.table["side"].to_numpy() == FITTED_ON
    logits, positive = drawn.logits[val], drawn.label[val] == 1
    of_class = np.tile(np.eye(5), (len(logits), 1))
    inputs = np.column_stack([logits.ravel(), of_class])  # one slope for all, and a constant for each class
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000, fit_intercept=False).fit(inputs, positive.ravel())
    temperature, offsets = fit_lines(logits, positive)
    np.testing.assert_allclose((1 / temperature, *offsets), theirs.coef_[0], atol=1e-4)


def test_what_the_largest_of_several_crops_moves_is_taken_back() -> None:
    rng, drawn = np.random.default_rng(0), draw_multilabel(4000)
    names = [f"logit_{name}" for name in drawn.classes]
    crops = drawn.logits[:, None] + rng.normal(size=(8000, 7, 5))
    largest = replace(drawn, table=drawn.table.assign(**dict(zip(names, crops.max(axis=1).T, strict=True))))
    numbers = evaluate(largest, n_boot=0).metrics
    assert numbers["test/ece_uncalibrated"] > 0.1
    assert numbers["test/ece"] < 0.03
    assert numbers["test/ece"] == pytest.approx(evaluate(drawn, n_boot=0).metrics["test/ece"], abs=0.01)


def test_a_label_that_validation_rows_lack_is_not_calibrated_by_the_others_offset() -> None:
    drawn = draw_multilabel(200)
    val = drawn.table["side"].to_numpy() == FITTED_ON
    lacking = replace(drawn, table=drawn.table.assign(label_HYP=np.where(val, 0, drawn.table["label_HYP"])))
    without = fit_lines(drawn.logits[val, :4], drawn.label[val, :4] == 1)
    temperatures, offsets = fit_calibration(lacking)
    assert (temperatures[0], offsets[0]) == (without[0], (*without[1], 0))
    numbers = evaluate(lacking, n_boot=0).metrics
    assert numbers["calibration/threshold/HYP"] == 0.5
    assert (numbers["val/n_classes"], numbers["test/n_classes"]) == (4, 5)
    assert "val/f1/HYP" not in numbers
    assert numbers["test/macro_f1"] == pytest.approx(np.mean([numbers[f"test/f1/{name}"] for name in drawn.classes]))


def test_the_temperature_comes_from_validation_rows_of_its_own_fold() -> None:
    predictions = draw_predictions(500)
    test = predictions.table["side"].to_numpy() != FITTED_ON
    disturbed = predictions.table.copy()
    disturbed.loc[test, "logit_S"] = 9.0
    second_fold = predictions.table.assign(fold=1, logit_N=0.0)
    both = replace(predictions, table=pd.concat([disturbed, second_fold, second_fold[test].assign(fold=2)]))
    (alone, no_offsets), (found, _) = fit_calibration(predictions), fit_calibration(both)
    assert no_offsets == {}
    assert found[0] == alone[0]
    assert found[1] != alone[0]
    assert found[2] == 1
    assert "calibration/temperature" not in evaluate(both, n_boot=0).metrics
    assert fit_thresholds(both, probabilities(both, found, {})) == {}


def test_thresholds_come_from_validation_rows_of_their_own_fold() -> None:
    drawn = draw_multilabel(100)
    test = drawn.table["side"].to_numpy() != FITTED_ON
    disturbed = drawn.table.copy()
    disturbed.loc[test, "label_MI"] = 1
    other = drawn.table.assign(fold=1, logit_MI=drawn.table["logit_HYP"])
    both = replace(drawn, table=pd.concat([disturbed, other, other[test].assign(fold=2)]))
    alone = fit_thresholds(drawn, probabilities(drawn, *fit_calibration(drawn)))
    found = fit_thresholds(both, probabilities(both, *fit_calibration(both)))
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
    p = probabilities(drawn, {0: 2.0}, {0: (-0.5,)})
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(0.5 - drawn.logits[:, 0] / 2)))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    rows = decide(drawn, p, {0: (0.3,)})
    np.testing.assert_array_equal(rows.called, (p[:, 1] >= 0.3).astype(int))


def shifted(drawn: Predictions, by: float) -> Predictions:
    """What a network would say whose loss or sampler made the second class commoner than it is."""
    return replace(drawn, table=drawn.table.assign(logit_low=drawn.table["logit_low"] + by))


def without_rows_that_never_go_low(n_rows: int) -> Predictions:
    """Rows whose logits are as many times too large as the corpus says, and nothing else."""
    drawn = draw_binary(n_rows)
    return replace(drawn, table=drawn.table[~drawn.table["patient"].isin(binary.NEVER)])


def test_temperature_and_offset_of_two_classes_are_found_again() -> None:
    drawn = shifted(without_rows_that_never_go_low(90_000), 3.2)
    temperatures, offsets = fit_calibration(drawn)
    assert temperatures == {0: pytest.approx(binary.OVERCONFIDENT, rel=0.03)}
    assert offsets == {0: (pytest.approx(-3.2 / binary.OVERCONFIDENT, abs=0.05),)}


@pytest.mark.parametrize(("factor", "shift"), [(1, 0), (1, 4), (0.2, -3), (10, 60), (0.3, 50)])
def test_temperature_and_offset_equal_those_of_logistic_regression(factor: float, shift: float) -> None:
    drawn = draw_binary()
    logit, positive = factor * drawn.logits[:, 0] + shift, drawn.label == 1
    z = (logit - logit.mean()) / logit.std()  # for theirs: without a penalty it is the same
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(z[:, None], positive)
    temperature, (offset,) = fit_lines(logit[:, None], positive[:, None])
    p = 1 / (1 + np.exp(-logit / temperature - offset))
    np.testing.assert_allclose(p, theirs.predict_proba(z[:, None])[:, 1], rtol=1e-4)
    assert p.mean() == pytest.approx(positive.mean()), "so it is wherever an offset is fitted"


def test_where_the_likelihood_has_no_optimum_logits_stay_as_they_are() -> None:
    logit = np.array([-1.0, 0.5, 2.0])
    for one in (np.zeros(3, dtype=bool), np.ones(3, dtype=bool), np.zeros(0, dtype=bool)):
        assert fit_lines(logit[: len(one), None], one[:, None]) == (1.0, (0.0,))


def test_the_temperature_of_two_classes_keeps_its_limits_and_the_offset_is_the_best_beside_it() -> None:
    logit, positive = np.array([[-1.0], [-0.5], [0.0], [1.0]]), np.array([[False], [False], [False], [True]])
    parted, (offset,) = fit_lines(logit, positive)
    assert parted == pytest.approx(TEMPERATURE_LIMITS[0])
    assert (1 / (1 + np.exp(-logit / parted - offset))).sum() == pytest.approx(1)
    against, (offset,) = fit_lines(-logit, positive)
    assert against == pytest.approx(TEMPERATURE_LIMITS[1])
    assert (1 / (1 + np.exp(logit / against - offset))).sum() == pytest.approx(1)
    same, (offset,) = fit_lines(np.full((4, 1), 7.0), positive)
    assert (same, 7 / same + offset) == (1, pytest.approx(np.log(1 / 3)))


def test_what_a_weighted_loss_moves_is_taken_back() -> None:
    plain, moved = without_rows_that_never_go_low(4000), shifted(without_rows_that_never_go_low(4000), 4)
    expected, found = evaluate(plain, n_boot=0), evaluate(moved, n_boot=0)
    assert found.metrics["test/ece_uncalibrated"] > 0.2
    assert found.metrics["test/ece"] < 0.03
    for name in ("test/ece", "test/nll", "test/f1/low", "calibration/temperature", "calibration/threshold/low"):
        assert found.metrics[name] == pytest.approx(expected.metrics[name], abs=1e-4)
    # the very same by the temperature alone
    val = moved.table["side"].to_numpy() == FITTED_ON
    p = probabilities(moved, found.temperatures, {0: (0.0,)})[~val, 1]
    assert expected_calibration_error(p, moved.label[~val] == 1) > 0.15


def test_an_offset_comes_from_validation_rows_of_its_own_fold() -> None:
    drawn = draw_binary()
    val = drawn.table["side"].to_numpy() == FITTED_ON
    disturbed = drawn.table.assign(label=np.where(val, drawn.table["label"], 1))
    other = shifted(drawn, 2.0).table.assign(fold=1)
    both = replace(drawn, table=pd.concat([disturbed, other, other[~val].assign(fold=2)]))
    (alone, offset), (temperatures, offsets) = fit_calibration(drawn), fit_calibration(both)
    assert (temperatures[0], offsets[0]) == (alone[0], offset[0])
    assert offsets[1][0] == pytest.approx(offset[0][0] - 2 / alone[0], abs=1e-4)
    assert (temperatures[2], offsets[2]) == (1, (0,))
    p = probabilities(both, temperatures, offsets)
    np.testing.assert_allclose(p[900:1800], p[:900], atol=1e-5)
    assert not [name for name in evaluate(both, n_boot=0).metrics if name.startswith("calibration/")]


@pytest.mark.parametrize("least", [None, 0.9])
def test_calibration_does_not_change_which_validation_rows_are_called(least: float | None) -> None:
    drawn = shifted(draw_binary(least_specificity=least), 3.0)
    val = drawn.table["side"].to_numpy() == FITTED_ON
    found = []
    for fitted in (fit_calibration(drawn), ({0: 1.0}, {0: (0.0,)}), ({0: 7.0}, {0: (2.0,)})):
        p = probabilities(drawn, *fitted)
        found.append(decide(drawn, p, fit_thresholds(drawn, p)).called)
    for other in found[1:]:
        np.testing.assert_array_equal(other[val], found[0][val])
        assert (other != found[0]).mean() < 0.01, "rows of other sides may lie between two validation rows"


def test_the_threshold_of_two_classes_comes_from_validation_rows_by_its_rule() -> None:
    best, specific = draw_binary(), draw_binary(least_specificity=0.95)
    val = best.table["side"].to_numpy() == FITTED_ON
    p = probabilities(best, *fit_calibration(best))
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
    p = probabilities(both, {0: 1.0, 1: 2.0}, {})
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
    np.testing.assert_array_equal(uncalibrated(drawn), probabilities(drawn, {0: 1.0}, {}))


def test_a_score_of_anomalies_is_left_as_it_is_and_called_from_its_threshold_on() -> None:
    drawn = draw_anomalies(score=("latent", "rhythm"))
    temperatures, offsets = fit_calibration(drawn)
    assert (temperatures, offsets) == ({0: 1.0}, {})
    standards = fit_standards(drawn)
    p = probabilities(drawn, temperatures, offsets, standards)
    np.testing.assert_array_equal(p[:, 0], scores(drawn, standards))
    np.testing.assert_array_equal(probabilities(drawn, temperatures, offsets), p)
    assert p.shape == (900, 1)
    thresholds = fit_thresholds(drawn, p)
    rows = decide(drawn, p, thresholds)
    np.testing.assert_array_equal(rows.called, (p[:, 0] >= thresholds[0][0]).astype(int))
    normal = (drawn.table["side"] == FITTED_ON) & (drawn.table["label"] == 0)
    assert thresholds[0][0] == pytest.approx(2 * p[normal, 0].std(ddof=1)), "the mean of averaged deviations is 0"


def test_each_fold_of_anomalies_has_its_own_threshold() -> None:
    drawn = draw_anomalies()
    both = replace(drawn, table=pd.concat([drawn.table, drawn.table.assign(fold=2)]))
    p = probabilities(both, {}, {})
    rows = decide(both, p, {0: (0.0,), 2: (np.inf,)})
    np.testing.assert_array_equal(rows.called, np.repeat([1, 0], 900))
