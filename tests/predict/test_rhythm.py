"""Heart rate, pauses and runs, and what a refused second does to them."""

import numpy as np
import pytest

from ecg_lightning.predict import trust
from ecg_lightning.predict.rhythm import Run, gap, heart_rate, in_a_row, intervals, longest_pause, rows_of, trusted

STEADY = np.arange(20) * 0.75
NOTHING = np.zeros(20, np.uint8)


def test_the_rate_of_a_steady_heart_is_the_same_everywhere() -> None:
    found = heart_rate(STEADY, intervals(STEADY, NOTHING))
    assert found is not None
    assert found.mean_bpm == pytest.approx(80)
    assert found.lowest is not None
    assert found.highest is not None
    assert (found.lowest.bpm, found.highest.bpm) == (pytest.approx(80), pytest.approx(80))


def test_lowest_and_highest_are_found_where_they_are() -> None:
    rr_s = np.concatenate([[0.8] * 10, [0.5] * 8, [0.8] * 5, [1.2] * 8])
    time_s = np.concatenate([[0], np.cumsum(rr_s)])
    found = heart_rate(time_s, intervals(time_s, np.zeros(0, np.uint8)))
    assert found is not None
    assert found.lowest is not None
    assert found.highest is not None
    assert (found.highest.bpm, found.highest.at_s) == (pytest.approx(120), pytest.approx(8.0))
    assert (found.lowest.bpm, found.lowest.at_s) == (pytest.approx(50), pytest.approx(16.0))


def test_few_beats_have_a_mean_alone_and_single_ones_none() -> None:
    few = heart_rate(STEADY[:5], intervals(STEADY[:5], NOTHING))
    assert few is not None
    assert (few.lowest, few.highest) == (None, None)
    assert heart_rate(STEADY[:1], intervals(STEADY[:1], NOTHING)) is None
    assert heart_rate(STEADY[:0], intervals(STEADY[:0], NOTHING)) is None
    assert longest_pause(STEADY[:1], intervals(STEADY[:1], NOTHING)) is None


def test_an_interval_over_a_refused_second_is_not_known() -> None:
    time_s = np.array([0.5, 1.4, 2.3, 6.2, 7.1])  # beats are lost where the lead is off
    flags = np.zeros(8, np.uint8)
    flags[4] = 1
    rr_s = intervals(time_s, flags)
    np.testing.assert_allclose(rr_s, [np.nan, 0.9, 0.9, np.nan, 0.9])
    pause = longest_pause(time_s, rr_s)
    assert pause is not None
    assert pause.rr_s == pytest.approx(0.9)


def test_the_longest_pause_begins_with_a_beat() -> None:
    time_s = np.array([0.5, 1.4, 2.3, 6.2, 7.1])
    pause = longest_pause(time_s, intervals(time_s, np.zeros(8, np.uint8)))
    assert pause is not None
    assert (pause.rr_s, pause.at_s) == (pytest.approx(3.9), 2.3)


def test_a_standstill_that_looks_flat_is_a_gap_where_it_is_no_pause() -> None:
    time_s, flags = np.array([0.5, 1.4, 2.3, 6.2, 7.1, 7.9]), np.zeros(8, np.uint8)
    assert gap(time_s, intervals(time_s, flags)) is None
    flags[3:5] = 1
    found = gap(time_s, intervals(time_s, flags))
    assert found is not None
    assert (found.rr_s, found.at_s) == (pytest.approx(3.9), 2.3)
    flags[:] = [0, 0, 0, 0, 0, 0, 0, 1]
    assert gap(time_s, intervals(time_s, flags)) is None


def test_beats_behind_the_last_whole_second_are_trusted() -> None:
    assert trusted(np.array([0.5, 1.5, 2.5]), np.array([0, 4], np.uint8)).tolist() == [True, False, True]
    assert trusted(np.array([0.5]), np.zeros(0, np.uint8)).tolist() == [True]


def test_rows_of_a_class_are_found_and_an_interval_that_is_not_known_ends_one() -> None:
    called = list("NVVNVVVVNV")
    time_s = np.arange(10) * 0.5
    rr_s = intervals(time_s, np.zeros(5, np.uint8))
    assert rows_of(called, "V", time_s, rr_s) == [Run(2, 0.5, 120.0), Run(4, 2.0, 120.0)]
    rr_s[6] = np.nan
    assert rows_of(called, "V", time_s, rr_s) == [Run(2, 0.5, 120.0), Run(2, 2.0, 120.0), Run(2, 3.0, 120.0)]
    assert rows_of(called, "S", time_s, rr_s) == []


def test_beats_on_both_sides_of_seconds_without_one_are_no_couplet() -> None:
    time_s, off = np.array([0.5, 1.5, 6.5, 7.5]), np.array([0, 0, 1, 1, 1, 1, 0, 0], np.uint8)
    assert rows_of(list("NVVN"), "V", time_s, intervals(time_s, off)) == []


@pytest.mark.parametrize("yes", ["", "0", "1", "0110", "1101", "111"])
def test_rows_cover_what_holds_and_nothing_else(yes: str) -> None:
    mask = np.array([letter == "1" for letter in yes], dtype=bool)
    covered = np.zeros(len(mask), dtype=bool)
    for first, last in in_a_row(mask):
        assert not covered[max(first - 1, 0) : last].any()
        covered[first:last] = True
    np.testing.assert_array_equal(covered, mask)


def test_what_borders_on_refused_seconds_is_known() -> None:
    refused = trust.stretches(np.array([0] * 10 + [1] * 3 + [0] * 10, np.uint8))
    assert [trust.beside(start_s, start_s + 2, refused) for start_s in (6.9, 7.0, 8.5, 13.9, 14.1)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert Run(4, 10.0, 60.0).stop_s == 13.0
