"""Panels stand side by side as far as their words can be read."""

import numpy as np
import pytest

from ecg_lightning.explain.faithful import Curves
from ecg_lightning.explain.panels import width_of, wrapped
from ecg_lightning.explain.score_figures import deletion_and_insertion


@pytest.mark.parametrize(("n", "expected"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3)), (7, (3, 3))])
def test_at_most_three_panels_stand_side_by_side(n: int, expected: tuple[int, int]) -> None:
    assert wrapped(n) == expected
    assert width_of(expected[1]) <= 10


def test_a_class_of_low_probability_has_an_axis_of_its_own() -> None:
    high, low = (Curves(np.full((2, 11), p), np.full((2, 11), p)) for p in (0.5, 0.01))
    figure = deletion_and_insertion(
        {name: {"ig": low, "random": low} for name in "FQ"} | {"N": {"random": high}}, {}, ""
    )
    titles = {axes.get_title(loc="left"): axes.get_ylim()[1] for axes in figure.axes}
    assert titles["F: p is below 0.1 throughout"] < 0.02
    assert titles["N"] == 1
