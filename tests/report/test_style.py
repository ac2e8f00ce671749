"""Every figure has the same quiet look."""

import pytest

from ecg_lightning.report.style import legend_below, new_figure, plain


def test_a_long_stamp_fits_its_figure() -> None:
    figure = new_figure(9, 4, "SYNTHETIC · LEAKY SPLIT")
    figure.draw_without_rendering()
    inside = figure.texts[0].get_window_extent()
    assert inside.x0 > 0
    assert inside.x1 < figure.bbox.x1


def test_names_are_no_formulas() -> None:
    assert plain("a$b") == r"a\$b"


def test_a_legend_lies_under_the_axes_and_inside_the_figure() -> None:
    figure = new_figure(9, 4, "")
    axes = figure.subplots()
    axes.plot([0, 1], label="a")
    axes.set_xlabel("epoch")
    legend_below(axes, 2)
    figure.draw_without_rendering()
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert 0 <= box.y0 < box.y1 <= axes.xaxis.label.get_window_extent().y0


def test_axes_without_names_get_no_legend() -> None:
    axes = new_figure(9, 4, "").subplots()
    axes.plot([0, 1])
    legend_below(axes, 2)
    assert axes.get_legend() is None


@pytest.mark.parametrize("height_in", [1.5, 2.5, 4.0, 12.0])
@pytest.mark.parametrize("stamp", ["SYNTHETIC", "SYNTHETIC · LEAKY SPLIT"])
def test_a_stamp_stays_inside_its_figure(height_in: float, stamp: str) -> None:
    figure = new_figure(11, height_in, stamp)
    figure.draw_without_rendering()
    box = figure.texts[0].get_window_extent()
    assert -1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
