"""Features of segments against closed forms of made-up beats, and against neurokit2."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from jaxtyping import Float, Int

from ecg_lightning.dsp import segments
from ecg_lightning.dsp.segments import NAMES, segment_features
from ecg_lightning.structures import SEGMENT

FS_HZ = 250.0
N_SAMPLES = 2500
T_AFTER_S, T_WIDTH_S, R_WIDTH_S = 0.26, 0.04, 0.01


def regular(rr_s: float = 0.8, n_beats: int = 60) -> Int[np.ndarray, " peak"]:
    return np.round((0.5 + rr_s * np.arange(n_beats)) * FS_HZ).astype(np.int64)


def irregular(n_beats: int = 60) -> Int[np.ndarray, " peak"]:
    return np.cumsum(np.random.default_rng(0).integers(150, 260, n_beats))


def made_ecg(
    peak_sample: Int[np.ndarray, " peak"], r: float = 1.2, t: float = 0.3, offset: float = 0.0, fs_hz: float = FS_HZ
) -> Float[np.ndarray, "1 time"]:
    """R and T waves without any P, so that the baseline is the offset."""
    time_s = np.arange(peak_sample[-1] + int(2 * fs_hz)) / fs_hz
    ecg = np.full(len(time_s), offset)
    for at_s in peak_sample / fs_hz:
        ecg += r * np.exp(-0.5 * ((time_s - at_s) / R_WIDTH_S) ** 2)
        ecg += t * np.exp(-0.5 * ((time_s - at_s - T_AFTER_S) / T_WIDTH_S) ** 2)
    return ecg[None].astype(np.float32)


def features(
    names: Sequence[str],
    peaks: Int[np.ndarray, " peak"],
    start: Sequence[int] = (0, 2500, 5000),
    ecg: Float[np.ndarray, "1 time"] | None = None,
) -> Float[np.ndarray, "segment feature"]:
    ecg = made_ecg(peaks) if ecg is None else ecg
    return segment_features(ecg, peaks, np.array(start, dtype=np.int64), N_SAMPLES, FS_HZ, float("nan"), names)


def test_features_are_those_that_structures_names() -> None:
    assert tuple(NAMES) == SEGMENT


def test_columns_stand_in_the_order_of_the_names_whichever_are_asked_for() -> None:
    peaks = irregular()
    everything = features(SEGMENT, peaks)
    assert everything.dtype == np.float32
    for name in SEGMENT:
        np.testing.assert_array_equal(features([name], peaks)[:, 0], everything[:, SEGMENT.index(name)])
    np.testing.assert_array_equal(features(SEGMENT[::-1], peaks), everything[:, ::-1])


def test_a_regular_heart_has_a_rate_and_no_variability() -> None:
    rate, mean, *none = features(["hr_bpm", "mean_rr_s", "sdnn_s", "rmssd_s", "pnn50"], regular(0.8)).T
    np.testing.assert_allclose(rate, 75, rtol=1e-6)
    np.testing.assert_allclose(mean, 0.8, rtol=1e-6)
    np.testing.assert_allclose(np.stack(none), 0, atol=1e-6)


def test_rhythm_equals_its_definition_segment_by_segment() -> None:
    peaks, start = irregular(), [0, 1000, 1100, 7003]
    found = features(SEGMENT[:7], peaks, start)
    for row, begin in zip(found, start, strict=True):
        rr_s = np.diff(peaks[(peaks >= begin) & (peaks < begin + N_SAMPLES)]) / FS_HZ
        step_s = np.diff(rr_s)
        expected = [60 / rr_s.mean(), rr_s.mean(), rr_s.std(ddof=1), np.sqrt((step_s**2).mean())]
        expected += [(np.abs(step_s) > 0.05).sum() / len(rr_s), rr_s.min(), rr_s.max()]
        np.testing.assert_allclose(row, expected, rtol=1e-5)


def test_neurokit_computes_the_same_variability() -> None:
    peaks = irregular(400)
    start, n_samples = [0, 30_000, 60_000], 2500  # ten seconds, in which one interval more or less counts
    names = ["mean_rr_s", "sdnn_s", "rmssd_s", "pnn50"]
    found = segment_features(made_ecg(peaks), peaks, np.array(start), n_samples, FS_HZ, 0.0, names)
    for row, begin in zip(found, start, strict=True):
        inside = peaks[(peaks >= begin) & (peaks < begin + n_samples)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            neurokit = pytest.importorskip("neurokit2")
            theirs = neurokit.hrv_time(inside, sampling_rate=250)
        expected = theirs[["HRV_MeanNN", "HRV_SDNN", "HRV_RMSSD", "HRV_pNN50"]].to_numpy(float)[0]
        expected /= [1000, 1000, 1000, 100]
        np.testing.assert_allclose(row, expected, rtol=1e-4)


def test_intervals_that_no_heart_makes_are_left_out_with_the_steps_beside_them() -> None:
    peaks = np.array([100, 300, 500, 700, 720, 900, 1100, 2000, 2200, 2400])  # 0.8 s but for 0.08, 0.72 and 3.6 s
    rate, rmssd, least, most = features(["hr_bpm", "rmssd_s", "min_rr_s", "max_rr_s"], peaks, [0])[0]
    assert rate == pytest.approx(60 / np.mean([0.8] * 6 + [0.72]), rel=1e-6)
    assert rmssd == pytest.approx(np.sqrt(0.08**2 / 4), rel=1e-5)
    assert (least, most) == pytest.approx((0.72, 0.8))


@pytest.mark.parametrize("n_peaks", [0, 1, 2])
def test_fewer_than_three_beats_show_nothing(n_peaks: int) -> None:
    peaks = regular()[:n_peaks]
    assert np.isnan(features(SEGMENT[:13], peaks, [0, 2500], made_ecg(regular()))).all()


def test_three_beats_show_all() -> None:
    assert np.isfinite(features(SEGMENT[:13], regular()[:3], [0], made_ecg(regular()))).all()


@pytest.mark.parametrize("offset", [0.0, 5.0])
@pytest.mark.parametrize(("r", "t"), [(1.2, 0.3), (0.8, -0.2), (-1.0, 0.4), (600.0, 150.0)])
def test_waves_of_made_up_beats_have_the_height_that_they_were_made_with(r: float, t: float, offset: float) -> None:
    peaks = irregular()
    found = features(["r_amplitude", "t_amplitude", "t_over_r", "rt_peak_s"], peaks, ecg=made_ecg(peaks, r, t, offset))
    np.testing.assert_allclose(found[:, 0], r, rtol=0.01)
    np.testing.assert_allclose(found[:, 1], t, rtol=0.03)
    np.testing.assert_allclose(found[:, 2], t / r, rtol=0.03)
    np.testing.assert_allclose(found[:, 3], T_AFTER_S, atol=1 / FS_HZ)


@pytest.mark.parametrize("t", [0.3, -0.3])
@pytest.mark.parametrize("rr_s", [0.6, 0.8, 1.2])
def test_qt_is_that_of_the_tangents_closed_form(rr_s: float, t: float) -> None:
    peaks = regular(rr_s)
    qt_s, qtc_s = features(["qt_s", "qtc_s"], peaks, ecg=made_ecg(peaks, t=t)).T
    # the steepest tangent of a normal curve meets its baseline two widths from its middle
    t_end_s = T_AFTER_S + 2 * T_WIDTH_S
    before_r_s = np.arange(0, 0.08, 1e-5)
    slope = before_r_s / R_WIDTH_S * np.exp(0.5 - 0.5 * (before_r_s / R_WIDTH_S) ** 2)
    onset_s = before_r_s[slope > 0.1].max()
    np.testing.assert_allclose(qt_s, t_end_s + onset_s, atol=0.012)
    np.testing.assert_allclose(qtc_s, qt_s / rr_s ** (1 / 3), rtol=1e-5)


def test_a_longer_qt_is_measured_longer_by_as_much() -> None:
    peaks = regular(1.0)
    late = made_ecg(peaks, t=0.0)
    time_s = np.arange(late.shape[1]) / FS_HZ
    for at_s in peaks / FS_HZ:
        late[0] += 0.3 * np.exp(-0.5 * ((time_s - at_s - T_AFTER_S - 0.06) / T_WIDTH_S) ** 2)
    longer_s = features(["qt_s"], peaks, ecg=late) - features(["qt_s"], peaks)
    np.testing.assert_allclose(longer_s, 0.06, atol=0.003)


def test_the_noise_of_single_beats_is_averaged_out() -> None:
    peaks = regular(0.8)
    clean = made_ecg(peaks)
    noisy = clean + np.random.default_rng(0).normal(0, 0.05, clean.shape).astype(np.float32)
    names = ["t_amplitude", "rt_peak_s"]
    np.testing.assert_allclose(features(names, peaks, ecg=noisy), features(names, peaks, ecg=clean), atol=0.04)


def test_a_slope_in_place_of_a_t_wave_is_none() -> None:
    peaks = regular(0.8)
    ecg = made_ecg(peaks, t=0.0)
    time_s = np.arange(ecg.shape[1]) / FS_HZ
    ecg[0] += 0.2 * np.exp(-((time_s - 0.5) % 0.8) / 0.2).astype(np.float32)
    assert np.isnan(features(["t_amplitude", "t_over_r", "rt_peak_s", "qt_s", "qtc_s"], peaks, ecg=ecg)).all()


def test_a_flat_record_has_no_waves() -> None:
    peaks = regular()
    found = features(SEGMENT[7:13], peaks, ecg=np.zeros((1, 15_000), np.float32))
    assert np.isnan(found[:, 2:]).all()


def test_a_segment_is_described_by_its_own_samples_alone() -> None:
    peaks, start = irregular(), [1700, 4321]
    whole = features(SEGMENT[:13], peaks, start)
    for row, begin in zip(whole, start, strict=True):
        ecg = np.random.default_rng(0).normal(0, 9, made_ecg(peaks).shape).astype(np.float32)
        ecg[0, begin : begin + N_SAMPLES] = made_ecg(peaks)[0, begin : begin + N_SAMPLES]
        inside = peaks[(peaks >= begin) & (peaks < begin + N_SAMPLES)]
        np.testing.assert_array_equal(features(SEGMENT[:13], inside, [begin], ecg)[0], row)


def test_segments_over_the_ends_of_a_record_are_no_trouble() -> None:
    peaks = irregular()
    ecg = made_ecg(peaks)
    found = features(SEGMENT[:13], peaks, [-2400, -1000, ecg.shape[1] - 1000, ecg.shape[1] + 5], ecg)
    assert np.isnan(found[[0, 3]]).all()


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks, start = irregular(), list(range(0, 9000, 313))
    whole = features(SEGMENT[:13], peaks, start)
    monkeypatch.setattr(segments, "CHUNK_SAMPLES", 3 * N_SAMPLES)
    np.testing.assert_allclose(features(SEGMENT[:13], peaks, start), whole, rtol=1e-6)


def test_the_hour_is_that_of_the_clock_where_the_segment_begins() -> None:
    six_s = 1_412_164_800.0 - 6 * 3600  # 2014-10-01 12:00:00 less six hours
    start = np.array([0, int(6 * 3600 * FS_HZ), int(12 * 3600 * FS_HZ)])
    ecg, peaks = np.zeros((1, 10), np.float32), np.zeros(0, np.int64)
    found = segment_features(ecg, peaks, start, N_SAMPLES, FS_HZ, six_s, ["hour_sin", "hour_cos"])
    np.testing.assert_allclose(found, [[1, 0], [0, -1], [-1, 0]], atol=1e-6)


def test_a_clock_that_nobody_knows_has_no_hour() -> None:
    assert np.isnan(features(["hour_sin", "hour_cos"], regular())).all()


def test_no_names_and_no_segments_give_empty_tables() -> None:
    assert features([], regular()).shape == (3, 0)
    assert features(SEGMENT, regular(), []).shape == (0, len(SEGMENT))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no segment feature named qt, age: choose from hr_bpm, mean_rr_s"):
        features(["qt", "hr_bpm", "age"], regular())
