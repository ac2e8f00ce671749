"""Rhythm features: hand-computed intervals, and no look into the future."""

import numpy as np
import pytest

from ecg_lightning.dsp.rhythm import NAMES, rhythm_features, rhythm_step

FS_HZ = 100.0
PREMATURE = np.cumsum([50, 80, 80, 80, 40, 120, 80, 80])  # a beat 0.4 s after its neighbour, then a pause


def feature(name: str, peak_sample: np.ndarray, fs_hz: float = FS_HZ) -> np.ndarray:
    return rhythm_features(peak_sample, fs_hz, [name])[:, 0]


def random_peaks(n_beats: int = 200) -> np.ndarray:
    return np.cumsum(np.random.default_rng(0).integers(30, 150, size=n_beats))


def test_a_premature_beat_is_seen_in_every_column() -> None:
    early = rhythm_features(PREMATURE, FS_HZ, tuple(NAMES))[4]
    local = np.mean([0.8, 0.8, 0.8, 0.4])
    record = np.mean([0.8, 0.8, 0.8, 0.4, 1.2, 0.8, 0.8])
    expected = [0.4, 1.2, float(local), *(np.array([0.4, 1.2]) / local), 3.0, *(np.array([0.4, 1.2]) / record)]
    expected.append(0.4 / local)
    np.testing.assert_allclose(early, expected, rtol=1e-6)


def test_local_interval_is_the_plain_mean_of_the_last_ten() -> None:
    peaks = random_peaks()
    rr_s = np.diff(peaks) / FS_HZ
    expected = [rr_s[max(beat - 10, 0) : beat].mean() for beat in range(1, len(peaks))]
    np.testing.assert_allclose(feature("local_rr_s", peaks)[1:], expected, rtol=1e-5)


def test_running_ratio_is_to_the_mean_of_all_intervals_so_far() -> None:
    peaks = random_peaks()
    rr_s = np.diff(peaks) / FS_HZ
    expected = [rr_s[beat - 1] / rr_s[:beat].mean() for beat in range(1, len(peaks))]
    np.testing.assert_allclose(feature("pre_over_running", peaks)[1:], expected, rtol=1e-5)


def test_columns_that_do_not_look_ahead_are_the_same_whatever_comes_later() -> None:
    peaks = random_peaks(60)
    for name, column in NAMES.items():
        whole = feature(name, peaks)
        same = all(np.array_equal(feature(name, peaks[:n]), whole[:n]) for n in range(1, 60))
        assert same != column.looks_ahead, name


def test_ratios_do_not_feel_the_heart_rate_and_seconds_do_not_feel_the_sampling_rate() -> None:
    peaks = random_peaks(50)
    for name in NAMES:
        scaled_fs_hz = 2 * FS_HZ if name.endswith("_s") else FS_HZ
        np.testing.assert_allclose(feature(name, 2 * peaks, scaled_fs_hz), feature(name, peaks), rtol=1e-6)


def test_the_last_beat_repeats_the_interval_before_it() -> None:
    assert feature("post_rr_s", PREMATURE[:5])[-1] == pytest.approx(0.4)
    assert feature("post_over_pre", PREMATURE[:5])[-1] == 1


def test_the_first_beat_is_taken_as_regular() -> None:
    first = rhythm_features(PREMATURE, FS_HZ, ["pre_rr_s", "local_rr_s", "pre_over_local", "pre_over_record"])[0]
    np.testing.assert_allclose(first, [0.8, 0.8, 1, 1])


@pytest.mark.parametrize("n_beats", [0, 1, 2, 3])
def test_records_of_few_beats_give_finite_rows(n_beats: int) -> None:
    features = rhythm_features(PREMATURE[:n_beats], FS_HZ, tuple(NAMES))
    assert features.shape == (n_beats, len(NAMES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_a_gap_without_marked_beats_counts_as_three_seconds() -> None:
    assert feature("pre_rr_s", np.array([0, 80, 9000]))[-1] == 3


def test_no_names_give_no_columns() -> None:
    assert rhythm_features(PREMATURE, FS_HZ, []).shape == (8, 0)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no rhythm feature named rr, age: choose from pre_rr_s, post_rr_s"):
        rhythm_features(PREMATURE, FS_HZ, ["rr", "pre_rr_s", "age"])


def test_peaks_that_do_not_rise_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="peak_sample=9 of beat 2 must lie after the beat before"):
        rhythm_features(np.array([5, 9, 9]), FS_HZ, ["pre_rr_s"])


@pytest.mark.parametrize("n_at_once", [1, 2, 7, 50])
def test_beats_that_are_still_arriving_get_the_same_bits(n_at_once: int) -> None:
    peaks, names = random_peaks(), [name for name, column in NAMES.items() if not column.looks_ahead]
    past, rows = None, []
    for first in range(0, len(peaks), n_at_once):
        some, past = rhythm_step(peaks[first : first + n_at_once], past, FS_HZ, names)
        rows.append(some)
    np.testing.assert_array_equal(np.concatenate(rows), rhythm_features(peaks, FS_HZ, names))
    assert past is not None
    assert len(past.total_s) == 11


def test_no_beat_changes_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert rhythm_step(none, None, FS_HZ, ["pre_rr_s"])[1] is None
    _, past = rhythm_step(PREMATURE, None, FS_HZ, ["pre_rr_s"])
    features, same = rhythm_step(none, past, FS_HZ, ["pre_rr_s"])
    assert same is past
    assert features.shape == (0, 1)


def test_a_column_that_looks_ahead_cannot_be_had_of_what_is_still_arriving() -> None:
    with pytest.raises(
        ValueError, match=r"post_rr_s, pre_over_record need later beats: leave them out of features.nam"
    ):
        rhythm_step(PREMATURE, None, FS_HZ, ["post_rr_s", "pre_rr_s", "pre_over_record"])
    with pytest.raises(ValueError, match="no rhythm feature named rr: choose from pre_rr_s, "):
        rhythm_step(PREMATURE, None, FS_HZ, ["rr"])


def test_a_beat_before_the_last_one_is_refused_in_words() -> None:
    _, past = rhythm_step(PREMATURE, None, FS_HZ, ["pre_rr_s"])
    with pytest.raises(ValueError, match=r"peak_sample=610 of beat 0 must lie after the beat before: sort the peaks"):
        rhythm_step(np.array([610, 700]), past, FS_HZ, ["pre_rr_s"])
