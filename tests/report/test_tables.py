"""A table says what was computed, in words, and stops where nobody reads on."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.predictions import Predictions
from ecg_lightning.report import tables
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


def test_the_table_of_people_stops() -> None:
    card = {"per_patient": [{"patient": str(k), "side": "val", "MI": 1} for k in range(tables.MAX_PEOPLE + 3)]}
    assert len(tables.people(RECORDS, card).rows) == tables.MAX_PEOPLE


def test_calibration_is_said_before_and_after_and_where_thresholds_come_from(found: Evaluation) -> None:
    said = tables.calibration(RECORDS, found.metrics, "test")
    assert f"is {found.metrics['test/ece']:.3f}, and {found.metrics['test/ece_uncalibrated']:.3f} without" in said
    assert "best F1 on validation rows" in said
    beats = draw_predictions(200)
    said = tables.calibration(beats, {}, "test")
    assert said == "Probabilities are calibrated by one temperature, fitted on validation rows alone."
