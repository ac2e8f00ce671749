"""What is drawn is what was counted."""

import numpy as np
import pandas as pd
import pytest

from ecg_lightning.report.colours import MAX_CLASSES, class_colour
from ecg_lightning.report.score_figures import (
    MAX_PATIENTS,
    best_epoch,
    confusion_matrices,
    learning_curves,
    loss_curves,
    patient_bars,
    ranking_curves,
)

HISTORY = pd.DataFrame({"epoch": [3, 4, 5, 6], "train/loss": [4.0, 3, 2, 1], "val/f1": [0.1, np.nan, 0.7, 0.6]})


@pytest.mark.parametrize(
    ("monitor", "best"), [(("val/f1", "max"), 6), (("val/f1", "min"), 4), (("val/kappa", "max"), None), (None, None)]
)
def test_the_best_epoch_is_that_of_the_monitor_counted_from_1(
    monitor: tuple[str, str] | None, best: int | None
) -> None:
    assert best_epoch(HISTORY, monitor) == best


def test_a_monitor_that_was_never_defined_has_no_best_epoch() -> None:
    assert best_epoch(HISTORY.assign(**{"val/f1": np.nan}), ("val/f1", "max")) is None


def test_learning_curves_mark_the_best_epoch_and_draw_what_there_is() -> None:
    loss, score = learning_curves(HISTORY, ("val/f1", "max"), "").axes
    assert [line.get_label() for line in loss.lines] == ["train/loss", "best epoch, 6"]
    assert [line.get_label() for line in score.lines] == ["val/f1", "best epoch, 6"]
    assert loss.lines[0].get_xdata()[0] == 4
    empty = learning_curves(HISTORY[["epoch"]], ("val/f1", "max"), "")
    assert not [line for axes in empty.axes for line in axes.lines]


def test_accuracy_is_drawn_of_both_sides_where_it_is_there() -> None:
    more = HISTORY.assign(**{"train/accuracy": 0.9, "val/accuracy": 0.8})
    figure = learning_curves(more, ("val/f1", "max"), "")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "accuracy", "what chooses the best epoch"]
    assert [line.get_label() for line in figure.axes[1].lines] == ["train/accuracy", "val/accuracy", "best epoch, 6"]
    assert [line.get_label() for line in figure.axes[2].lines] == ["val/f1", "best epoch, 6"]


def test_loss_curves_mark_the_epoch_of_least_validation_loss() -> None:
    (axes,) = loss_curves(HISTORY.assign(**{"val/loss": [4.0, 2, 1, 3]}), "SYNTHETIC").axes
    assert [line.get_label() for line in axes.lines] == ["train/loss", "val/loss", "best epoch, 6"]


def test_confusion_matrices_write_counts_and_percent_and_nothing_for_an_absent_class() -> None:
    counts, share = confusion_matrices(np.array([[1500, 500], [0, 0]]), ("N", "S"), "").axes
    assert [text.get_text() for text in counts.texts] == ["1,500", "500", "0", "0"]
    assert [text.get_text() for text in share.texts] == ["75.0", "25.0", "", ""]


def test_ranking_curves_name_the_area_and_leave_absent_classes_out() -> None:
    label = np.array([0, 0, 1, 1])
    p = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.3, 0.7, 0], [0.1, 0.9, 0]])
    roc, precise = ranking_curves(p, label[:, None] == np.arange(3), ("N", "S", "V"), "").axes
    assert [text.get_text() for text in roc.get_legend().get_texts()] == ["N  AUC 1.000", "S  AUC 1.000"]
    assert [text.get_text() for text in precise.get_legend().get_texts()] == ["N  AP 1.000, n 2", "S  AP 1.000, n 2"]
    assert roc.lines[2].get_color() == class_colour(1)


def test_of_many_classes_the_largest_are_named_and_the_others_lie_behind() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random((300, 30)) < np.linspace(0.02, 0.5, 30)
    positive[:, 0], positive[:, 29] = False, True  # nothing to rank
    names = tuple(f"c{k}$_" for k in range(30))
    roc = ranking_curves(rng.random((300, 30)), positive, names, "").axes[0]
    legend = roc.get_legend()
    assert legend is not None
    said = [text.get_text() for text in legend.get_texts()]
    assert len(said) == MAX_CLASSES
    assert said[0].startswith(r"c18\$_  AUC")
    assert said[-1] == "17 rarer classes"
    assert len(roc.lines) == 1 + 28


def test_a_long_curve_is_thinned_without_moving() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 20000)
    score = np.clip(label * 0.3 + rng.random(20000), 0, 1.3) / 1.3
    positive = label[:, None] == np.arange(2)
    curve = ranking_curves(np.stack([1 - score, score], 1), positive, ("N", "S"), "").axes[0].lines[2].get_xydata()
    assert len(curve) < 3000
    np.testing.assert_array_equal(curve[[0, -1]], [[0, 0], [1, 1]])
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(
        (score[label == 1] > score[label == 0][:, None]).mean(), abs=2e-3
    )


def test_patient_bars_begin_with_the_lowest_and_stop_where_they_cannot_be_read() -> None:
    n = MAX_PATIENTS + 10
    table = pd.DataFrame({"patient": [f"p{i}" for i in range(n)], "n_windows": 10, "accuracy": 0.5})
    table = table.assign(macro_f1=np.linspace(1, 0, n), n_N=8, n_S=2)
    figure = patient_bars(table, ("N", "S"), "")
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == MAX_PATIENTS
    assert names[-1] == f"p{n - 1} (10)"
    assert figure.axes[2].get_title(loc="left") == "windows that are not N"


@pytest.mark.parametrize("stamp", ["SYNTHETIC", "SYNTHETIC · LEAKY SPLIT"])
def test_the_stamp_is_on_the_figure(stamp: str) -> None:
    assert [text.get_text() for text in learning_curves(HISTORY, None, stamp).texts] == [stamp]
    assert not learning_curves(HISTORY, None, "").texts
