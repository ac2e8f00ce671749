"""Glucose and probability lie one below the other, at the time of the clock."""

import numpy as np
from matplotlib.dates import num2date

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.glucose_figures import Course, glucose_courses

NOON_S = 1_412_164_800.0  # 2014-10-01 12:00
COURSE = Course(
    name="00$1",
    clock_s=NOON_S + np.array([0.0, 300.0, 600.0]),
    glucose_mmol_l=np.array([5.0, 3.5, 4.2]),
    p=np.array([0.1, 0.8, 0.3]),
    low=np.array([False, True, False]),
    threshold=0.42,
)


def test_windows_stand_at_the_time_of_the_clock_in_the_colour_of_their_class() -> None:
    figure = glucose_courses([COURSE], ("normal", "low"), 3.9, "SYNTHETIC")
    figure.draw_without_rendering()
    upper, lower = figure.subfigs[0].axes
    normal, low = (dots.get_offsets() for dots in upper.collections)
    assert f"{num2date(low[0, 0]):%Y-%m-%d %H:%M}" == "2014-10-01 12:05"
    np.testing.assert_allclose(normal[:, 1], [5.0, 4.2])
    np.testing.assert_allclose([dots.get_offsets()[0, 1] for dots in lower.collections], [0.1, 0.8])
    assert [dots.get_label() for dots in upper.collections] == ["window is normal", "window is low"]
    np.testing.assert_allclose(
        upper.collections[1].get_facecolor()[0, :3], [int(class_colour(1)[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    )
    assert upper.get_ylabel() == "glucose, mmol/L"
    assert lower.get_ylabel() == "p(low)"
    assert [text.get_text() for text in figure.texts] == ["SYNTHETIC"]


def test_both_limits_are_drawn_and_named_and_one_that_is_not_known_is_not() -> None:
    for limit, n_lines in ((3.9, 1), (None, 0)):
        upper, lower = glucose_courses([COURSE], ("normal", "low"), limit, "").subfigs[0].axes
        assert [line.get_ydata()[0] for line in upper.lines] == [3.9][:n_lines]
        assert lower.lines[0].get_ydata()[0] == 0.42
        said = [text.get_text() for text in upper.get_legend().get_texts()]
        assert said == ["window is normal", "window is low", *["3.9 mmol/L"][:n_lines], "threshold 0.42"]


def test_every_patient_has_a_pair_of_panels() -> None:
    figure = glucose_courses([COURSE, COURSE, COURSE], ("normal", "low"), 3.9, "")
    assert len(figure.axes) == 6
    assert figure.axes[0].get_title(loc="left") == r"patient 00\$1"
