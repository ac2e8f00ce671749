"""Numbers of several labels per row equal scikit-learn's, their intervals those of rows drawn one by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second

from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import evaluate, headline_names, without_names
from ecg_lightning.multilabel_scores import decision_scores, n_classes, other_scores, per_patient, ranking_scores
from ecg_lightning.predictions import Predictions
from tests.corpora.multilabel import SUPER, draw_multilabel


def of_test(predictions: Predictions, n_boot: int = 0) -> Decisions:
    """Test rows as evaluate decides them."""
    found = evaluate(predictions, n_boot)
    rows = decide(predictions, probabilities(predictions, found.temperatures, found.offsets), found.thresholds)
    return rows.where(rows.column("side") == "test")


def second_source(label: np.ndarray, called: np.ndarray, p: np.ndarray) -> dict[str, float]:
    return {
        "macro_auroc": second.roc_auc_score(label, p),
        "macro_average_precision": second.average_precision_score(label, p),
        "macro_f1": second.f1_score(label, called, average="macro"),
        "macro_precision": second.precision_score(label, called, average="macro"),
        "macro_sensitivity": second.recall_score(label, called, average="macro"),
        "subset_accuracy": second.accuracy_score(label, called),
        "hamming_loss": second.hamming_loss(label, called),
        "auroc/MI": second.roc_auc_score(label[:, 1], p[:, 1]),
        "average_precision/CD": second.average_precision_score(label[:, 3], p[:, 3]),
        "f1/HYP": second.f1_score(label[:, 4], called[:, 4]),
        "precision/NORM": second.precision_score(label[:, 0], called[:, 0]),
        "sensitivity/STTC": second.recall_score(label[:, 2], called[:, 2]),
        "specificity/STTC": second.recall_score(1 - label[:, 2], ~called[:, 2]),
    }


def test_numbers_equal_those_of_scikit_learn() -> None:
    drawn = draw_multilabel(800)
    found, rows = evaluate(drawn, n_boot=0), of_test(drawn)
    label, p = rows.about.label, rows.p
    expected = second_source(label, rows.called, p)
    expected["nll"] = np.mean([second.log_loss(label[:, k], p[:, k]) for k in range(5)])
    expected |= {"n_classes": 5, "n_windows": 800, "n_patients": rows.about.table["patient"].nunique()}
    for name, value in expected.items():
        assert found.metrics[f"test/{name}"] == pytest.approx(value), name
    assert found.metrics["calibration/threshold/CD"] == found.thresholds[0][3]
    assert found.metrics["calibration/temperature"] == found.temperatures[0]


def test_intervals_equal_those_of_rows_drawn_one_by_one() -> None:
    drawn = draw_multilabel(150)
    rows = of_test(drawn)
    label, p = rows.about.label, rows.p
    unit, names = pd.factorize(rows.column("patient"))
    assert len(names) < len(p)
    rng, replicates = np.random.default_rng(drawn.seed), []
    for weight in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=25):
        chosen = np.repeat(np.arange(len(p)), weight[unit])
        replicates.append(second_source(label[chosen], rows.called[chosen], p[chosen]))
    found = evaluate(drawn, n_boot=25).metrics
    for name, values in pd.DataFrame(replicates).items():
        limits = (np.quantile(values, [0.025, 0.975]) + found[f"test/{name}"] - values.mean()).clip(0, 1)
        assert [found[f"test/{name}_low"], found[f"test/{name}_high"]] == pytest.approx(limits.tolist()), name


def test_every_headline_number_is_there_and_lies_within_its_interval() -> None:
    drawn = draw_multilabel()
    numbers = evaluate(drawn, n_boot=200).metrics
    assert headline_names(drawn)[0] == "macro_auroc"
    for name in headline_names(drawn)[:-1]:
        assert numbers[f"test/{name}_low"] < numbers[f"test/{name}"] < numbers[f"test/{name}_high"], name
    assert numbers["test/ece"] < numbers["test/ece_uncalibrated"]
    assert set(without_names(drawn)) < set(headline_names(drawn))


def test_an_absent_class_is_left_out_of_every_mean() -> None:
    drawn = draw_multilabel(300)
    absent = replace(drawn, table=drawn.table.assign(label_HYP=np.int8(0)))
    fewer = replace(drawn, classes=SUPER[:4])
    found, rest = evaluate(absent, n_boot=40), evaluate(fewer, n_boot=0).metrics
    assert found.thresholds[0][4] == 0.5
    assert found.metrics["test/n_classes"] == 4
    assert not {f"test/{kind}/HYP" for kind in ("f1", "auroc", "average_precision", "sensitivity", "precision")} & {
        *found.metrics
    }
    for name in ("macro_auroc", "macro_average_precision"):
        assert found.metrics[f"test/{name}"] == pytest.approx(rest[f"test/{name}"], abs=1e-3)
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_a_class_never_called_has_no_precision_and_counts_as_0_in_the_mean() -> None:
    rows = of_test(draw_multilabel(50))
    called = rows.called & (np.arange(5) != 2)
    found = decision_scores(replace(rows, called=called), np.zeros(50, dtype=int), np.ones((1, 1)))
    assert np.isnan(found["precision/STTC"][0])
    assert found["f1/STTC"][0] == 0
    expected = second.precision_score(rows.about.label, called, average="macro", zero_division=0)
    assert found["macro_precision"][0] == pytest.approx(expected)


def test_rows_without_any_class_have_no_ranking() -> None:
    drawn = draw_multilabel(30)
    empty = replace(drawn, table=drawn.table.assign(**{f"label_{name}": 0 for name in SUPER}))
    rows = of_test(empty)
    assert n_classes(rows) == 0
    assert np.isnan(other_scores(rows)["ece"])
    found = ranking_scores(rows, np.zeros(30, dtype=int), np.ones((1, 1)))
    assert all(np.isnan(value).all() for value in found.values())
    assert "test/macro_auroc" not in evaluate(empty, n_boot=10).metrics


def test_groups_have_the_numbers_of_their_rows_alone() -> None:
    drawn = draw_multilabel(300)
    few = drawn.table["group_age"].where(drawn.table.index != 599, "a hundred and over")
    drawn = replace(drawn, table=drawn.table.assign(group_age=few))
    numbers, rows = evaluate(drawn, n_boot=50).metrics, of_test(drawn)
    chosen = rows.where(rows.column("group_sex") == "female")
    expected = second_source(chosen.about.label, chosen.called, chosen.p)
    for name in ("macro_auroc", "macro_average_precision", "macro_f1"):
        assert numbers[f"test/sex_female/{name}"] == pytest.approx(expected[name])
        assert numbers[f"test/sex_female/{name}_low"] < expected[name] < numbers[f"test/sex_female/{name}_high"]
    assert numbers["test/sex_female/n_windows"] + numbers["test/sex_male/n_windows"] == 300
    assert numbers["test/age_under 40/n_classes"] == 5
    assert not [name for name in numbers if "a hundred and over" in name or name.startswith("val/sex")]


def test_single_records_are_left_out_in_turn() -> None:
    drawn = draw_multilabel(100)
    record = drawn.table["record"].iloc[-1]
    found = evaluate(replace(drawn, without=(record,)), n_boot=0).metrics
    rest = evaluate(replace(drawn, table=drawn.table.iloc[:-1]), n_boot=0).metrics
    for name in (*without_names(drawn), "f1/MI", "n_classes"):
        assert found[f"test/without_{record}/{name}"] == pytest.approx(rest[f"test/{name}"]), name


def test_the_patient_table_has_patients_of_several_windows() -> None:
    rows = of_test(draw_multilabel(100))
    table = per_patient(rows)
    names = ["patient", "side", "n_windows", "subset_accuracy", "hamming_loss", *(f"n_{name}" for name in SUPER)]
    assert list(table.columns) == names
    own = rows.where(rows.column("patient") == table["patient"][0])
    assert table["n_windows"][0] == len(own.p) == 2
    assert table["n_MI"][0] == own.about.label[:, 1].sum()
    assert table["subset_accuracy"][0] == second.accuracy_score(own.about.label, own.called)
    assert table["hamming_loss"][0] == pytest.approx(second.hamming_loss(own.about.label, own.called))
    single = replace(rows, about=replace(rows.about, table=rows.about.table.assign(patient=rows.column("record"))))
    assert len(per_patient(single)) == 0
