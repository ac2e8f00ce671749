"""The difference of two runs has its interval over the patients that both answered for, and mismatches are refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as second_source

from ecg_lightning.evaluation import decisions, evaluate, numbers_of
from ecg_lightning.paired import paired, shared_side
from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import Refused
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import draw_predictions

DRAWN = {
    "multiclass": lambda: draw_predictions(600),
    "binary": draw_binary,
    "multilabel": lambda: draw_multilabel(150),
    "anomaly": lambda: draw_anomalies(score=("mae", "latent")),
}
INTERVAL = ["difference", "low", "high", "share_above"]


def worse(predictions: Predictions, sd: float, seed: int = 1) -> Predictions:
    """The answers of a network that hears the same and adds noise."""
    rng, table = np.random.default_rng(seed), predictions.table.copy()
    for name in [name for name in table if str(name).startswith(("logit_", "score_"))]:
        table[name] += sd * table[name].std() * rng.normal(size=len(table))
    return replace(predictions, table=table)


def of_side(predictions: Predictions, side: str) -> pd.Series:
    return predictions.table["side"] == side


@pytest.mark.parametrize("problem", DRAWN)
def test_a_run_is_not_above_itself_and_every_headline_number_with_replicates_says_so(problem: str) -> None:
    found = paired(DRAWN[problem](), DRAWN[problem](), "test", 50)
    limited = found.table[found.table["low"].notna()]
    assert len(limited) >= 4
    assert (found.table["difference"] == 0).all()
    assert (limited[["low", "high"]] == 0).all(axis=None)
    assert (limited["share_above"] == 0.5).all()
    assert not [name for name in found.table["name"] if name.startswith(("majority/", "oracle/", "always_anomaly/"))]


@pytest.mark.parametrize("problem", DRAWN)
def test_the_other_way_round_everything_has_the_other_sign(problem: str) -> None:
    one, two = DRAWN[problem](), replace(worse(DRAWN[problem](), 0.5), seed=7)
    there, back = paired(one, two, "test", 60).table, paired(two, one, "test", 60).table
    np.testing.assert_allclose(there["difference"], -back["difference"])
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-12)
    np.testing.assert_allclose(there["share_above"], 1 - back["share_above"])
    np.testing.assert_allclose(there["first"], back["second"])


def test_numbers_are_those_of_evaluate_whatever_the_order_of_the_rows() -> None:
    one, two = draw_binary(), worse(draw_binary(), 0.5)
    shuffled = replace(two, table=two.table.sample(frac=1, random_state=0).assign(row=0))
    found, expected = paired(one, shuffled, "test", 40), paired(one, two, "test", 40)
    pd.testing.assert_frame_equal(found.table, expected.table)
    numbers = evaluate(two, 0).metrics
    for name, value in zip(found.table["name"], found.table["second"], strict=True):
        assert value == pytest.approx(numbers[f"test/{name}"]), name
    assert (found.n_rows, found.n_units, found.units) == (int(of_side(one, "test").sum()), 6, "patients")


def test_replicates_equal_scoring_the_repeated_rows_of_both_by_scikit_learn() -> None:
    one, two = draw_binary(), worse(draw_binary(), 0.7)
    rows = [decisions(about).where(of_side(about, "test").to_numpy()) for about in (one, two)]
    unit, names = pd.factorize(rows[0].column("patient"))
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), size=30)
    auroc, accuracy = [], []
    for weight in drawn:
        chosen = np.repeat(np.arange(len(unit)), weight[unit])
        label = rows[0].about.label[chosen]
        auroc.append([second_source.roc_auc_score(label, of.p[chosen, 1]) for of in rows])
        accuracy.append([(of.called[chosen] == label).mean() for of in rows])
    table = paired(one, two, "test", 30).table.set_index("name")
    for name, values in (("auroc", auroc), ("accuracy", accuracy)):
        differs = -np.diff(values, axis=1)[:, 0]
        expected = np.quantile(differs, [0.025, 0.975])
        np.testing.assert_allclose(table.loc[name, ["low", "high"]].to_numpy(float), expected)
        assert table.loc[name, "share_above"] == pytest.approx((differs > 0).mean())


def test_a_clearly_better_run_is_above_and_pairing_is_narrower_than_the_intervals_of_both() -> None:
    one, two = draw_predictions(1500), worse(draw_predictions(1500), 2.0)
    found, alone = paired(one, two, "test", 200).table.set_index("name"), evaluate(one, 200).metrics
    for name in ("accuracy", "kappa", "macro_auroc"):
        assert found.loc[name, "low"] > 0
        assert found.loc[name, "share_above"] > 0.99
    slightly = paired(one, worse(one, 0.1), "test", 200).table.set_index("name")
    width = slightly.loc["accuracy", "high"] - slightly.loc["accuracy", "low"]
    assert width < 0.5 * (alone["test/accuracy_high"] - alone["test/accuracy_low"])


def test_several_folds_go_by_their_own_validation_rows_and_test_rows_are_matched_whatever_their_fold() -> None:
    one = draw_predictions(600)
    two = in_folds(worse(one, 0.3))
    found = paired(one, two, "test", 20).table.set_index("name")
    assert found.loc["accuracy", "second"] == pytest.approx(evaluate(two, 0).metrics["test/accuracy"])
    with pytest.raises(
        Refused, match=r"different validation rows in their folds: 120 and 240, of which 120 are shared"
    ):
        paired(one, two, "val", 20)
    assert paired(two, in_folds(one), "val", 20).n_rows == 240


def in_folds(predictions: Predictions) -> Predictions:
    """Every validation row chooses for two folds, and every test row belongs to one of these."""
    table = predictions.table
    val, fold = table[table["side"] == "val"], (table["row"] % 2).astype(np.int16)
    whole = pd.concat([val.assign(fold=np.int16(0)), val.assign(fold=np.int16(1)), table.assign(fold=fold)[len(val) :]])
    return replace(predictions, table=whole.reset_index(drop=True))


def test_patients_of_one_run_alone_give_no_interval_and_neither_do_no_replicates() -> None:
    one = draw_binary()
    alone = replace(one, table=one.table[of_side(one, "val") | (one.table["patient"] == "002")])
    for found in (paired(alone, worse(alone, 0.5), "test", 50), paired(one, worse(one, 0.5), "test", 0)):
        assert found.table["difference"].notna().all()
        assert found.table[["low", "high", "share_above"]].isna().all(axis=None)
        assert found.n_boot == 0


def test_a_class_that_nobody_has_is_no_difference() -> None:
    one = draw_predictions(400)
    one = replace(one, table=one.table[one.table["label"] == 0].reset_index(drop=True))
    assert "macro_auroc" not in paired(one, worse(one, 0.2), "test", 10).table["name"].tolist()
    assert np.isnan(numbers_of(decisions(one), 0)["macro_auroc"])


def test_test_rows_come_before_validation_rows_where_all_have_them() -> None:
    both = draw_binary()
    val, test = (replace(both, table=both.table[of_side(both, side)]) for side in ("val", "test"))
    assert shared_side([both, both]) == "test"
    assert shared_side([both, val, both]) == "val"
    with pytest.raises(Refused, match="neither test rows nor validation rows in common"):
        shared_side([val, test])


def first_test_row(table: pd.DataFrame) -> int:
    return int(np.flatnonzero(table["side"] == "test")[0])


def relabelled(about: Predictions, name: str) -> Predictions:
    table = about.table.copy()
    at = table.index[first_test_row(table)]
    table.loc[at, name] = "008" if name == "patient" else 1 - table.loc[at, name]
    return replace(about, table=table)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about: replace(about, task="another"), "different questions: task hypoglycemia and another"),
        (lambda about: replace(about, classes=("no", "low")), "classes normal, low and no, low"),
        (lambda about: replace(about, resample="record"), "resample patient and record"),
        (lambda about: relabelled(about, "label"), r"another label for 1 of \d+ test rows"),
        (lambda about: relabelled(about, "patient"), r"another patient for 1 of \d+ test rows"),
        (
            lambda about: replace(about, table=about.table.iloc[:-5]),
            r"different test rows: (\d+) and \d+, of which \d+ ",
        ),
        (
            lambda about: replace(about, table=pd.concat([about.table, about.table.iloc[-1:]])),
            "test rows cannot be matched: several have the same record and time",
        ),
    ],
)
def test_runs_that_cannot_be_paired_are_refused_in_words(
    change: Callable[[Predictions], Predictions], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        paired(draw_binary(), change(draw_binary()), "test", 10)


def test_anomalies_of_another_kind_are_refused() -> None:
    one = draw_anomalies()
    table = one.table.copy()
    ill = (table["side"] == "test") & (table["label"] == 1)
    table.loc[ill, "kind_S"] = 1 - table.loc[ill, "kind_S"]
    with pytest.raises(Refused, match=rf"another kind for {ill.sum()} of \d+ test rows"):
        paired(one, replace(one, table=table), "test", 10)
    with pytest.raises(Refused, match="problem binary and anomaly"):
        paired(draw_binary(), one, "test", 10)


def test_interval_and_share_never_contradict_each_other() -> None:
    found = paired(draw_multilabel(150), worse(draw_multilabel(150), 0.5), "test", 60).table
    few = draw_predictions(600)
    found = pd.concat([found, *(paired(few, worse(few, 0.3, seed), "val", 60).table for seed in range(4))])
    assert ((found["low"] > 0) <= (found["share_above"] > 0.97)).all()
    assert ((found["high"] < 0) <= (found["share_above"] < 0.03)).all()


def test_a_calibration_error_has_a_difference_without_an_interval() -> None:
    found = paired(draw_multilabel(150), worse(draw_multilabel(150), 0.5), "test", 60).table
    assert found.set_index("name").loc["ece", INTERVAL[1:]].isna().all(), "a calibration error grows in every resample"
