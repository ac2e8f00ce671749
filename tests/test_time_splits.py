"""Splits by time: whole days, the first part of a patient, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.splits import Split, folds
from ecg_lightning.structures import Fold, Refused, WindowTable
from ecg_lightning.time_splits import Day, FirstPart
from tests.corpora.clocked import N_WINDOWS, clocked_table

SIDES = ("train", "val", "test")


def only_fold(split: Split, table: WindowTable) -> Fold:
    (fold,) = folds(split, table)
    return fold


def days_of(table: WindowTable, fold: Fold, patient: str) -> list[set[int]]:
    """On each side the days of a patient."""
    assert table.day is not None
    number = table.patient_names.index(patient)
    sides = [getattr(fold, side) for side in SIDES]
    return [set(table.day[rows[table.patient[rows] == number]].tolist()) for rows in sides]


WEEK = {"001": ["01100", "0000", "0110", "1000"], "002": ["0001", "0110", "0100", "0110"], "003": ["000"]}


@pytest.mark.parametrize("seed", range(5))
def test_days_stand_whole_on_one_side_and_a_single_day_trains(seed: int) -> None:
    table = clocked_table(WEEK)
    fold = only_fold(Day(0.2, 0.25, seed), table)
    for patient in ("001", "002"):
        train, val, test = days_of(table, fold, patient)
        assert (len(train), len(val), len(test)) == (2, 1, 1)
        assert len(train | val | test) == 4
    assert days_of(table, fold, "003") == [{0}, set(), set()]
    assert (fold.tags, fold.shares_patients) == ({"same_patients": "true"}, True)
    assert len(fold.train) + len(fold.val) + len(fold.test) == len(table)


@pytest.mark.parametrize("seed", range(5))
def test_days_are_drawn_so_that_every_side_sees_every_class_where_it_can(seed: int) -> None:
    table = clocked_table({f"{i:03d}": ["010", "000", "000", "000", "011"] for i in range(4)})
    fold = only_fold(Day(0.2, 0.2, seed), table)
    assert all(len(np.unique(table.label[getattr(fold, side)])) == 2 for side in SIDES)
    n_val, n_train = (np.bincount(table.label[rows]) for rows in (fold.val, fold.train))
    assert (n_val <= (n_val + n_train) / 3).all()


def test_of_two_days_one_trains() -> None:
    table = clocked_table({f"{i:03d}": ["01", "10"] for i in range(6)})
    fold = only_fold(Day(0.2, 0.25, 0), table)
    for patient in table.patient_names:
        assert sorted(len(days) for days in days_of(table, fold, patient)) == [0, 1, 1]
        assert len(days_of(table, fold, patient)[0]) == 1


def test_large_shares_leave_every_side_a_day() -> None:
    table = clocked_table({"001": ["01", "10", "01"]})
    assert [len(days) for days in days_of(table, only_fold(Day(0.45, 0.5, 0), table), "001")] == [1, 1, 1]


def test_days_are_the_same_for_a_seed_and_others_for_the_next() -> None:
    table = clocked_table({f"{i:03d}": ["01", "10", "01", "01"] for i in range(4)})
    first, again, other = (only_fold(Day(0.2, 0.25, seed), table).test for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_episode_that_outlasts_midnight_stays_with_its_first_day() -> None:
    table = clocked_table({f"{i:03d}": ["0111", "1100", "000", "010"] for i in range(3)})
    fold = only_fold(Day(0.2, 0.25, 0), table)  # folds() refuses one that is cut
    assert table.episode is not None
    sides = [set(table.episode[getattr(fold, side)].tolist()) for side in SIDES]
    assert not (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2])


def test_rows_without_days_are_refused_in_words() -> None:
    with pytest.raises(Refused, match="split=day needs rows with a day: choose split=holdout"):
        only_fold(Day(0.2, 0.25, 0), replace(clocked_table(WEEK), day=None))


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.5, 0.5)])
def test_impossible_shares_of_days_are_refused_in_words(shares: tuple[float, float]) -> None:
    with pytest.raises(Refused, match=rf"split.val_share={shares[0]} and split.test_share={shares[1]} must be above"):
        Day(*shares, seed=0)


COURSE = {"001": ["0110", "0110", "01100"], "002": ["0000"]}


def test_the_first_part_of_a_patient_trains_the_next_chooses_and_the_rest_is_reported_on() -> None:
    table = clocked_table(COURSE)
    fold = only_fold(FirstPart("001", 0.4, 0.2), table)
    assert [len(getattr(fold, side)) // N_WINDOWS for side in SIDES] == [5, 3, 5]
    clock_s = table.measured["clock_s"]
    assert clock_s[fold.train].max() < clock_s[fold.val].min()
    assert clock_s[fold.val].max() < clock_s[fold.test].min()
    assert {table.patient_names[i] for side in SIDES for i in table.patient[getattr(fold, side)]} == {"001"}
    assert (fold.tags, fold.shares_patients) == ({"same_patients": "true"}, True)


def test_every_side_sees_every_class_where_there_are_episodes_enough() -> None:
    table = clocked_table({"001": ["0" * 40 + "11000110", "0110", "0" * 10]})
    fold = only_fold(FirstPart("001", 0.2, 0.2), table)
    assert all(len(np.unique(table.label[getattr(fold, side)])) == 2 for side in SIDES)


@pytest.mark.parametrize(("course", "seen"), [("001100001100", [2, 1, 2]), ("0000110000", [2, 1, 1])])
def test_where_a_class_is_short_training_comes_first_and_then_what_is_reported_on(course: str, seen: list[int]) -> None:
    table = clocked_table({"001": [course]})
    fold = only_fold(FirstPart("001", 0.4, 0.2), table)
    assert [len(np.unique(table.label[getattr(fold, side)])) for side in SIDES] == seen


def test_the_parts_of_a_long_course_are_as_large_as_asked() -> None:
    table = clocked_table({"001": ["0100100100" * 200]})
    fold = only_fold(FirstPart("001", 0.4, 0.2), table)
    shares = np.array([len(getattr(fold, side)) for side in SIDES]) / len(table)
    np.testing.assert_allclose(shares, [0.4, 0.2, 0.4], atol=0.005)


def test_a_course_of_two_readings_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="patient 001 has 2 episodes or readings: three sides need at least 3"):
        only_fold(FirstPart("001", 0.4, 0.2), clocked_table({"001": ["011"]}))


def test_the_first_part_goes_by_the_clock_and_not_by_the_order_of_rows() -> None:
    table = clocked_table(COURSE)
    order = np.random.default_rng(0).permutation(len(table))
    columns = ("record", "patient", "time_s", "label", "day", "episode")
    mixed = replace(
        table,
        measured={"clock_s": table.measured["clock_s"][order]},
        **{name: getattr(table, name)[order] for name in columns},
    )
    for side in SIDES:
        there, here = (getattr(only_fold(FirstPart("001", 0.4, 0.2), one), side) for one in (mixed, table))
        assert set(order[there].tolist()) == set(here.tolist())


@pytest.mark.parametrize("episode", [None, -1])
def test_rows_without_episodes_are_cut_where_the_shares_say(episode: int | None) -> None:
    table = clocked_table({"001": ["01" * 10]})
    table = replace(table, episode=None if episode is None else np.full(len(table), episode))
    fold = only_fold(FirstPart("001", 0.5, 0.25), table)
    assert [len(getattr(fold, side)) for side in SIDES] == [30, 15, 15]


def test_a_patient_may_be_named_by_a_number() -> None:
    table = clocked_table({"10": ["0101", "01"]})
    assert len(only_fold(FirstPart(10, 0.5, 0.2), table).train) == 2 * N_WINDOWS


@pytest.mark.parametrize("patient", ["004", None])
def test_an_unknown_patient_is_refused_with_those_there_are(patient: str | None) -> None:
    with pytest.raises(Refused, match=f"patient {patient} has no rows: choose from 001, 002"):
        only_fold(FirstPart(patient, 0.4, 0.2), clocked_table(COURSE))


def test_a_patient_without_his_zeros_is_recognised() -> None:
    with pytest.raises(Refused, match=r"patient 2 has no rows: did you mean '002'\?"):
        only_fold(FirstPart("2", 0.4, 0.2), clocked_table(COURSE))


def test_a_first_part_without_one_of_the_classes_is_refused_with_patients_that_have_them() -> None:
    said = r"split.patient=002 has no rows of class number 1 to learn from: choose another; 001 of the patients have"
    with pytest.raises(Refused, match=said):
        only_fold(FirstPart("002", 0.4, 0.2), clocked_table(COURSE))
    with pytest.raises(Refused, match="class number 1 to learn from: choose another; none of the patients have every"):
        only_fold(FirstPart("001", 0.4, 0.2), clocked_table({"001": ["000"], "002": ["111"]}))
    late = clocked_table({"001": ["000001"]})  # with a low reading in training nothing would be left
    with pytest.raises(Refused, match=r"split.patient=001 has no rows of class number 1 to learn from"):
        only_fold(FirstPart("001", 0.4, 0.2), late)


def test_rows_without_a_clock_are_refused_in_words() -> None:
    with pytest.raises(Refused, match="split=first_part needs rows with a clock: choose split=holdout"):
        only_fold(FirstPart("001", 0.4, 0.2), replace(clocked_table(COURSE), measured={}))


def test_splits_by_time_say_what_a_corpus_must_provide() -> None:
    assert Day.needs == FirstPart.needs == ("patient", "day")
