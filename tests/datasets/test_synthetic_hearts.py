"""Waves of invented hearts, against what a bump and a lead are."""

import numpy as np
from numpy.random import default_rng

from ecg_lightning.datasets.synthetic_hearts import LEAD_VECTORS, Heart, draw, new_heart, waves

FS_HZ = 360.0


def heart(seed: int) -> Heart:
    return new_heart(default_rng(seed), beats_per_minute=75, noise=1.0, left_axis=False)


def test_one_bump_is_a_gaussian_seen_from_the_lead() -> None:
    bump = waves((0.1, 0.02, (1.0, 2.0, 3.0)))
    ecg_mv = draw([bump], np.array([0.4]), ("V1", "V5"), 360, FS_HZ)
    time_s = np.arange(360) / FS_HZ
    gaussian = np.exp(-0.5 * ((time_s - 0.5) / 0.02) ** 2)
    height_mv = np.array([np.dot(LEAD_VECTORS[lead], (1, 2, 3)) for lead in ("V1", "V5")])
    np.testing.assert_allclose(ecg_mv, height_mv[:, None] * gaussian, atol=2e-3)


def test_beats_add_up_and_may_stand_at_the_edges() -> None:
    bump = waves((0.0, 0.03, (1.0, 1.0, 0.0)))
    at_s = [0.0, 0.5, 0.999]
    together = draw([bump] * 3, np.array(at_s), ("MLII",), 360, FS_HZ)
    alone = [draw([bump], np.array([time_s]), ("MLII",), 360, FS_HZ) for time_s in at_s]
    np.testing.assert_allclose(together, sum(alone))


def test_waves_join_and_scale() -> None:
    bump = waves((0.0, 0.03, (1.0, 0.0, 0.0)))
    both = bump + bump.scaled(2)
    np.testing.assert_array_equal(both.dipole_mv[:, 0], [1.0, 2.0])


def test_every_heart_is_its_own() -> None:
    normal = [
        draw([heart(seed).qrs["normal"] + heart(seed).t["normal"]], np.array([0.5]), ("MLII",), 360, FS_HZ)
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(normal[0], normal[1])
    assert np.abs(normal[0] - normal[2]).max() > 0.1


def test_the_atrial_focus_gives_much_the_same_p_wave_as_the_sinus_node() -> None:
    p, ectopic = (
        [draw([getattr(heart(seed), name)], np.array([0.5]), ("MLII",), 360, FS_HZ).max() for seed in range(30)]
        for name in ("p", "ectopic_p")
    )
    assert 0.3 < np.median(np.array(ectopic) / np.array(p)) < 0.8


def test_a_left_axis_points_down_in_mlii() -> None:
    hearts = [new_heart(default_rng(seed), beats_per_minute=75, noise=1.0, left_axis=True) for seed in range(20)]
    at_peak_mv = [draw([left.qrs["normal"]], np.array([0.5]), ("MLII",), 360, FS_HZ)[0, 180] for left in hearts]
    assert np.median(at_peak_mv) < -0.05
    assert np.mean(np.array(at_peak_mv) < 0) > 0.6
