"""Scores agree with scikit-learn where both are defined, and say NaN where they are not."""

import numpy as np
import pytest
import torch
from sklearn import metrics as second
from torchmetrics.functional.classification import binary_calibration_error

from ecg_lightning.metrics import (
    accuracy,
    auroc,
    average_precision,
    best_f1,
    concordance,
    confusion,
    confusion_per_class,
    confusion_per_group,
    expected_calibration_error,
    f1,
    jk_index,
    kappa,
    macro,
    precision,
    precision_recall_curve,
    reliability,
    roc_curve,
    sensitivity,
)

N, S, V, F, Q = range(5)


def draw(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 5, n)
    return label, np.where(rng.random(n) < 0.6, label, rng.integers(0, 5, n))


def tied_scores(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=300), 1)
    return score, score + rng.normal(size=300) > 0.5, rng.integers(0, 4, 300)


def test_counts_and_scores_equal_those_of_scikit_learn() -> None:
    label, predicted = draw()
    counts = confusion(label, predicted, 5)
    np.testing.assert_array_equal(counts, second.confusion_matrix(label, predicted))
    p, r, f, _ = second.precision_recall_fscore_support(label, predicted)
    np.testing.assert_allclose(precision(counts), p)
    np.testing.assert_allclose(sensitivity(counts), r)
    np.testing.assert_allclose(f1(counts), f)
    assert accuracy(counts) == pytest.approx(second.accuracy_score(label, predicted))
    assert kappa(counts) == pytest.approx(second.cohen_kappa_score(label, predicted))
    assert macro(f1(counts)) == pytest.approx(second.f1_score(label, predicted, average="macro"))


def test_a_batch_of_matrices_scores_as_each_alone() -> None:
    label, predicted = draw()
    group = np.arange(400) % 3
    batch = confusion_per_group(label, predicted, 5, group, 3)
    for index, counts in enumerate(batch):
        alone = confusion(label[group == index], predicted[group == index], 5)
        np.testing.assert_array_equal(counts, alone)
        np.testing.assert_allclose(f1(batch)[index], f1(alone))
        np.testing.assert_allclose(kappa(batch)[index], kappa(alone))
        np.testing.assert_allclose(jk_index(batch, S, V, F)[index], jk_index(alone, S, V, F))


def test_an_absent_class_has_no_score_and_is_left_out_of_the_mean() -> None:
    counts = confusion(np.array([N, N, S, S]), np.array([N, Q, S, N]), 5)
    np.testing.assert_array_equal(np.isnan(f1(counts)), [False, False, True, True, True])
    np.testing.assert_array_equal(np.isnan(precision(counts)), [False, False, True, True, True])
    assert macro(f1(counts)) == pytest.approx((0.5 + 2 / 3) / 2)
    assert macro(f1(counts), [N, V]) == pytest.approx(0.5)
    assert np.isnan(macro(f1(counts), [V]))


def test_a_class_that_is_there_but_never_called_has_f1_zero_and_no_precision() -> None:
    counts = confusion(np.array([N, S]), np.array([N, N]), 5)
    assert f1(counts)[S] == 0
    assert np.isnan(precision(counts)[S])


def test_kappa_of_a_single_class_and_scores_of_nothing_are_undefined() -> None:
    assert np.isnan(kappa(confusion(np.zeros(3, dtype=int), np.zeros(3, dtype=int), 5)))
    assert np.isnan(accuracy(np.zeros((5, 5), dtype=int)))


def test_jk_index_of_a_perfect_reader_is_one() -> None:
    label = np.array([N, S, V, F, Q])
    assert jk_index(confusion(label, label, 5), S, V, F) == pytest.approx(1)


def test_jk_index_forgives_fusion_beats_called_v_and_not_v_beats_called_fusion() -> None:
    label = np.repeat([N, S, V, F], 10)
    f_as_v, v_as_f = label.copy(), label.copy()
    f_as_v[label == F] = V
    v_as_f[20:25] = F
    counts = confusion(label, f_as_v, 5)
    assert jk_index(counts, S, V, F) == pytest.approx(kappa(counts) / 2 + 4 / 8)
    counts = confusion(label, v_as_f, 5)
    assert jk_index(counts, S, V, F) == pytest.approx(kappa(counts) / 2 + 3.5 / 8)


