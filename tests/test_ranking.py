"""Replicates by weights equal scikit-learn on the rows that were drawn, repeated one by one."""

import numpy as np
import pytest
from sklearn import metrics as second

from ecg_lightning.ranking import auroc_replicates, ranking_replicates, sensitivity_replicates


def draw(n: int, n_units: int, decimals: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(score, positive, unit, weight); few decimals make many ties."""
    rng = np.random.default_rng(n + n_units + decimals)
    score = np.round(rng.normal(size=n), decimals)
    unit = rng.permutation(np.arange(n) % n_units)
    weight = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=40).astype(np.float64)
    return score, score + 2 * rng.normal(size=n) > 1.0, unit, weight


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("n_units", [7, 60, 200])
def test_replicates_equal_scikit_learn_on_the_repeated_rows(n_units: int, decimals: int) -> None:
    score, positive, unit, weight = draw(200, n_units, decimals)
    areas, precise = ranking_replicates(score, positive, unit, weight)
    for replicate, drawn in enumerate(weight):
        rows = np.repeat(np.arange(200), drawn[unit].astype(int))
        assert areas[replicate] == pytest.approx(second.roc_auc_score(positive[rows], score[rows]), abs=1e-12)
        expected = second.average_precision_score(positive[rows], score[rows])
        assert precise[replicate] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("least", [0.25, 0.9])
def test_sensitivity_at_a_specificity_equals_scikit_learn_on_the_repeated_rows(least: float, decimals: int) -> None:
    score, positive, unit, weight = draw(200, 60, decimals)
    found = sensitivity_replicates(score, positive, unit, weight, least)
    for replicate, drawn in enumerate(weight):
        rows = np.repeat(np.arange(200), drawn[unit].astype(int))
        false, sensitivity, _ = second.roc_curve(positive[rows], score[rows], drop_intermediate=False)
        assert found[replicate] == pytest.approx(sensitivity[false <= 1 - least + 1e-12].max(), abs=1e-12)


def test_one_of_ten_negatives_may_be_called_at_a_specificity_of_nine_tenths() -> None:
    score = np.array([0.9, 0.8, 0.8, 0.7, *np.linspace(0.1, 0.5, 8), 0.95])
    positive = np.isin(np.arange(13), [0, 1, 3])  # above them one negative, between them another, tied with the second
    unit, weight = np.arange(13), np.ones((1, 13))
    assert sensitivity_replicates(score, positive, unit, weight, 0.9)[0] == pytest.approx(1 / 3)
    assert sensitivity_replicates(score, positive, unit, weight, 0.8)[0] == 1
    assert sensitivity_replicates(score, positive, unit, weight, 0.95)[0] == 0


def test_pairs_of_units_and_steps_of_ranks_give_the_same_aurocs() -> None:
    score, positive, unit, weight = draw(200, 8, 1)
    np.testing.assert_array_equal(
        auroc_replicates(score, positive, unit, weight), ranking_replicates(score, positive, unit, weight)[0]
    )
    many = draw(200, 90, 1)
    np.testing.assert_array_equal(auroc_replicates(*many), ranking_replicates(*many)[0])


def test_replicates_in_small_chunks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw(200, 60, 1)
    whole, sensitivity = ranking_replicates(*drawn), sensitivity_replicates(*drawn, 0.9)
    monkeypatch.setattr("ecg_lightning.ranking.CHUNK_BYTES", 3 * 8 * 100)
    np.testing.assert_array_equal(ranking_replicates(*drawn), whole)
    np.testing.assert_array_equal(sensitivity_replicates(*drawn, 0.9), sensitivity)


def test_a_replicate_that_lacks_one_kind_has_no_score() -> None:
    score, positive, unit = np.array([0.1, 0.2, 0.3]), np.array([True, False, True]), np.arange(3)
    weight = np.array([[0.0, 3.0, 0.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    areas, precise = ranking_replicates(score, positive, unit, weight)
    np.testing.assert_array_equal(areas, [np.nan, np.nan, 0.5])
    np.testing.assert_allclose(precise, [np.nan, np.nan, (1 + 2 / 3) / 2])
    np.testing.assert_array_equal(sensitivity_replicates(score, positive, unit, weight, 0.9), [np.nan, np.nan, 0.5])
    for nothing in (np.zeros(3, dtype=bool), np.ones(3, dtype=bool)):
        assert np.isnan(sensitivity_replicates(score, nothing, unit, weight, 0.9)).all()
        assert np.isnan(ranking_replicates(score, nothing, unit, weight)).all()
