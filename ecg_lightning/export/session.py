"""A file asked on one thread, by the rows of its run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.contract import Contract
from ecg_lightning.export.portable import given, single
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.layers.reconstruction_scores import over_crops
from ecg_lightning.predict.answers import outputs
from ecg_lightning.predict.rows import N_ROWS, Rows
from ecg_lightning.predictions import Predictions
from ecg_lightning.windowing import Crops

Feed = dict[str, np.ndarray]


def opened(model: bytes | Path) -> onnxruntime.InferenceSession:
    """A session on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def names_of(session: onnxruntime.InferenceSession) -> tuple[str, ...]:
    """Its inputs, in order."""
    return tuple(one.name for one in session.get_inputs())


def feed_of(names: tuple[str, ...], fields: dict[str, Any]) -> Feed:
    """Fields of windows as the inputs of a file."""
    return {name: one.numpy() for name, one in zip(names, given(names, fields), strict=True)}


def says(session: onnxruntime.InferenceSession, fields: dict[str, Any]) -> Float[Tensor, "window out"]:
    """Answers to windows."""
    return torch.from_numpy(session.run(None, feed_of(names_of(session), fields))[0])


def says_one_by_one(session: onnxruntime.InferenceSession, fields: dict[str, Any]) -> Float[Tensor, "window out"]:
    """Answers to windows that are asked alone, as on a device: dynamic ranges of int8 are those of a whole batch."""
    feed = feed_of(names_of(session), fields)
    alone = [{name: one[k : k + 1] for name, one in feed.items()} for k in range(len(next(iter(feed.values()))))]
    return torch.from_numpy(np.concatenate([session.run(None, one)[0] for one in alone]))


def answers(
    says: Callable[[dict[str, Any]], Float[Tensor, "window out"]], contract: Contract, rows: Rows
) -> Float[Tensor, "row out"]:
    """Answers to rows: those to the crops of a recording made one, as `predict.rows.answers` does.

    Args:
        says: asks a file about windows.
        contract: of its bundle.
        rows: to be asked.
    """
    found = []
    for first in range(0, len(rows), N_ROWS):
        fields, n_crops = single(contract, rows.batch(slice(first, first + N_ROWS)))
        said = says(fields)
        if isinstance(contract.window, Crops):
            crops, by = said.unflatten(0, (-1, n_crops)), contract.window.by
            anomaly = contract.problem == "anomaly"
            said = over_crops(crops, by) if anomaly else aggregate(crops, contract.problem, by)
        found.append(said)
    return torch.cat(found)


def with_answers(
    predictions: Predictions, contract: Contract, said: Float[Tensor, "row out"], at: np.ndarray
) -> Predictions:
    """Predictions in which some rows have other answers.

    Args:
        predictions: of the run.
        contract: that names the columns.
        said: the answers.
        at: positions of their rows in the table.
    """
    word = "score" if contract.problem == "anomaly" else "logit"
    table = predictions.table.reset_index(drop=True).copy()
    for name, column in zip(outputs(contract), said.T, strict=True):
        whole = table[f"{word}_{name}"].to_numpy(np.float64).copy()
        whole[at] = column.double().numpy()
        table[f"{word}_{name}"] = whole
    return Predictions(**{**vars(predictions), "table": table})
