"""Splits: whole patients, the published lists, and what is refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ecg_lightning.splits import DS1, DS2, Files, Holdout, InterPatient, Official, RandomWindows, Split, by_class, folds
from ecg_lightning.structures import Fold, Refused, WindowTable

PATIENT_OF = {"202": "201"}


def table_of(records: Sequence[str], label: Sequence[int] = (0, 0, 0, 1, 2, 2)) -> WindowTable:
    """The same labels in every record."""
    people = tuple(dict.fromkeys(PATIENT_OF.get(record, record) for record in records))
    record = np.repeat(np.arange(len(records)), len(label))
    patient = np.array([people.index(PATIENT_OF.get(name, name)) for name in records])[record]
    nothing = np.zeros(len(record), np.int64)
    return WindowTable(
        record=record,
        patient=patient,
        time_s=np.tile(np.arange(len(label), dtype=np.float64), len(records)),
        start=nothing,
        first=nothing,
        length=nothing + 1000,
        label=np.tile(label, len(records)),
        features=np.zeros((len(record), 0), np.float32),
        record_names=tuple(records),
        patient_names=people,
    )


def names(table: WindowTable, rows: np.ndarray) -> set[str]:
    return {table.record_names[i] for i in table.record[rows]}


def only_fold(split: Split, table: WindowTable) -> Fold:
    (fold,) = folds(split, table)
    return fold


VALIDATION = ["101", "124", "205", "223"]


def test_the_published_lists_hold_22_records_each_and_none_twice() -> None:
    assert len(set(DS1)) == len(set(DS2)) == 22
    assert not set(DS1) & set(DS2)
    assert not {"102", "104", "107", "217"} & {*DS1, *DS2}


def test_the_published_split_learns_from_ds1_and_reports_on_ds2() -> None:
    table = table_of([*DS1, *DS2, "102"])
    with pytest.warns(UserWarning, match="records 201,202 are one person and stand on both sides"):
        fold = only_fold(InterPatient(VALIDATION), table)
    assert names(table, fold.val) == set(VALIDATION)
    assert names(table, fold.train) == set(DS1) - set(VALIDATION)
    assert names(table, fold.test) == set(DS2)  # 102 has a pacemaker and stands on no side


def test_the_person_on_both_published_sides_is_tagged_and_reported_without() -> None:
    table = table_of([*DS1, *DS2])
    with pytest.warns(UserWarning, match="201,202"):
        fold = only_fold(InterPatient(VALIDATION), table)
    assert fold.tags == {"shared_patient": "201,202"}
    assert fold.without == ("202",)


def test_without_record_202_nobody_is_shared_and_nothing_is_said() -> None:
    fold = only_fold(InterPatient(VALIDATION), table_of([r for r in (*DS1, *DS2) if r != "202"]))
    assert fold.tags == {}
    assert fold.without == ()


def test_validation_by_a_person_of_both_lists_takes_the_record_of_ds1_alone() -> None:
    table = table_of([*DS1, *DS2])
    with pytest.warns(UserWarning, match="201,202"):
        fold = only_fold(InterPatient([201]), table)
    assert names(table, fold.val) == {"201"}
    assert names(table, fold.train) == set(DS1) - {"201"}
    assert names(table, fold.test) == set(DS2)
    assert fold.without == ("202",)


def test_validation_patients_outside_ds1_are_refused_in_words() -> None:
    with pytest.raises(Refused, match=r"split.validation=\['101', '100'\] names \['100'\], not in DS1: choose from"):
        InterPatient(["101", "100"])


def test_records_outside_the_lists_stand_where_they_are_put_and_are_tagged() -> None:
    table = table_of(["101", "106", "108", "109", "100", "102", "104", "217"])
    fold = only_fold(InterPatient([101], train_also=[102, 107], test_also=["104"]), table)
    assert names(table, fold.val) == {"101"}
    assert names(table, fold.train) == {"106", "108", "109", "102"}
    assert names(table, fold.test) == {"100", "104"}  # nobody has said where 217 stands
    assert fold.tags == {"beside_published": "102,104"}


def test_a_corpus_without_the_records_put_beside_the_lists_has_the_published_split() -> None:
    table = table_of(["101", "106", "108", "100"])
    assert only_fold(InterPatient([101], ["102", "107"], ["104", "217"]), table).tags == {}


@pytest.mark.parametrize(("train_also", "test_also"), [(["100"], []), ([], ["106"]), (["106"], [100])])
def test_records_of_the_lists_stay_where_the_lists_have_them(train_also: list[str], test_also: list[str]) -> None:
    with pytest.raises(Refused, match=r"name \['10.*\], which stand in the published lists: name others"):
        InterPatient(VALIDATION, train_also, test_also)


def test_a_record_put_on_two_sides_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="the split puts one row on two sides"):
        only_fold(InterPatient([101], ["102"], ["102"]), table_of(["101", "106", "108", "100", "102"]))


def test_validation_that_keeps_a_class_away_from_training_is_refused_in_words() -> None:
    table = table_of(["101", "106", "108", "109", "100"])
    table.label[:] = np.where(table.record == 0, table.label, np.minimum(table.label, 1))  # 101 alone has class 2
    with pytest.raises(
        Refused,
        match=r"split.validation=\['101'\] keeps 2 of 2 rows of class number 2 away from training; at most a third may",
    ):
        only_fold(InterPatient(["101"]), table)


@pytest.mark.parametrize(("val", "refused"), [(["101"], False), (["101", "106"], True)])
def test_just_a_third_of_a_class_may_go_to_validation(val: list[str], refused: bool) -> None:
    table = table_of(["101", "106", "108", "100"])
    if not refused:
        assert names(table, only_fold(InterPatient(val), table).val) == set(val)
        return
    with pytest.raises(Refused, match="keeps 6 of 9 rows of class number 0, 2 of 3 rows of class number 1"):
        only_fold(InterPatient(val), table)


def test_sides_without_rows_are_refused_in_words() -> None:
    with pytest.raises(Refused, match="the split leaves no rows for test: use more patients or another split"):
        only_fold(InterPatient(["101"]), table_of(["101", "106", "108"]))


@dataclass(frozen=True)
class Given:
    """A split that is told its fold."""

    fold: Fold
    needs: tuple[str, ...] = ()

    def divide(self, table: WindowTable) -> Iterator[Fold]:  # noqa: ARG002
        yield self.fold


def test_a_patient_on_two_sides_is_refused_by_name() -> None:
    table = table_of(["a", "b", "c"])
    row = np.arange(len(table))
    with pytest.raises(Refused, match=r"patients on two sides of the split: \['b'\]"):
        only_fold(Given(Fold(row[:8], row[8:12], row[12:])), table)


def test_one_known_person_does_not_excuse_another() -> None:
    table = table_of(["201", "202", "b", "c"])
    row = np.arange(len(table))
    fold = Fold(row[:6], row[12:14], np.concatenate([row[6:12], row[14:]]), known_shared=("201",))
    with pytest.raises(Refused, match=r"patients on two sides of the split: \['b'\]"):
        only_fold(Given(fold), table)


def test_a_row_on_two_sides_is_refused_even_where_patients_may_be() -> None:
    table, row = table_of(["a", "b"]), np.arange(12)
    with pytest.raises(Refused, match="the split puts one row on two sides"):
        only_fold(Given(Fold(row[:6], row[5:8], row[8:], shares_patients=True)), table)


@pytest.mark.parametrize("seed", range(5))
def test_holdout_keeps_patients_whole(seed: int) -> None:
    table = table_of([*DS1, "202"])
    fold = only_fold(Holdout(0.15, 0.2, seed), table)
    sides = [set(table.patient[rows]) for rows in (fold.train, fold.val, fold.test)]
    assert not (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2])
    assert [len(side) for side in sides] == [15, 3, 4]
    assert len(fold.train) + len(fold.val) + len(fold.test) == len(table)
    assert fold.tags == {}


def test_holdout_is_the_same_for_a_seed_and_another_for_the_next() -> None:
    table = table_of(DS1)
    first, again, other = (only_fold(Holdout(0.15, 0.2, seed), table).test for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(10))
def test_holdout_redraws_until_training_sees_most_of_every_class(seed: int) -> None:
    table = table_of([str(i) for i in range(10)])
    table.label[table.record > 3] = 0  # classes 1 and 2 are those of four patients
    fold = only_fold(Holdout(0.1, 0.2, seed), table)
    n_val, n_train = (np.bincount(table.label[rows], minlength=3) for rows in (fold.val, fold.train))
    assert (n_val <= (n_val + n_train) / 3).all()


@pytest.mark.parametrize("seed", range(5))
def test_holdout_shows_every_side_a_class_that_few_patients_have(seed: int) -> None:
    table = table_of([str(i) for i in range(20)])
    table.label[table.record > 7] = 0  # classes 1 and 2 are those of eight patients
    fold = only_fold(Holdout(0.15, 0.2, seed), table)
    assert all(len(np.unique(table.label[rows])) == 3 for rows in (fold.train, fold.val, fold.test))


def test_holdout_of_two_patients_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="split=holdout needs at least 3 patients, got 2"):
        only_fold(Holdout(0.1, 0.2, 0), table_of(["a", "b"]))


def test_holdout_that_cannot_leave_training_enough_is_refused_in_words() -> None:
    with pytest.raises(Refused, match=r"found no 1 validation patients of 3 that .* lower split.val_share=0.1"):
        only_fold(Holdout(0.1, 0.2, 0), table_of(["a", "b", "c"]))


def test_random_windows_stand_on_every_side_and_are_called_leaky() -> None:
    table = table_of(DS1, [0] * 200)
    fold = only_fold(RandomWindows(0.1, 0.2, 0), table)
    assert fold.tags == {"leaky_split": "true"}
    assert names(table, fold.train) == names(table, fold.val) == names(table, fold.test) == set(DS1)
    shares = np.array([len(fold.train), len(fold.val), len(fold.test)]) / len(table)
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.03)


def test_random_windows_need_nothing_and_patient_splits_say_what_they_need() -> None:
    assert (RandomWindows.needs, Holdout.needs, InterPatient.needs) == ((), ("patient",), ("de_chazal_records",))


@pytest.mark.parametrize("kind", [Holdout, RandomWindows])
@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.2, 0.0), (0.5, 0.5), (-0.1, 0.3)])
def test_impossible_shares_are_refused_in_words(kind: type, shares: tuple[float, float]) -> None:
    said = rf"split.val_share={shares[0]} and split.test_share={shares[1]} must be above 0 and together below 1"
    with pytest.raises(Refused, match=said):
        kind(*shares, seed=0)


def with_folds(n: int = 40, unknown: Sequence[int] = ()) -> WindowTable:
    """Recordings of several labels, in official folds 1 to 10 and again."""
    table = table_of([str(i) for i in range(n)], [0])
    label = np.random.default_rng(0).integers(0, 2, (n, 3))
    known = ~np.isin(np.arange(n), unknown)
    return replace(table, label=label, official_fold=np.arange(n) % 10 + 1, patient_known=known)


def test_official_folds_stand_where_the_split_says() -> None:
    table = with_folds()
    fold = only_fold(Official(9, 10), table)
    assert table.official_fold is not None
    assert set(table.official_fold[fold.val]) == {9}
    assert set(table.official_fold[fold.test]) == {10}
    assert set(table.official_fold[fold.train]) == set(range(1, 9))
    assert (fold.tags, Official.needs) == ({}, ("official_folds",))


def test_official_folds_serve_where_patients_are_not_known() -> None:
    assert len(only_fold(Official(9, 10), with_folds(unknown=range(20))).train) == 32


def test_official_folds_that_share_a_patient_are_refused_all_the_same() -> None:
    table = with_folds()
    table.patient[9] = table.patient[0]
    with pytest.raises(Refused, match=r"patients on two sides of the split: \['0'\]"):
        only_fold(Official(9, 10), table)


@pytest.mark.parametrize(("folds_said", "absent"), [((9, 11), 11), ((0, 10), 0), ((11, 12), 11)])
def test_a_fold_that_is_not_there_is_refused_in_words(folds_said: tuple[int, int], absent: int) -> None:
    said = f"split=official finds no record in fold {absent}: choose from 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    with pytest.raises(Refused, match=said):
        only_fold(Official(*folds_said), with_folds())


def test_choosing_and_reporting_by_one_fold_is_refused_in_words() -> None:
    with pytest.raises(Refused, match=r"split.validation=9 and split.test=9 are one fold: choose by another"):
        Official(9, 9)


def test_a_corpus_without_folds_of_its_own_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="split=official needs a corpus with folds of its own: choose split=holdout"):
        only_fold(Official(9, 10), table_of(DS1))


def test_holdout_is_refused_where_patients_are_not_known() -> None:
    with pytest.raises(Refused, match=r"1 of 40 rows have no patient id, so no split by patients keeps them apart"):
        only_fold(Holdout(0.2, 0.2, 0), with_folds(unknown=[3]))
    only_fold(RandomWindows(0.2, 0.2, 0), with_folds(unknown=[3]))  # does not go by patients, and says so


def test_where_patients_are_not_known_two_other_splits_are_named() -> None:
    with pytest.raises(Refused, match=r"split=official where the corpus has folds .* split=random_windows, which is"):
        only_fold(Holdout(0.2, 0.2, 0), with_folds(unknown=[3]))


def with_files(*folds_of_records: int) -> WindowTable:
    """200 rows of a file each, and nobody knows whose."""
    table = table_of([str(i) for i in range(len(folds_of_records))], [0] * 200)
    unknown = np.zeros(len(table), bool)
    return replace(table, official_fold=np.array(folds_of_records)[table.record], patient_known=unknown)


def test_files_stand_where_the_corpus_has_them_and_are_called_leaky() -> None:
    table = with_files(0, 1, -1)
    fold = only_fold(Files(0.1, 0), table)
    assert fold.tags == {"leaky_split": "true"}
    assert names(table, fold.train) == names(table, fold.val) == {"0"}
    np.testing.assert_array_equal(fold.test, np.arange(200, 400))
    assert len(fold.train) + len(fold.val) == 200
    assert len(fold.val) == pytest.approx(20, abs=10)
    assert Files.needs == ("train_and_test_files",)


def test_validation_rows_of_the_training_file_go_by_the_seed() -> None:
    first, again, other = (only_fold(Files(0.1, seed), with_files(0, 1)).val for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("table", [table_of(["a", "b"]), with_files(-1, -1), with_files(0, -1), with_files(1, 1)])
def test_a_corpus_without_both_files_is_refused_with_what_to_type(table: WindowTable) -> None:
    with pytest.raises(
        Refused, match=r"split=files needs a training file and a test file .* take split=random_windows"
    ):
        only_fold(Files(0.1, 0), table)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_share_of_nothing_or_all_of_the_training_file_is_refused(share: float) -> None:
    with pytest.raises(Refused, match=rf"split.val_share={share} must lie between 0 and 1"):
        Files(share, 0)


def test_holdout_keeps_two_thirds_of_every_label_in_training() -> None:
    table = with_folds(60)
    table.label[:, 2] = np.arange(60) < 6  # rare
    fold = only_fold(Holdout(0.2, 0.2, 0), table)
    n_val, n_train = (table.label[rows].sum(axis=0) for rows in (fold.val, fold.train))
    assert (n_val <= (n_val + n_train) / 3).all()
    assert all(table.label[rows].any(axis=0).all() for rows in (fold.val, fold.test))


def test_one_column_per_class_whether_rows_have_one_or_several() -> None:
    np.testing.assert_array_equal(by_class(np.array([2, 0]), 4), [[0, 0, 1, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(by_class(np.array([2, 0])), [[0, 0, 1], [1, 0, 0]])
    several = np.array([[1, 1, 0], [0, 0, 0]])
    assert by_class(several, 3) is several
