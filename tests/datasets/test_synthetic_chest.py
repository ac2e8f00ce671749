"""Invented chests, against what noise, bumps and lags are."""

import numpy as np
from numpy.random import default_rng

from ecg_lightning.datasets.synthetic_chest import (
    BREATHING_HZ,
    FS_HZ,
    HIGHEST,
    ZERO,
    Body,
    disturbance_mv,
    draw_beats,
    lagging,
    new_body,
    spoil,
    wander,
)

MINUTE_S = 60


def still(n_seconds: int, activity_g: float = 0.02) -> Body:
    nothing = np.zeros(n_seconds, np.int64)
    return Body(nothing, np.full(n_seconds, activity_g), np.full(n_seconds, 15.0), nothing)


def test_slow_noise_has_one_standard_deviation_and_forgets_as_asked() -> None:
    noise = wander(default_rng(0), 200_000, 50.0)
    assert abs(noise.std() - 1) < 0.05
    assert abs(np.corrcoef(noise[:-50], noise[50:])[0, 1] - np.exp(-1)) < 0.05
    begins = [wander(default_rng(seed), 1, 50.0)[0] for seed in range(400)]
    assert abs(np.std(begins) - 1) < 0.1


def test_an_effect_lags_its_cause_and_reaches_it() -> None:
    np.testing.assert_allclose(lagging(np.full(50, 3.0), 10), 3.0)
    step = lagging(np.repeat([0.0, 1.0], 100), 10)
    assert abs(step[109] - (1 - np.exp(-1))) < 1e-6
    assert step[-1] > 0.99


def test_a_bump_is_a_gaussian_and_beats_may_stand_at_the_edges() -> None:
    peak_s = np.array([-0.1, 1.0, 1.99])
    ecg_mv = draw_beats(peak_s, np.full((3, 1), 0.05), np.array([0.02]), np.full((3, 1), 2.0), 2 * FS_HZ)
    time_s = np.arange(2 * FS_HZ) / FS_HZ
    expected = sum(2.0 * np.exp(-0.5 * ((time_s - peak - 0.05) / 0.02) ** 2) for peak in peak_s)
    np.testing.assert_allclose(ecg_mv, expected, atol=1e-4)


def test_bodies_move_by_day_and_lie_by_night() -> None:
    awake, asleep = (new_body(default_rng(1), 1200 * MINUTE_S, asleep) for asleep in (False, True))
    assert asleep.posture_deg.min() >= 80
    assert awake.posture_deg.min() < 30
    assert awake.place[-1] >= 5
    assert awake.activity_g.mean() > 1.5 * asleep.activity_g.mean()
    assert (np.diff(awake.place) >= 0).all()
    assert len(np.unique(awake.posture_deg[awake.place == 1])) == 1


def test_who_moves_is_noisier_than_who_is_still() -> None:
    breath = np.zeros(MINUTE_S * BREATHING_HZ)
    calm, moving = (
        disturbance_mv(0.01, still(MINUTE_S, activity_g), breath, default_rng(0)) for activity_g in (0.02, 0.3)
    )
    assert len(calm) == MINUTE_S * FS_HZ
    assert np.diff(moving).std() > 2 * np.diff(calm).std()


def test_spoilt_stretches_are_flat_or_clipped_for_seconds() -> None:
    clean = ZERO + 300 * np.sin(np.arange(4 * 3600 * FS_HZ) / 20)
    spoilt = spoil(clean.copy(), default_rng(0))
    flat_s = (np.diff(spoilt) == 0).sum() / FS_HZ
    beyond_s = ((spoilt < 0) | (spoilt > HIGHEST)).sum() / FS_HZ
    assert 20 < beyond_s < 300
    assert 20 < flat_s < 300
    assert 0.93 < (spoilt == clean).mean() < 0.995
