"""The terminal says the numbers in the words of the page, and fits eighty columns."""

from dataclasses import replace

import pytest

from ecg_lightning.evaluation import evaluate
from ecg_lightning.report.terminal import show
from ecg_lightning.structures import NAMELESS
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import draw_predictions


def test_a_run_on_records_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_multilabel(120, synthetic=True)
    found = evaluate(predictions, n_boot=20)
    show(predictions, found, patients=True, remarks=["2,127 of 21,799 [records] are at hand."])
    said = capsys.readouterr().out
    for words in ("macro AUROC", "macro AUPRC", "macro F1 at thresholds", "Hamming loss", "records"):
        assert words in said
    for words in ("note: 2,127 of 21,799 [records] are at hand.", "SYNTHETIC data", "sex: female", "age: under 40"):
        assert words in said
    for words in ("specificity", "threshold", "HYP", "is too good", "patient by patient", "subset accuracy"):
        assert words in said
    for name in ("test/macro_auroc", "test/specificity/MI", "calibration/threshold/CD", "test/sex_male/macro_f1"):
        assert f"{found.metrics[name]:.3f}" in said, name
    assert "macro_auroc" not in said
    assert "unknown_patients" not in said, "there is none"
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said


def test_two_classes_are_said_with_training_rows_threshold_and_patients(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_binary(score_train=True, tags={"same_patients": "true"})
    found = evaluate(predictions, n_boot=20)
    show(predictions, found, patients=True)
    said = capsys.readouterr().out
    for words in ("training", "AUROC", "sensitivity, specificity 0.9", "macro F1 of one class for all", "not defined"):
        assert words in said
    assert "Patients stand on both sides, at other times" in said
    assert "without windows of the class low: 1 of 6" in said.replace("\n", "")
    assert f"{found.metrics['calibration/threshold/low']:.3f}" in said
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    show(draw_binary(), evaluate(draw_binary(), n_boot=0), patients=False)
    assert "training" not in capsys.readouterr().out


def test_anomalies_are_said_with_kinds_parts_always_anomaly_and_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_anomalies(score=("latent", "rhythm"), tags={"leaky_split": "true"})
    found = evaluate(predictions, n_boot=20)
    show(predictions, found, patients=True)
    said = capsys.readouterr().out
    for words in ("Kind by kind against all normals", "Part by part", "F1, always anomaly", "oracle F1", "not defined"):
        assert words in said
    assert "mean + 2 SD of validation normals" in " ".join(said.split())
    assert "95 % intervals over patients" in said
    assert f"{found.metrics['test/average_precision/V']:.3f}" in said
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said


def test_no_interval_is_announced_where_none_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_anomalies()
    nobody = replace(predictions, table=predictions.table.assign(patient="unknown"))
    show(nobody, evaluate(nobody, n_boot=20), patients=False)
    assert "interval" not in capsys.readouterr().out


def test_an_adapted_run_is_said_with_what_it_was_worth_before(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_binary()
    found = evaluate(predictions, n_boot=20)
    recorded = {f"before/{name}": value for name, value in found.metrics.items()} | {"before/test/auroc": 0.123}
    show(predictions, found, patients=False, recorded=recorded)
    said = capsys.readouterr().out
    for words in ("test, before", "0.123", "before it learned from this patient"):
        assert words in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 80
    assert "…" not in said
    show(predictions, found, patients=False, recorded=found.metrics)
    assert "before" not in capsys.readouterr().out


def test_beats_are_said_with_intervals_and_without_single_records(capsys: pytest.CaptureFixture[str]) -> None:
    predictions = draw_predictions(600)
    found = evaluate(predictions, n_boot=20)
    show(predictions, found, patients=False)
    said = capsys.readouterr().out
    low, high = (found.metrics[f"test/f1/V_{end}"] for end in ("low", "high"))
    assert f"({low:.3f} to {high:.3f})" in said
    for words in ("macro F1 of N, S, V, F", "jk index", "without 232", "One person stands on both sides", "windows"):
        assert words in said
    assert "patient by patient" not in said
    assert "group by group" not in said


def test_intervals_over_unknown_patients_are_said_to_be_over_records(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = draw_multilabel(60)
    nameless = replace(drawn, table=drawn.table.assign(patient=[f"{NAMELESS}{k}" for k in drawn.table.index]))
    show(nameless, evaluate(nameless, n_boot=20), patients=False)
    said = capsys.readouterr().out
    assert "95 % intervals over patients where known, else records" in said
    assert "patients (unknown: one each)" in said


def test_thresholds_that_few_validation_rows_chose_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = draw_multilabel(60)
    val = (drawn.table["side"] == "val").to_numpy()
    rare = replace(drawn, table=drawn.table.assign(label_HYP=drawn.table["label_HYP"].where(~val, 0)))
    show(rare, evaluate(rare, n_boot=0), patients=False)
    assert "No validation record is of HYP" in capsys.readouterr().out
