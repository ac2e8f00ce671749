"""Which reading a window inherits, what is low, and which readings are one episode."""

from typing import Any

import numpy as np
import pytest

from ecg_lightning.datamodules.readings import LABELS, Rule, course, days, episodes
from tests.corpora.glucose_data import NOON_S, every_five_minutes

TIME_S = np.array([0.0, 300.0, 600.0, 2000.0])


def rule(**settings: Any) -> Rule:
    given = {"label": "following", "tolerance_s": 300.0, "low_mmol_l": 3.9, "ambiguous_mmol_l": None}
    return Rule(**(given | settings))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("following", [1, 1, 2, -1, 3, -1]),
        ("preceding", [0, 0, 1, 2, -1, 3]),
        ("nearest", [0, 1, 1, 2, 3, 3]),
    ],
)
def test_the_reading_that_a_window_inherits(label: str, expected: list[int]) -> None:
    begin_s = np.array([1.0, 290.0, 301.0, 900.0, 1700.0, 2300.0])
    np.testing.assert_array_equal(rule(label=label).reading_of(begin_s, 10.0, TIME_S), expected)


@pytest.mark.parametrize("label", LABELS)
def test_no_reading_is_taken_from_beyond_the_tolerance(label: str) -> None:
    random = np.random.default_rng(0)
    time_s = np.sort(random.uniform(0, 50_000, 60))
    begin_s = random.uniform(-500, 50_500, 2000)
    found = rule(label=label, tolerance_s=200.0).reading_of(begin_s, 10.0, time_s)
    there = found >= 0
    assert 0.05 < there.mean() < 0.95
    assert (time_s[found[there]] <= begin_s[there] + 10 + 200).all()
    assert (time_s[found[there]] >= begin_s[there] - 200).all()
    if label == "following":
        assert (time_s[found[there]] >= begin_s[there] + 10).all(), "a label never lies before the end of its window"
    if label == "preceding":
        assert (time_s[found[there]] <= begin_s[there]).all()


@pytest.mark.parametrize("label", LABELS)
def test_the_reading_is_the_one_that_a_search_through_all_finds(label: str) -> None:
    """Second source: distances to every reading."""
    random = np.random.default_rng(1)
    time_s = np.sort(random.uniform(0, 5000, 20))
    for begin_s in random.uniform(-100, 5100, 200):
        end_s, middle_s = begin_s + 10, begin_s + 5
        allowed = (time_s <= end_s + 300) & (time_s >= begin_s - 300)
        allowed &= {"following": time_s >= end_s, "preceding": time_s <= begin_s}.get(label, time_s > -1e9)
        away_s = np.abs(time_s - {"following": end_s, "preceding": begin_s}.get(label, middle_s))
        expected = int(np.argmin(np.where(allowed, away_s, np.inf))) if allowed.any() else -1
        assert rule(label=label).reading_of(np.array([begin_s]), 10.0, time_s)[0] == expected


@pytest.mark.parametrize("label", LABELS)
def test_a_window_of_unknown_time_or_a_patient_without_readings_has_no_label(label: str) -> None:
    unknown = rule(label=label).reading_of(np.array([np.nan, np.nan]), 10.0, TIME_S)
    np.testing.assert_array_equal(unknown, [-1, -1])
    np.testing.assert_array_equal(rule(label=label).reading_of(np.array([5.0]), 10.0, np.zeros(0)), [-1])


def test_one_reading_alone_is_the_nearest_of_what_is_near() -> None:
    found = rule(label="nearest").reading_of(np.array([0.0, 400.0, 700.0]), 10.0, np.array([300.0]))
    np.testing.assert_array_equal(found, [0, 0, -1])


def test_low_is_below_and_not_at_the_limit() -> None:
    np.testing.assert_array_equal(rule().low(np.array([3.89, 3.9, 3.91])), [True, False, False])


def test_readings_within_the_limits_are_ambiguous() -> None:
    mmol_l = np.array([3.8, 3.9, 4.2, 4.5, 4.6])
    ambiguous = rule(ambiguous_mmol_l=[3.9, 4.5]).ambiguous(mmol_l)
    np.testing.assert_array_equal(ambiguous, [False, True, True, True, False])
    assert not rule().ambiguous(mmol_l).any()


def test_low_readings_in_a_row_are_one_episode_and_every_other_is_its_own() -> None:
    low = np.array([0, 1, 1, 0, 0, 1, 1, 1]) > 0
    np.testing.assert_array_equal(episodes(300.0 * np.arange(8), low), [0, 1, 1, 2, 3, 4, 4, 4])


@pytest.mark.parametrize(("hole_s", "n_episodes"), [(1800.0, 1), (1801.0, 2)])
def test_a_hole_of_more_than_half_an_hour_ends_an_episode(hole_s: float, n_episodes: int) -> None:
    time_s = np.array([0.0, 300.0, 300.0 + hole_s])
    assert len(set(episodes(time_s, np.ones(3, bool)).tolist())) == n_episodes


def test_no_readings_are_no_episodes() -> None:
    assert len(episodes(np.zeros(0), np.zeros(0, bool))) == 0


def test_an_episode_belongs_to_the_day_on_which_it_began() -> None:
    time_s = 86_400.0 * 3 + np.array([-600.0, -300.0, 0.0, 300.0])
    np.testing.assert_array_equal(days(time_s, np.array([0, 1, 1, 2])), [2, 2, 2, 3])


def test_a_course_says_what_each_reading_means() -> None:
    found = course(every_five_minutes(5.0, 3.8, 3.0, 3.9), rule(), first_episode=7)
    np.testing.assert_array_equal(found.label, [0, 1, 1, 0])
    np.testing.assert_array_equal(found.episode, [7, 8, 8, 9])
    np.testing.assert_array_equal(found.day, np.full(4, NOON_S // 86_400))


@pytest.mark.parametrize(
    ("label", "which"),
    [
        ("following", "the first reading within 60 s after its end"),
        ("preceding", "the last reading within 60 s before its beginning"),
        ("nearest", "the reading nearest to its middle, at most 60 s before its beginning or after its end,"),
    ],
)
def test_the_rule_says_in_words_what_low_means(label: str, which: str) -> None:
    said = f"a window is low where {which} is below 3.9 mmol/L"
    assert rule(label=label, tolerance_s=60.0).in_words() == said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"label": "next"}, "task.data.label=next is unknown: choose from following, preceding, nearest"),
        ({"tolerance_s": -1.0}, "task.data.tolerance_s=-1 must be 0 or more and task.data.low_mmol_l=3.9 above 0"),
        ({"low_mmol_l": 0.0}, "task.data.low_mmol_l=0 above 0"),
        ({"ambiguous_mmol_l": [4.5, 3.9]}, r"task.data.ambiguous_mmol_l=\[4.5, 3.9\] must be two values, the lower"),
        ({"ambiguous_mmol_l": [3.9]}, r"task.data.ambiguous_mmol_l=\[3.9\] must be two values"),
    ],
)
def test_impossible_rules_are_refused_in_words(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rule(**wrong)


def test_a_limit_in_mg_per_dl_is_recognised() -> None:
    with pytest.raises(ValueError, match=r"low_mmol_l=70 looks like mg/dL: divide by 18, so that 70 becomes 3.9"):
        Rule("following", 300.0, 70.0, None)
