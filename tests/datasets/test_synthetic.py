"""Rhythm, beats and noise of the synthetic twins, against what a cardiologist expects."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from ecg_lightning.datasets import synthetic
from ecg_lightning.datasets.synthetic_hearts import Heart, draw, new_heart

FS_HZ = 360.0


def steady_heart(seed: int = 0) -> Heart:
    heart = new_heart(default_rng(seed), beats_per_minute=75, noise=1.0, left_axis=False)
    return replace(heart, breathing_share=0.0, drift_share=0.0)


def intervals_s(letters: str) -> np.ndarray:
    calm = np.zeros(len(letters), dtype=bool)
    return np.diff(synthetic.beat_times_s(letters, steady_heart(), calm, default_rng(1)))


def one_beat_mv(letter: str, seed: int, lead: str = "MLII") -> np.ndarray:
    beat = synthetic.beat_waves(letter, steady_heart(seed), "normal", 0.0, default_rng(seed))
    return draw([beat], np.array([0.5]), (lead,), 360, FS_HZ)[0]


def samples_above_half(ecg_mv: np.ndarray) -> int:
    """Width of the QRS: samples around the peak at more than half its height."""
    window = np.abs(ecg_mv[180 - 43 : 180 + 43])
    return int((window > window.max() / 2).sum())


def test_a_steady_heart_keeps_its_interval() -> None:
    np.testing.assert_allclose(intervals_s("NNNNNN"), 60 / 75)


def test_a_ventricular_beat_is_early_and_its_pause_fully_compensates() -> None:
    _, early_s, pause_s, after_s = intervals_s("NNVNN")
    assert early_s < 0.85 * 0.8
    assert early_s + pause_s == pytest.approx(2 * 0.8)
    assert after_s == pytest.approx(0.8)


def test_an_atrial_beat_is_early_and_its_pause_does_not_compensate() -> None:
    _, early_s, pause_s, _ = intervals_s("NNANN")
    assert early_s < 0.85 * 0.8
    assert 0.8 <= pause_s <= 1.32 * 0.8


def test_an_interpolated_beat_costs_no_time() -> None:
    _, early_s, late_s, _ = intervals_s("NNiNN")
    assert early_s + late_s == pytest.approx(1.06 * 0.8)


def test_an_escape_beat_is_late() -> None:
    assert intervals_s("NNjN")[1] > 1.2 * 0.8


def test_the_t_wave_keeps_its_place_after_one_early_beat_and_moves_with_the_rate() -> None:
    at_75, heart = 0.8, steady_heart()
    one_early_s = np.cumsum([0.5, at_75, at_75, 0.6 * at_75, at_75])
    np.testing.assert_allclose(synthetic.t_wave_shift_s(one_early_s, heart)[:3], 0)
    assert -0.01 < synthetic.t_wave_shift_s(one_early_s, heart)[3] < 0
    faster_s = np.cumsum(np.full(60, 0.6 * at_75))
    assert synthetic.t_wave_shift_s(faster_s, heart)[-1] == pytest.approx(0.28 * (0.6**0.35 - 1), abs=1e-4)


def test_breathing_and_fibrillation_make_the_rhythm_irregular() -> None:
    heart = new_heart(default_rng(0), beats_per_minute=75, noise=1.0, left_axis=False)
    calm = np.zeros(300, dtype=bool)
    spread = [
        np.diff(synthetic.beat_times_s("N" * 300, heart, fibrillates, default_rng(1))).std()
        for fibrillates in (calm, ~calm)
    ]
    assert 0.005 < spread[0] < 0.08 < spread[1]


@pytest.mark.parametrize("letter", ["V", "L", "/"])
def test_beats_that_do_not_use_the_conduction_system_are_wide(letter: str) -> None:
    wide = [samples_above_half(one_beat_mv(letter, seed)) for seed in range(20)]
    narrow = [samples_above_half(one_beat_mv("N", seed)) for seed in range(20)]
    assert np.median(wide) > 1.6 * np.median(narrow)


def test_a_supraventricular_beat_has_the_ventricles_of_its_neighbours() -> None:
    for seed in range(10):
        qrs = [one_beat_mv(letter, seed)[162:198] for letter in "NJ"]
        assert np.corrcoef(*qrs)[0, 1] > 0.97


def test_only_beats_of_atrial_origin_have_a_p_wave() -> None:
    heart = steady_heart()
    counts = {
        letter: (synthetic.beat_waves(letter, heart, "normal", 0.0, default_rng(0)).centre_s < -0.08).sum()
        for letter in "NAJVF"
    }
    assert counts == {"N": 2, "A": 1, "J": 0, "V": 0, "F": 2}


def test_a_fusion_beat_lies_between_its_parents() -> None:
    heart = steady_heart()
    heart = replace(heart, ventricular=heart.ventricular[:1] * 2)
    normal, fusion, ventricular = (
        draw(
            [synthetic.beat_waves(letter, heart, "normal", 0.0, default_rng(3))], np.array([0.5]), ("MLII",), 360, FS_HZ
        )[0, 150:215]
        for letter in "NFV"
    )
    share, *_ = np.linalg.lstsq(np.stack([normal, ventricular], axis=1), fusion, rcond=None)
    assert (share > 0.15).all()
    assert (share < 0.85).all()


def test_a_paced_beat_begins_with_a_spike() -> None:
    for lead in ("MLII", "V1", "V2", "V5"):
        assert np.abs(np.diff(one_beat_mv("/", 0, lead)))[:160].max() > 0.15
        assert np.abs(np.diff(one_beat_mv("N", 0, lead)))[:160].max() < 0.05


def test_an_early_sinus_beat_is_called_after_its_heart() -> None:
    assert [synthetic.symbol_of(letter, "right_block") for letter in "nwAVi"] == ["R", "R", "A", "V", "V"]


def test_moving_electrodes_are_louder_than_quiet_ones() -> None:
    flat = np.zeros((2, 7200))
    ecg_mv = synthetic.disturb(flat, steady_heart(), [(5.0, 8.0)], FS_HZ, default_rng(0))
    steps = np.diff(ecg_mv, axis=-1)
    assert (steps[:, 2000:2700].std(axis=1) > 1.5 * steps[:, 4000:].std(axis=1)).all()


def test_a_fibrillating_atrium_beats_four_to_nine_times_a_second() -> None:
    ecg_mv = synthetic.fibrillation_mv(default_rng(0), 7200, 1, FS_HZ)[0]
    power = np.abs(np.fft.rfft(ecg_mv)) ** 2
    hz = np.fft.rfftfreq(7200, 1 / FS_HZ)
    assert power[(hz > 3) & (hz < 11)].sum() > 0.85 * power.sum()
