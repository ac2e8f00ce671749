"""Which rows of a run are explained: some of every class for the averages, a few right and wrong ones to look at."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from ecg_lightning.bundle import Bundle
from ecg_lightning.predict.answers import anomalies, called, probabilities
from ecg_lightning.predict.rows import Rows, recorded
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.structures import Refused

PER_EXAMPLE = 2  # right ones of a class to look at, and as many wrong ones


@dataclass(frozen=True, eq=False)
class Judged:
    """What a run said of the rows of its table.

    Args:
        member: row is of the class.
        called: the class was called for the row.
        p: calibrated; if anomaly the score, in both columns.
    """

    member: Bool[np.ndarray, "row class"]
    called: Bool[np.ndarray, "row class"]
    p: Float[np.ndarray, "row class"]


def judged(bundle: Bundle, predictions: Predictions) -> Judged:
    """Decide the rows of a table as `predict` decides.

    Args:
        bundle: of the run.
        predictions: of the run.
    """
    contract = bundle.contract
    label, n_classes = predictions.label, len(contract.classes)
    member = label == 1 if label.ndim == 2 else label[:, None] == np.arange(n_classes)
    said = torch.from_numpy(_said(bundle, predictions))
    if contract.problem == "anomaly":
        found = anomalies(contract, said)
        index = np.array([contract.classes.index(name) for name in found["class"]])
        score = np.asarray(found["score"], np.float64)
        return Judged(member, index[:, None] == np.arange(n_classes), np.stack([score, score], axis=1))
    p = probabilities(contract, said)
    if contract.problem == "multilabel":
        limits = np.array(contract.thresholds or [0.5] * n_classes)
        return Judged(member, p.numpy() >= limits, p.numpy())
    index = np.array([contract.classes.index(name) for name in called(contract, p)])
    return Judged(member, index[:, None] == np.arange(n_classes), p.numpy())


def classes_of(predictions: Predictions, asked: tuple[str, ...]) -> tuple[int, ...]:
    """The classes to explain, by number, in the order of the network.

    Args:
        predictions: of the run.
        asked: names; none for all that have rows.

    Raises:
        Refused: there is no such class.
    """
    unknown = [name for name in asked if name not in predictions.classes]
    if unknown:
        raise Refused(f"classes={','.join(unknown)} are unknown: choose from {', '.join(predictions.classes)}")
    return tuple(k for k, name in enumerate(predictions.classes) if not asked or name in asked)


def for_averages(
    predictions: Predictions, found: Judged, side: str, label: int, n_rows: int, seed: int
) -> Int[np.ndarray, " chosen"]:
    """Draw rows of a class, patient by patient in turn, so that whoever has most of them does not speak for all.

    Args:
        predictions: of the run.
        found: what was said of them.
        side: "test" or "val".
        label: the class.
        n_rows: at most.
        seed: of the draw.

    Raises:
        Refused: the side was not scored.
    """
    table = predictions.table
    here = table["side"].to_numpy() == side
    if not here.any():
        there = [name for name in SIDES if (table["side"] == name).any()]
        raise Refused(f"side={side} has no rows in the run's predictions: take --side {' or '.join(there)}")
    rows = np.flatnonzero(here & found.member[:, label])
    mixed = np.random.default_rng((seed, label)).permutation(rows)
    patient = table["patient"].astype(str).iloc[mixed]
    turn = patient.groupby(patient.to_numpy(), sort=False).cumcount().to_numpy()
    return np.sort(mixed[np.argsort(turn, kind="stable")[:n_rows]])


def to_look_at(
    predictions: Predictions, found: Judged, side: str, label: int, seed: int
) -> tuple[Int[np.ndarray, " right"], Int[np.ndarray, " wrong"]]:
    """Draw right and wrong rows of a class, of different patients where there are any.

    Args:
        predictions: of the run.
        found: what was said of them.
        side: "test" or "val".
        label: the class.
        seed: of the draw.
    """
    right = found.called[:, label]
    pair = []
    for part in (right, ~right):
        some = Judged(found.member & part[:, None], found.called, found.p)
        pair.append(for_averages(predictions, some, side, label, PER_EXAMPLE, seed))
    return pair[0], pair[1]


def _said(bundle: Bundle, predictions: Predictions) -> Float[np.ndarray, "row out"]:
    nothing = torch.empty(0)
    rows = Rows(predictions, nothing[None, None], nothing[None], {}, (), "")
    return recorded(bundle, rows)
