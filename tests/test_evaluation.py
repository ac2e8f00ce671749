"""Numbers equal second sources, intervals behave, and the temperature never sees a test row."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics as second
from torchmetrics.functional.classification import multiclass_calibration_error

from ecg_lightning.calibration import fit_calibration, probabilities
from ecg_lightning.evaluation import (
    evaluate,
    headline_names,
    stated_calibration,
    without_names,
)
from ecg_lightning.predictions import Predictions
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel

CLASSES = ("N", "S", "V", "F", "Q")


def draw(n: int = 4000, n_patients: int = 12, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, n_patients, n)
    label = rng.choice(5, n, p=[0.7, 0.1, 0.1, 0.06, 0.04])
    logits = rng.normal(size=(n, 5)) * 2
    logits[np.arange(n), label] += 2 + patient % 3
    table = pd.DataFrame({"row": np.arange(n), "record": patient.astype(str), "patient": patient.astype(str)})
    table = table.assign(time_s=0.5, side=np.where(patient < 4, "val", "test"), fold=0, label=label)
    table = table.assign(**{f"logit_{name}": logits[:, index] for index, name in enumerate(CLASSES)})
    headline = CLASSES[:4]
    return Predictions(table, "arrhythmia", "multiclass", CLASSES, {}, False, {}, headline, ("11", "900"))


def with_rows(predictions: Predictions, chosen: np.ndarray) -> Predictions:
    return replace(predictions, table=predictions.table[chosen])


def test_numbers_equal_those_of_scikit_learn() -> None:
    predictions = draw()
    found = evaluate(predictions, n_boot=0)
    test = with_rows(predictions, predictions.table["side"].to_numpy() == "test")
    label, called, p = test.label, test.logits.argmax(1), probabilities(test, found.temperatures, found.offsets)
    expected = {
        "accuracy": second.accuracy_score(label, called),
        "macro_f1": second.f1_score(label, called, average="macro"),
        "macro_f1_nsvf": second.f1_score(label, called, average="macro", labels=[0, 1, 2, 3]),
        "kappa": second.cohen_kappa_score(label, called),
        "precision/S": second.precision_score(label == 1, called == 1),
        "sensitivity/V": second.recall_score(label == 2, called == 2),
        "auroc/F": second.roc_auc_score(label == 3, p[:, 3]),
        "macro_auroc": second.roc_auc_score(label, p, multi_class="ovr"),
        "average_precision/Q": second.average_precision_score(label == 4, p[:, 4]),
        "nll": second.log_loss(label, p),
        "n_classes": 5,
        "n_windows": len(label),
        "n_patients": 8,
    }
    for name, value in expected.items():
        assert found.metrics[f"test/{name}"] == pytest.approx(value), name


def test_every_headline_number_lies_within_its_interval() -> None:
    numbers = evaluate(draw(), n_boot=300).metrics
    names = headline_names(draw())
    assert names == ["accuracy", "macro_f1", "macro_f1_nsvf", "kappa", "jk_index", "macro_auroc", "ece"]
    names = names[:-1]  # a calibration error grows in every resample
    names += [f"{kind}/{c}" for kind in ("f1", "sensitivity", "precision", "auroc") for c in CLASSES]
    for name in (f"{side}/{name}" for side in ("val", "test") for name in names):
        assert numbers[f"{name}_low"] < numbers[name] < numbers[f"{name}_high"], name


def test_replicates_equal_scoring_the_repeated_rows() -> None:
    predictions = draw(n=600, n_patients=7)
    test = predictions.table["side"].to_numpy() == "test"
    rng = np.random.default_rng(predictions.seed)
    unit, names = pd.factorize(predictions.table.loc[test, "patient"])
    weight = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=40)
    fitted = fit_calibration(predictions)
    p = probabilities(predictions, *fitted)[test]
    label = predictions.label[test]
    accuracy, auroc = [], []
    for drawn in weight:
        rows = np.repeat(np.arange(len(label)), drawn[unit])
        accuracy.append((p[rows].argmax(1) == label[rows]).mean())
        auroc.append(second.roc_auc_score(label[rows] == 1, p[rows, 1]))
    found = evaluate(predictions, n_boot=40).metrics
    low = np.quantile(accuracy, 0.025) + found["test/accuracy"] - np.mean(accuracy)
    high = np.quantile(auroc, 0.975) + found["test/auroc/S"] - np.mean(auroc)
    assert found["test/accuracy_low"] == pytest.approx(low)
    assert found["test/auroc/S_high"] == pytest.approx(min(high, 1))


def test_every_number_lies_within_its_interval_however_rare_a_class_is() -> None:
    drawn = draw_multilabel(60, tuple("ABCDEFGHIJKLMNOPQRST"))
    for found in (evaluate(drawn, 200).metrics, evaluate(draw(n=400, n_patients=6), 200).metrics):
        limited = [name.removesuffix("_low") for name in found if name.endswith("_low")]
        assert limited
        outside = [n for n in limited if not found[f"{n}_low"] - 1e-9 <= found[n] <= found[f"{n}_high"] + 1e-9]
        assert outside == []


def test_an_interval_over_patients_is_wider_than_one_over_rows() -> None:
    predictions = draw()
    rows = replace(predictions, table=predictions.table.assign(record=np.arange(4000).astype(str)), resample="record")
    rows = with_rows(rows, np.arange(4000) % 2 == 0)
    per_patient, per_row = evaluate(predictions, 200).metrics, evaluate(rows, 200).metrics
    width = [numbers["test/accuracy_high"] - numbers["test/accuracy_low"] for numbers in (per_patient, per_row)]
    assert width[0] > 1.5 * width[1]


def test_one_patient_gives_no_interval() -> None:
    alone = with_rows(draw(), draw().table["patient"].to_numpy() == "5")
    assert not [name for name in evaluate(alone).metrics if name.endswith("_low")]


def test_weights_drawn_a_few_at_a_time_give_the_same_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    for predictions in (draw(), draw_multilabel(40)):
        whole = evaluate(predictions, 20).metrics
        monkeypatch.setattr("ecg_lightning.evaluation.MAX_WEIGHTS", 200)
        assert evaluate(predictions, 20).metrics == pytest.approx(whole)
        monkeypatch.undo()


def test_undefined_numbers_are_left_out() -> None:
    predictions = draw()
    without_f = with_rows(predictions, predictions.label != 3)
    numbers = evaluate(without_f, n_boot=50).metrics
    assert numbers["test/n_classes"] == 4
    assert not [name for name in numbers if name.split("/")[-1].startswith("F")]
    assert all(np.isfinite(value) for value in numbers.values())
    only_n = evaluate(with_rows(predictions, predictions.label == 0), n_boot=50).metrics
    assert "test/kappa" in only_n
    assert not {"test/jk_index", "test/auroc/N", "test/macro_auroc", "test/f1/S"} & set(only_n)


def test_a_side_without_rows_has_no_numbers() -> None:
    predictions = draw()
    validation = with_rows(predictions, predictions.table["side"].to_numpy() == "val")
    assert not [name for name in evaluate(validation, n_boot=10).metrics if name.startswith("test/")]


def test_test_numbers_come_once_more_without_the_named_records_that_are_there() -> None:
    predictions = draw()
    found = evaluate(predictions, n_boot=0).metrics
    rest = evaluate(with_rows(predictions, predictions.table["record"].to_numpy() != "11"), n_boot=0).metrics
    for name in (*without_names(predictions), "f1/S"):
        assert found[f"test/without_11/{name}"] == pytest.approx(rest[f"test/{name}"])
    assert not [name for name in found if "without_900" in name]


def test_the_calibration_error_is_that_of_the_class_that_is_called() -> None:
    predictions = draw()
    found = evaluate(predictions, n_boot=0)
    test = with_rows(predictions, predictions.table["side"].to_numpy() == "test")
    for name, temperatures in (("ece", found.temperatures), ("ece_uncalibrated", {0: 1.0})):
        p = torch.tensor(probabilities(test, temperatures, {}))
        theirs = multiclass_calibration_error(p, torch.tensor(test.label), 5, n_bins=15, norm="l1")
        assert found.metrics[f"test/{name}"] == pytest.approx(float(theirs), abs=1e-6)
    assert found.metrics["val/ece"] < found.metrics["val/ece_uncalibrated"]


def test_temperature_and_thresholds_have_names() -> None:
    assert stated_calibration(draw(), 1.5) == {"calibration/temperature": 1.5}
    found = stated_calibration(draw_multilabel(20), 2.0, (0.1, 0.2, 0.3, 0.4, 0.5))
    assert found["calibration/threshold/HYP"] == 0.5
    assert len(found) == 6
    found = stated_calibration(draw_binary(20), 2.0, (0.25,), (-1.5,))
    assert found == {
        "calibration/temperature": 2.0,
        "calibration/offset/low": -1.5,
        "calibration/threshold/low": 0.25,
    }
    drawn, standard = draw_anomalies(20, score=("latent", "rhythm")), ((1.0, 0.25), (0.75, 0.5))
    assert stated_calibration(drawn, 1.0, (2.5,), (), standard) == {
        "calibration/threshold": 2.5,
        "calibration/mean/latent": 1.0,
        "calibration/mean/rhythm": 0.75,
        "calibration/sd/latent": 0.25,
        "calibration/sd/rhythm": 0.5,
    }
