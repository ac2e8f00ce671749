"""Waves are found where a synthetic beat has them."""

import numpy as np
import pytest

from ecg_lightning.explain.shares import on_waves, sentence, shares
from ecg_lightning.explain.waves import WAVES, find_waves

FS_HZ = 250.0
AT_S = {"P": -0.16, "QRS": 0.0, "T": 0.28}  # of the peaks of the waves below, from R


def an_ecg(n_beats: int = 8) -> tuple[np.ndarray, np.ndarray]:
    peaks = (200 + 225 * np.arange(n_beats)).astype(np.int64)
    time = np.arange(200 + 225 * n_beats)
    ecg = np.random.default_rng(0).normal(0, 0.003, len(time))
    for peak in peaks:
        for at_s, width_s, size in ((AT_S["P"], 0.02, 0.15), (0.0, 0.012, 1.0), (AT_S["T"], 0.04, 0.3)):
            ecg += size * np.exp(-0.5 * ((time - peak - at_s * FS_HZ) / (width_s * FS_HZ)) ** 2)
    return ecg, peaks


def test_the_waves_of_a_synthetic_beat_are_found() -> None:
    ecg, peaks = an_ecg()
    found = find_waves(ecg, peaks, FS_HZ)
    assert found.delineated[1:-1].all()
    for peak in peaks[1:-1]:
        for name, at_s in AT_S.items():
            assert WAVES[found.wave[peak + round(at_s * FS_HZ)]] == name
        assert WAVES[found.wave[peak + round(0.12 * FS_HZ)]] == "ST"
        assert WAVES[found.wave[peak + round(0.5 * FS_HZ)]] == "baseline"


@pytest.mark.parametrize(
    ("ecg", "peaks"),
    [
        (np.zeros(1000), np.array([200, 400, 600])),
        (np.sin(np.arange(100.0)), np.array([20, 50, 80])),
        (np.sin(np.arange(1000.0)), np.array([300, 700])),
        (np.full(1000, np.nan), np.array([200, 400, 600])),
        (np.sin(np.arange(1000.0)), np.array([300, 310, 320, 330])),
        (np.sin(np.arange(875.0)), np.arange(60, 860, 125)),
        (np.sin(np.arange(1447.0)), np.array([738, 1023, 1097])),
    ],
    ids=["flat", "short", "two beats", "no numbers", "too fast", "seven beats at 120 a minute", "uneven"],
)
def test_what_breaks_a_delineation_is_told_by_timing(ecg: np.ndarray, peaks: np.ndarray) -> None:
    found = find_waves(ecg, peaks, FS_HZ)
    assert not found.delineated.any()
    for peak in peaks:
        assert WAVES[found.wave[peak]] == "QRS"


@pytest.mark.parametrize("seed", range(5))
def test_noise_breaks_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ecg = rng.normal(size=1500).cumsum() if seed % 2 else rng.normal(size=1500)
    peaks = np.sort(rng.choice(1500, 12, replace=False))
    found = find_waves(ecg, peaks, FS_HZ)
    assert found.wave.min() >= 0
    assert found.wave.max() < len(WAVES)


def test_a_stretch_without_beats_is_baseline() -> None:
    assert not find_waves(np.zeros(500), np.empty(0, np.int64), FS_HZ).wave.any()


def test_an_even_map_has_the_share_of_the_time() -> None:
    wave = np.random.default_rng(0).integers(0, 5, (3, 50))
    expected = np.stack([(wave == k).mean(axis=1) for k in range(5)], axis=1)
    np.testing.assert_allclose(on_waves(np.full((3, 2, 50), -0.3), wave), expected)


def test_a_map_on_the_qrs_says_so_in_a_sentence() -> None:
    wave = np.tile(np.repeat([0, 2], [80, 20]), (4, 1))
    value = np.where(wave == 2, 3.0, 0.25)[:, None]
    found = shares(value, np.ones((4, 1, 100)), wave, np.array(["a", "a", "b", "c"]), seed=0)
    assert sentence("V", found, "attribution") == (
        "V: 75 % (75 to 75) of the attribution on 20 % of the samples (QRS), which hold 20 % of the ECG's size."
    )


def test_a_map_of_zeros_has_no_share() -> None:
    assert shares(np.zeros((2, 1, 9)), np.ones((2, 1, 9)), np.zeros((2, 9), int), np.array(["a", "b"]), 0) == ()
    assert sentence("V", (), "attribution") == "V: the map is 0 everywhere."


def test_one_patient_has_no_interval() -> None:
    found = shares(np.ones((2, 1, 9)), np.ones((2, 1, 9)), np.zeros((2, 9), int), np.array(["a", "a"]), 0)
    assert found[0].map.low is None
    assert (
        "100 % (of 1 patient, too few for an interval) of the attribution on 100 % of the samples (baseline)"
        in sentence("N", found, "attribution")
    )
