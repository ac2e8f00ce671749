"""What calls an anomaly is said, and what nobody could have known is called so."""

from ecg_lightning.report.anomaly_words import called_anomaly, score_words
from tests.corpora.anomalies import draw_anomalies


def test_a_score_of_one_part_is_that_part_and_of_several_their_mean() -> None:
    assert score_words(draw_anomalies(50)) == "mean absolute error"
    two = draw_anomalies(50, score=("latent", "rhythm"))
    assert score_words(two) == "mean of latent distance and rhythm distance, each standardised"


def test_the_threshold_and_its_rule_are_said_with_what_the_oracle_is() -> None:
    said = called_anomaly(draw_anomalies(50), {"calibration/threshold": 0.12345})
    assert "is called anomaly from a score of 0.1235 on: mean + 2 SD of validation normals." in said
    assert "nobody could have had it" in said
    said = called_anomaly(draw_anomalies(50, n_sd=None, percentile=95), {})
    assert "is called anomaly from its threshold on: percentile 95 of validation normals." in said
