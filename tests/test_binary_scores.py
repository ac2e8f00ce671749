"""Numbers of two classes equal scikit-learn's, their intervals those of rows drawn one by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second

from ecg_lightning.binary_scores import (
    decision_scores,
    headline_names,
    n_classes,
    other_scores,
    patient_aurocs,
    per_patient,
    ranking_scores,
    without_names,
)
from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import evaluate
from ecg_lightning.predictions import Predictions
from tests.corpora.binary import NEVER, draw_binary


def of_test(predictions: Predictions) -> Decisions:
    """Test rows as evaluate decides them."""
    found = evaluate(predictions, n_boot=0)
    rows = decide(predictions, probabilities(predictions, found.temperatures, found.offsets), found.thresholds)
    return rows.where(rows.column("side") == "test")


def second_source(label: np.ndarray, called: np.ndarray, p: np.ndarray) -> dict[str, float]:
    false, found, _ = second.roc_curve(label, p, drop_intermediate=False)
    return {
        "accuracy": second.accuracy_score(label, called),
        "macro_f1": second.f1_score(label, called, average="macro"),
        "kappa": second.cohen_kappa_score(label, called),
        "f1/normal": second.f1_score(1 - label, 1 - called),
        "f1/low": second.f1_score(label, called),
        "precision/low": second.precision_score(label, called),
        "sensitivity/low": second.recall_score(label, called),
        "specificity": second.recall_score(1 - label, 1 - called),
        "auroc": second.roc_auc_score(label, p),
        "average_precision": second.average_precision_score(label, p),
        "sensitivity_at_specificity_90": found[false <= 0.1 + 1e-12].max(),
    }


def mean_of_patients(patient: np.ndarray, label: np.ndarray, p: np.ndarray) -> tuple[int, float]:
    """In how many patients AUROC is defined, and its mean over them."""
    own = [patient == name for name in np.unique(patient)]
    own = [rows for rows in own if len(set(label[rows])) == 2]
    return len(own), float(np.mean([second.roc_auc_score(label[rows], p[rows]) for rows in own]))


def test_numbers_equal_those_of_scikit_learn() -> None:
    drawn = draw_binary(1500)
    found, rows = evaluate(drawn, n_boot=0), of_test(drawn)
    label, p = rows.about.label, rows.p[:, 1]
    expected = second_source(label, rows.called, p)
    expected["nll"] = second.log_loss(label, p)
    expected["majority/accuracy"] = (label == 0).mean()
    expected["majority/macro_f1"] = second.f1_score(label, np.zeros_like(label), average="macro")
    n, mean = mean_of_patients(rows.column("patient"), label, p)
    expected |= {"n_patients_both_classes": n, "patient_auroc_mean": mean}
    expected |= {"n_classes": 2, "n_windows": len(label), "n_patients": 6}
    for name, value in expected.items():
        assert found.metrics[f"test/{name}"] == pytest.approx(value), name
    assert n == 5
    assert found.metrics["calibration/threshold/low"] == found.thresholds[0][0]
    assert "calibration/threshold/normal" not in found.metrics
    assert found.metrics["val/ece"] < found.metrics["val/ece_uncalibrated"]


def test_intervals_equal_those_of_rows_drawn_one_by_one() -> None:
    drawn = draw_binary(900)
    rows = of_test(drawn)
    label, p = rows.about.label, rows.p[:, 1]
    unit, names = pd.factorize(rows.column("patient"))
    rng, replicates = np.random.default_rng(drawn.seed), []
    for weight in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=25):
        drawn_unit = np.repeat(np.arange(len(names)), weight)
        chosen = np.concatenate([np.flatnonzero(unit == one) for one in drawn_unit])
        twin = np.concatenate([np.full((unit == one).sum(), k) for k, one in enumerate(drawn_unit)])
        scores = second_source(label[chosen], rows.called[chosen], p[chosen])
        scores["patient_auroc_mean"] = mean_of_patients(twin, label[chosen], p[chosen])[1]
        replicates.append(scores)
    found = evaluate(drawn, n_boot=25).metrics
    for name, values in pd.DataFrame(replicates).items():
        limits = np.quantile(values, [0.025, 0.975]) + found[f"test/{name}"] - values.mean()
        limits = limits.clip(-1 if values.min() < 0 else 0, 1)
        assert [found[f"test/{name}_low"], found[f"test/{name}_high"]] == pytest.approx(limits.tolist()), name


def test_names_lead_to_numbers() -> None:
    drawn = draw_binary()
    numbers = evaluate(drawn, n_boot=0).metrics
    assert headline_names(drawn)[0] == "auroc"
    assert {f"test/{name}" for name in (*headline_names(drawn), *without_names(drawn))} < set(numbers)
    rows = of_test(drawn)
    assert decision_scores(rows, np.zeros(len(rows.p), dtype=int), np.ones((1, 1)))["specificity"].shape == (1,)


def test_rows_of_one_class_have_no_ranking_and_no_number_is_undefined() -> None:
    drawn = draw_binary()
    for value in (0, 1):
        table = drawn.table.assign(label=drawn.table["label"].where(drawn.table["side"] != "test", value))
        numbers = evaluate(replace(drawn, table=table), n_boot=20).metrics
        assert all(np.isfinite(number) for number in numbers.values())
        missing = {"auroc", "average_precision", "sensitivity_at_specificity_90", "patient_auroc_mean"}
        assert not {f"test/{name}" for name in missing} & set(numbers)
        assert (numbers["test/n_patients_both_classes"], numbers["test/n_classes"]) == (0, 1)
        assert (numbers["test/majority/accuracy"], numbers["test/majority/macro_f1"]) == (1, 1)
        assert "val/auroc" in numbers


def test_a_single_patient_of_both_classes_has_an_auroc_and_its_mean_no_interval() -> None:
    drawn = draw_binary()
    one_class = (drawn.table["side"] == "test") & (drawn.table["patient"] != "002")
    table = drawn.table.assign(label=drawn.table["label"].mask(one_class, 0).astype(np.int16))
    numbers = evaluate(replace(drawn, table=table), n_boot=20).metrics
    assert numbers["test/n_patients_both_classes"] == 1
    own = table[table["patient"] == "002"]
    assert numbers["test/patient_auroc_mean"] == pytest.approx(second.roc_auc_score(own["label"], own["logit_low"]))
    assert "test/auroc_low" in numbers
    assert not {"test/patient_auroc_mean_low", "test/patient_auroc_mean_high"} & set(numbers)
    assert "val/patient_auroc_mean_low" in numbers


def test_a_patient_counts_as_often_as_the_unit_of_the_first_row_was_drawn() -> None:
    rows = of_test(draw_binary())
    unit, names = pd.factorize(rows.column("patient"))
    own = dict(zip(patient_aurocs(rows)["patient"], patient_aurocs(rows)["auroc"], strict=True))
    assert set(own) == set(names) - set(NEVER)
    weight = np.array([[2.0 if name == "002" else float(name == "008") for name in names], names == "003"])
    found = ranking_scores(rows, unit, weight)["patient_auroc_mean"]
    np.testing.assert_allclose(found, [(2 * own["002"] + own["008"]) / 3, np.nan])


def test_the_patient_table_says_where_auroc_is_not_defined() -> None:
    rows = of_test(draw_binary())
    table = per_patient(rows)
    names = ["patient", "side", "n_windows", "accuracy", "macro_f1", "auroc", "n_normal", "n_low"]
    assert list(table.columns) == names
    assert table["n_windows"].sum() == len(rows.p)
    for one in table.itertuples():
        chosen = rows.column("patient") == one.patient
        assert one.n_low == rows.about.label[chosen].sum()
        if one.patient in NEVER:
            assert np.isnan(one.auroc)
        else:
            assert one.auroc == pytest.approx(second.roc_auc_score(rows.about.label[chosen], rows.p[chosen, 1]))


def test_what_calling_everything_by_the_commonest_class_scores_follows_the_rows() -> None:
    rows = of_test(draw_binary())
    mostly = rows.where((rows.about.label == 1) | (np.arange(len(rows.p)) % 20 == 0))
    share = mostly.about.label.mean()
    assert share > 0.5
    assert n_classes(mostly) == 2
    assert other_scores(mostly)["majority/accuracy"] == pytest.approx(share)


def test_training_rows_are_scored_where_they_stand() -> None:
    numbers = evaluate(draw_binary(score_train=True), n_boot=10).metrics
    assert {"train/accuracy", "train/f1/low", "train/auroc", "train/accuracy_low"} < set(numbers)
    assert not [name for name in evaluate(draw_binary(), n_boot=10).metrics if name.startswith("train/")]


def test_groups_and_single_records_have_the_numbers_of_their_rows_alone() -> None:
    drawn = draw_binary()
    grouped = replace(drawn, groups=("hour",), table=drawn.table.assign(group_hour="day"), without=("008/a#1",))
    numbers = evaluate(grouped, n_boot=10).metrics
    for name in ("auroc", "auroc_low", "average_precision", "macro_f1"):
        assert numbers[f"test/hour_day/{name}"] == numbers[f"test/{name}"]
    rest = evaluate(replace(drawn, table=drawn.table[drawn.table["patient"] != "008"]), n_boot=0).metrics
    for name in ("accuracy", "macro_f1", "f1/low"):
        assert numbers[f"test/without_008/a#1/{name}"] == pytest.approx(rest[f"test/{name}"])
