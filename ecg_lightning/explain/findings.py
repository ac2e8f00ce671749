"""What is asked of an explanation, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from ecg_lightning.contract import Contract
from ecg_lightning.explain.cases import Cases
from ecg_lightning.explain.faithful import Curves, Gain
from ecg_lightning.explain.randomised import Stage
from ecg_lightning.explain.shares import Share
from ecg_lightning.predictions import Predictions

METHODS = {
    "ig": "Integrated Gradients",
    "occlusion": "occlusion",
    "gradcam": "Grad-CAM",
    "attention": "attention",
    "reconstruction": "reconstruction error",
}


@dataclass(frozen=True)
class Wanted:
    """What to explain, and how.

    Args:
        side: "test" or "val".
        classes: names; none for all.
        methods: of `METHODS`; none for all that the network has.
        n_rows: per class, for averages; None for some that take a minute.
        baseline: "zero" or "mean".
        n_steps: of Integrated Gradients.
        seed: of every draw.
        data_dir: where databases lie; None where the run found them.
    """

    side: str = "test"
    classes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    n_rows: int | None = None
    baseline: str = "zero"
    n_steps: int = 64
    seed: int = 0
    data_dir: Path | None = None


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows to look at.

    Args:
        cases: right ones, then wrong ones.
        right: which they are.
        target: class that each map speaks for: the one that was called, of a label always itself.
        p: what was said of that class.
        values: a map of each by each method.
        believed: whose Integrated Gradients converged; where there are none all.
    """

    cases: Cases
    right: Bool[np.ndarray, " row"]
    target: Int[np.ndarray, " row"]
    p: Float[np.ndarray, " row"]
    values: Mapping[str, Float[np.ndarray, "row _ time"]]
    believed: Bool[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class OfClass:
    """What was found of one class.

    Args:
        label: its number.
        cases: rows for the averages, those that did not converge left out.
        values: a map of each by each method.
        away: the ECG minus its baseline.
        n_left_out: rows whose Integrated Gradients did not converge.
        worst_error: of the rows that did, as a share of the change; None without this method.
        shares: of every wave, by method.
        curves: deletion and insertion by method, and "random".
        gains: over random order, by method.
        beside: share of the absolute attribution that each input has, and each feature.
        examples: to look at.
    """

    label: int
    cases: Cases
    values: Mapping[str, Float[np.ndarray, "row _ time"]]
    away: Float[np.ndarray, "row lead time"]
    n_left_out: int
    worst_error: float | None
    shares: Mapping[str, tuple[Share, ...]]
    curves: Mapping[str, Curves]
    gains: Mapping[str, Gain]
    beside: Mapping[str, Float[np.ndarray, " row"]]
    examples: Examples | None


@dataclass(frozen=True, eq=False)
class Explained:
    """Everything that was found.

    Args:
        contract: of the bundle.
        predictions: of the run.
        wanted: as asked, with the methods that were taken.
        classes: one after another.
        stages: of the randomisation; none where there are no gradients.
    """

    contract: Contract
    predictions: Predictions
    wanted: Wanted
    classes: tuple[OfClass, ...]
    stages: tuple[Stage, ...] = field(default=())
