"""Who is learned from, who is chosen by, who is reported on: patients, never windows, unless the name says so."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from ecg_lightning.split_checks import (
    KEPT_AWAY,
    by_class,
    check_episodes,
    check_kept_away,
    check_patients,
    check_shares,
    check_sides,
)
from ecg_lightning.structures import Fold, Refused, WindowTable

# Source: de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004), table III.
DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)
N_DRAWS = 200


@runtime_checkable
class Split(Protocol):
    """A rule that divides rows; `needs` is what a corpus must provide for it."""

    needs: tuple[str, ...]

    def divide(self, table: WindowTable) -> Iterator[Fold]: ...


def folds(split: Split, table: WindowTable) -> Iterator[Fold]:
    """Every fold of a split, checked: the only way that rows reach a side.

    Raises:
        Refused: a side is empty, a patient stands on two sides and the split does not say so, an episode is cut, or
            the split goes by patients that nobody knows.
    """
    if table.patient_known is not None:
        check_known(split, table.patient_known)
    for fold in split.divide(table):
        check_sides(fold)
        check_episodes(fold, table)
        yield check_patients(fold, table)


class InterPatient:
    """The published division of MIT-BIH: learn from DS1, report on DS2.

    The lists leave out the four records of patients with a pacemaker. A corpus that holds them has no published side
    for them: they stand where `train_also` and `test_also` put them, under the tag `beside_published`, or nowhere.

    Args:
        validation: patients of DS1 to choose by.
        train_also: records of neither list to learn from.
        test_also: records of neither list to report on.

    Source:
        de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004).
    """

    needs: tuple[str, ...] = ("de_chazal_records",)

    def __init__(
        self,
        validation: Sequence[str | int],
        train_also: Sequence[str | int] = (),
        test_also: Sequence[str | int] = (),
    ) -> None:
        # on a command line records are numbers
        self.validation, self.train_also, self.test_also = (
            tuple(str(name) for name in names) for names in (validation, train_also, test_also)
        )
        if strange := sorted(set(self.validation) - set(DS1)):
            raise Refused(
                f"split.validation={list(self.validation)} names {strange}, not in DS1: choose from {', '.join(DS1)}"
            )
        if listed := sorted({*self.train_also, *self.test_also} & {*DS1, *DS2}):
            raise Refused(
                f"split.train_also={list(self.train_also)} and split.test_also={list(self.test_also)} name {listed}, "
                f"which stand in the published lists: name others"
            )

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        record = np.array(table.record_names)[table.record]
        patient = np.array(table.patient_names)[table.patient]
        val = np.isin(record, DS1) & np.isin(patient, self.validation)
        train, test = np.isin(record, (*DS1, *self.train_also)) & ~val, np.isin(record, (*DS2, *self.test_also))
        check_kept_away(table.label, train, val, f"split.validation={list(self.validation)}")
        beside = [name for name in (*self.train_also, *self.test_also) if name in table.record_names]
        tags = {"beside_published": ",".join(sorted(beside))} if beside else {}
        # 201 and 202 are one person, on both sides of the published lists
        yield replace(fold_of(train, val, test), tags=tags, known_shared=("201",), without=("202",))


class Holdout:
    """Whole patients drawn at random for validation and test.

    Args:
        val_share: share of the patients to choose by.
        test_share: share of the patients to report on.
        seed: of the draw.
    """

    needs: tuple[str, ...] = ("patient",)

    def __init__(self, val_share: float, test_share: float, seed: int) -> None:
        check_shares({"val_share": val_share, "test_share": test_share})
        self.val_share, self.test_share, self.seed = val_share, test_share, seed

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """One fold, of 200 draws the one whose validation and test sides see most classes.

        Raises:
            Refused: too few patients, or every draw keeps more than a third of a class away from training.
        """
        n_patients = len(table.patient_names)
        n_val, n_test = (max(1, round(share * n_patients)) for share in (self.val_share, self.test_share))
        if n_patients < n_val + n_test + 1:
            raise Refused(f"split=holdout needs at least 3 patients, got {n_patients}")
        rows = by_class(table.label)
        counts = np.zeros((n_patients, rows.shape[1]), int)
        np.add.at(counts, table.patient, rows)
        rng = np.random.default_rng(self.seed)
        best, most = None, -1
        for _ in range(N_DRAWS):
            drawn = rng.permutation(n_patients)
            test, val, train = drawn[:n_test], drawn[n_test : n_test + n_val], drawn[n_test + n_val :]
            away = counts[val].sum(axis=0) > KEPT_AWAY * counts[[*val, *train]].sum(axis=0)
            seen = sum(int(counts[side].any(axis=0).sum()) for side in (val, test))
            if seen > most and not away.any():
                best, most = (val, test), seen
        if best is None:
            raise Refused(
                f"split=holdout found no {n_val} validation patients of {n_patients} that leave training two thirds "
                f"of every class: lower split.val_share={self.val_share}"
            )
        val_rows, test_rows = (np.isin(table.patient, side) for side in best)
        yield fold_of(~val_rows & ~test_rows, val_rows, test_rows)


class Official:
    """The corpus's own folds, which keep its patients apart even where it does not name them.

    Args:
        validation: number of the fold to choose by.
        test: number of the fold to report on; all others train.
    """

    needs: tuple[str, ...] = ("official_folds",)

    def __init__(self, validation: int, test: int) -> None:
        if validation == test:
            raise Refused(f"split.validation={validation} and split.test={test} are one fold: choose by another")
        self.validation, self.test = validation, test

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        if table.official_fold is None:
            raise Refused("split=official needs a corpus with folds of its own: choose split=holdout")
        number = table.official_fold
        if absent := [n for n in (self.validation, self.test) if not (number == n).any()]:
            there = ", ".join(str(n) for n in np.unique(number).tolist())
            raise Refused(f"split=official finds no record in fold {absent[0]}: choose from {there}")
        val, test = number == self.validation, number == self.test
        yield fold_of(~val & ~test, val, test)


class RandomWindows:
    """Windows drawn at random, so that a patient stands on every side: to show how much that flatters.

    Args:
        val_share: share of the windows to choose by.
        test_share: share of the windows to report on.
        seed: of the draw.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, val_share: float, test_share: float, seed: int) -> None:
        check_shares({"val_share": val_share, "test_share": test_share})
        self.val_share, self.test_share, self.seed = val_share, test_share, seed

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        place = np.random.default_rng(self.seed).random(len(table))
        test = place < self.test_share
        val = ~test & (place < self.test_share + self.val_share)
        fold = fold_of(~test & ~val, val, test)
        yield replace(fold, shares_patients=True, tags={"leaky_split": "true"})


