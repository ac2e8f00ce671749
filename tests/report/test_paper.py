"""Millimetres of paper are seconds and millivolts."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from ecg_lightning.report.paper import ATTENTION, LEFT_MM, Mark, Tracing, paper

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", *(f"V{number}" for number in range(1, 7)))
FS_HZ = 100.0


def tracing(n_leads: int = 12, n_samples: int = 1000) -> Tracing:
    """A pulse of 1 mV and 0.2 s in every second, in each lead."""
    pulse = (np.arange(n_samples) % 100 < 20).astype(np.float32)
    return Tracing(np.tile(pulse, (n_leads, 1)), LEADS[:n_leads], FS_HZ, "mV", "record 00317", "found: NORM 0.91", "")


def drawn(axes: Axes) -> list[np.ndarray]:
    """Points of the curves of the ECG."""
    return [line.get_xydata() for line in axes.lines if len(line.get_xydata()) > 100]


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_second_is_25_mm_and_a_millivolt_10_mm_of_the_figure() -> None:
    figure = paper(tracing(), "")
    curve = drawn(figure.axes[0])[-1]
    assert np.ptp(curve[:, 0]) == pytest.approx(25 * 9.99)
    assert np.ptp(curve[:, 1]) == pytest.approx(10.0)
    figure.draw_without_rendering()
    inch = figure.axes[0].transData.transform([[0, 0], [25.4, 25.4]]) / figure.dpi
    np.testing.assert_allclose(inch[1] - inch[0], [1, 1])
    assert "25 mm/s, 10 mm/mV" in words(figure.axes[0])


def test_twelve_leads_stand_in_four_columns_in_time_above_lead_ii() -> None:
    axes = paper(tracing(), "").axes[0]
    curves = drawn(axes)
    assert len(curves) == 13
    names = [text for text in words(axes) if text in LEADS]
    assert names == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]
    np.testing.assert_allclose([curve[0, 0] for curve in curves[:4]], LEFT_MM + 62.5 * np.arange(4))


@pytest.mark.parametrize("n_leads", [1, 3, 11])
def test_fewer_leads_are_rows_of_the_whole_time_in_their_order(n_leads: int) -> None:
    axes = paper(tracing(n_leads), "").axes[0]
    curves = drawn(axes)
    assert [len(curve) for curve in curves] == [1000] * n_leads
    assert (np.diff([curve[0, 1] for curve in curves]) < 0).all()
    assert [text for text in words(axes) if text in LEADS] == list(LEADS[:n_leads])


def test_without_millivolts_the_height_is_in_spreads_of_the_lead_group_and_there_is_no_pulse() -> None:
    known = tracing()
    ecg = known.ecg.copy()
    ecg[6:] *= 5  # chest leads louder, lost by their own spread
    axes = paper(replace(known, ecg=ecg, unit="NU"), "").axes[0]
    heights = [np.ptp(curve[:, 1]) for curve in drawn(axes)]
    np.testing.assert_allclose(heights, 4 / known.ecg.std(), rtol=1e-5)
    assert any("amplitude in SD, not mV" in text for text in words(axes))
    assert not any(len(line.get_xydata()) == 6 for line in axes.lines)


def test_attention_stands_beneath_and_behind_at_its_time() -> None:
    weight = np.zeros(50, dtype=np.float32)
    weight[10] = 1.0
    axes = paper(replace(tracing(), attention=weight), "").axes[0]
    steps = axes.patches[-1].get_data()
    at = int(np.argmax(steps.values))
    alone = axes.collections[-1].get_facecolor()[:, 3]
    assert (alone > 0).sum() == 1, "only more than an even share is coloured"
    assert steps.edges[at] == pytest.approx(LEFT_MM + 25 * 2.0)
    assert len(axes.collections) == len(paper(tracing(), "").axes[0].collections) + 1
    assert any("dotted line" in text for text in words(axes))
    assert [text.get_color() for text in axes.texts if "atten-" in text.get_text()] == [ATTENTION]


@pytest.mark.parametrize("n_leads", [1, 12])
def test_marks_stand_above_the_first_row_of_the_whole_time_at_their_second(n_leads: int) -> None:
    marks = (Mark(2.0, "V\n0.98", "#D55E00"), Mark(4.0, "N", "#0072B2"))
    axes = paper(replace(tracing(n_leads), marks=marks), "").axes[0]
    said = {text.get_text(): text for text in axes.texts}
    assert said["V\n0.98"].get_position()[0] == LEFT_MM + 50
    assert said["N"].get_color() == "#0072B2"
    row = drawn(axes)[-1]
    assert said["N"].get_position()[1] > row[:, 1].max() + 5
    upright = [line.get_xdata() for line in axes.lines if line.get_color() == "#0072B2"]
    np.testing.assert_array_equal(upright, [[LEFT_MM + 100] * 2])
    plain_in, marked_in = (paper(one, "").get_figheight() for one in (tracing(), replace(tracing(), marks=marks)))
    assert 4.9 < 25.4 * (marked_in - plain_in) < 10.1


@pytest.mark.parametrize("seconds", [3.0, 20.0])
def test_paper_is_as_long_as_it_is_asked_to_be(seconds: float) -> None:
    known = replace(tracing(12, 3000), seconds=seconds, right=12 * "found: NORM 0.91 ")
    figure = paper(known, "")
    curves = drawn(figure.axes[0]) if seconds > 4 else [drawn(figure.axes[0])[-1]]
    assert len(curves[-1]) == 100 * seconds
    assert figure.get_figwidth() == pytest.approx((15 + 25 * seconds + 5) / 25.4)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in figure.axes[0].texts)


def test_attention_of_a_long_record_is_cut_with_its_paper() -> None:
    weight = np.full(64, 1 / 64, dtype=np.float32)
    axes = paper(replace(tracing(2, 3000), attention=weight), "").axes[0]
    steps = axes.patches[-1].get_data()
    assert steps.edges[-1] == pytest.approx(LEFT_MM + 250)
    assert len(steps.values) == 22
    assert {len(curve) for curve in drawn(axes)} == {1000}


def test_a_flat_lead_a_lost_lead_and_a_huge_wave_stay_on_the_page() -> None:
    ecg = tracing().ecg.copy()
    ecg[0], ecg[3], ecg[7] = 0.0, np.nan, 30.0 * ecg[7]
    for unit in ("mV", "NU"):
        figure = paper(replace(tracing(), ecg=ecg, unit=unit), "SYNTHETIC")
        figure.draw_without_rendering()
        assert figure.get_figheight() < 12
        assert [text.get_text() for text in figure.texts] == ["SYNTHETIC"]


@pytest.mark.parametrize(
    "name", ["a$b_ (left anterior fascicular block) 0.91, ", "CRBBB 0.17, ", "STTC (ST segment change) "]
)
def test_long_words_are_broken_and_stay_inside(name: str) -> None:
    figure = paper(replace(tracing(), right="found: " + 12 * name, wrong="missed: " + 30 * name), "")
    figure.draw_without_rendering()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text.get_text()
