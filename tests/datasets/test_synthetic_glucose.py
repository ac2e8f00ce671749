"""Invented hearts answer to glucose by the signs they were given, and by no other."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from ecg_lightning.datasets.synthetic_chest import BREATHING_HZ, FS_HZ, ZERO
from ecg_lightning.datasets.synthetic_glucose import (
    Performance,
    Person,
    Signs,
    glucose_curve,
    lowness,
    new_person,
    of_day,
    perform,
)

NONE, USUAL = Signs(0.0, 0.0, 0.0, 0.0), Signs(1.0, 1.0, 1.0, 1.0)
N_SECONDS = 600


def recorded(person: Person, mmol_l: float) -> Performance:
    """Ten minutes at one level; the same chance at every level."""
    return perform(person, np.full(N_SECONDS, mmol_l), False, default_rng(5))


def median_beat(performance: Performance) -> np.ndarray:
    """Cut beats where the ECG is steepest; 0.2 s before to 0.5 s after."""
    ecg = performance.ecg.astype(float)
    steep = np.abs(np.diff(ecg, prepend=ecg[0])).reshape(-1, FS_HZ // 2)
    peak = steep.argmax(axis=1) + np.arange(len(steep)) * FS_HZ // 2
    peak = peak[(steep.max(axis=1) > 0.5 * np.quantile(steep.max(axis=1), 0.9)) & (peak > 60) & (peak < len(ecg) - 150)]
    return np.median([ecg[at - 50 : at + 125] for at in peak], axis=0) - ZERO


def t_wave(performance: Performance) -> tuple[float, float]:
    """Height in digital steps, and time of its top after the steepest point, in s."""
    late = median_beat(performance)[50 + 35 :]
    return float(late.max() - np.median(median_beat(performance)[:15])), (late.argmax() + 35) / FS_HZ


@pytest.mark.parametrize("seed", range(3))
def test_a_heart_without_signs_does_not_know_its_glucose(seed: int) -> None:
    person = new_person(default_rng(seed), NONE)
    assert person.signs == NONE
    normal, low = recorded(person, 7.0), recorded(person, 3.0)
    np.testing.assert_array_equal(normal.ecg, low.ecg)
    np.testing.assert_array_equal(normal.heart_rate_bpm, low.heart_rate_bpm)


def test_heart_rate_follows_glucose_by_the_size_of_its_sign() -> None:
    person = replace(new_person(default_rng(0), NONE), signs=replace(NONE, heart_rate_share=0.2))
    normal, low = recorded(person, 9.0), recorded(person, 3.2)
    np.testing.assert_allclose(
        low.heart_rate_bpm / normal.heart_rate_bpm, np.exp(0.2 * lowness(np.array([3.2])))[0], 2e-3
    )
    slow = recorded(replace(person, signs=replace(NONE, heart_rate_share=-0.2)), 3.2)
    assert slow.heart_rate_bpm.mean() < normal.heart_rate_bpm.mean()


def test_heart_rate_rises_and_falls_again_within_one_dip() -> None:
    person = replace(new_person(default_rng(0), NONE), signs=replace(NONE, heart_rate_share=0.3))
    glucose = 6 - 3 * np.exp(-0.5 * ((np.arange(1800) - 900) / 200) ** 2)
    dip = perform(person, glucose, True, default_rng(0)).heart_rate_bpm
    level = perform(person, np.full(1800, 6.0), True, default_rng(0)).heart_rate_bpm
    assert np.corrcoef(dip / level, lowness(glucose))[0, 1] > 0.98


def test_the_t_wave_sinks_and_comes_later_by_the_size_of_its_signs() -> None:
    person = new_person(default_rng(1), NONE)
    height, at_s = t_wave(recorded(person, 9.0))
    low_height, low_at_s = t_wave(recorded(replace(person, signs=replace(NONE, t_share=-0.5)), 3.2))
    assert 0.35 < low_height / height < 0.7
    assert abs(low_at_s - at_s) < 0.01
    long_height, long_at_s = t_wave(recorded(replace(person, signs=replace(NONE, qtc_s=0.05)), 3.2))
    assert 0.03 < long_at_s - at_s < 0.07
    assert abs(long_height / height - 1) < 0.15


def test_intervals_vary_less_when_glucose_is_low() -> None:
    person = replace(new_person(default_rng(1), NONE), signs=replace(NONE, variability_share=-0.9))
    differences = []
    for mmol_l in (9.0, 3.2):
        steep = np.abs(np.diff(recorded(person, mmol_l).ecg))
        peak = np.flatnonzero(steep > 0.6 * np.quantile(steep, 0.995))
        interval = np.diff(peak[np.diff(peak, prepend=-FS_HZ) > FS_HZ // 3]) / FS_HZ
        differences.append(np.median(np.abs(np.diff(interval))))
    assert differences[1] < 0.6 * differences[0]


def test_sizes_differ_and_a_sign_may_be_missing_or_reversed() -> None:
    people = [new_person(default_rng(seed), USUAL) for seed in range(20)]
    assert all(p.signs.heart_rate_share > 0 > p.signs.variability_share for p in people)
    assert all(p.signs.qtc_s > 0 > p.signs.t_share for p in people)
    assert len({p.signs.t_share for p in people}) > 15
    odd = new_person(default_rng(0), Signs(0.0, 1.0, 1.0, -0.5)).signs
    assert odd.heart_rate_share == 0
    assert odd.t_share > 0


def test_another_day_has_other_electrodes_and_the_same_heart() -> None:
    person = new_person(default_rng(0), USUAL)
    days = [of_day(person, default_rng(day)) for day in range(30)]
    assert all(day.heart is person.heart and day.signs is person.signs for day in days)
    assert np.std([day.t_times for day in days]) > 0.1
    assert np.std([np.linalg.norm(day.view) for day in days]) > 0.05


def test_the_body_answers_to_low_glucose_alone_and_ever_more() -> None:
    answer = lowness(np.array([12.0, 6.0, 4.2, 3.9, 3.2, 2.5]))
    assert (np.diff(answer) > 0).all()
    assert answer[1] < 0.001
    assert abs(answer[4] - 1) < 0.02


def test_glucose_is_low_in_its_dips_alone_and_for_the_time_asked() -> None:
    minutes_low = []
    for seed in range(20):
        curve = glucose_curve(default_rng(seed), 1440, np.array([300.0, 900.0]), np.array([3.0, 4.5]), 12.0)
        low = np.flatnonzero(curve < 3.9)
        assert 270 < low.min() <= low.max() < 330
        assert curve.min() > 2.9
        minutes_low.append(len(low))
    assert 8 < np.median(minutes_low) < 16
    assert np.abs(np.diff(curve)).max() < 1.2


def test_a_performance_has_its_rates_and_twelve_bits() -> None:
    performance = recorded(new_person(default_rng(2), USUAL), 6.0)
    assert len(performance.ecg) == N_SECONDS * FS_HZ
    assert len(performance.breathing) == N_SECONDS * BREATHING_HZ
    assert len(performance.heart_rate_bpm) == len(performance.body.posture_deg) == N_SECONDS
    for waveform in (performance.ecg, performance.breathing):
        assert waveform.min() >= 0
        assert waveform.max() <= 4095
