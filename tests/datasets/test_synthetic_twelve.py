"""Twelve invented leads, against what a cardiologist expects of each finding."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.signal import find_peaks

from ecg_lightning.datasets.synthetic_hearts import Heart, draw_views
from ecg_lightning.datasets.synthetic_twelve import LEADS, LESIONS, VIEWS, afflicted, healthy_heart, perform, twelve

FS_HZ = 500
PEAK = 250  # sample of the R peak


def beat_mv(heart: Heart) -> dict[str, np.ndarray]:
    """One clean beat by lead, its R peak after half a second."""
    beat = heart.p + heart.qrs["normal"] + heart.t["normal"]
    measured = draw_views([beat], np.array([0.5]), np.array(list(VIEWS.values())), FS_HZ, FS_HZ)
    return dict(zip(LEADS, twelve(measured), strict=True))


def both_mv(code: str, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One person's beat without and with a finding."""
    heart = healthy_heart(default_rng(seed), 60, female=bool(seed % 2))
    return beat_mv(heart), beat_mv(afflicted(heart, LESIONS[code], 1.0))


def qrs_width(ecg_mv: np.ndarray) -> int:
    """Samples around the R peak in which the signal changes fast."""
    steps = np.abs(np.diff(ecg_mv[PEAK - 60 : PEAK + 70]))
    fast = np.flatnonzero(steps > 0.15 * steps.max())
    return int(fast[-1] - fast[0])


def qt_end(ecg_mv: np.ndarray) -> int:
    """Sample of the highest point after the ST segment."""
    return PEAK + 90 + int(np.argmax(np.abs(ecg_mv[PEAK + 90 : PEAK + 250])))


def noiseless(heart: Heart) -> Heart:
    return replace(heart, noise_mv=0.0)


def test_limb_leads_follow_from_two() -> None:
    ecg_mv = dict(zip(LEADS, twelve(default_rng(0).normal(size=(8, 100))), strict=True))
    np.testing.assert_allclose(ecg_mv["I"] + ecg_mv["III"], ecg_mv["II"])
    np.testing.assert_allclose(ecg_mv["AVR"] + ecg_mv["AVL"] + ecg_mv["AVF"], 0, atol=1e-12)
    np.testing.assert_allclose(ecg_mv["AVL"] - ecg_mv["AVF"], 1.5 * (ecg_mv["I"] - ecg_mv["II"]))


def test_a_healthy_heart_has_upright_waves_where_they_belong() -> None:
    beats = [beat_mv(healthy_heart(default_rng(seed), 50, female=False)) for seed in range(40)]
    t_mv = {lead: np.median([beat[lead][qt_end(beat["II"])] for beat in beats]) for lead in LEADS}
    r_mv = {lead: np.median([beat[lead][PEAK] for beat in beats]) for lead in LEADS}
    assert min(t_mv[lead] for lead in ("I", "II", "V3", "V4", "V5", "V6")) > 0.08
    assert t_mv["AVR"] < -0.08
    assert r_mv["AVR"] < -0.3
    assert r_mv["V1"] < -0.2 < 0.5 < r_mv["V5"]


def test_voltage_falls_with_age_and_the_axis_turns_left() -> None:
    young, old = ([healthy_heart(default_rng(seed), age, female=False) for seed in range(40)] for age in (25, 85))
    beats = [[beat_mv(heart) for heart in hearts] for hearts in (young, old)]
    height_mv = [
        np.median([np.abs(heart.qrs["normal"].dipole_mv).max() for heart in hearts]) for hearts in (young, old)
    ]
    left = [np.mean([beat["AVL"][PEAK] > beat["AVF"][PEAK] for beat in group]) for group in beats]
    assert height_mv[0] > 1.1 * height_mv[1]
    assert left[0] + 0.2 < left[1]


@pytest.mark.parametrize(
    ("code", "leads"),
    [("IMI", ("II", "III", "AVF")), ("ASMI", ("V1", "V2", "V3")), ("AMI", ("V2", "V3", "V4")), ("LMI", ("I", "AVL"))],
)
def test_an_infarct_leaves_q_waves_raised_st_and_inverted_t_in_its_territory(code: str, leads: tuple[str, ...]) -> None:
    q_mv, st_mv, t_mv = [], [], []
    for seed in range(16):
        healthy, infarct = both_mv(code, seed)
        change_mv = {lead: infarct[lead] - healthy[lead] for lead in leads}
        q_mv.append([change_mv[lead][PEAK - 9] for lead in leads])
        st_mv.append([change_mv[lead][PEAK + 55] for lead in leads])
        t_mv.append([change_mv[lead][qt_end(healthy["II"])] for lead in leads])
    assert (np.median(q_mv, axis=0) < -0.15).all()
    assert (np.median(st_mv, axis=0) > 0.03).all()
    assert (np.median(t_mv, axis=0) < -0.1).all()