def test_jk_index_gives_nothing_for_a_class_never_called_and_is_undefined_without_s() -> None:
    never = confusion(np.array([N, S, V]), np.array([N, N, V]), 5)
    assert jk_index(never, S, V, F) == pytest.approx(kappa(never) / 2 + 2 / 8)
    assert np.isnan(jk_index(confusion(np.array([N, V]), np.array([N, V]), 5), S, V, F))


def test_ranking_scores_equal_those_of_scikit_learn_with_ties() -> None:
    score, positive, _ = tied_scores()
    assert auroc(score, positive) == pytest.approx(second.roc_auc_score(positive, score))
    assert average_precision(score, positive) == pytest.approx(second.average_precision_score(positive, score))


def test_ranking_scores_need_both_kinds() -> None:
    score = np.array([0.1, 0.2])
    assert np.isnan(auroc(score, np.array([True, True])))
    assert np.isnan(auroc(score, np.array([False, False])))
    assert np.isnan(average_precision(score, np.array([False, False])))


def test_curves_equal_those_of_scikit_learn() -> None:
    score, positive, _ = tied_scores()
    false, found = roc_curve(score, positive)
    their_false, their_found, _ = second.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(false, their_false)
    np.testing.assert_allclose(found, their_found)
    recall, precise = precision_recall_curve(score, positive)
    their_precise, their_recall, _ = second.precision_recall_curve(positive, score)
    np.testing.assert_allclose(recall[::-1], their_recall)
    np.testing.assert_allclose(precise[::-1], their_precise)


def test_concordance_weighted_by_group_is_the_auroc_of_the_repeated_rows() -> None:
    score, positive, group = tied_scores()
    pairs = concordance(score, positive, group, 4)
    weight = np.array([2, 0, 1, 3])
    repeated = np.repeat(np.arange(300), weight[group])
    n_positive = weight @ np.bincount(group[positive], minlength=4)
    n_negative = weight @ np.bincount(group[~positive], minlength=4)
    weighted = weight @ pairs @ weight / (n_positive * n_negative)
    assert weighted == pytest.approx(second.roc_auc_score(positive[repeated], score[repeated]))


def test_each_class_against_the_rest_equals_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, (300, 4))
    called = rng.random((300, 4)) < 0.3 + 0.4 * label
    group = rng.integers(0, 3, 300)
    counts = confusion_per_class(label, called, group, 3)
    np.testing.assert_array_equal(counts.sum(axis=0), second.multilabel_confusion_matrix(label, called))
    for index in range(3):
        own = group == index
        np.testing.assert_array_equal(counts[index], second.multilabel_confusion_matrix(label[own], called[own]))
    everyone = counts.sum(axis=0)
    np.testing.assert_allclose(f1(everyone)[:, 1], second.f1_score(label, called, average=None))
    np.testing.assert_allclose(sensitivity(everyone)[:, 0], second.recall_score(1 - label, ~called, average=None))


def test_bins_say_what_was_said_what_came_and_how_often() -> None:
    said, came, count = reliability(np.array([0.0, 0.1, 0.5, 0.9, 1.0]), np.array([False, True, True, True, True]), 4)
    np.testing.assert_allclose(said, [0.05, np.nan, 0.5, 0.95])
    np.testing.assert_allclose(came, [0.5, np.nan, 1.0, 1.0])
    np.testing.assert_array_equal(count, [2, 0, 1, 2])


def test_the_calibration_error_equals_that_of_torchmetrics() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(500)
    outcome = rng.random(500) < p**2
    theirs = binary_calibration_error(torch.tensor(p), torch.tensor(outcome).long(), n_bins=15, norm="l1")
    assert expected_calibration_error(p, outcome) == pytest.approx(float(theirs))
    assert expected_calibration_error(np.ones(3), np.ones(3, dtype=bool)) == 0
    assert np.isnan(expected_calibration_error(p[:0], outcome[:0]))


def test_the_best_f1_is_that_of_the_best_threshold_and_of_equals_the_highest_is_taken() -> None:
    score, positive, _ = tied_scores()
    found, threshold = best_f1(score, positive)
    assert found == pytest.approx(max(second.f1_score(positive, score >= limit) for limit in np.unique(score)))
    assert second.f1_score(positive, score >= threshold) == pytest.approx(found)
    # calling the first alone, or all, is equally good: 2/3
    assert best_f1(np.array([0.9, 0.7, 0.5, 0.3]), np.array([True, False, False, True])) == (pytest.approx(2 / 3), 0.9)
    assert best_f1(np.array([-2.0, -1.0]), np.array([True, True])) == (1, -2)
    assert np.isnan(best_f1(score, np.zeros(300, dtype=bool))).all()
