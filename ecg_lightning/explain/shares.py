"""Is it physiological? How much of a map lies on each wave, beside how much of the time that wave takes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.explain.intervals import Mean, mean_over
from ecg_lightning.explain.waves import WAVES


@dataclass(frozen=True)
class Share:
    """One wave of one class.

    Args:
        wave: of `WAVES`.
        map: share of the map's absolute sum that lies on it.
        time: share of the samples.
        size: share of the absolute difference of ECG and baseline: what any map of size alone would give.
    """

    wave: str
    map: Mean
    time: Mean
    size: Mean


def on_waves(value: Float[np.ndarray, "row lead time"], wave: Int[np.ndarray, "row time"]) -> np.ndarray:
    """The share of every wave in the absolute sum of each row; NaN where a row is 0 all over.

    Args:
        value: a map; one row of it may stand for all leads.
        wave: index into `WAVES`.

    Returns:
        One row per row, one column per wave.
    """
    mass = np.abs(value).sum(axis=1)
    with np.errstate(invalid="ignore"):
        each = [np.where(wave == k, mass, 0.0).sum(axis=1) / mass.sum(axis=1) for k in range(len(WAVES))]
    return np.stack(each, axis=1)


def shares(
    value: Float[np.ndarray, "row _ time"],
    away: Float[np.ndarray, "row lead time"],
    wave: Int[np.ndarray, "row time"],
    patients: np.ndarray,
    seed: int,
) -> tuple[Share, ...]:
    """The share of every wave in the maps of a class.

    Args:
        value: the maps.
        away: the ECG minus its baseline.
        wave: index into `WAVES`.
        patients: whose each row is.
        seed: of the intervals.

    Returns:
        One per wave; none where every row's map is 0.
    """
    found = {"map": on_waves(value, wave), "time": on_waves(np.ones_like(away), wave), "size": on_waves(away, wave)}
    there = ~np.isnan(found["map"]).any(axis=1) & ~np.isnan(found["size"]).any(axis=1)
    if not there.any():
        return ()
    means = {
        name: [mean_over(x[there, k], patients[there], seed, (0, 1)) for k in range(len(WAVES))]
        for name, x in found.items()
    }
    return tuple(Share(name, *(means[of][k] for of in ("map", "time", "size"))) for k, name in enumerate(WAVES))


def sentence(name: str, found: tuple[Share, ...], of: str) -> str:
    """Say where a class is seen, densest wave first.

    Args:
        name: of the class, in words.
        found: of its waves.
        of: what the map is made of, e.g. "attribution".
    """
    most = max(
        (one for one in found if one.time.value > 0), key=lambda one: one.map.value / one.time.value, default=None
    )
    if most is None:
        return f"{name}: the map is 0 everywhere."
    low, high = most.map.low, most.map.high
    limits = f"of {most.map.too_few}" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"
    return (
        f"{name}: {100 * most.map.value:.0f} % ({limits}) of the {of} on {100 * most.time.value:.0f} % of the samples "
        f"({most.wave}), which hold {100 * most.size.value:.0f} % of the ECG's size."
    )
