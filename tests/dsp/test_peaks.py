"""R peaks in made-up ECG whose beats are known; the real records are in tests/real."""

import warnings

import numpy as np
import pytest
from jaxtyping import Float, Int

from ecg_lightning.dsp.peaks import find_r_peaks

FS_HZ = 250.0
WAVES = ((-0.16, 0.025, 0.15), (0.0, 0.012, 1.0), (0.03, 0.012, -0.25), (0.26, 0.05, 0.35))  # P, R, S, T: s, s, mV


def beats(n_beats: int = 60, seed: int = 0) -> Float[np.ndarray, " beat"]:
    """Seconds at which a heart of about 75 a minute beats."""
    return 1 + np.cumsum(np.random.default_rng(seed).uniform(0.65, 0.95, n_beats))


def made_ecg(
    beat_s: Float[np.ndarray, " beat"], fs_hz: float = FS_HZ, noise_mv: float = 0.0
) -> Float[np.ndarray, "1 time"]:
    """P, QRS and T of every beat, in millivolts."""
    time_s = np.arange(int((beat_s[-1] + 2) * fs_hz)) / fs_hz
    ecg = np.random.default_rng(1).normal(0, noise_mv, len(time_s))
    for at_s in beat_s:
        near = slice(max(int((at_s - 0.6) * fs_hz), 0), int((at_s + 0.8) * fs_hz))
        for delay_s, width_s, height in WAVES:
            ecg[near] += height * np.exp(-0.5 * ((time_s[near] - at_s - delay_s) / width_s) ** 2)
    return ecg[None].astype(np.float32)


def assert_found(found: Int[np.ndarray, " peak"], beat_s: Float[np.ndarray, " beat"], fs_hz: float = FS_HZ) -> None:
    assert found.dtype == np.int64
    assert len(found) == len(beat_s)
    np.testing.assert_allclose(found / fs_hz, beat_s, atol=max(0.008, 1 / fs_hz))


@pytest.mark.parametrize("fs_hz", [100.0, 128.0, 250.0, 360.0, 1000.0])
def test_every_beat_is_found_where_it_is_at_any_rate(fs_hz: float) -> None:
    assert_found(find_r_peaks(made_ecg(beats(), fs_hz), fs_hz), beats(), fs_hz)


@pytest.mark.parametrize(("gain", "offset"), [(-1, 0), (1e-3, 0), (300, 2048), (-300, -1e4)])
def test_polarity_unit_and_offset_do_not_matter(gain: float, offset: float) -> None:
    ecg = made_ecg(beats(), noise_mv=0.02)
    np.testing.assert_array_equal(find_r_peaks(gain * ecg + offset, FS_HZ), find_r_peaks(ecg, FS_HZ))


def test_only_the_first_lead_is_heard() -> None:
    ecg = made_ecg(beats())
    np.testing.assert_array_equal(
        find_r_peaks(np.concatenate([ecg, np.full_like(ecg, np.nan)]), FS_HZ), find_r_peaks(ecg, FS_HZ)
    )


def test_an_amplitude_that_falls_to_a_seventh_and_drift_lose_no_beat() -> None:
    beat_s = beats(120)
    ecg = made_ecg(beat_s)
    time_s = np.arange(ecg.shape[1]) / FS_HZ
    gain = np.where(time_s < beat_s[59] + 0.4, 1, 0.15)
    assert_found(find_r_peaks((gain * ecg + np.sin(2 * np.pi * 0.25 * time_s)).astype(np.float32), FS_HZ), beat_s)


def test_tall_t_waves_are_no_beats_and_one_low_beat_is_one() -> None:
    beat_s = beats(40)
    ecg = made_ecg(beat_s)
    time_s = np.arange(ecg.shape[1]) / FS_HZ
    tall = sum(0.7 * np.exp(-0.5 * ((time_s - at_s - 0.26) / 0.045) ** 2) for at_s in beat_s)
    low = np.where(np.abs(time_s - beat_s[20]) < 0.1, 0.3, 1)
    assert_found(find_r_peaks((low * ecg + tall).astype(np.float32), FS_HZ), beat_s)


def test_a_spike_of_thirty_beats_height_hides_at_most_its_neighbours() -> None:
    beat_s = beats(60)
    ecg = made_ecg(beat_s)
    ecg[0, 6000:6010] += 30
    found = find_r_peaks(ecg, FS_HZ) / FS_HZ
    missed = [at_s for at_s in beat_s if np.abs(found - at_s).min() > 0.01]
    assert all(abs(at_s - 24) < 1.5 for at_s in missed)


def test_lost_samples_give_no_peaks_and_leave_the_others() -> None:
    ecg = made_ecg(beats(60))
    ecg[0, 5000:6500] = np.nan
    ecg[0, 9000] = np.inf
    found = find_r_peaks(ecg, FS_HZ)
    inside = (beats() * FS_HZ > 4990) & (beats() * FS_HZ < 6510)
    assert_found(found, beats()[~inside])


def test_the_hum_of_a_lead_that_is_off_gives_no_peaks() -> None:
    ecg = made_ecg(beats(120))
    ecg[0, 8000:15000] = np.random.default_rng(0).normal(0, 0.002, 7000)
    found = find_r_peaks(ecg, FS_HZ)
    assert not ((found > 8100) & (found < 14900)).any()
    assert len(found) > 80


@pytest.mark.parametrize("value", [0.0, 5.0, -2048.0, 1e6, np.nan, np.inf])
@pytest.mark.parametrize("n_samples", [0, 1, 3, 100, 5000])
def test_flat_lost_and_short_leads_have_no_peaks(value: float, n_samples: int) -> None:
    found = find_r_peaks(np.full((2, n_samples), value, dtype=np.float32), FS_HZ)
    assert (found.shape, found.dtype) == ((0,), np.int64)


@pytest.mark.parametrize("n_samples", [249, 250, 251, 300, 374, 376, 700])
def test_signals_of_a_second_or_two_are_no_trouble(n_samples: int) -> None:
    ecg = made_ecg(beats())[:, 200 : 200 + n_samples]
    assert len(find_r_peaks(ecg, FS_HZ)) <= 4


def test_a_rate_too_low_for_a_qrs_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"fs_hz=50.0 must be at least 60.0, or a QRS is lost: use a higher rate"):
        find_r_peaks(np.zeros((1, 1000), dtype=np.float32), 50.0)


def test_neurokit_finds_the_same_beats_in_its_own_simulation() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit = pytest.importorskip("neurokit2")
        ecg = neurokit.ecg_simulate(duration=60, sampling_rate=250, heart_rate=70, noise=0.02, random_state=3)
        theirs = neurokit.ecg_peaks(neurokit.ecg_clean(ecg, sampling_rate=250), sampling_rate=250)[1]["ECG_R_Peaks"]
    ours = find_r_peaks(ecg[None].astype(np.float32), FS_HZ)
    ours = ours[ours > 100]  # theirs leaves out the first
    apart = np.abs(ours[:, None] - np.asarray(theirs)[None])
    assert len(ours) == len(theirs)
    assert apart.min(axis=1).max() <= 2  # 8 ms
