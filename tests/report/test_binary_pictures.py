"""Pictures of two classes say which rows they show and what they leave out."""

import numpy as np

from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.report.binary_pictures import patients, scores
from tests.corpora.binary_folder import draw_binary

CARD = {"counts": {"train": {"normal": 90, "low": 10}, "val": {"normal": 0, "low": 0}, "test": {"normal": 5, "low": 5}}}


def shown(side: str = "test") -> tuple[Decisions, Evaluation]:
    predictions = draw_binary("hypoglycemia")
    found = evaluate(predictions, n_boot=0)
    decided = decide(predictions, probabilities(predictions, found.temperatures, found.offsets), found.thresholds)
    return decided.where(decided.column("side") == side), found


def test_shares_are_of_all_sides_by_the_card_and_an_empty_side_is_left_out() -> None:
    figure = next(iter(scores(shown()[0], CARD, "test", ""))).figure
    assert figure is not None
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["training", "test"]


def test_without_a_card_shares_are_of_the_rows_that_are_shown() -> None:
    rows = shown()[0]
    figure = next(iter(scores(rows, {}, "test", ""))).figure
    assert figure is not None
    n_low = int(rows.about.label.sum())
    assert f"({n_low:,})" in figure.axes[0].texts[0].get_text()


def test_the_confusion_matrix_counts_what_the_threshold_calls() -> None:
    rows = shown()[0]
    pictures = {picture.name: picture for picture in scores(rows, CARD, "test", "")}
    assert list(pictures) == ["class_shares", "confusion_matrix", "ranking"]
    figure = pictures["confusion_matrix"].figure
    assert figure is not None
    low, called = rows.about.label == 1, rows.called == 1
    assert figure.axes[0].texts[3].get_text() == f"{(low & called).sum():,}"
    assert "chosen on validation windows" in pictures["ranking"].caption


def test_rows_of_one_class_cannot_be_ranked() -> None:
    rows = shown()[0]
    last = list(scores(rows.where(rows.about.label == 0), CARD, "test", ""))[-1]
    assert last.figure is None
    assert "it takes windows of two classes to rank" in last.caption


def test_patients_without_an_auroc_are_counted_in_words() -> None:
    rows, found = shown()
    picture = patients(rows, found, "test", "")
    assert "4 of 6 have windows of both classes" in picture.caption
    assert picture.figure is not None
    undefined = [text for text in picture.figure.axes[0].texts if text.get_text().startswith("not defined")]
    assert len(undefined) == np.isnan(found.per_patient.query("side == 'test'")["auroc"]).sum() == 2
