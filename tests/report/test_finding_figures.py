"""Figures of what was found in one recording."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.finding_figures import Course, Remade, Watched, course, remade, watched
from ecg_lightning.report.window_figures import Axis

N_BEATS = 60


def a_course(duration_s: float = 60.0) -> Course:
    time_s = np.linspace(0.5, duration_s - 0.5, N_BEATS)
    rr_s = np.full(N_BEATS, 0.8)
    rr_s[0] = np.nan
    called = np.arange(N_BEATS) % 3 - 1
    return Course(time_s, rr_s, called, ("N", "V"), ((10.0, 12.0), (30.0, 31.0)), duration_s)


def test_a_course_shows_every_beat_in_the_colour_of_its_class_and_what_is_refused() -> None:
    (axes,) = course(a_course(), "recording x", "SYNTHETIC").axes
    points = {c.get_label(): c for c in axes.collections}
    assert {name: len(c.get_offsets()) for name, c in points.items()} == {"beat": 19, "N": 20, "V": 20}
    assert to_hex(points["V"].get_facecolor()[0]).lower() == class_colour(1).lower()
    np.testing.assert_allclose(np.asarray(points["N"].get_offsets())[:, 1], 75)
    assert len(axes.patches) == 2
    assert axes.get_xlim() == (0, 60)


@pytest.mark.parametrize(
    ("duration_s", "unit", "end"), [(60.0, "seconds", 60), (1800.0, "minutes", 30), (86400.0, "hours", 24)]
)
def test_time_is_written_in_a_unit_that_suits_it(duration_s: float, unit: str, end: float) -> None:
    (axes,) = course(a_course(duration_s), "", "").axes
    assert axes.get_xlabel() == f"{unit} from the recording's beginning"
    assert axes.get_xlim()[1] == pytest.approx(end)


def test_two_marks_on_one_beat_do_not_stretch_the_axis() -> None:
    one = a_course()
    one.rr_s[5] = 0.01
    (axes,) = course(one, "", "").axes
    assert axes.get_ylim()[1] < 300


def test_windows_that_are_called_stand_out_and_refused_ones_are_left_out() -> None:
    p = np.array([0.1, 0.7, 0.9, 0.5, 0.95])
    one = Watched(np.arange(5) * 10.0, p, 0.5, np.array([False, False, False, False, True]), 10.0, "low")
    (axes,) = watched(one, "", "").axes
    points = {c.get_label(): np.asarray(c.get_offsets()) for c in axes.collections}
    assert points["called"].tolist() == [[15, 0.7], [25, 0.9], [35, 0.5]]
    assert points["not called"].tolist() == [[5, 0.1]]
    (limit,) = (line for line in axes.lines if str(line.get_label()).startswith("threshold"))
    assert set(np.asarray(limit.get_ydata()).tolist()) == {0.5}
    assert np.isnan(np.asarray(axes.lines[0].get_ydata())[4])


@pytest.mark.parametrize("leads", [("MLII",), ("I", "II", "V1")])
def test_windows_stand_side_by_side_and_leads_below_one_another(leads: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    windows = [Remade(*rng.standard_normal((2, len(leads), 50)), f"window {k}") for k in range(3)]  # type: ignore[misc]
    figure = remade(windows, Axis(-0.5, 0.5, "seconds", "SD"), leads, "title", "")
    assert len(figure.axes) == 3 * len(leads)
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["window 0", "window 1", "window 2"]
    drawn = figure.axes[1].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, windows[1].ecg[0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["original", "reconstruction", "error"]
