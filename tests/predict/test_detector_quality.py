"""Beats and peaks found are matched one to one."""

import numpy as np
import pytest

from ecg_lightning.predict.detector_quality import Counts, counted, hits, outside, together

FS_HZ = 100.0


def test_a_peak_within_150_ms_of_a_beat_is_a_hit() -> None:
    true, found = np.array([100, 200, 300, 400]), np.array([90, 215, 316, 400])
    assert hits(true, found, FS_HZ).tolist() == [-10, 15, 0]
    assert counted(true, found, FS_HZ) == Counts(4, 4, 3)


def test_two_peaks_of_one_beat_are_one_hit() -> None:
    assert counted(np.array([100, 200]), np.array([95, 101, 199]), FS_HZ) == Counts(2, 3, 2)
    assert counted(np.array([95, 101, 199]), np.array([100, 200]), FS_HZ) == Counts(3, 2, 2)


def test_matches_are_those_of_wfdb() -> None:
    processing = pytest.importorskip("wfdb.processing")
    rng = np.random.default_rng(0)
    true = np.cumsum(rng.integers(60, 120, 200))
    found = true[rng.random(200) > 0.1]
    found = found + rng.integers(-20, 21, len(found))
    theirs = processing.compare_annotations(true, found, int(0.15 * FS_HZ) + 1)  # theirs must be nearer than this
    assert counted(true, found, FS_HZ).n_hit == theirs.tp


def test_shares_of_nothing_are_no_numbers() -> None:
    nothing = np.zeros(0, np.int64)
    assert counted(nothing, nothing, FS_HZ) == Counts(0, 0, 0)
    assert np.isnan(Counts(0, 3, 0).sensitivity)
    assert np.isnan(Counts(3, 0, 0).predictivity)
    assert counted(np.array([5]), nothing, FS_HZ).sensitivity == 0
    assert counted(nothing, np.array([5]), FS_HZ).predictivity == 0


def test_records_are_added_up_beat_by_beat() -> None:
    both = together([Counts(10, 10, 10), Counts(30, 20, 10)])
    assert (both.sensitivity, both.predictivity) == (0.5, 2 / 3)
    assert together([]) == Counts(0, 0, 0)


def test_what_lies_in_flutter_is_left_out() -> None:
    at_sample, symbol = np.array([5, 100, 150, 200, 300]), ["N", "[", "!", "]", "N"]
    assert outside(np.array([5, 99, 101, 199, 201]), at_sample, symbol).tolist() == [5, 99, 201]
