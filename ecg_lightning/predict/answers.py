"""What a bundle's network answers, and what follows from it where each row is of one class."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.layers.reconstruction_scores import part_names, parts
from ecg_lightning.standards import combined
from ecg_lightning.windowing import Crops, Segments, Window

Kind = TypeVar("Kind", Window, Crops, Segments)
USES = {  # what a bundle is for, by how it cuts records
    Window: "single beats: use predict.beats.classify",
    Crops: "whole recordings: use predict.recordings.diagnose",
    Segments: "stretches of recordings: use predict.segments.watch",
}


def window_of(contract: Contract, kind: type[Kind]) -> Kind:
    """How a bundle cuts records, which is to be of this kind.

    Raises:
        ValueError: it is of another; the message says what to use instead.
    """
    if not isinstance(contract.window, kind):
        raise ValueError(f"network={contract.network} answers for {USES[type(contract.window)]}")
    return contract.window


def outputs(contract: Contract) -> tuple[str, ...]:
    """What the columns of `ask` are called."""
    if contract.problem == "anomaly":
        return part_names(len(contract.features.names))
    return contract.classes[1:] if contract.problem == "binary" else contract.classes


def ask(bundle: Bundle, fields: Mapping[str, Any]) -> Float[Tensor, "row out"]:
    """The network's logits, or if anomaly every part of a score.

    Args:
        bundle: whose network is asked.
        fields: ecg, features and extra of some rows, as `batch.Batch` has them.
    """
    contract, network = bundle.contract, bundle.network
    if contract.problem == "anomaly":
        mean, std = torch.tensor(contract.feature_mean), torch.tensor(contract.feature_std)
        return parts(network, fields["ecg"], fields["features"], mean, std)
    return network(*(fields[name] for name in cast(Sequence[str], network.takes)))


def anomalies(contract: Contract, found: Float[Tensor, "row part"]) -> dict[str, Any]:
    """The columns of a table of scores: class, score, threshold, and every part, whether it counts or not.

    In double precision, as standards and thresholds are fitted.

    Args:
        contract: with a score.
        found: every part, as `ask` gives them.

    Raises:
        ValueError: the contract has no score.
    """
    if contract.score is None:
        raise ValueError(f"problem={contract.problem} of the bundle has no score: take one of problem=anomaly")
    by_name = dict(zip(outputs(contract), found.double().numpy().T, strict=True))
    counted = np.stack([by_name[name] for name in contract.score.parts], axis=1)
    score = combined(counted, tuple(zip(contract.score.mean, contract.score.sd, strict=True)))
    (threshold,) = contract.thresholds or ()
    return {
        "class": [contract.classes[int(above)] for above in score >= threshold],
        "score": score,
        "threshold": threshold,
        **{f"score_{name}": value for name, value in by_name.items()},
    }


def probabilities(contract: Contract, logits: Float[Tensor, "row out"]) -> Float[Tensor, "row class"]:
    """Calibrated probabilities of every class; of two that one output tells apart, both.

    In double precision, as thresholds are fitted.
    """
    scaled = logits.double() / contract.temperature
    if contract.problem == "multiclass":
        return scaled.softmax(dim=1)
    moved = scaled + torch.tensor(contract.offsets or 0.0, dtype=scaled.dtype)
    return (torch.cat([-moved, moved], dim=1) if contract.problem == "binary" else moved).sigmoid()


def called(contract: Contract, p: Float[Tensor, "row class"]) -> list[str]:
    """The likeliest class of each row; of two that one output tells apart, the second from its threshold on."""
    if contract.problem == "binary":
        (threshold,) = contract.thresholds or ()
        return [contract.classes[k] for k in (p[:, 1] >= threshold).int().tolist()]
    return [contract.classes[k] for k in p.argmax(dim=1).tolist()]
