"""The threshold is marked where it stands, and whoever has one class alone has no AUROC."""

import numpy as np
import pandas as pd
import pytest

from ecg_lightning import metrics
from ecg_lightning.ranking import sensitivity_replicates
from ecg_lightning.report.binary_figures import (
    Point,
    auroc_bars,
    class_shares,
    operating_curves,
    point_of,
    strict_point,
)


def answers(n: int = 500, share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a fair network, some of them equal, and the truth."""
    rng = np.random.default_rng(0)
    positive = rng.random(n) < share
    return np.round(np.clip(0.25 * positive + 0.7 * rng.random(n), 0, 1), 2), positive


def test_a_point_is_what_a_confusion_matrix_says() -> None:
    p, positive = answers()
    counts = metrics.confusion(positive.astype(np.int64), (p >= 0.5).astype(np.int64), 2)
    expected = Point(metrics.sensitivity(counts)[0], metrics.sensitivity(counts)[1], metrics.precision(counts)[1])
    found = point_of(positive, p >= 0.5)
    for name in ("specificity", "sensitivity", "precision"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))


def test_a_threshold_that_calls_none_has_no_precision() -> None:
    _, positive = answers()
    found = point_of(positive, np.zeros(len(positive), bool))
    assert (found.specificity, found.sensitivity) == (1, 0)
    assert np.isnan(found.precision)


@pytest.mark.parametrize("n", [10, 11, 500])
def test_the_strict_point_is_the_number_that_is_reported(n: int) -> None:
    p, positive = answers(n, 0.4)
    strict = strict_point(p, positive)
    reported = sensitivity_replicates(p, positive, np.zeros(n, np.int64), np.ones((1, 1)), 0.9)[0]
    assert strict.specificity >= 0.9
    assert strict.sensitivity == pytest.approx(reported)


def test_the_curves_carry_both_points_and_the_share_of_positives() -> None:
    p, positive = answers()
    used, strict = point_of(positive, p >= 0.5), strict_point(p, positive)
    points = {"threshold in use": used, "specificity 0.9": strict}
    left, right = operating_curves(p, positive, points, "always so", "l$w", "SYNTHETIC").axes
    for axes, at in (
        (left, lambda one: (1 - one.specificity, one.sensitivity)),
        (right, lambda one: (one.sensitivity, one.precision)),
    ):
        marks = [line.get_xydata()[0] for line in axes.lines if line.get_marker() in ("o", "s")]
        np.testing.assert_allclose(marks, [at(used), at(strict)])
    said = [text.get_text() for text in left.get_legend().get_texts()]
    assert f"AUC {metrics.auroc(p, positive):.3f}" in said
    assert f"threshold in use: sensitivity {used.sensitivity:.3f}" in said
    assert right.lines[0].get_ydata()[0] == pytest.approx(positive.mean())
    assert f"always so {positive.mean():.3f}" in [text.get_text() for text in right.get_legend().get_texts()]
    assert left.get_title(loc="left") == r"ROC of l\$w"


def test_class_shares_add_up_to_a_hundred_and_say_how_many() -> None:
    axes = class_shares({"training": (900, 100), "test": (0, 50)}, ("normal", "low"), "").axes[0]
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(2, 2)
    np.testing.assert_allclose(widths, [[90, 10], [0, 100]])
    assert [text.get_text() for text in axes.texts] == [
        "normal 90.0 % (900)   low 10.0 % (100)",
        "normal 0.0 % (0)   low 100.0 % (50)",
    ]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["training", "test"]


def test_patients_stand_by_auroc_and_those_of_one_class_say_so_below() -> None:
    people = pd.DataFrame({"patient": ["a", "b$", "c"], "n_windows": [10, 20, 30], "auroc": [0.9, np.nan, 0.4]})
    people = people.assign(n_normal=[5, 20, 29], n_low=[5, 0, 1])
    left, right = auroc_bars(people, ("normal", "low"), "").axes
    assert [label.get_text() for label in left.get_yticklabels()] == [r"b\$ (20)", "a (10)", "c (30)"]
    assert [text.get_text() for text in left.texts] == ["not defined: windows of one class alone", "0.900", "0.400"]
    assert [text.get_text() for text in right.texts] == ["0 low", "5 low", "1 low"]
