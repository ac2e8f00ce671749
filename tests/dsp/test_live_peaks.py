"""R peaks of an ECG that is still arriving: known hearts, every way to cut them, and what is remembered."""

import numpy as np
import pytest
from jaxtyping import Float, Int

from ecg_lightning.dsp import live_envelope, live_peaks
from ecg_lightning.dsp.live_envelope import LATEST_S
from ecg_lightning.dsp.live_peaks import State, packed, step, unpacked

FS_HZ = 250.0


def a_heart(seconds: float = 60.0, seed: int = 0) -> tuple[Float[np.ndarray, " time"], Int[np.ndarray, " beat"]]:
    """Beats with a P and a T wave, breathing and noise, at an irregular rhythm."""
    rng = np.random.default_rng(seed)
    beat_s = np.cumsum(rng.uniform(0.6, 1.0, int(2 * seconds)))
    beat_s = beat_s[beat_s < seconds - 1]
    time_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    ecg = 0.02 * rng.standard_normal(len(time_s)) + 0.3 * np.sin(2 * np.pi * 0.2 * time_s)
    for height_mv, after_s, width_s in ((1.0, 0.0, 0.012), (0.15, -0.17, 0.03), (0.3, 0.28, 0.05), (-0.2, 0.03, 0.01)):
        for beat in beat_s:
            near = np.abs(time_s - beat - after_s) < 6 * width_s
            ecg[near] += height_mv * np.exp(-0.5 * ((time_s[near] - beat - after_s) / width_s) ** 2)
    return ecg, np.round(beat_s * FS_HZ).astype(np.int64)


def found(ecg: Float[np.ndarray, " time"]) -> Int[np.ndarray, " peak"]:
    return step(ecg, None, FS_HZ)[0].peak_sample


def in_pieces(ecg: Float[np.ndarray, " time"], lengths: Int[np.ndarray, " piece"]) -> Int[np.ndarray, "2 peak"]:
    state, parts, at = None, [], 0
    for length in lengths:
        some, state = step(ecg[at : at + length], state, FS_HZ)
        parts.append(np.stack(some))
        at += length
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("unit", [1.0, -1.0, 0.1])
def test_every_beat_is_found_once_and_in_its_place(unit: float) -> None:
    ecg, true = a_heart()
    peaks = found(unit * ecg)
    assert len(peaks) == len(true)
    assert np.abs(peaks - true).max() <= 2


def test_any_pieces_give_the_same_peaks_at_the_same_time() -> None:
    ecg, _ = a_heart(20)
    whole = np.stack(step(ecg, None, FS_HZ)[0])
    assert whole.shape[1] > 15
    rng = np.random.default_rng(1)
    for lengths in (np.ones(len(ecg), int), rng.integers(0, 8, len(ecg)), rng.choice([0, 1, 375, 2000], 500)):
        np.testing.assert_array_equal(in_pieces(ecg, lengths), whole)


def test_whatever_arrives_peaks_rise_and_are_told_in_order_and_in_time() -> None:
    for seed in range(12):
        rng, parts = np.random.default_rng(seed), []
        for _ in range(8):
            time_s, size = np.arange(rng.integers(100, 2500)) / FS_HZ, 10 ** rng.uniform(-3, 1)
            pulses = np.arange(len(time_s)) % rng.integers(60, 900) == 0
            kinds = (rng.standard_normal(len(time_s)), pulses, np.zeros(len(time_s)), np.sin(20 * time_s))
            parts.append(size * kinds[rng.integers(4)])
        ecg = np.concatenate(parts)
        peak, known = whole = np.stack(step(ecg, None, FS_HZ)[0])
        assert (np.diff(peak) > 0).all()
        assert (np.diff(known) >= 0).all()
        assert ((known > peak) & (known - peak <= LATEST_S * FS_HZ)).all()
        np.testing.assert_array_equal(in_pieces(ecg, rng.choice([0, 1, 50, 400], 600)), whole)


def test_a_peak_is_known_when_the_message_says_so() -> None:
    ecg, _ = a_heart(20)
    whole = step(ecg, None, FS_HZ)[0]
    for peak, known in zip(*whole, strict=True):
        assert peak in found(ecg[:known])
        assert peak not in found(ecg[: known - 1])
    assert (np.median(whole.known_sample[5:] - whole.peak_sample[5:]) / FS_HZ) < 0.2


def test_a_beat_that_is_too_low_is_found_once_it_is_overdue() -> None:
    ecg, true = a_heart(30)
    around = slice(true[20] - 25, true[20] + 25)
    ecg[around] = ecg[around].mean() + 0.32 * (ecg[around] - ecg[around].mean())
    peaks, known = step(ecg, None, FS_HZ)[0]
    late = np.abs(peaks - true[20]).argmin()
    assert abs(peaks[late] - true[20]) <= 5
    assert 1.4 * 0.6 - 0.6 < (known[late] - peaks[late]) / FS_HZ < LATEST_S


def test_of_two_bumps_that_are_too_close_only_one_becomes_a_beat() -> None:
    size = live_envelope.sizes(FS_HZ)
    strong = [live_envelope.Bump(at, 0.65, at, at, 0.0, 0.65) for at in (1000, 1030)]  # 0.12 s apart
    begun = live_peaks._begin(0.0, size)
    state = begun._replace(blocks=(1.0, 1.0, 1.0, 0.0), pending=tuple(strong))
    told: list[tuple[int, int]] = []
    live_peaks._meet(live_envelope.Bump(1070, 0.75, 1070, 1070, 0.0), 1096, state, size, told)
    assert [peak for peak, _ in told] == [1000, 1070]


def test_nothing_is_found_where_nothing_moves() -> None:
    assert not len(found(np.full(5000, 0.7)))
    assert not len(found(np.zeros(0)))


def test_a_lead_that_is_off_and_on_again_goes_on() -> None:
    ecg, true = a_heart(60)
    ecg[5000:8000] = ecg[4999]
    peaks = found(ecg)
    assert not ((peaks > 5050) & (peaks < 7990)).any()
    again = true[true > 8500]
    assert all(np.abs(peaks - beat).min() <= 2 for beat in again)


def test_what_is_remembered_does_not_grow() -> None:
    ecg, _ = a_heart(120)
    sizes = []
    state: State | None = None
    for second in range(120):
        _, state = step(ecg[second * 250 : (second + 1) * 250], state, FS_HZ)
        sizes.append(sum(array.nbytes for array in packed(state).values()))
    assert max(sizes[60:]) <= max(sizes[30:60]) + 200


def test_a_state_goes_through_plain_arrays() -> None:
    ecg, _ = a_heart(20)
    for cut in (0, 1, 600, 2000):
        first, state = step(ecg[:cut], None, FS_HZ)
        second, _ = step(ecg[cut:], unpacked(packed(state)), FS_HZ)
        both = np.concatenate([first.peak_sample, second.peak_sample])
        np.testing.assert_array_equal(both, found(ecg))


def test_a_rate_that_loses_the_qrs_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"fs_hz=50.0 must be at least 60.0, or a QRS is lost: use a higher rate"):
        step(np.zeros(10), None, 50.0)
