"""The ECG is drawn where and how large it is."""

import numpy as np

from ecg_lightning.report.ecg_figures import PER_HALF, Beat, raw_and_filtered, sample_beats

MS = np.linspace(-400.0, 400.0, 50)


def strip(n: int = 3600) -> dict[str, np.ndarray]:
    names = {"strip_record": np.array("a$b_$"), "strip_lead": np.array("MLII")}
    numbers = {"strip_fs_hz": np.array(360.0), "strip_start_s": np.array(12.0)}
    return names | numbers | {"strip_raw_mv": np.ones(n), "strip_filtered": np.zeros(n)}


def test_a_strip_lies_at_its_own_time() -> None:
    figure = raw_and_filtered(strip(), "SYNTHETIC")
    figure.draw_without_rendering()
    for axes, level in zip(figure.axes, (1.0, 0.0), strict=True):
        seconds, ecg_mv = axes.lines[0].get_data()
        np.testing.assert_allclose([seconds[0], seconds[-1]], [12, 22 - 1 / 360])
        assert (ecg_mv == level).all()
        assert axes.get_ylabel() == "mV"


def test_a_strip_says_its_units_where_they_are_no_millivolts() -> None:
    figure = raw_and_filtered(strip() | {"strip_unit": np.array(["NU", "SD"])}, "")
    assert [axes.get_ylabel() for axes in figure.axes] == ["no unit (amplitude lost)", "standard deviations"]


def test_long_windows_get_twice_the_width() -> None:
    beats = [Beat(np.zeros((1, 50)), 0, True, str(number)) for number in range(PER_HALF)]
    figure = sample_beats(beats, 5 * MS, ("N",), "SD", "")
    assert len(figure.axes) == PER_HALF
    assert "N, SD" in [text.get_text() for text in figure.texts]


def test_beats_stand_in_the_row_of_their_class_and_the_half_of_their_answer() -> None:
    beats = [Beat(np.full((2, 50), 0.5), 2, True, "V $ V"), Beat(np.full((2, 50), 0.7), 2, False, "V → N")]
    figure = sample_beats(beats, MS, ("N", "S", "V"), "mV", "")
    figure.draw_without_rendering()
    assert len(figure.axes) == 2 * PER_HALF
    drawn = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in drawn] == [r"V \$ V", "V → N"]
    assert drawn[0] is figure.axes[0]
    assert drawn[1] is figure.axes[PER_HALF]
    assert [line.get_ydata()[0] for line in drawn[1].lines[1:]] == [0.7, 0.7]
    assert "V, mV" in [text.get_text() for text in figure.texts]


def test_a_half_without_beats_says_none_and_beats_beyond_the_places_are_left_out() -> None:
    beats = [Beat(np.zeros((1, 50)), 0, True, str(number)) for number in range(PER_HALF + 3)]
    figure = sample_beats(beats, MS, ("N",), "mV", "")
    assert sum(bool(axes.get_title(loc="left")) for axes in figure.axes) == PER_HALF
    assert [text.get_text() for text in figure.axes[PER_HALF].texts] == ["none"]
