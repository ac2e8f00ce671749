"""Records of hours in pieces: what comes out is what the whole record gives."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from jaxtyping import Float

from ecg_lightning.dsp import pieces
from ecg_lightning.dsp.filters import butterworth, causal_step, remove_baseline, zero_phase
from ecg_lightning.dsp.normalise import running_zscore_step, zscore
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.dsp.quality import flags
from tests.dsp.test_peaks import FS_HZ, beats, made_ecg


@pytest.fixture
def cut_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(pieces, "N_WHOLE", 20_000)
    monkeypatch.setattr(pieces, "N_PIECE", 7_001)
    return monkeypatch


def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "N_WHOLE", 10**9)


def a_walk(seed: int, offset_mv: float, n_samples: int = 60_000) -> Float[np.ndarray, "2 time"]:
    steps = np.random.default_rng(seed).normal(0, 0.02, (2, n_samples))
    return (offset_mv + np.cumsum(steps, axis=1)).astype(np.float32)


def a_noisy_record() -> Float[np.ndarray, "1 time"]:
    ecg = made_ecg(beats(200), noise_mv=0.02)
    ecg[0, 20_000:21_000] = 0
    ecg[0, 30_000:31_000] += np.random.default_rng(0).normal(0, 0.5, 1000)
    return ecg


@pytest.mark.parametrize("offset_mv", [0, -5, 300])
@pytest.mark.parametrize(("low_hz", "high_hz", "order"), [(0.5, 50.0, 2), (0.67, 40.0, 3), (5.0, 15.0, 1)])
def test_zero_phase_of_a_drifting_record_differs_by_less_than_a_nanovolt(
    cut_up: pytest.MonkeyPatch, offset_mv: float, low_hz: float, high_hz: float, order: int
) -> None:
    ecg, sos = a_walk(order, offset_mv), butterworth(FS_HZ, low_hz, high_hz, order)
    in_pieces = zero_phase(ecg, sos)
    whole(cut_up)
    np.testing.assert_allclose(in_pieces, zero_phase(ecg, sos), atol=1e-6, rtol=0)


def test_medians_causal_filter_and_running_scale_give_the_same_bits(cut_up: pytest.MonkeyPatch) -> None:
    ecg, sos = a_walk(0, 5), butterworth(FS_HZ, 0.5, 50.0, 2)

    def results() -> list[np.ndarray]:
        return [
            remove_baseline(ecg, FS_HZ, 0.2, 0.6),
            *causal_step(ecg, None, sos),
            running_zscore_step(ecg, None, FS_HZ, 10.0)[0],
        ]

    in_pieces = results()
    whole(cut_up)
    for one, other in zip(in_pieces, results(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_record_is_scaled_alike(cut_up: pytest.MonkeyPatch) -> None:
    ecg = np.concatenate([a_walk(0, 300), np.full((1, 60_000), 2.0, np.float32)])
    in_pieces = zscore(ecg)
    whole(cut_up)
    np.testing.assert_allclose(in_pieces, zscore(ecg), atol=1e-6)


@pytest.mark.parametrize("fs_hz", [FS_HZ, 333.3])
def test_peaks_and_flags_are_the_same(cut_up: pytest.MonkeyPatch, fs_hz: float) -> None:
    ecg = a_noisy_record()
    lost = ecg.copy()
    lost[0, 6_990:7_500], lost[0, :3] = np.nan, np.inf
    in_pieces = [(find_r_peaks(one, fs_hz), flags(one, fs_hz)) for one in (ecg, lost)]
    whole(cut_up)
    for one, (peaks, found) in zip((ecg, lost), in_pieces, strict=True):
        np.testing.assert_array_equal(peaks, find_r_peaks(one, fs_hz))
        np.testing.assert_array_equal(found, flags(one, fs_hz))
    assert len(in_pieces[0][0]) > 150
    assert in_pieces[0][1].any()


@pytest.mark.parametrize(("n_units", "n_each"), [(20_000, 1.0), (20_001, 1.0), (99, 250.0), (1_000, 333.3), (5, 9e3)])
def test_pieces_follow_one_another_from_end_to_end(cut_up: pytest.MonkeyPatch, n_units: int, n_each: float) -> None:
    found = pieces.spans(n_units, n_each)
    assert (found[0][0], found[-1][1]) == (0, n_units)
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert (len(found) == 1) == (n_units * n_each <= 20_000)
    whole(cut_up)
    assert pieces.spans(n_units, n_each) == [(0, n_units)]
