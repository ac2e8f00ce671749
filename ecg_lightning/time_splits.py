"""Splits by time: the same patients on every side, so that the numbers hold for people who have been seen before."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from ecg_lightning.split_checks import KEPT_AWAY, by_class, check_shares
from ecg_lightning.splits import N_DRAWS, fold_of
from ecg_lightning.structures import Fold, Refused, WindowTable

N_BOUNDARIES = 500  # tried for each of two


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

        Of several the one that keeps least beyond a third of a class away from training: with one day of three to
        choose by, some of it can hardly be helped.

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
        best, most = self._drawn(days[:, 0], rng), (-1, 0.0)
        for _ in range(N_DRAWS):
            side = self._drawn(days[:, 0], rng)
            train, val, test = (counts[side == k].sum(axis=0) for k in range(3))
            seen = int((np.stack([train, val, test]) > 0).sum())
            away = float((val / np.maximum(train + val, 1)).max())
            merit = (seen, -max(away, KEPT_AWAY))
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

    No boundary cuts an episode. The boundaries lie as near to the shares as lets every side see every class; where
    there is not enough of one, training comes first, then what is reported on.

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
            Refused: there is no such patient, rows have no clock, or the first part would lack a class.
        """
        if self.patient not in table.patient_names:
            close = [name for name in table.patient_names if name.lstrip("0") == str(self.patient).lstrip("0")]
            hint = f"did you mean '{close[0]}'?" if close else f"choose from {', '.join(table.patient_names)}"
            raise Refused(f"patient {self.patient} has no rows: {hint}")
        if "clock_s" not in table.measured:
            raise Refused("split=first_part needs rows with a clock: choose split=holdout for a corpus without clocks")
        row = np.arange(len(table))
        mine = row[table.patient == table.patient_names.index(self.patient)]
        mine = mine[np.argsort(table.measured["clock_s"][mine], kind="stable")]
        alone = -1 - mine
        episode = alone if table.episode is None else np.where(table.episode[mine] < 0, alone, table.episode[mine])
        number = _in_order(episode)
        first, last = self._boundaries(number, by_class(table.label)[mine])
        train, test = number < first, number >= last
        self._check_classes(table, mine[train])
        train_rows, val_rows, test_rows = (np.isin(row, mine[part]) for part in (train, ~train & ~test, test))
        fold = fold_of(train_rows, val_rows, test_rows)
        yield replace(fold, shares_patients=True, tags={"same_patients": "true"})

    def _boundaries(self, number: Int[np.ndarray, " row"], rows: Int[np.ndarray, "row class"]) -> tuple[int, int]:
        """Numbers of the episodes with which the second and the third part begin."""
        counts = np.zeros((number.max() + 1, rows.shape[1]), np.int64)
        np.add.at(counts, number, rows)
        place = np.unique(np.linspace(0, len(counts), N_BOUNDARIES).astype(np.int64))
        before = np.concatenate([np.zeros_like(counts[:1]), np.cumsum(counts, axis=0)])[place]  # place, class
        share = np.searchsorted(np.sort(number), place) / len(number)
        one, other = np.triu_indices(len(place), k=1)
        inner = (one > 0) & (other < len(place) - 1)
        if not inner.any():
            raise Refused(f"patient {self.patient} has {len(counts)} episodes or readings: three sides need at least 3")
        one, other = one[inner], other[inner]
        train, val, test = before[one], before[other] - before[one], before[-1] - before[other]
        away = np.abs(share[one] - self.train_share) + np.abs(share[other] - self.train_share - self.val_share)
        best = np.lexsort((away, *(-(part > 0).sum(axis=1) for part in (val, test, train))))[0]  # the last key first
        return int(place[one[best]]), int(place[other[best]])

    def _check_classes(self, table: WindowTable, train: Int[np.ndarray, " train"]) -> None:
        rows = by_class(table.label)
        if not (lacking := np.flatnonzero(~rows[train].any(axis=0))).size:
            return
        several = [name for i, name in enumerate(table.patient_names) if rows[table.patient == i].any(axis=0).all()]
        raise Refused(
            f"split.patient={self.patient} has no rows of class number {lacking[0]} to learn from: choose another; "
            f"{', '.join(several) or 'none'} of the patients have every class"
        )


def _in_order(episode: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    """Episodes numbered from 0 in the order in which they begin."""
    _, first, place = np.unique(episode, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place]
