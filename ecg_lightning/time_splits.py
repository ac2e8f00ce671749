"""Splits by time: the same patients on every side, so that the numbers hold for people who have been seen before."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.split_checks import KEPT_AWAY, by_class, check_shares
from ecg_lightning.splits import N_DRAWS, fold_of
from ecg_lightning.structures import Fold, Refused, WindowTable


class Day:
    """Whole days of each patient drawn at random for validation and test.

    A patient with a single day trains only; of two days one trains and the other is of either side, by chance.

    Args:
        val_share: share of each patient's days to choose by.
        test_share: share of each patient's days to report on.
        seed: of the draw.
    """

    needs: tuple[str, ...] = ("patient", "day")

    def __init__(self, val_share: float, test_share: float, seed: int) -> None:
        check_shares({"val_share": val_share, "test_share": test_share})
        self.val_share, self.test_share, self.seed = val_share, test_share, seed

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """One fold, of 200 draws the one whose sides see most classes.

        Of several the first that keeps no more than a third of a class away from training.

        Raises:
            Refused: rows have no day.
        """
        if table.day is None:
            raise Refused("split=day needs rows with a day: choose split=holdout for a corpus without clocks")
        days, place = np.unique(np.stack([table.patient, table.day], axis=1), axis=0, return_inverse=True)
        rows = by_class(table.label)
        counts = np.zeros((len(days), rows.shape[1]), int)
        np.add.at(counts, place, rows)
        rng = np.random.default_rng(self.seed)
        best, most = self._drawn(days[:, 0], rng), (-1, False)
        for _ in range(N_DRAWS):
            side = self._drawn(days[:, 0], rng)
            train, val, test = (counts[side == k].sum(axis=0) for k in range(3))
            seen = int((np.stack([train, val, test]) > 0).sum())
            merit = (seen, bool((val <= KEPT_AWAY * (train + val)).all()))
            if merit > most:
                best, most = side, merit
        train_rows, val_rows, test_rows = (best[place] == k for k in range(3))
        fold = fold_of(train_rows, val_rows, test_rows)
        yield replace(fold, shares_patients=True, tags={"same_patients": "true"})

    def _drawn(self, patient: Int[np.ndarray, " day"], rng: np.random.Generator) -> Int[np.ndarray, " day"]:
        """The side of each day: 0 trains, 1 chooses, 2 is reported on."""
        side = np.zeros(len(patient), np.int64)
        for one in np.unique(patient):
            drawn = rng.permutation(np.flatnonzero(patient == one))
            if len(drawn) == 2:
                side[drawn[0]] = rng.integers(1, 3)
            elif len(drawn) > 2:
                n_test = min(max(1, round(self.test_share * len(drawn))), len(drawn) - 2)
                n_val = min(max(1, round(self.val_share * len(drawn))), len(drawn) - 1 - n_test)
                side[drawn[:n_test]], side[drawn[n_test : n_test + n_val]] = 2, 1
        return side


class FirstPart:
    """The rows of one patient in the order of time: the first part trains, the next chooses, the rest is reported on.

    No boundary cuts an episode: all of its rows stand where the first of them does.

    Args:
        patient: whose rows; None is refused with a list of those there are.
        train_share: share of the rows to learn from.
        val_share: share of the rows to choose by.
    """

    needs: tuple[str, ...] = ("patient", "day")

    def __init__(self, patient: str | int | None, train_share: float, val_share: float) -> None:
        check_shares({"train_share": train_share, "val_share": val_share})
        self.patient = None if patient is None else str(patient)  # on a command line 10 is a number
        self.train_share, self.val_share = train_share, val_share

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        """One fold.

        Raises:
            Refused: there is no such patient, rows have no clock, or the first part lacks a class.
        """
        if self.patient not in table.patient_names:
            raise Refused(f"split.patient={self.patient} has no rows: choose from {', '.join(table.patient_names)}")
        if "clock_s" not in table.measured:
            raise Refused("split=first_part needs rows with a clock: choose split=holdout for a corpus without clocks")
        row = np.arange(len(table))
        mine = row[table.patient == table.patient_names.index(self.patient)]
        mine = mine[np.argsort(table.measured["clock_s"][mine], kind="stable")]
        alone = -1 - np.arange(len(mine))
        episode = alone if table.episode is None else np.where(table.episode[mine] < 0, alone, table.episode[mine])
        before = _share_before(episode)
        train, test = before < self.train_share, before >= self.train_share + self.val_share
        self._check_classes(table, mine[train])
        train_rows, val_rows, test_rows = (np.isin(row, mine[part]) for part in (train, ~train & ~test, test))
        fold = fold_of(train_rows, val_rows, test_rows)
        yield replace(fold, shares_patients=True, tags={"same_patients": "true"})

    def _check_classes(self, table: WindowTable, train: Int[np.ndarray, " train"]) -> None:
        rows = by_class(table.label)
        if not (lacking := np.flatnonzero(~rows[train].any(axis=0))).size:
            return
        several = [name for i, name in enumerate(table.patient_names) if rows[table.patient == i].any(axis=0).all()]
        raise Refused(
            f"split.train_share={self.train_share} gives training {len(train):,} rows of patient {self.patient}, none "
            f"of class number {lacking[0]}: raise it, or choose another patient; {', '.join(several) or 'none'} of "
            f"them have every class"
        )


def _share_before(episode: Int[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """Which share of the rows lies before the episode of each, in the order in which episodes begin."""
    _, first, place, n_rows = np.unique(episode, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    before = np.empty(len(first))
    before[order] = np.cumsum(n_rows[order]) - n_rows[order]
    return before[place] / len(episode)
