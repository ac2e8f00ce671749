"""Filters: known gains, no transients, no look into the future."""

import numpy as np
import pytest
from scipy.signal import sosfreqz

from ecg_lightning.dsp.filters import (
    butterworth,
    causal_step,
    group_delay_ms,
    n_remembered,
    remove_baseline,
    zero_phase,
)

FS_HZ = 360.0
SOS = butterworth(FS_HZ, 0.5, 50.0, order=2)


def wave_mv(at_hz: float, seconds: float = 20.0, fs_hz: float = FS_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * at_hz * np.arange(round(seconds * fs_hz)) / fs_hz)[None].astype(np.float32)


def in_pieces(ecg_mv: np.ndarray, cuts: list[int]) -> np.ndarray:
    state, pieces = None, []
    for piece in np.split(ecg_mv, cuts, axis=1):
        filtered, state = causal_step(piece, state, SOS)
        pieces.append(filtered)
    return np.concatenate(pieces, axis=1)


def test_zero_phase_keeps_a_qrs_wave_where_it_is() -> None:
    ecg = wave_mv(10.0)
    np.testing.assert_allclose(zero_phase(ecg, SOS)[:, 1000:-1000], ecg[:, 1000:-1000], atol=0.02)


def test_zero_phase_has_the_squared_gain_of_the_design() -> None:
    for at_hz in (0.5, 5.0, 50.0):
        _, gain = sosfreqz(SOS, [at_hz], fs=FS_HZ)
        middle = zero_phase(wave_mv(at_hz, seconds=60), SOS)[0, 7200:-7200]
        assert np.ptp(middle) / 2 == pytest.approx(abs(gain[0]) ** 2, abs=0.01)


def test_zero_phase_has_no_transient_at_the_ends_of_a_drifting_record() -> None:
    drift = np.linspace(1.0, 3.0, 7200)[None]
    assert np.abs(zero_phase(drift, SOS)).max() < 0.01


def test_zero_phase_of_a_reversed_record_is_the_reversed_result() -> None:
    ecg = np.random.default_rng(0).normal(size=(2, 5000))
    np.testing.assert_allclose(zero_phase(ecg[:, ::-1], SOS)[:, ::-1], zero_phase(ecg, SOS), atol=2e-3)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 100])
def test_zero_phase_takes_records_shorter_than_its_memory(n_samples: int) -> None:
    filtered = zero_phase(np.ones((1, n_samples), np.float32), SOS)
    assert filtered.dtype == np.float32
    np.testing.assert_allclose(filtered, np.zeros((1, n_samples)), atol=1e-6)


def test_leads_do_not_leak_into_each_other() -> None:
    ecg = np.random.default_rng(1).normal(size=(2, 3000))
    np.testing.assert_array_equal(zero_phase(ecg, SOS)[1:], zero_phase(ecg[1:], SOS))
    np.testing.assert_array_equal(causal_step(ecg, None, SOS)[0][1:], causal_step(ecg[1:], None, SOS)[0])
    np.testing.assert_array_equal(remove_baseline(ecg, FS_HZ, 0.2, 0.6)[1:], remove_baseline(ecg[1:], FS_HZ, 0.2, 0.6))


@pytest.mark.parametrize("cuts", [[1], [1, 2, 3, 3, 1000], list(range(0, 3000, 7)), [0, 0, 3000]])
def test_causal_filter_gives_the_same_bits_however_the_signal_is_cut(cuts: list[int]) -> None:
    ecg = np.random.default_rng(2).normal(size=(2, 3000)).astype(np.float32)
    whole, _ = causal_step(ecg, None, SOS)
    np.testing.assert_array_equal(in_pieces(ecg, cuts), whole)


def test_causal_filter_does_not_see_the_future() -> None:
    ecg = np.random.default_rng(3).normal(size=(1, 2000))
    changed = ecg.copy()
    changed[:, 1000:] += 5
    np.testing.assert_array_equal(
        causal_step(ecg, None, SOS)[0][:, :1000], causal_step(changed, None, SOS)[0][:, :1000]
    )


def test_causal_filter_starts_without_a_transient() -> None:
    filtered, _ = causal_step(np.full((1, 2000), 4.2), None, SOS)
    np.testing.assert_allclose(filtered, np.zeros((1, 2000)), atol=1e-6)


def test_group_delay_is_the_lag_seen_on_a_slow_swell_of_a_10_hz_wave() -> None:
    time_s = np.arange(7200) / FS_HZ
    swell = np.exp(-(((time_s - 10) / 0.5) ** 2))
    filtered, _ = causal_step((swell * np.sin(2 * np.pi * 10 * time_s))[None], None, SOS)
    centre_s = (time_s * filtered[0] ** 2).sum() / (filtered[0] ** 2).sum()
    assert (centre_s - 10) * 1000 == pytest.approx(group_delay_ms(SOS, FS_HZ), abs=0.2)


def test_group_delay_hardly_depends_on_the_sampling_rate() -> None:
    at_250 = group_delay_ms(butterworth(250.0, 0.5, 50.0, order=2), 250.0)
    assert at_250 == pytest.approx(group_delay_ms(SOS, FS_HZ), rel=0.1)


def test_impossible_corners_are_refused_in_words() -> None:
    with pytest.raises(
        ValueError, match=r"low_hz=0.5 and high_hz=50.0 must rise between 0 and 50.0 \(half of fs_hz=100"
    ):
        butterworth(100.0, 0.5, 50.0, order=2)
    with pytest.raises(ValueError, match=r"low_hz=0 and high_hz=40.0 must rise"):
        butterworth(100.0, 0, 40.0, order=2)
    with pytest.raises(ValueError, match=r"low_hz=41 and high_hz=40.0 must rise"):
        butterworth(100.0, 41, 40.0, order=2)


def test_a_filter_of_order_0_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="order=0 must be at least 1"):
        butterworth(FS_HZ, 0.5, 50.0, order=0)


def test_medians_take_the_drift_and_leave_the_qrs() -> None:
    ecg = np.zeros((1, 7200))
    ecg[:, 180::360] = ecg[:, 181::360] = 1.0
    drift = 0.5 * wave_mv(0.1)
    left = remove_baseline(ecg + drift, FS_HZ, 0.2, 0.6)
    np.testing.assert_allclose(left, ecg, atol=0.02)


def test_medians_that_do_not_rise_are_refused_in_words() -> None:
    for beat_s, wave_s in ((0.6, 0.2), (0.2, 0.2), (0.001, 0.6), (-0.2, 0.6)):
        with pytest.raises(
            ValueError, match=f"beat_s={beat_s} and wave_s={wave_s} must rise and hold at least 3 samples"
        ):
            remove_baseline(np.zeros((1, 100)), FS_HZ, beat_s, wave_s)


def test_a_filter_has_forgotten_a_wrong_sample_when_it_says_so() -> None:
    sos = butterworth(100.0, 0.5, 40.0, 2)
    impulse = np.zeros((1, 1000))
    impulse[0, 1] = 1.0
    answer = np.abs(causal_step(impulse, None, sos)[0][0])
    n = n_remembered(sos)
    assert answer[n + 1 :].max() < 2e-3 * answer.max()
    assert answer[n // 2 :].max() > 2e-3 * answer.max()
