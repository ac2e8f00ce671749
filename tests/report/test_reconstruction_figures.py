"""An original and its reconstruction stand on one another, with the error between them."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_lightning.report.reconstruction_figures import APART_IN, LINE_IN, PER_HALF, Made, reconstructions
from ecg_lightning.report.window_figures import Axis

BEAT = Axis(-0.4, 0.4, "seconds from the R peak", "SD")
LONG = Axis(0.0, 10.0, "seconds from the window's beginning", "mV")
KINDS = ("normal", "S", "V")


def made(kind: int, right: bool, n_leads: int = 1, height: float = 1.0) -> Made:
    time = np.linspace(0, 6, 80)
    ecg = np.stack([height * np.sin(time + lead) for lead in range(n_leads)]).astype(np.float32)
    return Made(ecg, 0.5 * ecg, kind, right, f"{KINDS[kind]}: 0.3, threshold 0.2\n10$, 1:02.0")


def on(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


def test_original_reconstruction_and_the_error_between_them_are_drawn() -> None:
    one = made(1, True)
    (axes,) = on(reconstructions([one], BEAT, KINDS, ("MLII",), "SYNTHETIC"))
    original, again = (line.get_ydata() for line in axes.lines[:2])
    np.testing.assert_array_equal(original, one.ecg[0])
    np.testing.assert_array_equal(again, one.reconstruction[0])
    shaded = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (shaded.max(), shaded.min()) == (one.ecg.max(), one.ecg.min())
    assert axes.get_title(loc="left") == "S: 0.3, threshold 0.2\n10\\$, 1:02.0"
    np.testing.assert_allclose(axes.lines[0].get_xdata()[[0, -1]], [-0.4, 0.39])


def test_right_ones_stand_left_of_wrong_ones_and_a_kind_without_any_says_none() -> None:
    windows = [made(0, True), made(0, False), made(2, False)]
    figure = reconstructions(windows, BEAT, KINDS, ("MLII",), "")
    right, wrong, missed = on(figure)
    assert right.get_position().x1 < wrong.get_position().x0 == missed.get_position().x0
    assert missed.get_position().y1 < wrong.get_position().y0
    assert [text.get_text() for axes in figure.axes if not axes.axison for text in axes.texts] == ["none"]
    names = [text.get_text() for text in figure.texts]
    assert "normal, SD" in names
    assert "V, SD" in names
    assert "S, SD" not in names, "a kind without a window has no row"


def test_the_lowest_window_of_every_column_carries_the_times() -> None:
    figure = reconstructions([made(0, True), made(0, False), made(2, False)], BEAT, KINDS, ("MLII",), "")
    labelled = [axes.xaxis.get_tick_params()["labelbottom"] for axes in on(figure)]
    assert labelled == [True, False, True]


def test_short_windows_stand_side_by_side_and_long_ones_alone() -> None:
    many = [made(0, True) for _ in range(5)]
    assert len(on(reconstructions(many, BEAT, KINDS, ("MLII",), ""))) == PER_HALF
    assert len(on(reconstructions(many, LONG, KINDS, ("MLII",), ""))) == 1


def test_leads_stand_below_one_another_each_on_one_scale_per_kind() -> None:
    windows = [made(0, True, 2), made(0, False, 2, height=3.0), made(1, True, 2)]
    figure = reconstructions(windows, LONG, KINDS, ("I", "V$"), "")
    axes = on(figure)
    assert [one.texts[0].get_text() for one in axes] == ["I", r"V\$"] * 3
    assert axes[0].get_ylim() == axes[2].get_ylim() != axes[4].get_ylim()
    assert axes[0].get_position().y0 > axes[1].get_position().y1
    assert axes[0].get_ylim()[1] > windows[1].ecg[0].max()


def test_the_more_lines_a_caption_has_the_more_room_is_left_above_each_row() -> None:
    windows = [made(0, True), made(1, True)]
    longer = [replace(one, caption=f"{one.caption}\nerror 0.1") for one in windows]
    apart = []
    for shown in (windows, longer):
        figure = reconstructions(shown, BEAT, KINDS, ("MLII",), "")
        above, below = on(figure)
        apart.append((above.get_position().y0 - below.get_position().y1) * figure.get_figheight())
    assert apart[0] == pytest.approx(APART_IN + 2 * LINE_IN)
    assert apart[1] == pytest.approx(APART_IN + 3 * LINE_IN)


def test_a_window_of_zeros_has_a_scale() -> None:
    flat = Made(np.zeros((1, 80), np.float32), np.zeros((1, 80), np.float32), 0, True, "flat")
    assert on(reconstructions([flat], BEAT, KINDS, ("MLII",), ""))[0].get_ylim() == (-1, 1)
