"""Spectrogram: against scipy, where time lies, and what cannot be heard."""

import numpy as np
import pytest
import torch
from scipy import signal

from ecg_lightning.layers.spectrogram import FLOOR, Spectrogram, hearing

FS_HZ = 360.0


@pytest.mark.parametrize(("n_window", "hop"), [(64, 32), (50, 10), (33, 33)])
def test_it_is_the_short_fourier_transform_of_scipy(n_window: int, hop: int) -> None:
    ecg = torch.randn(3, 2, 500, generator=torch.Generator().manual_seed(0))
    _, _, expected = signal.stft(
        ecg.double().numpy(), window="hann", nperseg=n_window, noverlap=n_window - hop, boundary=None, padded=False
    )  # batch, lead, frequency, frame; divided by the sum of the window
    magnitude = np.abs(expected) * signal.get_window("hann", n_window).sum()
    heard = Spectrogram(n_window, hop)(ecg)
    np.testing.assert_allclose(heard, np.log(magnitude + FLOOR).reshape(3, -1, magnitude.shape[-1]), atol=1e-3)


def test_a_late_wave_is_heard_in_late_frames_at_its_frequency() -> None:
    time_s = torch.arange(1440) / FS_HZ
    ecg = torch.where(time_s > 3, torch.sin(2 * torch.pi * 22.5 * time_s), 0.0)[None, None]
    heard = Spectrogram(64, 32)(ecg)[0]  # frequency, frame
    assert heard[:, :30].max() == pytest.approx(np.log(FLOOR), abs=1e-5)
    assert heard[:, 36:].argmax(dim=0).tolist() == [4] * 8  # 4 * 360 / 64 Hz
    assert heard[4, 40] == pytest.approx(np.log(16 + FLOOR), abs=0.02)  # half of the sum of the window


def test_leads_follow_one_another_and_rows_do_not_leak() -> None:
    ecg = torch.randn(4, 3, 200)
    layer = Spectrogram(32, 16)
    heard = layer(ecg)
    assert heard.shape == (4, 3 * 17, 11)
    torch.testing.assert_close(heard[2:3, 17:34], layer(ecg[2:3, 1:2]))


def test_a_flat_window_has_finite_slopes() -> None:
    ecg = torch.zeros(1, 1, 100, requires_grad=True)
    Spectrogram(64, 32)(ecg).sum().backward()
    assert ecg.grad is not None
    assert ecg.grad.isfinite().all()


def test_half_precision_reaches_what_follows_and_not_the_transform() -> None:
    ecg, layer = torch.randn(2, 1, 200), Spectrogram(64, 32)
    whole = layer(ecg)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(ecg), whole)
        assert layer(ecg).dtype == torch.float32
    assert not layer.state_dict(), "bundles hold no window that its settings give"


@pytest.mark.parametrize(("n_samples", "n_window", "hop"), [(1440, 64, 32), (280, 64, 32), (64, 64, 1), (99, 10, 7)])
def test_channels_and_steps_are_known_before_anything_is_heard(n_samples: int, n_window: int, hop: int) -> None:
    layer, n_channels, n_steps = hearing(2, n_samples, n_window, hop)
    assert layer(torch.randn(3, 2, n_samples)).shape == (3, n_channels, n_steps)


def test_without_settings_the_samples_are_heard_as_they_are() -> None:
    layer, n_channels, n_steps = hearing(2, 280, None, None)
    ecg = torch.randn(3, 2, 280)
    assert (n_channels, n_steps) == (2, 280)
    assert layer(ecg) is ecg


@pytest.mark.parametrize(
    ("n_window", "hop", "words"),
    [
        (64, None, "n_window=64 and hop=None make a spectrogram together: give both or neither"),
        (None, 32, "n_window=None and hop=32 make a spectrogram together: give both or neither"),
        (281, 32, "n_window=281 must lie between 2 and the 280 samples of a window"),
        (1, 1, "n_window=1 must lie between 2 and the 280 samples of a window"),
        (64, 0, "hop=0 must lie between 1 and n_window=64, or no frame sees some samples"),
        (64, 65, "hop=65 must lie between 1 and n_window=64, or no frame sees some samples"),
    ],
)
def test_impossible_settings_are_refused_in_words(n_window: int | None, hop: int | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hearing(1, 280, n_window, hop)
