"""Whole sentences say how probabilities were made, what calls a class, and who has no number."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.evaluation import evaluate
from ecg_lightning.report import sentences
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import NEVER, draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import draw_predictions

RECORDS = draw_multilabel(200)


def test_the_threshold_of_two_classes_and_its_rule_are_said() -> None:
    about = draw_binary()
    numbers = evaluate(about, n_boot=0).metrics
    limit = numbers["calibration/threshold/low"]
    said = sentences.calibration(about, numbers, "test")
    offset, temperature = (numbers[f"calibration/{name}"] for name in ("offset/low", "temperature"))
    fitted = f"(offset {offset:.3f}, temperature {temperature:.3f})"
    assert f"by temperature and offset, fitted on validation rows alone {fitted}" in said
    assert f"called low from a calibrated probability of {limit:.3f} on: that of the best F1 on validation rows" in said
    strict = draw_binary(least_specificity=0.95)
    said = sentences.calibration(strict, {}, "test")
    assert "low from its threshold on: the most sensitive threshold with a specificity of at least 0.95 on" in said


@pytest.mark.parametrize(("sign", "limit"), [(1, "0.050"), (-1, "20.000")])
def test_a_temperature_at_its_limit_is_not_said_to_be_fitted(sign: int, limit: str) -> None:
    drawn = draw_binary()
    always = drawn.table.assign(logit_low=(sign * (2.0 * drawn.table["label"] - 1)).astype(np.float32))
    about = replace(drawn, table=always)
    said = sentences.calibration(about, evaluate(about, n_boot=0).metrics, "test")
    assert f"temperature {limit}, which is the limit of what is tried: the best lies beyond)" in said
    assert "limit of what" not in sentences.calibration(drawn, evaluate(drawn, n_boot=0).metrics, "test")


def test_calibration_is_said_before_and_after_and_where_thresholds_come_from() -> None:
    numbers = evaluate(RECORDS, n_boot=0).metrics
    said = sentences.calibration(RECORDS, numbers, "test")
    assert f"is {numbers['test/ece']:.3f}, and {numbers['test/ece_uncalibrated']:.3f} without" in said
    assert "best F1 on validation rows" in said
    beats = draw_predictions(200)
    said = sentences.calibration(beats, {}, "test")
    assert said == "Probabilities are calibrated by one temperature, fitted on validation rows alone."


def test_patients_of_one_class_are_counted() -> None:
    about = draw_binary()
    assert sentences.one_class(about).startswith(
        "Test patients without windows of the class low: 1 of 6. Within them AUROC"
    )
    validation = replace(about, table=about.table[about.table["side"] == "val"])
    assert sentences.one_class(validation).startswith("Validation patients without windows of the class low: 1 of 3.")
    both = replace(about, table=about.table[~about.table["patient"].isin(NEVER)])
    assert (sentences.one_class(both), sentences.one_class(RECORDS)) == ("", "")


def test_what_always_anomaly_means_is_said() -> None:
    about = draw_anomalies()
    numbers = evaluate(about, n_boot=0).metrics
    assert "'Always anomaly' is what calling every window" in sentences.calibration(about, numbers, "test")


def test_what_test_before_means_is_said_of_an_adapted_run() -> None:
    about = draw_binary()
    numbers = evaluate(about, n_boot=0).metrics
    earlier = {"before/test/n_windows": 1.0}
    assert "'Test, before' is the bundle" in sentences.calibration(about, numbers | earlier, "test")
    assert "before" not in sentences.calibration(about, numbers, "test")
