"""The diagonal is where probabilities mean what they say."""

import numpy as np

from ecg_lightning.report.calibration_figures import FEWEST, Stated, reliability_diagram


def stated(name: str, sharpen: float = 1.0) -> Stated:
    """A thousand probabilities that mean what they say, or are bent towards 0 and 1."""
    rng = np.random.default_rng(0)
    p = rng.random(20000)
    came = rng.random(20000) < p
    return Stated(name, p**sharpen / (p**sharpen + (1 - p) ** sharpen), came)


def test_honest_probabilities_lie_on_the_diagonal_and_bent_ones_do_not() -> None:
    figure = reliability_diagram([stated("before, 0.1", 3.0), stated("after, 0.0")], [], "windows", "")
    left, right = figure.axes
    bent, honest = left.lines[1].get_xydata(), left.lines[2].get_xydata()
    assert np.abs(honest[:, 0] - honest[:, 1]).max() < 0.05
    assert np.abs(bent[:, 0] - bent[:, 1]).max() > 0.1
    assert right.get_ylabel() == "windows"
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["before", "after"]


def test_classes_have_a_panel_of_their_own_and_bins_of_few_answers_no_mark() -> None:
    few = Stated("MI", np.array([0.1] * FEWEST + [0.5] * (FEWEST - 1) + [0.9] * FEWEST), np.repeat([False, True], 7))
    axes = reliability_diagram([few, few], [few], "pairs", "SYNTHETIC").axes
    assert len(axes) == 3
    np.testing.assert_allclose(axes[0].lines[1].get_xydata(), [[0.1, 0], [0.5, 0.5], [0.9, 1]])
    np.testing.assert_allclose(axes[1].lines[1].get_xydata(), [[0.1, 0], [0.9, 1]])


def test_probabilities_at_both_ends_and_a_single_answer_are_drawn() -> None:
    ends = Stated("NORM", np.array([0.0, 1.0]), np.array([False, True]))
    one = Stated("NORM", np.array([1.0]), np.array([True]))
    for answers in (ends, one):
        reliability_diagram([answers], [answers], "windows", "").draw_without_rendering()


def test_the_pooled_panel_says_what_its_probabilities_are_of() -> None:
    assert reliability_diagram([stated("p")], [], "windows", "", "p(l$w)").axes[0].get_title(loc="left") == r"p(l\$w)"
