"""In which order an epoch sees its training rows, and how often each."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from ecg_lightning.structures import Refused


@runtime_checkable
class Sampler(Protocol):
    """Draws one epoch; `rebalances` says whether classes are seen out of proportion."""

    rebalances: bool

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]: ...


class Shuffle:
    """Every row once, in random order."""

    rebalances = False

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        return rng.permutation(len(label))


class Balanced:
    """As many draws as rows, with replacement, rare classes oftener.

    Args:
        power: 1 gives every class the same share, 0 leaves the proportions, 0.5 lies between.
        with_weighted_loss: allow it beside a loss that weights classes as well.
    """

    rebalances = True

    def __init__(self, power: float, with_weighted_loss: bool = False) -> None:  # noqa: ARG002, config.check reads it
        if not 0 < power <= 1:
            raise ValueError(f"sampler.power={power} must lie above 0 and not above 1")
        self.power = power

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        weight = np.bincount(label)[label] ** -float(self.power)
        return rng.choice(len(label), size=len(label), p=weight / weight.sum())


class Oversample:
    """Every row once, and rare classes again until each has `ratio` times the rows of the largest.

    Args:
        ratio: target size of a class, in parts of the largest one.
        with_weighted_loss: allow it beside a loss that weights classes as well.
    """

    rebalances = True

    def __init__(self, ratio: float, with_weighted_loss: bool = False) -> None:  # noqa: ARG002, config.check reads it
        if not 0 < ratio <= 1:
            raise ValueError(f"sampler.ratio={ratio} must lie above 0 and not above 1")
        self.ratio = ratio

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        counts = np.bincount(label)
        target = round(self.ratio * counts.max())
        more = [
            rng.choice(np.flatnonzero(label == c), target - n) for c, n in enumerate(counts.tolist()) if 0 < n < target
        ]
        return rng.permutation(np.concatenate([np.arange(len(label)), *more]))


class Undersample:
    """The largest class drawn down to `ratio` times the second largest, anew every epoch; the others whole.

    Args:
        ratio: rows kept of the largest class, in parts of the second largest.
        with_weighted_loss: allow it beside a loss that weights classes as well.
    """

    rebalances = True

    def __init__(self, ratio: float, with_weighted_loss: bool = False) -> None:  # noqa: ARG002, config.check reads it
        if ratio <= 0:
            raise ValueError(f"sampler.ratio={ratio} must be above 0")
        self.ratio = ratio

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        counts = np.bincount(label)
        largest = int(counts.argmax())
        second = int(np.partition(counts, -2)[-2]) if (counts > 0).sum() > 1 else int(counts[largest])
        keep = min(int(counts[largest]), round(self.ratio * second))
        kept = rng.choice(np.flatnonzero(label == largest), keep, replace=False)
        return rng.permutation(np.concatenate([kept, np.flatnonzero(label != largest)]))


class OverAndUnder:
    """As many rows as there are, every class with the same share: large ones drawn down, small ones whole and again.

    Between `Oversample`, which makes an epoch longer, and `Undersample`, which leaves rows out: both meet at the mean
    size of the classes that occur.

    Args:
        with_weighted_loss: allow it beside a loss that weights classes as well.
    """

    rebalances = True

    def __init__(self, with_weighted_loss: bool = False) -> None:
        """Nothing to keep: `config.check` reads with_weighted_loss."""

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        rows = [np.flatnonzero(label == c) for c in np.unique(label)]
        target = round(len(label) / len(rows))
        drawn = [
            rng.choice(here, target, replace=False)
            if len(here) > target
            else np.concatenate([here, rng.choice(here, target - len(here))])
            for here in rows
        ]
        return rng.permutation(np.concatenate(drawn))


class PositiveShare:
    """The largest epoch without repeats in which the second of two classes has its share; the rest are left out anew.

    Args:
        share: of the rows of the second class; 1 draws these alone, 0 the others alone.

    Raises:
        ValueError: the share lies outside 0 to 1.
    """

    rebalances = True

    def __init__(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"pretrain.positive_share={share} must lie between 0 and 1, or be null for all rows")
        self.share = share

    def draw(self, label: Int[np.ndarray, " row"], rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
        """Draw row numbers.

        Raises:
            Refused: a class that must be drawn has no rows.
        """
        positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
        for rows, share, which in ((positive, self.share, "second"), (negative, 1 - self.share, "first")):
            if share > 0 and not len(rows):
                raise Refused(
                    f"pretrain.positive_share={self.share}, but none of the {len(label)} training rows is of the "
                    f"{which} class: set it to null, or choose another split"
                )
        most = min(len(rows) / share for rows, share in ((positive, self.share), (negative, 1 - self.share)) if share)
        n_positive = min(len(positive), round(self.share * most))
        n_negative = min(len(negative), round((1 - self.share) * most))
        drawn = [rng.choice(positive, n_positive, replace=False), rng.choice(negative, n_negative, replace=False)]
        return rng.permutation(np.concatenate(drawn))
