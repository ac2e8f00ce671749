"""Seconds that are spoilt on purpose are found; clean ones are left alone."""

import numpy as np
import pytest
from jaxtyping import Float, UInt8

from ecg_lightning.dsp.quality import CLIPPED, FLAT, NOISE, flags
from tests.dsp.test_peaks import FS_HZ, beats, made_ecg

AT = slice(int(20 * FS_HZ), int(25 * FS_HZ))  # seconds 20 to 24
SPOILT = np.isin(np.arange(50), np.arange(20, 25))


def clean(fs_hz: float = FS_HZ) -> Float[np.ndarray, "1 time"]:
    """50 seconds in millivolts, of 5 microvolts a step, with a little of every noise."""
    ecg = made_ecg(beats(70), fs_hz, noise_mv=0.01)[:, : int(50 * fs_hz)]
    return (np.round((ecg + 0.3 * np.sin(np.arange(ecg.shape[1]) / fs_hz)) / 0.005) * 0.005).astype(np.float32)


def has(found: UInt8[np.ndarray, " second"], bit: int) -> np.ndarray:
    return (found & bit) > 0


@pytest.mark.parametrize("fs_hz", [100.0, 128.0, 250.0, 333.3, 360.0, 500.0])
def test_clean_seconds_carry_no_flag_at_any_rate(fs_hz: float) -> None:
    found = flags(clean(fs_hz), fs_hz)
    assert found.dtype == np.uint8
    assert len(found) == int(clean(fs_hz).shape[1] / fs_hz)
    assert not found.any()


@pytest.mark.parametrize(("gain", "offset"), [(-1, 0), (200, 2048), (1e-3, 0)])
def test_polarity_unit_and_offset_do_not_matter(gain: float, offset: float) -> None:
    ecg = clean()
    ecg[0, AT] += np.random.default_rng(0).normal(0, 0.5, AT.stop - AT.start)
    np.testing.assert_array_equal(flags((gain * ecg + offset).astype(np.float32), FS_HZ), flags(ecg, FS_HZ))


@pytest.mark.parametrize("hum", [0.0, 0.002])
def test_a_lead_that_is_off_is_flat(hum: float) -> None:
    ecg = clean()
    ecg[0, AT] = np.random.default_rng(0).normal(0.1, hum, AT.stop - AT.start)
    np.testing.assert_array_equal(has(flags(ecg, FS_HZ), FLAT), SPOILT)


def test_a_lead_that_is_off_for_two_thirds_of_a_record_is_still_flat_and_the_rest_is_not_noise() -> None:
    ecg = clean()
    ecg[0, int(17 * FS_HZ) :] = 0
    found = flags(ecg, FS_HZ)
    assert not found[:16].any()
    assert has(found[17:], FLAT).all()


def test_most_of_a_second_must_be_still() -> None:
    ecg = clean()
    ecg[0, int(20 * FS_HZ) : int(20.7 * FS_HZ)] = 0.1
    ecg[0, int(30 * FS_HZ) : int(30.8 * FS_HZ)] = 0.1
    assert np.flatnonzero(has(flags(ecg, FS_HZ), FLAT)).tolist() == [30]


def test_lost_samples_are_flat() -> None:
    ecg = clean()
    ecg[0, AT] = np.nan
    ecg[0, 100:103] = np.inf
    np.testing.assert_array_equal(has(flags(ecg, FS_HZ), FLAT), SPOILT)


@pytest.mark.parametrize("value", [0.0, -7.5, np.nan])
def test_a_record_without_any_signal_is_flat_and_nothing_else(value: float) -> None:
    np.testing.assert_array_equal(flags(np.full((1, 2600), value, dtype=np.float32), FS_HZ), np.full(10, FLAT))


@pytest.mark.parametrize("rails", [(-0.5, 0.6), (-9, 0.5), (-0.4, 9)])
def test_a_signal_that_stays_at_a_rail_is_clipped(rails: tuple[float, float]) -> None:
    ecg = clean()
    time_s = np.arange(ecg.shape[1]) / FS_HZ
    swing = np.where((time_s >= 20) & (time_s < 25), 5 * np.sin(2 * np.pi * 1.5 * time_s), 0)
    found = flags(np.clip(0.3 * ecg + swing, *rails).astype(np.float32), FS_HZ)
    np.testing.assert_array_equal(has(found, CLIPPED), SPOILT)


def test_an_extreme_that_is_passed_and_not_held_is_no_rail() -> None:
    ecg = clean()
    ecg[0, [1000, 1001, 4000, 4001, 9000, 9001]] = 2
    assert not has(flags(ecg, FS_HZ), CLIPPED).any()


@pytest.mark.parametrize("kind", ["muscle", "mains", "slow", "jump"])
def test_muscle_mains_and_movement_are_noise(kind: str) -> None:
    ecg, n = clean(), AT.stop - AT.start
    time_s = np.arange(n) / FS_HZ
    noise = {
        "muscle": np.random.default_rng(0).normal(0, 0.3, n),
        "mains": 0.2 * np.sin(2 * np.pi * 60 * time_s),
        "slow": 0.4 * np.sin(2 * np.pi * 9 * time_s),
        "jump": 10 * (np.arange(n) % FS_HZ > 125),
    }
    ecg[0, AT] += noise[kind]
    found = has(flags(ecg, FS_HZ), NOISE)
    assert found[20:25].all()
    assert not found[:19].any()
    assert not found[26:].any()


def test_a_little_muscle_is_no_noise() -> None:
    ecg = clean()
    ecg[0, AT] += np.random.default_rng(0).normal(0, 0.03, AT.stop - AT.start)
    assert not flags(ecg, FS_HZ).any()


def test_a_fault_of_any_lead_counts_and_leads_are_judged_apart() -> None:
    good, bad = clean(), clean()
    bad[0, AT] = 0
    np.testing.assert_array_equal(flags(np.concatenate([1000 * good, bad]), FS_HZ), flags(bad, FS_HZ))


@pytest.mark.parametrize(("n_samples", "n_seconds"), [(0, 0), (1, 0), (249, 0), (250, 1), (499, 1), (500, 2)])
def test_only_whole_seconds_are_judged(n_samples: int, n_seconds: int) -> None:
    assert flags(clean()[:, :n_samples], FS_HZ).shape == (n_seconds,)


def test_a_rate_too_low_for_muscle_noise_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"fs_hz=64.0 must be at least 90.0, or muscle noise is not seen: give"):
        flags(np.zeros((1, 1000), dtype=np.float32), 64.0)
