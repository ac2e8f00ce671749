"""Multinomial logistic regression: the baseline that any network must beat."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.standardise import Standardise


class Logistic(nn.Module):
    """One linear layer over the samples of the window and the features.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        feature_mean: of the training rows; empty where there are no features.
        feature_std: of the training rows.
    """

    takes = ("ecg", "features")
    produces = "logits"
    scope = "window"

    def __init__(
        self, n_leads: int, n_samples: int, n_outputs: int, feature_mean: Sequence[float], feature_std: Sequence[float]
    ) -> None:
        super().__init__()
        self.standardise = Standardise(feature_mean, feature_std)
        self.head = nn.Linear(n_leads * n_samples + len(feature_mean), n_outputs)

    def forward(
        self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch out"]:
        return self.head(torch.cat([ecg.flatten(1), self.standardise(features)], dim=1))
