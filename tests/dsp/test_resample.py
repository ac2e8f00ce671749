"""Resampling: the same wave at another rate."""

from fractions import Fraction

import numpy as np
import pytest

from ecg_lightning.dsp.resample import rate_ratio, resample, resample_peaks


def test_the_same_rate_returns_the_record_as_it_is() -> None:
    ecg = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    assert resample(ecg, 360.0, 360) is ecg
    peaks = np.array([0, 7, 99])
    np.testing.assert_array_equal(resample_peaks(peaks, 360.0, 360), peaks)


@pytest.mark.parametrize(("fs_hz", "target_hz"), [(360, 250), (250, 360), (500, 100), (128, 360), (360, 125)])
def test_a_slow_wave_is_the_same_wave_at_the_new_rate(fs_hz: float, target_hz: float) -> None:
    def wave(rate_hz: float) -> np.ndarray:
        return np.sin(2 * np.pi * 5 * np.arange(round(20 * rate_hz)) / rate_hz)[None].astype(np.float32)

    new = resample(wave(fs_hz), fs_hz, target_hz)
    assert new.shape == wave(target_hz).shape
    assert new.dtype == np.float32
    np.testing.assert_allclose(new[:, 100:-100], wave(target_hz)[:, 100:-100], atol=3e-3)


def test_an_offset_does_not_ring_at_the_ends() -> None:
    np.testing.assert_allclose(resample(np.full((1, 3600), 5.0), 360, 250), np.full((1, 2500), 5.0), atol=0.02)


def test_waves_above_the_new_half_rate_are_taken_out() -> None:
    fast = np.sin(2 * np.pi * 150 * np.arange(7200) / 360)[None]
    assert np.abs(resample(fast, 360, 125)[:, 100:-100]).max() < 0.01


def test_peaks_land_within_half_a_new_sample_of_their_time() -> None:
    peaks = np.sort(np.random.default_rng(1).choice(650_000, 2000, replace=False))
    for target_hz in (125, 250, 500):
        moved = resample_peaks(peaks, 360, target_hz)
        assert np.abs(moved / target_hz - peaks / 360).max() <= 0.5 / target_hz + 1e-12


def test_a_peak_stays_on_its_wave() -> None:
    ecg = np.zeros((1, 3600), np.float32)
    ecg[0, 1790:1811] = np.hanning(21)
    new = resample(ecg, 360, 250)
    assert abs(int(new[0].argmax()) - int(resample_peaks(np.array([1800]), 360, 250)[0])) <= 1


REACH = 10  # samples of the slower rate: half the length of the anti-alias filter


def test_a_value_depends_on_no_sample_beyond_the_look_ahead() -> None:
    for fs_hz, target_hz in ((360, 250), (250, 360)):
        ecg = np.random.default_rng(2).normal(size=(1, 4 * fs_hz)).astype(np.float32)
        changed = ecg.copy()
        changed[:, 2 * fs_hz :] += 10
        n_same = int((2 - REACH / min(fs_hz, target_hz)) * target_hz)
        differs = np.abs(resample(ecg, fs_hz, target_hz) - resample(changed, fs_hz, target_hz))[0] > 1e-6
        assert not differs[:n_same].any()
        assert differs[n_same : n_same + 8].any(), "the look-ahead is overstated"


def test_rates_become_a_fraction() -> None:
    assert rate_ratio(360, 250) == Fraction(25, 36)
    assert rate_ratio(62.5, 125) == 2


def test_rates_without_a_simple_ratio_are_refused_in_words() -> None:
    with pytest.raises(
        ValueError, match=r"target_hz=333.33 over fs_hz=360 is .* a term above 1000: choose a rounder rate"
    ):
        rate_ratio(360, 333.33)


def test_rates_that_are_not_positive_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="fs_hz=0 and target_hz=250 must be positive"):
        rate_ratio(0, 250)
    with pytest.raises(ValueError, match="fs_hz=360 and target_hz=-1 must be positive"):
        rate_ratio(360, -1)
