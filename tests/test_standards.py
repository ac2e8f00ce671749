"""Standards and thresholds come from normal validation rows, and from nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import zscore

from ecg_lightning.predictions import Predictions
from ecg_lightning.standards import combined, fit_limits, fit_standards, limit, rule, scores
from ecg_lightning.structures import Refused
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary


def normals(predictions: Predictions) -> np.ndarray:
    return ((predictions.table["side"] == "val") & (predictions.table["label"] == 0)).to_numpy()


def test_the_standard_of_each_part_that_counts_is_that_of_normal_validation_rows() -> None:
    drawn = draw_anomalies(score=("latent", "rhythm"))
    chosen = drawn.table[normals(drawn)]
    found = fit_standards(drawn)[0]
    for (mean, sd), part in zip(found, drawn.score, strict=True):
        value = chosen[f"score_{part}"].astype(float)
        assert (mean, sd) == pytest.approx((value.mean(), value.std()))
    assert fit_standards(draw_binary(20)) == {}


def test_neither_anomalies_nor_test_rows_move_standards_and_thresholds() -> None:
    drawn = draw_anomalies(score=("mae", "latent"))
    table = drawn.table.copy()
    table.loc[~normals(drawn), ["score_mae", "score_latent"]] = 1e6
    disturbed = replace(drawn, table=table)
    standards = fit_standards(drawn)
    assert fit_standards(disturbed) == standards
    expected = fit_limits(drawn, scores(drawn, standards))
    assert fit_limits(disturbed, scores(disturbed, standards)) == expected


def test_a_single_part_keeps_its_unit_and_several_are_averaged_in_deviations_of_normals() -> None:
    drawn = draw_anomalies()
    np.testing.assert_array_equal(scores(drawn, fit_standards(drawn)), drawn.logits[:, 0])
    several = draw_anomalies(score=("mae", "latent", "rhythm"))
    rest = replace(several, table=several.table[normals(several)])
    found = scores(rest, fit_standards(several))
    np.testing.assert_allclose(found, zscore(rest.logits, ddof=1).mean(axis=1), atol=1e-12)
    np.testing.assert_array_equal(combined(np.array([[3.0, 5.0]]), ((1.0, 2.0), (4.0, 0.5))), [1.5])


def test_the_score_does_not_depend_on_the_unit_of_a_part_or_on_the_order_of_parts() -> None:
    drawn = draw_anomalies(score=("mae", "latent"))
    turned = replace(drawn, score=("latent", "mae"), table=drawn.table.assign(score_mae=drawn.table["score_mae"] * 1e3))
    np.testing.assert_allclose(
        scores(turned, fit_standards(turned)), scores(drawn, fit_standards(drawn)), rtol=1e-5, atol=1e-6
    )


def test_each_fold_goes_by_its_own_normal_rows() -> None:
    drawn = draw_anomalies(score=("mae", "latent"))
    other = drawn.table.assign(fold=1, score_mae=drawn.table["score_mae"] + 5)
    both = replace(drawn, table=pd.concat([drawn.table, other]))
    standards = fit_standards(both)
    assert standards[0] == fit_standards(drawn)[0]
    assert standards[1][0][0] == pytest.approx(standards[0][0][0] + 5)
    found = scores(both, standards)
    np.testing.assert_allclose(found[900:], found[:900], atol=1e-4)
    assert fit_limits(both, found)[1] == pytest.approx(fit_limits(both, found)[0], abs=1e-4)


def test_the_threshold_is_the_mean_and_some_deviations_or_a_percentile() -> None:
    score = np.random.default_rng(0).normal(10, 3, 100_000)
    assert limit(score, 2.0, None) == pytest.approx(16, abs=0.1)
    assert limit(score, 0.0, None) == pytest.approx(score.mean())
    assert limit(score, None, 97.725) == pytest.approx(16, abs=0.1)
    assert (limit(score, None, 0.0), limit(score, None, 100.0)) == (score.min(), score.max())
    drawn = draw_anomalies(n_sd=None, percentile=90.0)
    (threshold,) = fit_limits(drawn, drawn.logits[:, 0])[0]
    assert (drawn.logits[normals(drawn), 0] < threshold).mean() == pytest.approx(0.9, abs=0.01)


def test_the_rule_is_said_in_words() -> None:
    assert rule(draw_anomalies(20)) == "mean + 2 SD of validation normals"
    assert rule(draw_anomalies(20, n_sd=None, percentile=99.5)) == "percentile 99.5 of validation normals"


@pytest.mark.parametrize(("kept", "words"), [(0, "0 normal validation rows"), (1, "1 normal validation row")])
def test_a_threshold_without_enough_normal_rows_is_refused_in_words(kept: int, words: str) -> None:
    drawn = draw_anomalies()
    few = replace(drawn, table=drawn.table.drop(index=np.flatnonzero(normals(drawn))[kept:]))
    for fit in (lambda: fit_standards(few), lambda: fit_limits(few, few.logits[:, 0])):
        with pytest.raises(Refused, match=f"fold 0 has {words}: a threshold takes at least 2; give validation more"):
            fit()


def test_two_normal_rows_are_enough() -> None:
    drawn = draw_anomalies()
    two = replace(drawn, table=drawn.table.drop(index=np.flatnonzero(normals(drawn))[2:]))
    a, b = two.logits[normals(two), 0]
    assert fit_limits(two, two.logits[:, 0])[0] == pytest.approx(((a + b) / 2 + 2 * abs(a - b) / 2**0.5,))


def test_a_part_that_never_varies_cannot_be_weighed_against_others() -> None:
    drawn = draw_anomalies(score=("mae", "rhythm"))
    table = drawn.table.assign(score_rhythm=0.0, score_mae=0.5)
    still = replace(drawn, table=table)
    with pytest.raises(
        Refused, match=r"fold 0: mae, rhythm never varies over its \d+ normal validation rows.*take it out"
    ):
        fit_standards(still)
    ((mean, sd),) = fit_standards(replace(still, score=("mae",)))[0]
    assert (mean, sd) == (0.5, 0)
