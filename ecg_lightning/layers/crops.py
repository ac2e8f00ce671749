"""One answer for a whole recording, from the answers to its crops."""

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_P = 1e-7  # beyond it a logit has no digits left in float32


def aggregate(logits: Float[Tensor, "batch crop out"], problem: str, by: str) -> Float[Tensor, "batch out"]:
    """Average the probabilities of the crops, or take the largest; the answer is given as logits again.

    Args:
        logits: of every crop.
        problem: "multilabel" for a sigmoid per class, "multiclass" for one softmax.
        by: "mean" or "max".
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    if by == "max":
        return logits.amax(dim=1)
    if problem == "multiclass":
        return torch.logsumexp(logits.log_softmax(dim=2), dim=1)
    return logits.sigmoid().mean(dim=1).logit(eps=LEAST_P)
