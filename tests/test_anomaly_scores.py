"""Numbers of anomalies equal scikit-learn's, each kind is told from all normals, and the oracle is called one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second

from ecg_lightning.anomaly_scores import (
    decision_scores,
    headline_names,
    n_classes,
    other_scores,
    per_patient,
    ranking_scores,
    without_names,
)
from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import evaluate
from ecg_lightning.predictions import Predictions
from tests.corpora.anomalies import KINDS, NEVER, draw_anomalies

AREAS = ("auroc", "average_precision")


def of_test(predictions: Predictions) -> Decisions:
    """Test rows as evaluate decides them."""
    found = evaluate(predictions, n_boot=0)
    p = probabilities(predictions, found.temperatures, found.offsets, found.standards)
    rows = decide(predictions, p, found.thresholds)
    return rows.where(rows.column("side") == "test")


def second_source(
    label: np.ndarray, called: np.ndarray, score: np.ndarray, kinds: dict[str, np.ndarray]
) -> dict[str, float]:
    expected = {
        "accuracy": second.accuracy_score(label, called),
        "macro_f1": second.f1_score(label, called, average="macro"),
        "kappa": second.cohen_kappa_score(label, called),
        "f1/normal": second.f1_score(1 - label, 1 - called),
        "f1/anomaly": second.f1_score(label, called),
        "precision/anomaly": second.precision_score(label, called),
        "sensitivity/anomaly": second.recall_score(label, called),
        "specificity": second.recall_score(1 - label, 1 - called),
        "auroc": second.roc_auc_score(label, score),
        "average_precision": second.average_precision_score(label, score),
    }
    for kind, of_kind in kinds.items():
        shown = of_kind | (label == 0)
        expected[f"auroc/{kind}"] = second.roc_auc_score(of_kind[shown], score[shown])
        expected[f"average_precision/{kind}"] = second.average_precision_score(of_kind[shown], score[shown])
        expected[f"sensitivity/{kind}"] = second.recall_score(of_kind[of_kind], called[of_kind])
    return expected


def kinds_of(rows: Decisions) -> dict[str, np.ndarray]:
    return {kind: rows.column(f"kind_{kind}") == 1 for kind in KINDS}


@pytest.mark.parametrize("score", [("mae",), ("latent", "rhythm")])
def test_numbers_equal_those_of_scikit_learn(score: tuple[str, ...]) -> None:
    drawn = draw_anomalies(1500, score)
    found, rows = evaluate(drawn, n_boot=0), of_test(drawn)
    label, value = rows.about.label, rows.p[:, 0]
    expected = second_source(label, rows.called, value, kinds_of(rows))
    always = np.ones_like(label)
    expected["always_anomaly/accuracy"] = second.accuracy_score(label, always)
    expected["always_anomaly/f1"] = second.f1_score(label, always)
    expected["always_anomaly/average_precision"] = second.average_precision_score(label, always)
    precise, recall, limits = second.precision_recall_curve(label, value)
    f1 = 2 * precise * recall / (precise + recall)
    expected |= {"oracle/f1": f1.max(), "oracle/threshold": limits[f1[:-1].argmax()]}
    for part in ("mae", "weighted", "latent", "rhythm"):
        expected[f"by_part/{part}/auroc"] = second.roc_auc_score(label, rows.column(f"score_{part}"))
        precise = second.average_precision_score(label, rows.column(f"score_{part}"))
        expected[f"by_part/{part}/average_precision"] = precise
    expected["majority/accuracy"] = second.accuracy_score(label, np.zeros_like(label))
    expected |= {f"n/{kind}": of_kind.sum() for kind, of_kind in kinds_of(rows).items()}
    expected |= {"n_classes": 2, "n_windows": len(label), "n_patients": 6, "n_patients_both_classes": 5}
    for name, number in expected.items():
        assert found.metrics[f"test/{name}"] == pytest.approx(number), name
    assert found.metrics["calibration/threshold"] == found.thresholds[0][0]
    assert [found.metrics[f"calibration/mean/{part}"] for part in score] == [mean for mean, _ in found.standards[0]]
    assert [found.metrics[f"calibration/sd/{part}"] for part in score] == [sd for _, sd in found.standards[0]]
    assert "calibration/temperature" not in found.metrics


def test_the_auroc_of_a_single_part_is_that_of_the_score() -> None:
    numbers = evaluate(draw_anomalies(), n_boot=0).metrics
    assert numbers["test/by_part/mae/auroc"] == pytest.approx(numbers["test/auroc"])
    assert numbers["test/auroc/S"] < numbers["test/auroc/F"] < numbers["test/auroc/V"]
    assert numbers["test/by_part/rhythm/auroc"] != numbers["test/auroc"]


def test_no_threshold_beats_the_oracle() -> None:
    for seed in range(5):
        numbers = evaluate(draw_anomalies(300, seed=seed), n_boot=0).metrics
        assert numbers["test/oracle/f1"] >= max(numbers["test/f1/anomaly"], numbers["test/always_anomaly/f1"])


def test_intervals_equal_those_of_rows_drawn_one_by_one() -> None:
    drawn = draw_anomalies(900)
    rows = of_test(drawn)
    label, value, kinds = rows.about.label, rows.p[:, 0], kinds_of(rows)
    unit, names = pd.factorize(rows.column("patient"))
    rng, replicates = np.random.default_rng(drawn.seed), []
    for weight in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=25):
        chosen = np.repeat(np.arange(len(label)), weight[unit])
        own = {kind: of_kind[chosen] for kind, of_kind in kinds.items()}
        replicates.append(second_source(label[chosen], rows.called[chosen], value[chosen], own))
    found = evaluate(drawn, n_boot=25).metrics
    for name, values in pd.DataFrame(replicates).items():
        limits = (np.quantile(values, [0.025, 0.975]) + found[f"test/{name}"] - values.mean()).clip(0, 1)
        assert [found[f"test/{name}_low"], found[f"test/{name}_high"]] == pytest.approx(limits.tolist()), name
    without = ("n/S", "oracle/f1", "oracle/threshold", "always_anomaly/f1", "by_part/mae/auroc")
    assert not {f"test/{name}_low" for name in without} & set(found)


def test_names_lead_to_numbers() -> None:
    drawn = draw_anomalies()
    numbers = evaluate(drawn, n_boot=0).metrics
    names = headline_names(drawn)
    assert names[:3] == ["auroc", "average_precision", "always_anomaly/average_precision"]
    assert names[-5:-1] == ["auroc/F", "accuracy", "majority/accuracy", "always_anomaly/accuracy"]
    assert names[-1] == "oracle/f1"
    assert {f"test/{name}" for name in (*names, *without_names(drawn))} < set(numbers)


def test_of_several_parts_each_is_a_headline_by_itself() -> None:
    drawn = draw_anomalies(score=("mae", "rhythm"))
    names = headline_names(drawn)
    assert names[:4] == ["auroc", "by_part/mae/auroc", "by_part/rhythm/auroc", "average_precision"]
    assert {f"val/{name}" for name in names} < set(evaluate(drawn, n_boot=0).metrics)


def test_no_number_comes_from_a_threshold_of_the_rows_shown_but_the_oracles() -> None:
    assert not [name for name in evaluate(draw_anomalies(), n_boot=5).metrics if "sensitivity_at" in name]


def test_rows_of_one_patient_have_no_mean_over_patients() -> None:
    drawn = draw_anomalies()
    nobody = drawn.table["patient"].where(drawn.table["side"] == "val", "unknown")
    numbers = evaluate(replace(drawn, table=drawn.table.assign(patient=nobody)), n_boot=5).metrics
    for name in ("patient_auroc_mean", "n_patients_both_classes"):
        assert (f"val/{name}" in numbers, f"test/{name}" in numbers) == (True, False)
    assert numbers["test/n_patients"] == 1
    assert "test/auroc" in numbers


def test_rows_of_one_class_have_no_ranking_and_no_number_is_undefined() -> None:
    drawn = draw_anomalies()
    test = drawn.table["side"].to_numpy() == "test"
    for value in (0, 1):
        rest = replace(drawn, table=drawn.table[~test | (drawn.table["label"] == value)])
        numbers = evaluate(rest, n_boot=20).metrics
        assert all(np.isfinite(number) for number in numbers.values())
        missing = {f"{place}{area}{end}" for place in ("", "by_part/mae/") for area in AREAS for end in ("", "/S")}
        missing |= {"always_anomaly/average_precision", "patient_auroc_mean"}
        assert not {f"test/{name}" for name in missing} & set(numbers)
        assert (numbers["test/n_classes"], numbers["test/always_anomaly/accuracy"]) == (1, value)
        assert numbers["test/majority/accuracy"] == 1
        there = {"oracle/f1", "always_anomaly/f1", "sensitivity/S"}
        assert ({f"test/{name}" for name in there} <= set(numbers)) == (value == 1)
        assert ("test/oracle/threshold" in numbers) == (value == 1)
        assert "val/auroc" in numbers


def test_a_group_of_anomalies_alone_is_not_ranked() -> None:
    drawn = draw_anomalies()
    odd = np.where(drawn.table["label"] == 1, "yes", "no")
    both = np.where(drawn.table["row"] % 2 == 0, "even", "odd")
    grouped = replace(drawn, groups=("ill", "half"), table=drawn.table.assign(group_ill=odd, group_half=both))
    numbers = evaluate(grouped, n_boot=5).metrics
    assert not [name for name in numbers if name.startswith("test/ill_") and any(area in name for area in AREAS)]
    assert "test/ill_yes/macro_f1" in numbers
    assert {f"test/half_even/{area}_low" for area in AREAS} < set(numbers)


def test_a_kind_that_is_not_there_has_a_count_and_no_score() -> None:
    drawn = draw_anomalies()
    gone = replace(drawn, table=drawn.table[drawn.table["kind_F"] == 0])
    numbers = evaluate(gone, n_boot=10).metrics
    assert numbers["test/n/F"] == 0
    assert not [name for name in numbers if name.startswith(("test/auroc/F", "test/sensitivity/F"))]
    assert "test/auroc/V_low" in numbers


def test_a_replicate_counts_units_as_often_as_they_were_drawn() -> None:
    rows = of_test(draw_anomalies())
    unit, names = pd.factorize(rows.column("patient"))
    weight = np.array([names == "002", names == NEVER[0]], dtype=float)
    alone = rows.where(rows.column("patient") == "002")
    everyone = np.zeros(len(alone.p), dtype=np.int64)
    for scores, name in ((decision_scores, "sensitivity/V"), (ranking_scores, "auroc/V")):
        expected = scores(alone, everyone, np.ones((1, 1)))[name][0]
        np.testing.assert_allclose(scores(rows, unit, weight)[name], [expected, np.nan])


def test_the_patient_table_says_where_auroc_is_not_defined() -> None:
    rows = of_test(draw_anomalies())
    table = per_patient(rows)
    names = ["patient", "side", "n_windows", "accuracy", "macro_f1", "auroc", "n_normal", "n_anomaly"]
    assert list(table.columns) == names
    for one in table.itertuples():
        chosen = rows.column("patient") == one.patient
        assert one.n_anomaly == rows.about.label[chosen].sum()
        if one.patient in NEVER:
            assert np.isnan(one.auroc)
        else:
            assert one.auroc == pytest.approx(second.roc_auc_score(rows.about.label[chosen], rows.p[chosen, 0]))
    assert n_classes(rows) == 2
    assert other_scores(rows)["n_patients_both_classes"] == table["auroc"].notna().sum()


def test_groups_and_single_records_have_the_numbers_of_their_rows_alone() -> None:
    drawn = draw_anomalies()
    grouped = replace(drawn, groups=("sex",), table=drawn.table.assign(group_sex="female"), without=("008",))
    numbers = evaluate(grouped, n_boot=10).metrics
    for name in ("auroc", "auroc_low", "average_precision", "macro_f1"):
        assert numbers[f"test/sex_female/{name}"] == numbers[f"test/{name}"]
    rest = evaluate(replace(drawn, table=drawn.table[drawn.table["patient"] != "008"]), n_boot=0).metrics
    for name in (*without_names(drawn), "f1/anomaly", "f1/normal", "n_classes"):
        assert numbers[f"test/without_008/{name}"] == pytest.approx(rest[f"test/{name}"])
