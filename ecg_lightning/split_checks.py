"""What no division of rows may do, whoever makes it; each check says in words what is wrong."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Int

from ecg_lightning.structures import Fold, Refused, WindowTable

KEPT_AWAY = 1 / 3  # of any class: beyond it, validation rows take what training needs to see


def by_class(
    label: Int[np.ndarray, " row"] | Int[np.ndarray, "row class"], n_classes: int | None = None
) -> Int[np.ndarray, "row class"]:
    """One 0/1 column per class, whether rows have one class or several.

    Args:
        label: class index, or the columns already.
        n_classes: columns where label is an index; None for as many as occur.
    """
    if label.ndim == 2:
        return label
    return np.eye(int(label.max(initial=0)) + 1 if n_classes is None else n_classes, dtype=np.int64)[label]


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse shares of two sides that leave one of the three sides nothing.

    Args:
        shares: by the name of their setting.

    Raises:
        Refused: they do.
    """
    if not (min(shares.values()) > 0 and sum(shares.values()) < 1):
        said = " and ".join(f"split.{name}={share}" for name, share in shares.items())
        raise Refused(f"{said} must be above 0 and together below 1")


def check_kept_away(
    label: Int[np.ndarray, " row"], train: Bool[np.ndarray, " row"], val: Bool[np.ndarray, " row"], who: str
) -> None:
    """Refuse validation rows that hold more than a third of a class.

    Raises:
        Refused: they do.
    """
    rows = by_class(label)
    n_val, n_all = rows[val].sum(axis=0), rows[train | val].sum(axis=0)
    if len(away := np.flatnonzero(n_val > KEPT_AWAY * n_all)):
        what = ", ".join(f"{n_val[c]} of {n_all[c]} rows of class number {c}" for c in away)
        raise Refused(f"{who} keeps {what} away from training; at most a third may: choose other validation patients")


def check_sides(fold: Fold) -> None:
    """Refuse a fold with an empty side, or with one row on two.

    Raises:
        Refused: it has.
    """
    for side in ("train", "val", "test"):
        if not len(getattr(fold, side)):
            raise Refused(f"the split leaves no rows for {side}: use more patients or another split")
    rows = np.concatenate([fold.train, fold.val, fold.test])
    if len(np.unique(rows)) != len(rows):
        raise Refused("the split puts one row on two sides")


def check_patients(fold: Fold, table: WindowTable) -> Fold:
    """The fold, with a tag for each known person on two sides.

    Raises:
        Refused: somebody else is.
    """
    both = _on_two_sides(fold, table.patient)
    shared = {table.patient_names[i] for i in both}
    if fold.shares_patients:
        return replace(fold, without=())
    if wrong := sorted(shared - set(fold.known_shared)):
        raise Refused(f"patients on two sides of the split: {wrong}")
    if not shared:
        return replace(fold, without=())
    who = np.flatnonzero(np.isin(table.patient, sorted(both)))
    records = ",".join(sorted({table.record_names[i] for i in table.record[who]}))
    warnings.warn(f"records {records} are one person and stand on both sides of this published split", stacklevel=2)
    return replace(fold, tags={**fold.tags, "shared_patient": records})


def check_episodes(fold: Fold, table: WindowTable) -> None:
    """Refuse a fold that cuts an episode, whose windows are near copies of each other, unless it is called leaky.

    Raises:
        Refused: it does.
    """
    if table.episode is None or fold.tags.get("leaky_split") == "true":
        return
    if cut := sorted(_on_two_sides(fold, table.episode) - {-1}):
        row = int(np.flatnonzero(table.episode == cut[0])[0])
        raise Refused(
            f"{len(cut)} episodes stand on two sides of the split, the first of patient "
            f"{table.patient_names[table.patient[row]]} in record {table.record_names[table.record[row]]}: keep "
            f"episodes whole, or take split=random_windows, which is called leaky"
        )


def _on_two_sides(fold: Fold, number: Int[np.ndarray, " row"]) -> set[int]:
    sides = [set(np.unique(number[rows]).tolist()) for rows in (fold.train, fold.val, fold.test)]
    return set().union(*(one & other for one, other in combinations(sides, 2)))
