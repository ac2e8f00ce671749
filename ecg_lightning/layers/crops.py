"""One answer for a whole recording, from the answers to its crops."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid


def aggregate(logits: Float[Tensor, "batch crop out"], problem: str, by: str) -> Float[Tensor, "batch out"]:
    """Average the probabilities of the crops, or take the largest; the answer is given as logits again.

    Args:
        logits: of every crop.
        problem: "multilabel" for a sigmoid per class, "multiclass" for one softmax.
        by: "mean" or "max".
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    if problem == "multiclass":
        log_p = logits.log_softmax(dim=2)
        return log_p.amax(dim=1) if by == "max" else log_p.logsumexp(dim=1)
    if by == "max":
        return logits.amax(dim=1)
    return logsigmoid(logits).logsumexp(dim=1) - logsigmoid(-logits).logsumexp(dim=1)  # the logit of the mean p
