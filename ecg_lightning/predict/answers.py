"""What follows from the logits of a bundle's network where each row is of one class."""

import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.contract import Contract


def probabilities(contract: Contract, logits: Float[Tensor, "row out"]) -> Float[Tensor, "row class"]:
    """Calibrated probabilities of every class; of two that one output tells apart, both.

    In double precision, as thresholds are fitted.
    """
    scaled = logits.double() / contract.temperature
    if contract.problem == "binary":
        moved = scaled + contract.offset
        return torch.cat([-moved, moved], dim=1).sigmoid()
    return scaled.softmax(dim=1)


def called(contract: Contract, p: Float[Tensor, "row class"]) -> list[str]:
    """The likeliest class of each row; of two that one output tells apart, the second from its threshold on."""
    if contract.problem == "binary":
        (threshold,) = contract.thresholds or ()
        return [contract.classes[k] for k in (p[:, 1] >= threshold).int()]
    return [contract.classes[k] for k in p.argmax(dim=1)]
