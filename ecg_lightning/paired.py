"""Is one run really better than another on the same rows? A bootstrap that draws the same patients for both."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from ecg_lightning.calibration import Decisions
from ecg_lightning.comparison import own_headline
from ecg_lightning.evaluation import N_BOOT, decisions, numbers_of, replicates, weights
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.structures import Refused


@dataclass(frozen=True, eq=False)
class Paired:
    """What the first of two runs has over the second.

    Args:
        table: one row per number: name, first, second, difference (first minus second), low, high, and share_above:
            of the replicates, in how many the first is above the second, ties counted half. The last three are NaN
            where there is no interval.
        side: "test" or "val".
        n_rows: that both answered.
        n_units: patients or records that replicates draw.
        units: what they are, in words.
        n_boot: number of replicates.
    """

    table: pd.DataFrame
    side: str
    n_rows: int
    n_units: int
    units: str
    n_boot: int


def shared_side(runs: Sequence[Predictions]) -> str:
    """Test where all runs have such rows, else validation, whose rows chose epochs and thresholds.

    Raises:
        Refused: some have neither.
    """
    sides = set.intersection(*(set(about.table["side"]) for about in runs))
    for side in ("test", "val"):
        if side in sides:
            return side
    raise Refused("the runs have neither test rows nor validation rows in common")


def paired(first: Predictions, second: Predictions, side: str, n_boot: int = N_BOOT) -> Paired:
    """Compute the difference of every headline number that both have, with its 95 % interval.

    Each run goes by its own validation rows, fold by fold, as in `evaluation.evaluate`. A replicate draws patients (or
    records) with replacement, the same ones for both runs: what makes a patient hard for both does not count. Of a
    number by itself `evaluation` shifts the replicates by their bias; of a difference they are left as they are, so
    that the interval holds 0 exactly where neither run is above in 97.5 % of them.

    Args:
        first: of one run.
        second: of another.
        side: whose rows, "test" or "val".
        n_boot: number of replicates; 0 gives no interval, and neither do fewer than two patients.

    Raises:
        Refused: the runs answer different questions, or not about the same rows.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    if unlike := "; ".join(_unlike(first, second)):
        raise Refused(f"the runs answer different questions: {unlike}")
    one, two = _matched(_of_side(first, side), _of_side(second, side), side)
    unit, names = pd.factorize(one.column(one.about.resample))
    wanted = [name for name in own_headline(first) if name in own_headline(second)]
    n_boot = n_boot if len(names) > 1 else 0
    seed = min(first.seed, second.seed)  # the same whichever comes first
    drawn = _differences(one, two, unit, weights(len(names), n_boot, seed))
    table = _table(numbers_of(one, 0), numbers_of(two, 0), wanted, drawn)
    return Paired(table, side, len(unit), len(names), first.units, n_boot)


def _unlike(first: Predictions, second: Predictions) -> Iterator[str]:
    for name in ("task", "problem", "classes", "kinds", "resample"):
        one, two = (getattr(about, name) for about in (first, second))
        if one != two:
            yield f"{name} {_words(one)} and {_words(two)}"


def _words(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple | dict) else str(value)


def _of_side(about: Predictions, side: str) -> Decisions:
    rows = decisions(about)
    return rows.where(rows.column("side") == side)


def _matched(one: Decisions, two: Decisions, side: str) -> tuple[Decisions, Decisions]:
    """The rows of both in the same order, that of record and time.

    Raises:
        Refused: they are not the same rows, or not the same truth of them.
    """
    folds = any(_keys(rows, folds=False).has_duplicates for rows in (one, two))  # several folds ask about one row
    keys = [_keys(rows, folds) for rows in (one, two)]
    if any(key.has_duplicates for key in keys):
        raise Refused(f"{SIDES[side]} rows cannot be matched: several have the same record and time")
    shared = len(keys[0].intersection(keys[1]))
    if not shared == len(keys[0]) == len(keys[1]):
        raise Refused(
            f"the runs have different {SIDES[side]} rows{' in their folds' if folds else ''}: {len(keys[0]):,} and "
            f"{len(keys[1]):,}, of which {shared:,} are shared; compare runs of one split, one set of records and one "
            "way to cut windows"
        )
    one, two = (_ordered(rows, key.argsort()) for rows, key in zip((one, two), keys, strict=True))
    for what, differ in _contradictions(one, two).items():
        if differ:
            raise Refused(f"the runs have another {what} for {differ:,} of {shared:,} {SIDES[side]} rows")
    return one, two


def _keys(rows: Decisions, folds: bool) -> pd.MultiIndex:
    """Fold where it is asked for, record, and time in ms: what a row is, whichever run numbered it."""
    time_ms = np.rint(1000 * rows.column("time_s").astype(np.float64)).astype(np.int64)
    fold = rows.column("fold") if folds else np.zeros(len(time_ms), dtype=np.int64)
    return pd.MultiIndex.from_arrays([fold.astype(np.int64), rows.column("record").astype(str), time_ms])


def _ordered(rows: Decisions, order: Int[np.ndarray, " row"]) -> Decisions:
    about = replace(rows.about, table=rows.about.table.iloc[order].reset_index(drop=True))
    return Decisions(about, rows.p[order], rows.called[order])


def _contradictions(one: Decisions, two: Decisions) -> dict[str, int]:
    """Of how many rows the runs do not know the same."""
    labels = (rows.about.label.reshape(len(rows.p), -1) for rows in (one, two))
    kinds = [f"kind_{name}" for name in one.about.kinds]
    answers = (rows.about.table[kinds].to_numpy() for rows in (one, two))
    found = {"label": np.not_equal(*labels), "kind": np.not_equal(*answers)}
    found[one.about.resample] = (one.column(one.about.resample) != two.column(one.about.resample))[:, None]
    return {what: int(differs.any(axis=1).sum()) for what, differs in found.items()}


def _differences(
    one: Decisions, two: Decisions, unit: Int[np.ndarray, " row"], weight: Iterable[Float[np.ndarray, "replicate unit"]]
) -> dict[str, Float[np.ndarray, " replicate"]]:
    """What the first has over the second, replicate by replicate."""
    drawn: defaultdict[str, list[Float[np.ndarray, " replicate"]]] = defaultdict(list)
    for some in weight:
        of_two = replicates(two, unit, some)
        for name, values in replicates(one, unit, some).items():
            drawn[name].append(values - of_two[name])
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


def _table(
    first: dict[str, float], second: dict[str, float], wanted: list[str], drawn: dict[str, np.ndarray]
) -> pd.DataFrame:
    """The numbers that both have, with what the replicates say of their differences."""
    rows = []
    for name in wanted:
        difference = first.get(name, np.nan) - second.get(name, np.nan)
        if np.isnan(difference):
            continue
        values = drawn.get(name, np.array([]))
        there = values[~np.isnan(values)]
        low, high = np.quantile(there, [0.025, 0.975]) if len(there) else (np.nan, np.nan)
        share = np.mean((there > 0) + 0.5 * (there == 0)) if len(there) else np.nan
        rows.append((name, first[name], second[name], difference, low, high, share))
    return pd.DataFrame(rows, columns=["name", "first", "second", "difference", "low", "high", "share_above"])
