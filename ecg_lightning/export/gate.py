"""What an exported file is held to before it gets its name."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle, Contract
from ecg_lightning.evaluation import decisions, evaluate
from ecg_lightning.export.portable import asked, first
from ecg_lightning.export.session import with_answers
from ecg_lightning.predictions import FITTED_ON, Predictions

SIZES = (1, 2, 7, 64, 512)  # of the batches; graphs with a size built in fail at some of these
SAME = 1e-4
ROUNDINGS = 2
JUDGED = "test"
ALIKE = ("accuracy", "subset_accuracy", "macro_f1", "macro_f1_nsvf", "macro_auroc", "auroc", "average_precision")
ADVICE = (
    "calibrate by more rows (--calibration-rows), or by another rule (--calibration percentile, entropy or minmax), "
    "ship float32 (--format onnx) instead; networks that lose by "
    "rounding itself need training with it, which this package does not do"
)


class Failed(ValueError):
    """A file that does not do what its network does; the message says by how much, and what to try."""


def parity(bundle: Bundle, says: Callable[[dict[str, Any]], Tensor], probes: dict[str, Any]) -> dict[int, float]:
    """Hold a float32 file to its network, in batches of several sizes.

    Args:
        bundle: of the network.
        says: asks the file.
        probes: windows as the file takes them.

    Returns:
        The largest difference of a logit (or part of a score), by batch size.

    Raises:
        Failed: it is more than 1e-4 and, where the network itself rounds by so much, more than twice its distance from
            what it says in double precision: behind a logarithm of small numbers that can be more.
    """
    found = {}
    for size in SIZES:
        few = first(probes, size)
        expected, said = asked(bundle, few), says(few)
        if said.shape != expected.shape:
            raise Failed(f"batch of {size}: the file gives shape {tuple(said.shape)}, not {tuple(expected.shape)}")
        found[size] = float((said - expected).abs().max())
    apart = float(np.max(list(found.values())))  # NaN if one is: Python's own max passes over it
    limit = SAME if apart <= SAME else max(SAME, ROUNDINGS * _rounding(bundle, probes))
    if not apart <= limit:
        by_size = ", ".join(f"{one:.2g} at {size}" for size, one in found.items())
        raise Failed(
            f"the file's answers differ from the network's by more than {limit:.2g} (by batch size: {by_size})"
        )
    return found


@torch.inference_mode()
def _rounding(bundle: Bundle, probes: dict[str, Any]) -> float:
    """How far the network is from itself in double precision; 0 of a score, which is computed in single."""
    if bundle.contract.problem == "anomaly":
        return 0.0
    double = Bundle(copy.deepcopy(bundle.network).double(), bundle.contract)
    extra = {name: signal.double() for name, signal in probes["extra"].items()}
    fields = {"ecg": probes["ecg"].double(), "features": probes["features"].double(), "extra": extra}
    return float((asked(double, fields) - asked(bundle, probes)).abs().max())


def judged_rows(predictions: Predictions) -> np.ndarray:
    """Positions of the rows that int8 is judged by.

    Raises:
        BadBundle: the run scored none.
    """
    rows = np.flatnonzero(predictions.table["side"] == JUDGED)
    if not len(rows):
        raise BadBundle("the run scored no test rows, and int8 is judged by them: run it again with test=true")
    return rows


def scores(
    predictions: Predictions, contract: Contract, said: Mapping[str, Float[Tensor, "row out"]], at: np.ndarray
) -> dict[str, dict[str, float]]:
    """What test rows are worth by each file's answers, and how often a file calls what the first one calls.

    Temperature, offsets and thresholds stay those of the contract: they follow from the run's own validation rows,
    whose answers are left as they are.

    Args:
        predictions: of the run.
        contract: of its bundle.
        said: answers to the judged rows, by file; the first is what the others are compared with.
        at: positions of the judged rows.
    """
    counts = predictions.table["side"].isin((FITTED_ON, JUDGED)).to_numpy()
    place = np.cumsum(counts)[at] - 1
    part = Predictions(**{**vars(predictions), "table": predictions.table[counts]})
    found, calls = {}, []
    for name, logits in said.items():
        own = with_answers(part, contract, logits, place)
        numbers = evaluate(own, n_boot=0).metrics
        calls.append(decisions(own).called[place])
        found[name] = _chosen(numbers, part.classes) | {"agreement": float((calls[-1] == calls[0]).mean())}
    return found


def _chosen(numbers: Mapping[str, float], classes: tuple[str, ...]) -> dict[str, float]:
    names = (*ALIKE, *(f"f1/{name}" for name in classes), *(f"sensitivity/{name}" for name in classes))
    return {name: numbers[key] for name in names if (key := f"{JUDGED}/{name}") in numbers}


def check_drop(before: Mapping[str, float], after: Mapping[str, float], most: float) -> None:
    """Refuse a file of int8 that has lost too much.

    Raises:
        Failed: macro-F1 of the test rows has fallen by more than `most`.
    """
    lost = before["macro_f1"] - after["macro_f1"]
    if not lost <= most:
        raise Failed(
            f"int8 loses {lost:.4f} of macro-F1 ({before['macro_f1']:.4f} to {after['macro_f1']:.4f}, agreement "
            f"{after['agreement']:.4f}), more than --max-drop={most:g}: {ADVICE}"
        )
