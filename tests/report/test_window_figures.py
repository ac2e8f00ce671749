"""Windows stand in the half of their answer, attention behind its time, and a spectrogram is the network's own."""

import numpy as np
import pytest
import torch

from ecg_lightning.layers.spectrogram import Spectrogram
from ecg_lightning.report.window_figures import PER_HALF, Axis, Frames, Seconds, single_beats, spectrograms, window_grid

AXIS = Axis(0.0, 10.0, "seconds", "mV")


def window(label: int, right: bool, **more: np.ndarray) -> Seconds:
    return Seconds(np.full((1, 2500), 0.5 + label), label, right, f"{label}$ {right}", **more)


def test_windows_stand_by_class_below_one_another_right_ones_on_the_left() -> None:
    kept = [window(1, True), window(0, False), *(window(0, True) for _ in range(PER_HALF + 1))]
    figure = window_grid(kept, AXIS, ("normal", "low"), "")
    figure.draw_without_rendering()
    grid = np.array(figure.axes).reshape(2 * PER_HALF, 2)
    titles = [[axes.get_title(loc="left") for axes in row] for row in grid]
    assert titles == [[r"0\$ True", r"0\$ False"], [r"0\$ True", ""], [r"1\$ True", ""], ["", ""]]
    assert [text.get_text() for text in grid[2, 1].texts] == ["none of low"]
    seconds, ecg = grid[2, 0].lines[0].get_data()
    np.testing.assert_allclose([seconds[0], seconds[-1]], [0, 9.996])
    assert (ecg == 1.5).all()
    assert grid[-1, 0].get_xlabel() == "seconds"
    assert grid[0, 0].get_ylabel() == "mV"


def test_attention_is_coloured_at_its_time_where_it_is_more_than_an_even_share() -> None:
    weight = np.full(20, 0.5 / 19)
    weight[7] = 0.5
    axes = window_grid([window(0, True, attention=weight)], AXIS, ("normal", "low"), "").axes[0]
    shade = axes.collections[-1]
    alpha = np.asarray(shade.get_array())[0, :, 3]
    assert np.flatnonzero(alpha).tolist() == [7]
    assert shade.get_coordinates()[0, 7, 0] == pytest.approx(3.5)


def test_another_signal_lies_beneath_at_its_own_rate() -> None:
    kept = [window(0, True, other=np.arange(250.0))]
    axis = Axis(0.0, 10.0, "seconds", "mV", "breathing")
    figure = window_grid(kept, axis, ("normal", "low"), "SYNTHETIC")
    below = figure.axes[2]
    np.testing.assert_allclose(below.lines[0].get_xdata()[[0, -1]], [0, 9.96])
    assert below.get_ylabel() == "breathing\nSD"
    assert [text.get_text() for text in figure.texts] == ["SYNTHETIC"]


def test_time_may_count_from_the_middle() -> None:
    axes = window_grid([window(0, True)], Axis(-2.0, 2.0, "from R", "SD"), ("normal", "low"), "").axes[0]
    assert axes.lines[0].get_xdata()[0] == -2.0
    assert any(list(line.get_xdata()) == [0, 0] for line in axes.lines)


def test_single_beats_share_a_scale_and_say_what_they_are() -> None:
    ms = np.linspace(-500, 497, 360)
    figure = single_beats(np.ones((3, 2, 360)), ["V", "A", "$"], ms, "mV", "")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["V", "A", r"\$"]
    assert {axes.get_ylim() for axes in figure.axes} == {figure.axes[0].get_ylim()}
    assert figure.axes[0].get_ylabel() == "mV"
    assert {axes.get_xlabel() for axes in figure.axes} == {"milliseconds round the R peak"}


def test_a_spectrogram_is_what_the_network_is_given() -> None:
    ecg = np.random.default_rng(0).normal(size=(2, 1440)).astype(np.float32)
    figure = spectrograms(ecg, ["normal", "abnormal"], Frames(64, 32, 360.0), "SD", "")
    heard = Spectrogram(64, 32)(torch.from_numpy(ecg).unsqueeze(1))
    meshes = [axes.collections[0] for axes in figure.axes[2:4]]
    for mesh, expected in zip(meshes, heard, strict=True):
        np.testing.assert_allclose(mesh.get_array().reshape(33, 44), expected, rtol=1e-5, atol=1e-5)
    edges = meshes[0].get_coordinates()
    middle_s = (edges[0, 0, 0] + edges[0, 1, 0]) / 2
    assert middle_s == pytest.approx(32 / 360), "the first frame is centred on its own middle"
    assert edges[1, 0, 1] - edges[0, 0, 1] == pytest.approx(360 / 64)
    assert meshes[0].get_clim() == meshes[1].get_clim()


def test_a_wave_of_one_pitch_is_brightest_there() -> None:
    ecg = np.sin(2 * np.pi * 45 * np.arange(1440) / 360)[None].astype(np.float32)
    mesh = spectrograms(ecg, ["45 Hz"], Frames(64, 32, 360.0), "SD", "").axes[1].collections[0]
    brightest = int(mesh.get_array().reshape(33, -1).mean(axis=1).argmax())
    assert brightest * 360 / 64 == pytest.approx(45)
