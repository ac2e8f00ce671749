"""Splits of several folds: every patient is reported on once, by a network that never saw them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from ecg_lightning.split_checks import KEPT_AWAY, by_class
from ecg_lightning.splits import DS1, fold_of
from ecg_lightning.structures import Fold, Refused, WindowTable

N_DRAWS = 1000  # of validation patients, for each fold
FEWEST_VAL = 2  # patients to choose by: one alone may have a single class
MOST_FOLDS = 100  # of a split that leaves one patient out: beyond it days pass, and k folds say the same


class KFold:
    """Whole patients in so many parts, alike in classes and size; each part is reported on once.

    Args:
        n_folds: parts.
        val_share: share of the patients of the other parts to choose by; at least two.
        seed: of parts and validation patients.
        fold: number of the one fold to make; None for all of them.

    Raises:
        Refused: n_folds, val_share or fold makes no sense.
    """

    needs: tuple[str, ...] = ("patient",)

    def __init__(self, n_folds: int, val_share: float, seed: int, fold: int | None = None) -> None:
        if n_folds < 2:
            raise Refused(f"split.n_folds={n_folds} must be at least 2")
        _check_share(val_share)
        _numbers(fold, n_folds)  # said at once
        self.n_folds, self.val_share, self.seed, self.fold = n_folds, val_share, seed, fold

    def count(self, patients: Sequence[str]) -> int:
        """How many folds there are; no signal is needed to say it.

        Args:
            patients: of the corpus.

        Raises:
            Refused: there are fewer patients than folds.
        """
        if len(patients) < self.n_folds:
            raise Refused(f"split.n_folds={self.n_folds} is more than the {len(patients)} patients: take fewer")
        return self.n_folds

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """Every fold, or the one that was asked for; each draws its own validation patients.

        Raises:
            Refused: there is no such fold, or every draw keeps more than a third of a class away from training.
        """
        n_folds = self.count(table.patient_names)
        part = parts(_counts(table), n_folds, self.seed)
        for number in _numbers(self.fold, n_folds):
            yield _fold(table, np.flatnonzero(part == number), np.flatnonzero(part != number), number, self)


class LeaveOnePatientOut:
    """One fold per patient, who is reported on by a network that learned from the others.

    Args:
        val_share: share of the other patients to choose by; at least two.
        seed: of the validation patients.
        fold: number of the one fold to make; None for all of them.

    Raises:
        Refused: val_share makes no sense.
    """

    needs: tuple[str, ...] = ("patient",)

    def __init__(self, val_share: float, seed: int, fold: int | None = None) -> None:
        _check_share(val_share)
        self.val_share, self.seed, self.fold = val_share, seed, fold

    def count(self, patients: Sequence[str]) -> int:
        """How many folds there are: one per patient; no signal is needed to say it.

        Raises:
            Refused: there are too few patients, or too many.
        """
        if len(patients) < FEWEST_VAL + 2:
            raise Refused(
                f"one patient out takes at least {FEWEST_VAL + 2} patients, of whom {FEWEST_VAL} validate; "
                f"there are {len(patients)}"
            )
        if len(patients) > MOST_FOLDS:
            raise Refused(
                f"one patient out of {len(patients):,} would train as many networks, above the limit of {MOST_FOLDS}: "
                f"take split=kfold"
            )
        return len(patients)

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """Every fold, or the one that was asked for; each draws its own validation patients.

        Raises:
            Refused: there is no such fold, or every draw keeps more than a third of a class away from training.
        """
        yield from _one_out(table, np.unique(table.patient), self)  # somebody without rows cannot be reported on


class LeaveOnePatientOutDS1:
    """One fold per patient of DS1 of MIT-BIH, learned from the rest of DS1; DS2 stays untouched.

    To choose a recipe by, before DS2 is looked at.

    Args:
        val_share: share of the other patients to choose by; at least two.
        seed: of the validation patients.
        fold: number of the one fold to make; None for all of them.

    Raises:
        Refused: val_share makes no sense.

    Source:
        de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004), on DS1.
    """

    needs: tuple[str, ...] = ("patient", "de_chazal_records")

    def __init__(self, val_share: float, seed: int, fold: int | None = None) -> None:
        self._within = LeaveOnePatientOut(val_share, seed, fold)

    @property
    def fold(self) -> int | None:
        return self._within.fold

    def count(self, patients: Sequence[str]) -> int:
        """How many folds there are: one per patient of DS1.

        Raises:
            Refused: there are too few patients.
        """
        return self._within.count([name for name in patients if name in DS1])

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """Every fold, or the one that was asked for; rows outside DS1 stand on no side.

        Raises:
            Refused: there is no such fold, or every draw keeps more than a third of a class away from training.
        """
        inside = np.isin(np.array(table.record_names)[table.record], DS1)  # 202, a record of patient 201, is in DS2
        yield from _one_out(table, np.unique(table.patient[inside]), self._within, inside)


def parts(counts: Int[np.ndarray, "patient class"], n_parts: int, seed: int) -> Int[np.ndarray, " patient"]:
    """The part of each patient, so that parts are alike in every class and in the number of patients.

    Patients go one after another, those with most of a class first, each to the part that then differs least from the
    others; which of equals goes first is chance.

    Args:
        counts: rows of each class.
        n_parts: at most as many as patients.
        seed: of that chance.

    Source:
        the greedy rule of scikit-learn's StratifiedGroupKFold.
    """
    rng = np.random.default_rng(seed)
    shares = np.concatenate([counts, np.ones((len(counts), 1))], axis=1)
    shares = shares / np.maximum(shares.sum(axis=0), 1)
    shares[:, -1] *= counts.shape[1]  # as many patients in each part count as much as all classes together
    chance = rng.permutation(len(counts))
    order = chance[np.argsort(-shares[chance, :-1].max(axis=1), kind="stable")]
    sums, part = np.zeros((n_parts, shares.shape[1])), np.zeros(len(counts), np.int64)
    for patient in order:
        after = sums + np.eye(n_parts)[:, :, None] * shares[patient]  # where it goes, part, class
        part[patient] = int(after.std(axis=1).sum(axis=1).argmin())
        sums[part[patient]] += shares[patient]
    return part


def validation_patients(
    counts: Int[np.ndarray, "patient class"], n_val: int, rng: np.random.Generator
) -> Int[np.ndarray, " val"] | None:
    """Of many draws the one that sees most classes, and of those the one whose share of each is nearest to its own.

    Args:
        counts: rows of each class, of the patients to draw from.
        n_val: how many are drawn.
        rng: draws.

    Returns:
        Numbers of the patients; None where every draw keeps more than a third of a class away from training.
    """
    drawn = rng.permuted(np.tile(np.arange(len(counts)), (N_DRAWS, 1)), axis=1)[:, :n_val]
    found, everyone = counts[drawn].sum(axis=1), counts.sum(axis=0)
    share = found[:, everyone > 0] / everyone[everyone > 0]
    seen, off = (share > 0).sum(axis=1), np.abs(share - n_val / len(counts)).sum(axis=1)
    allowed = np.flatnonzero((share <= KEPT_AWAY).all(axis=1))
    if not len(allowed):
        return None
    best = np.lexsort((off[allowed], -seen[allowed]))[0]
    return np.sort(drawn[allowed[best]])


def _one_out(
    table: WindowTable,
    patients: Int[np.ndarray, " patient"],
    split: LeaveOnePatientOut,
    inside: Bool[np.ndarray, " row"] | None = None,
) -> Iterator[Fold]:
    """Each of these patients left out in turn."""
    n_folds = split.count([table.patient_names[i] for i in patients])
    for number in _numbers(split.fold, n_folds):
        yield _fold(table, patients[[number]], np.delete(patients, number), number, split, inside)


def _fold(
    table: WindowTable,
    test: Int[np.ndarray, " test"],
    others: Int[np.ndarray, " other"],
    number: int,
    split: KFold | LeaveOnePatientOut,
    inside: Bool[np.ndarray, " row"] | None = None,
) -> Fold:
    """Report on some patients; choose by a few of the others, and learn from the rest of those.

    Raises:
        Refused: every draw of validation patients keeps more than a third of a class away from training.
    """
    n_val = max(FEWEST_VAL, round(split.val_share * len(others)))
    drawn = validation_patients(_counts(table, inside)[others], n_val, np.random.default_rng((split.seed, number)))
    if drawn is None:
        raise Refused(
            f"fold {number} finds no {n_val} validation patients of {len(others)} that leave training two thirds of "
            f"every class: change split.val_share={split.val_share} or the seed"
        )
    here = np.ones(len(table), bool) if inside is None else inside
    tested, val = np.isin(table.patient, test) & here, np.isin(table.patient, others[drawn]) & here
    return replace(fold_of(np.isin(table.patient, others) & here & ~val, val, tested), number=number)


def _counts(table: WindowTable, inside: Bool[np.ndarray, " row"] | None = None) -> Int[np.ndarray, "patient class"]:
    """Rows of each class that every patient has."""
    rows = by_class(table.label)
    counts = np.zeros((len(table.patient_names), rows.shape[1]), np.int64)
    here = slice(None) if inside is None else inside
    np.add.at(counts, table.patient[here], rows[here])
    return counts


def _numbers(fold: int | None, n_folds: int) -> Sequence[int]:
    """Which folds are made.

    Raises:
        Refused: there is no such fold.
    """
    if fold is None:
        return range(n_folds)
    if not 0 <= fold < n_folds:
        raise Refused(
            f"split.fold={fold} must lie between 0 and {n_folds - 1}: there are {n_folds} folds, as many as parts, or "
            f"as patients with rows"
        )
    return (fold,)


def _check_share(val_share: float) -> None:
    if not 0 < val_share < 1:
        raise Refused(f"split.val_share={val_share} must lie between 0 and 1")
