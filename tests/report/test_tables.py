"""A table says what was computed, in words, and stops where nobody reads on."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.predictions import Predictions
from ecg_lightning.report import tables
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import draw_predictions

RECORDS = draw_multilabel(200)


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return evaluate(RECORDS, n_boot=20)


def test_the_number_that_counts_stands_out(found: Evaluation) -> None:
    table = tables.headline(RECORDS, found.metrics)
    assert [table.rows[index].name for index in table.bold] == ["macro AUROC"]
    beats = draw_predictions(300)
    for about, first in (
        (beats, "macro F1 of N, S, V, F"),
        (replace(beats, headline_classes=()), "macro F1, classes present"),
    ):
        table = tables.headline(about, evaluate(about, n_boot=0).metrics)
        assert [table.rows[index].name for index in table.bold] == [first]


def test_each_class_has_its_records_threshold_and_meaning(found: Evaluation) -> None:
    table = tables.per_class(RECORDS, found.metrics, "test")
    row = table.rows[1]
    assert (row.name, row.meaning) == ("MI", "myocardial infarction")
    cells = dict(zip(table.columns[1:], row.cells, strict=True))
    assert cells["records"] == tables.Cell(str(RECORDS.table.query("side == 'test'")["label_MI"].sum()))
    assert cells["threshold"] == tables.Cell(f"{found.metrics['calibration/threshold/MI']:.3f}")
    assert cells["AUPRC"] is not None
    assert cells["AUPRC"].limits


def test_an_absent_class_has_a_row_without_scores() -> None:
    about = replace(RECORDS, table=RECORDS.table.assign(label_HYP=np.int8(0)))
    row = tables.per_class(about, evaluate(about, n_boot=0).metrics, "test").rows[-1]
    assert row.cells[0] == tables.Cell("0")
    assert row.cells[1] is None


def test_groups_stand_in_the_order_of_their_age_and_unknown_ones_last(found: Evaluation) -> None:
    names = [row.name for row in tables.groups(RECORDS, found.metrics).rows]
    assert names == [
        "sex: female",
        "sex: male",
        *(f"age: {age}" for age in ("under 40", "40-59", "60-79", "80 and over")),
    ]
    table = RECORDS.table.assign(group_age=np.where(RECORDS.table["row"] % 2 == 0, "unknown", "under 40"))
    about: Predictions = replace(RECORDS, table=table, groups=("age",))
    names = [row.name for row in tables.groups(about, evaluate(about, n_boot=0).metrics).rows]
    assert names == ["age: under 40", "age: unknown"]


def test_a_record_of_several_classes_counts_once_in_all() -> None:
    card = {"counts": {"test": {"MI": 3, "CD": 2}}, "rows": {"test": 4}}
    row = tables.counts(RECORDS, card).rows[0]
    assert [cell.number for cell in row.cells if cell] == ["0", "3", "0", "2", "0", "4"]
    row = tables.counts(RECORDS, {"counts": {"train": {"MI": 3}}}).rows[0]
    assert row.cells[-1] == tables.Cell("3")


def test_two_classes_come_with_what_one_class_for_all_would_score() -> None:
    about = draw_binary()
    numbers = evaluate(about, n_boot=20).metrics
    table = tables.headline(about, numbers)
    rows = {row.name: row.cells[-1] for row in table.rows}
    assert [table.rows[index].name for index in table.bold] == ["AUROC"]
    assert rows["accuracy of one class for all"] == tables.Cell(f"{numbers['test/majority/accuracy']:.3f}")
    assert rows["patients of both classes"] == tables.Cell("5")
    assert {"macro F1 of one class for all", "F1 of low", "sensitivity, specificity 0.9"} < set(rows)
    names = tables.per_class(about, numbers, "test").columns
    assert names == ["", "windows", "F1", "sensitivity", "precision"]


def test_anomalies_come_kind_by_kind_and_part_by_part() -> None:
    about = draw_anomalies(score=("latent", "rhythm"))
    numbers = evaluate(about, n_boot=20).metrics
    kinds, parts = tables.of_anomalies(about, numbers, "test").values()
    test = about.table[about.table["side"] == "test"]
    n, n_normal = int(test["kind_V"].sum()), int((test["label"] == 0).sum())
    row = kinds.rows[1]
    assert (row.name, row.meaning, row.cells[0]) == ("V", "ventricular", tables.Cell(str(n)))
    assert row.cells[3] == tables.Cell(f"{n / (n + n_normal):.3f}")
    assert row.cells[4] is not None
    assert row.cells[4].number == f"{numbers['test/sensitivity/V']:.3f}"
    assert [parts.rows[at].name for at in parts.bold] == ["latent distance", "rhythm distance"]
    areas = [f"{numbers[f'test/by_part/rhythm/{area}']:.3f}" for area in ("auroc", "average_precision")]
    assert (parts.columns, parts.rows[3].cells) == (["", "AUROC", "AUPRC"], [*map(tables.Cell, areas)])
    named = {row.name: row.cells[-1] for row in tables.headline(about, numbers).rows}
    assert named["AUROC, rhythm distance alone"] == tables.Cell(areas[0])
    assert tables.of_anomalies(draw_binary(), {}, "test") == {}


def test_a_kind_that_is_absent_has_a_row_without_scores() -> None:
    about = draw_anomalies()
    about = replace(about, table=about.table.assign(kind_F=np.int8(0)))
    kinds, _ = tables.of_anomalies(about, evaluate(about, n_boot=0).metrics, "test").values()
    assert kinds.rows[2].cells == [tables.Cell("0"), None, None, None, None]


def test_the_headline_of_anomalies_has_always_anomaly_and_the_oracle_beside() -> None:
    about = draw_anomalies()
    numbers = evaluate(about, n_boot=0).metrics
    table = tables.headline(about, numbers)
    rows = {row.name: row.cells[-1] for row in table.rows}
    assert [table.rows[index].name for index in table.bold] == ["AUROC"]
    assert rows["F1, always anomaly"] == tables.Cell(f"{numbers['test/always_anomaly/f1']:.3f}")
    assert rows["oracle F1, best of these rows"] == tables.Cell(f"{numbers['test/oracle/f1']:.3f}")
    assert rows["AUROC of V"] == tables.Cell(f"{numbers['test/auroc/V']:.3f}")
    assert rows["accuracy of one class for all"] == tables.Cell(f"{numbers['test/majority/accuracy']:.3f}")
    assert {"precision of anomaly", "specificity", "patients of both classes", "accuracy, always anomaly"} < set(rows)


def test_a_side_of_nobody_known_has_no_count_of_patients_of_both_classes() -> None:
    about = draw_anomalies()
    nobody = about.table["patient"].where(about.table["side"] == "val", "unknown")
    about = replace(about, table=about.table.assign(patient=nobody))
    rows = {row.name: row.cells for row in tables.headline(about, evaluate(about, n_boot=0).metrics).rows}
    assert rows["patients of both classes"] == [tables.Cell("2"), None]
    about = replace(about, table=about.table.assign(patient="unknown"))
    rows = {row.name: row.cells for row in tables.headline(about, evaluate(about, n_boot=0).metrics).rows}
    assert "patients of both classes" not in rows
    assert rows["patients"] == [tables.Cell("1"), tables.Cell("1")]


def test_training_rows_stand_first_where_they_are_scored_and_leave_intervals_to_the_last_side() -> None:
    about = draw_binary(score_train=True)
    table = tables.headline(about, evaluate(about, n_boot=20).metrics)
    assert table.columns == ["", "training", "validation", "test"]
    assert [bool(cell and cell.limits) for cell in table.rows[0].cells] == [False, False, True]
    assert tables.headline(draw_binary(), evaluate(draw_binary(), n_boot=0).metrics).columns[1:] == [
        "validation",
        "test",
    ]


def test_an_adapted_run_has_what_the_bundle_was_worth_beside_the_test_rows() -> None:
    about = draw_binary()
    numbers = evaluate(about, n_boot=20).metrics
    recorded = numbers | {"before/test/auroc": 0.5, "before/test/auroc_low": 0.4, "before/test/auroc_high": 0.6}
    recorded |= {
        f"before/test/{name}": 1.0 for name in ("n_windows", "n_patients", "n_patients_both_classes", "n_classes")
    } | {"fit/epochs": 3}
    earlier = tables.before_adapting(recorded)
    assert set(earlier) == {name for name in recorded if name.startswith("before/")}
    table = tables.headline(about, numbers | earlier)
    assert table.columns == ["", "validation", "test, before", "test"]
    assert table.rows[0].cells[1] == tables.Cell("0.500")
    assert table.rows[1].cells[1] is None, "not recorded"
    assert [bool(cell and cell.limits) for cell in table.rows[0].cells] == [False, False, True]


def test_patients_of_one_class_have_no_auroc() -> None:
    about = draw_binary()
    table = tables.scores_of_patients(about, evaluate(about, n_boot=0).per_patient)
    cells = {row.name: dict(zip(table.columns[1:], row.cells, strict=True)) for row in table.rows}
    assert cells["003"]["AUROC"] == tables.Cell("not defined")
    assert cells["003"]["low"] == tables.Cell("0")
    assert cells["004"]["AUROC"] != tables.Cell("not defined")


def test_groups_of_two_classes_have_their_aurocs() -> None:
    about = draw_binary()
    about = replace(about, groups=("hour",), table=about.table.assign(group_hour="night"))
    table = tables.groups(about, evaluate(about, n_boot=0).metrics)
    assert table.columns == ["", "windows", "classes", "AUROC", "AUPRC", "macro F1"]
    assert None not in table.rows[0].cells


def test_the_table_of_people_stops() -> None:
    card = {"per_patient": [{"patient": str(k), "side": "val", "MI": 1} for k in range(tables.MAX_PEOPLE + 3)]}
    assert len(tables.people(RECORDS, card).rows) == tables.MAX_PEOPLE
