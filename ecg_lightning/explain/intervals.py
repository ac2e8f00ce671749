"""Means over rows with intervals over patients, as the evaluation has them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from ecg_lightning.evaluation import N_BOOT, weights

LEAST_PATIENTS = 3  # draws of two are one, the other or both: such an interval looks sure where nothing is


@dataclass(frozen=True)
class Mean:
    """A mean and its 95 % interval, None where there are fewer than `LEAST_PATIENTS` to draw from."""

    value: float
    low: float | None
    high: float | None
    n_patients: int

    @property
    def too_few(self) -> str:
        """Why there is no interval."""
        return f"{self.n_patients} patient{'s' * (self.n_patients != 1)}, too few for an interval"

    def __str__(self) -> str:
        return f"{self.value:.3g}" + ("" if self.low is None else f" [{self.low:.3g}, {self.high:.3g}]")


def mean_over(value: Float[np.ndarray, " row"], patients: np.ndarray, seed: int, between: tuple[float, float]) -> Mean:
    """Average rows, and draw whole patients with replacement to tell how sure that is.

    Args:
        value: of each row.
        patients: whose each is.
        seed: of the draws.
        between: what no mean can lie outside of.
    """
    unit, names = pd.factorize(patients)
    mean = float(value.mean())
    if len(names) < LEAST_PATIENTS:
        return Mean(mean, None, None, len(names))
    total, n_rows = np.bincount(unit, weights=value), np.bincount(unit)
    drawn = np.concatenate([(weight @ total) / (weight @ n_rows) for weight in weights(len(names), N_BOOT, seed)])
    low, high = np.quantile(drawn, [0.025, 0.975]) + (mean - drawn.mean())
    low, high = np.clip([low, high], *between)
    return Mean(mean, float(low), float(high), len(names))
