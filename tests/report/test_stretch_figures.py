"""Millivolts lie on paper, all else on axes with their units; every known beat is marked."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.stretch import Stretch
from ecg_lightning.report.stretch_figures import beat_colour, stretch_figure, time_grid
from ecg_lightning.report.style import INK, new_figure

IN_MV = Stretch("a$b", np.random.default_rng(0).normal(size=(2, 1000)), ("MLII", "V1"), ("mV", "mV"), 100.0, 7.0)
MARKED = {"beat_s": (8.0, 9.5), "symbol": ("N", "V")}


def test_millivolts_lie_on_paper_with_the_beats_above_them() -> None:
    axes = stretch_figure(replace(IN_MV, **MARKED)).axes[0]
    said = {text.get_text(): text for text in axes.texts}
    assert "25 mm/s, 10 mm/mV" in said
    assert r"record a\$b   7.0 s to 17.0 s" in said
    assert "beats as annotated" in said
    assert said["V"].get_position()[0] - said["N"].get_position()[0] == pytest.approx(1.5 * 25)
    assert said["N"].get_color() == class_colour(0)
    assert said["V"].get_color() == class_colour(2)


def test_another_unit_lies_on_axes_that_name_it() -> None:
    figure = stretch_figure(replace(IN_MV, units=("NU", "mmHg"), **MARKED))
    figure.draw_without_rendering()
    assert [axes.get_ylabel() for axes in figure.axes] == ["MLII\nno unit", "V1\nmmHg"]
    seconds, ecg = figure.axes[1].lines[0].get_data()
    np.testing.assert_allclose([seconds[0], seconds[-1]], [7.0, 16.99])
    np.testing.assert_array_equal(ecg, IN_MV.ecg[1])
    assert [text.get_text() for text in figure.axes[0].texts] == ["N", "V"]
    assert figure.axes[-1].get_xlabel() == "seconds from the record's beginning"


@pytest.mark.parametrize("units", [("mV", "mV"), ("NU", "NU")])
def test_beats_that_were_found_are_said_to_be_and_synthetic_is_stamped(units: tuple[str, str]) -> None:
    figure = stretch_figure(replace(IN_MV, units=units, beat_s=(8.0,), symbol=("",), synthetic=True))
    assert [text.get_text() for text in figure.texts] == ["SYNTHETIC"]
    words = [text.get_text() for text in figure.axes[0].texts] + [figure.axes[0].get_title(loc="left")]
    assert any("as found in the first lead, not annotated" in text for text in words)


def test_normal_beats_have_one_colour_and_all_others_another() -> None:
    assert beat_colour("N") != beat_colour("V") == beat_colour("L")
    assert beat_colour("") == INK


def test_seconds_are_written_where_there_is_room() -> None:
    short, long = new_figure(5, 3, "").subplots(2, 1)
    time_grid(short, 7.3, 17.3)
    time_grid(long, 0.0, 60.0)
    np.testing.assert_allclose(short.get_xticks(), np.arange(8, 18))
    assert long.get_xlim() == (0, 60)
    assert len(long.get_xticks(minor=True)) == 0
