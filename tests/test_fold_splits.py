"""Splits of several folds: everybody is reported on once, by a network that never saw them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from ecg_lightning.fold_splits import KFold, LeaveOnePatientOut, LeaveOnePatientOutDS1, parts, validation_patients
from ecg_lightning.split_checks import KEPT_AWAY, by_class
from ecg_lightning.splits import DS1, DS2, Split, folds
from ecg_lightning.structures import Refused, WindowTable

PEOPLE = 20
SPLITS: list[Split] = [KFold(4, 0.2, seed=0), LeaveOnePatientOut(0.2, seed=0)]


def people(n_patients: int = PEOPLE, seed: int = 0, names: tuple[str, ...] | None = None) -> WindowTable:
    """Patients with many normal rows, some of a second class, and few of a third."""
    rng = np.random.default_rng(seed)
    n_rows = rng.integers(40, 200, n_patients)
    patient = np.repeat(np.arange(n_patients), n_rows)
    rare = rng.dirichlet([8, 2, 1], n_patients)
    label = np.array([rng.choice(3, p=rare[one]) for one in patient])
    nothing = np.zeros(len(patient), np.int64)
    names = names or tuple(f"p{i:02d}" for i in range(n_patients))
    return WindowTable(
        record=patient,
        patient=patient,
        time_s=np.arange(len(patient), dtype=np.float64),
        start=nothing,
        first=nothing,
        length=nothing + 1000,
        label=label,
        features=np.zeros((len(patient), 0), np.float32),
        record_names=names,
        patient_names=names,
    )


def counts_of(table: WindowTable) -> np.ndarray:
    counts = np.zeros((len(table.patient_names), 3), np.int64)
    np.add.at(counts, table.patient, by_class(table.label, 3))
    return counts


@pytest.mark.parametrize("split", SPLITS)
def test_every_row_is_reported_on_once_by_a_fold_that_never_saw_its_patient(split: Split) -> None:
    table = people()
    found = list(folds(split, table))
    assert [fold.number for fold in found] == list(range(len(found)))
    assert sorted(np.concatenate([fold.test for fold in found])) == list(range(len(table)))
    for fold in found:
        whose = [set(table.patient[rows]) for rows in (fold.train, fold.val, fold.test)]
        assert not whose[0] & (whose[1] | whose[2])
        assert not whose[1] & whose[2]
        assert len(set().union(*whose)) == PEOPLE
        assert len(whose[1]) >= 2, "one validation patient may be of a single class"


@pytest.mark.parametrize("split", SPLITS)
def test_validation_keeps_at_most_a_third_of_any_class_from_training(split: Split) -> None:
    table = people()
    for fold in folds(split, table):
        n_val, n_train = (by_class(table.label[rows], 3).sum(axis=0) for rows in (fold.val, fold.train))
        assert (n_val <= KEPT_AWAY * (n_val + n_train)).all()
        assert (n_val > 0).all(), "a draw that sees every class is there"


@pytest.mark.parametrize("seed", range(5))
def test_one_fold_alone_is_the_same_as_among_all(seed: int) -> None:
    table = people()
    for split in (KFold(4, 0.2, seed), LeaveOnePatientOut(0.2, seed)):
        for fold in folds(split, table):
            split.fold = fold.number
            (alone,) = folds(split, table)
            for side in ("train", "val", "test"):
                np.testing.assert_array_equal(getattr(alone, side), getattr(fold, side))
            split.fold = None


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_as_even_as_those_of_scikit_learn(seed: int) -> None:
    table = people(60, seed)
    counts = counts_of(table)
    own = parts(counts, 5, seed)
    ours = np.stack([counts[own == k].sum(axis=0) for k in range(5)])
    theirs = np.stack(
        [
            by_class(table.label[test], 3).sum(axis=0)
            for _, test in StratifiedGroupKFold(5).split(table.label, table.label, table.patient)
        ]
    )
    assert (ours.std(axis=0) / ours.mean(axis=0)).mean() < 1.5 * (theirs.std(axis=0) / theirs.mean(axis=0)).mean()
    assert np.bincount(own, minlength=5).min() >= 9, "of 60 patients, about 12 in each part"


def test_a_part_has_somebody_where_one_patient_holds_all_of_a_class() -> None:
    counts = np.array([[1000, 500]] + [[10, 0]] * 5)
    assert sorted(np.unique(parts(counts, 3, seed=0))) == [0, 1, 2]


def test_of_several_labels_each_counts() -> None:
    table = people()
    columns = np.stack([table.label > 0, table.label == 2], axis=1).astype(np.int64)
    found = list(folds(KFold(4, 0.2, seed=0), replace(table, label=columns)))
    assert len(found) == 4
    assert all(columns[fold.val].any(axis=0).all() for fold in found)


def test_inside_ds1_nobody_of_ds2_is_seen() -> None:
    table = people(44, names=tuple(sorted((*DS1, *DS2))))
    found = list(folds(LeaveOnePatientOutDS1(0.2, seed=0), table))
    assert len(found) == len(DS1)
    assert [table.patient_names[table.patient[fold.test[0]]] for fold in found] == sorted(DS1)
    for fold in found:
        rows = np.concatenate([fold.train, fold.val, fold.test])
        assert {table.patient_names[i] for i in table.patient[rows]} == set(DS1)


def test_the_number_of_folds_is_known_from_the_names_of_patients_alone() -> None:
    assert KFold(4, 0.2, seed=0).count(["a"] * 9) == 4
    assert LeaveOnePatientOut(0.2, seed=0).count([str(i) for i in range(43)]) == 43
    assert LeaveOnePatientOutDS1(0.2, seed=0).count([*DS1, *DS2]) == 22
    assert LeaveOnePatientOutDS1(0.2, seed=0, fold=7).fold == 7


def test_validation_patients_see_every_class_in_about_their_share() -> None:
    counts = np.array([[10, 0, 0]] * 5 + [[10, 5, 0]] * 3 + [[10, 5, 5]] * 4)
    drawn = validation_patients(counts, 3, np.random.default_rng(0))
    assert drawn is not None
    assert (counts[drawn].sum(axis=0) > 0).all()
    np.testing.assert_allclose(counts[drawn].sum(axis=0) / counts.sum(axis=0), 0.25, atol=0.08)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: KFold(1, 0.2, seed=0), "split.n_folds=1 must be at least 2"),
        (lambda: KFold(4, 1.0, seed=0), "split.val_share=1.0 must lie between 0 and 1"),
        (lambda: LeaveOnePatientOut(0.0, seed=0), "split.val_share=0.0 must lie between 0 and 1"),
        (lambda: KFold(10, 0.2, seed=0).count(["a"] * 9), "split.n_folds=10 is more than the 9 patients: take fewer"),
        (
            lambda: LeaveOnePatientOut(0.2, 0).count(["a"] * 3),
            "takes at least 4 patients, of whom 2 validate; there are 3",
        ),
        (lambda: LeaveOnePatientOut(0.2, 0).count(["a"] * 101), "above the limit of 100: take split=kfold"),
        (lambda: list(folds(KFold(4, 0.2, 0, fold=4), people())), "split.fold=4 must lie between 0 and 3"),
        (lambda: list(folds(LeaveOnePatientOut(0.2, 0, fold=-1), people())), "split.fold=-1 must lie between 0 and 19"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(make, said: str) -> None:
    with pytest.raises(Refused, match=said):
        make()


def test_patients_who_hold_all_of_a_class_cannot_validate() -> None:
    table = people(5)
    label = np.where(np.isin(table.patient, (0, 1)), 1, 0)
    everyone = replace(table, label=np.where(table.patient == 2, 2, np.where(table.patient == 3, 3, label)))
    with pytest.raises(Refused, match=r"fold 0 finds no 2 validation patients of 4 that leave training two thirds"):
        list(folds(LeaveOnePatientOut(0.2, seed=0), everyone))


def test_somebody_without_rows_is_no_fold() -> None:
    table = people()
    keep = table.patient != 5
    columns = ("record", "patient", "time_s", "start", "first", "length", "label", "features")
    fewer = replace(table, **{name: getattr(table, name)[keep] for name in columns})
    tested = [fewer.patient[fold.test[0]] for fold in folds(LeaveOnePatientOut(0.2, seed=0), fewer)]
    assert tested == [one for one in range(PEOPLE) if one != 5]
