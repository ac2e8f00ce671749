"""Logistic regression on the features alone: what a network that hears the ECG has to beat."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.standardise import Standardise


class FeatureLogistic(nn.Module):
    """One linear layer over the standardised features; the ECG itself is not looked at.

    Args:
        n_outputs: logits per window.
        feature_mean: of the training rows.
        feature_std: of the training rows.

    Raises:
        ValueError: there are no features.
    """

    takes = ("features",)
    produces = "logits"
    scope = "window"

    def __init__(self, n_outputs: int, feature_mean: Sequence[float], feature_std: Sequence[float]) -> None:
        super().__init__()
        if not len(feature_mean):
            raise ValueError("feature_mean=[] leaves nothing to learn from: choose features other than none")
        self.standardise = Standardise(feature_mean, feature_std)
        self.head = nn.Linear(len(feature_mean), n_outputs)

    def forward(self, features: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch out"]:
        return self.head(self.standardise(features))