class Files:
    """The corpus's own training file and test file, whose rows are of the same patients: called leaky.

    Args:
        val_share: share of the rows of the training file to choose by.
        seed: of the draw.
    """

    needs: tuple[str, ...] = ("train_and_test_files",)

    def __init__(self, val_share: float, seed: int) -> None:
        if not 0 < val_share < 1:
            raise Refused(f"split.val_share={val_share} must lie between 0 and 1")
        self.val_share, self.seed = val_share, seed

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """One fold; fold 0 of the corpus is its training file, fold 1 its test file.

        Raises:
            Refused: there is no training file or no test file.
        """
        number = np.full(len(table), -1) if table.official_fold is None else table.official_fold
        if not ((number == 0).any() and (number == 1).any()):
            raise Refused("split=files needs a training file and a test file of the corpus: take split=random_windows")
        val = (number == 0) & (np.random.default_rng(self.seed).random(len(table)) < self.val_share)
        fold = fold_of((number == 0) & ~val, val, number == 1)
        yield replace(fold, shares_patients=True, tags={"leaky_split": "true"})


def fold_of(train: Bool[np.ndarray, " row"], val: Bool[np.ndarray, " row"], test: Bool[np.ndarray, " row"]) -> Fold:
    """The fold of these rows, given as masks."""
    return Fold(np.flatnonzero(train), np.flatnonzero(val), np.flatnonzero(test))


def check_known(split: Split, patient_known: Bool[np.ndarray, " row"]) -> None:
    """Refuse to go by patients where some are not known: two records of one person could part.

    Raises:
        Refused: some are not.
    """
    n_unknown = int((~patient_known).sum())
    if n_unknown and "patient" in split.needs:
        raise Refused(
            f"{n_unknown:,} of {len(patient_known):,} rows have no patient id, so no split by patients keeps them "
            f"apart: use split=official where the corpus has folds of its own, or split=random_windows, which is "
            f"called leaky"
        )
