"""Normalisation: against scipy, and piece by piece."""

import numpy as np
import pytest
from scipy import stats

from ecg_lightning.dsp.normalise import RunningState, running_zscore_step, zscore

FS_HZ = 360.0


def test_zscore_equals_scipy_for_records_and_for_windows() -> None:
    for shape in ((2, 500), (3, 2, 500)):
        ecg = np.random.default_rng(0).normal(3, 2, size=shape).astype(np.float32)
        np.testing.assert_allclose(zscore(ecg), stats.zscore(ecg.astype(float), axis=-1), atol=1e-5)
        assert zscore(ecg).dtype == np.float32


def test_zscore_does_not_feel_gain_and_offset() -> None:
    ecg = np.random.default_rng(1).normal(size=(1, 500))
    np.testing.assert_allclose(zscore(200 * ecg + 7), zscore(ecg), atol=1e-5)


def test_a_flat_lead_becomes_zero() -> None:
    ecg = np.full((2, 500), 0.1, np.float32)
    assert not zscore(ecg).any()
    assert not running_zscore_step(ecg, None, FS_HZ, memory_s=10)[0].any()


def test_running_zscore_is_that_of_everything_so_far_while_nothing_is_forgotten() -> None:
    ecg = np.random.default_rng(2).normal(2, 3, size=(2, 400))
    running, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=1e9)
    for last in (1, 5, 399):
        np.testing.assert_allclose(running[:, last], stats.zscore(ecg[:, : last + 1], axis=-1)[:, -1], atol=1e-4)


def test_running_zscore_settles_near_the_zscore_of_a_steady_record() -> None:
    ecg = np.random.default_rng(3).normal(2, 3, size=(1, 36_000))
    running, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=20)
    np.testing.assert_allclose(running[:, 18_000:], zscore(ecg)[:, 18_000:], atol=0.15)


def test_running_zscore_forgets_an_artefact() -> None:
    ecg = np.random.default_rng(4).normal(size=(1, 72_000))
    clean, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=5)
    ecg[:, 1000:1100] += 50
    disturbed, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=5)
    np.testing.assert_allclose(disturbed[:, -360:], clean[:, -360:], atol=1e-3)


@pytest.mark.parametrize("cuts", [[1], [1, 2, 2, 1000], list(range(0, 3000, 11)), [0, 3000]])
def test_running_zscore_gives_the_same_bits_however_the_signal_is_cut(cuts: list[int]) -> None:
    ecg = np.random.default_rng(5).normal(1, 2, size=(2, 3000)).astype(np.float32)
    whole, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=2)
    state: RunningState | None = None
    pieces = []
    for piece in np.split(ecg, cuts, axis=1):
        scaled, state = running_zscore_step(piece, state, FS_HZ, memory_s=2)
        pieces.append(scaled)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_running_zscore_starts_at_zero_and_stays_bounded() -> None:
    ecg = 1000 + np.random.default_rng(6).normal(size=(1, 1000))
    running, _ = running_zscore_step(ecg, None, FS_HZ, memory_s=10)
    assert running[0, 0] == 0
    assert (np.abs(running[0]) <= np.sqrt(np.arange(1, 1001)) + 1e-4).all()


def test_a_memory_shorter_than_a_beat_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"memory_s=0.5 must be at least 1 second"):
        running_zscore_step(np.zeros((1, 10)), None, FS_HZ, memory_s=0.5)
