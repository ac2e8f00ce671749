"""What is drawn of records with several labels is what was counted."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from ecg_lightning.report.colours import MAX_CLASSES
from ecg_lightning.report.label_figures import GroupScore, co_occurrence, confusion_per_class, group_intervals

CLASSES = ("NORM", "MI", "STTC")
LABEL = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 1, 1]])
CALLED = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 0]], dtype=bool)


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_class_has_its_counts_and_shares_of_each_row() -> None:
    normal, infarct, change = confusion_per_class(LABEL, CALLED, CLASSES, "").axes
    assert words(normal) == ["2\n66.7 %", "1\n33.3 %", "0\n0.0 %", "1\n100.0 %"]
    assert words(infarct) == ["1\n100.0 %", "0\n0.0 %", "1\n33.3 %", "2\n66.7 %"]
    assert change.get_title(loc="left") == "STTC"


def test_a_row_that_nobody_is_in_has_no_share() -> None:
    axes = confusion_per_class(np.ones((3, 1), int), np.ones((3, 1), bool), ("MI",), "").axes[0]
    assert words(axes) == ["0", "0", "0\n0.0 %", "3\n100.0 %"]


def test_labels_that_go_together_are_counted_for_truth_and_answers() -> None:
    true, said = co_occurrence(LABEL, CALLED, CLASSES, "").axes
    assert words(true) == ["1", "0", "0", "0", "3", "2\n67 %", "0", "2\n100 %", "2"]
    assert words(said) == ["2", "1\n50 %", "0", "1\n50 %", "2", "1\n50 %", "0", "1\n100 %", "1"]
    assert true.get_title(loc="left").startswith("true labels")


@pytest.mark.parametrize("n_classes", [1, 6, 71])
def test_many_classes_few_and_absent_ones_are_drawn_inside(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    label = (rng.random((90, n_classes)) < 0.2).astype(np.int64)
    label[:, 1:3] = 0
    names = tuple(f"LONG_{number}$" for number in range(n_classes))
    n_shown = min(MAX_CLASSES, n_classes - min(2, n_classes - 1))
    for draw, n_axes in ((confusion_per_class, n_shown), (co_occurrence, 2)):
        figure = draw(label, rng.random(label.shape) < 0.3, names, "SYNTHETIC")
        figure.draw_without_rendering()
        assert sum(axes.axison for axes in figure.axes) == n_axes
        for axes in figure.axes:
            for text in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title):
                assert text.get_window_extent().x0 >= -0.5, text.get_text()


def test_groups_are_drawn_from_the_top_with_their_intervals() -> None:
    groups = [GroupScore("sex: female", 1200, 0.9, 0.88, 0.92), GroupScore("age: unknown", 12, 0.7, np.nan, np.nan)]
    axes = group_intervals(groups, 0.85, "macro AUROC", "").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sex: female (1,200)", "age: unknown (12)"]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.88, 1], [0.92, 1]])
    assert "all records, 0.850" in axes.get_xlabel()
    assert "all" not in group_intervals(groups, None, "macro AUROC", "").axes[0].get_xlabel()