@pytest.mark.parametrize("code", ["CLBBB", "CRBBB", "IVCD"])
def test_blocked_conduction_widens_the_qrs(code: str) -> None:
    widths = np.array([[qrs_width(beat["V6"]) for beat in both_mv(code, seed)] for seed in range(16)])
    assert np.median(widths[:, 1]) > 1.25 * np.median(widths[:, 0])


def test_the_late_force_of_a_blocked_branch_points_to_its_side() -> None:
    late = slice(PEAK + 20, PEAK + 40)
    right = np.median([both_mv("CRBBB", seed)[1]["V1"][late].max() for seed in range(20)])
    left = np.median([both_mv("CLBBB", seed)[1]["V1"][late].min() for seed in range(20)])
    assert left < -0.3 < 0.2 < right


@pytest.mark.parametrize(("code", "turned"), [("LAFB", "AVL"), ("LPFB", "AVF")])
def test_fascicular_blocks_turn_the_axis(code: str, turned: str) -> None:
    gains_mv = [after[turned][PEAK] - before[turned][PEAK] for before, after in (both_mv(code, s) for s in range(20))]
    assert np.median(gains_mv) > 0.1


def test_ischaemia_lowers_st_and_t_and_hypertrophy_raises_the_voltage() -> None:
    for seed in range(10):
        healthy, ischaemic = both_mv("ISC_", seed)
        assert ischaemic["V5"][PEAK + 55] < healthy["V5"][PEAK + 55] - 0.02
        assert ischaemic["V5"][qt_end(healthy["V5"])] < healthy["V5"][qt_end(healthy["V5"])] - 0.1
        healthy, hypertrophic = both_mv("LVH", seed)
        assert np.ptp(hypertrophic["V4"]) > 1.3 * np.ptp(healthy["V4"])


def test_first_degree_block_moves_the_p_wave_and_long_qt_the_t_wave() -> None:
    heart = healthy_heart(default_rng(0), 60, female=True)
    blocked, long = (afflicted(heart, LESIONS[code], 1.0) for code in ("1AVB", "LNGQT"))
    assert blocked.p.centre_s[0] == pytest.approx(heart.p.centre_s[0] - 0.09)
    assert long.t["normal"].centre_s[0] == pytest.approx(heart.t["normal"].centre_s[0] + 0.09)


def test_a_finding_of_no_severity_changes_nothing() -> None:
    heart = healthy_heart(default_rng(1), 60, female=False)
    for code, lesion in LESIONS.items():
        same = beat_mv(afflicted(heart, lesion, 0.0))
        for lead, ecg_mv in beat_mv(heart).items():
            np.testing.assert_allclose(same[lead], ecg_mv, atol=1e-12, err_msg=f"{code} {lead}")


def test_the_same_chance_at_another_rate_gives_the_same_beats() -> None:
    heart = noiseless(healthy_heart(default_rng(0), 60, female=False))
    fine, coarse = (perform(heart, "N" * 30, False, 10.0, fs_hz, default_rng(2)) for fs_hz in (500, 100))
    assert fine.shape == (8, 5000)
    assert coarse.shape == (8, 1000)
    np.testing.assert_allclose(fine[:, ::5], coarse, atol=1e-3)  # far slopes of a wave are cut off


def test_a_record_begins_and_ends_in_the_midst_of_a_rhythm() -> None:
    heart = noiseless(healthy_heart(default_rng(0), 60, female=False))
    ecg_mv = np.concatenate([perform(heart, "N" * 30, False, 10.0, 100, default_rng(seed)) for seed in range(10)])
    assert np.ptp(ecg_mv[:, :100], axis=1).min() > 0.05
    assert np.ptp(ecg_mv[:, -100:], axis=1).min() > 0.05


def test_fibrillating_atria_make_the_rhythm_irregular() -> None:
    heart = healthy_heart(default_rng(0), 60, female=False)
    heart = replace(heart, noise_mv=0.0, breathing_share=0.0, drift_share=0.0)
    spread = []
    for fibrillates in (False, True):
        two = perform(heart, "N" * 30, fibrillates, 10.0, FS_HZ, default_rng(1))[1]
        peaks, _ = find_peaks(np.abs(np.diff(two)), height=0.3 * np.abs(np.diff(two)).max(), distance=200)
        spread.append(np.diff(peaks).std())
    assert spread[0] < 15 < 40 < spread[1]
