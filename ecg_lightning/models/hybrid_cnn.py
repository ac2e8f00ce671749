"""The hybrid network: what a beat looks like, and when it comes."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.morphology import Morphology
from ecg_lightning.layers.standardise import Standardise

N_RHYTHM = 32
N_HEAD = 64


class HybridCNN(nn.Module):
    """Three convolutions see the shape of a beat, two linear layers its rhythm, and the head both.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        n_outputs: logits per window.
        feature_mean: rhythm features over the training rows.
        feature_std: likewise.
        width: channels of the first convolution; doubled twice.
        n_parts: of the window, at most; each is averaged by itself.
        dropout: in the head.

    Raises:
        ValueError: there are no features; or nothing is left of the window after three halvings, or there is no part.
    """

    takes = ("ecg", "features")
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        feature_mean: Sequence[float],
        feature_std: Sequence[float],
        width: int = 32,
        n_parts: int = 5,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if not len(feature_mean):
            raise ValueError("feature_mean=[] leaves the rhythm stream without input: features=rhythm, or model=cnn")
        self.morphology = Morphology(n_leads, n_samples, width, n_parts)
        self.standardise = Standardise(feature_mean, feature_std)
        self.rhythm = nn.Sequential(
            nn.Linear(len(feature_mean), N_RHYTHM), nn.ReLU(), nn.Linear(N_RHYTHM, N_RHYTHM), nn.ReLU()
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(self.morphology.n_out + N_RHYTHM, N_HEAD),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(N_HEAD, n_outputs),
        )

    def forward(
        self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch out"]:
        streams = [self.morphology(ecg), self.rhythm(self.standardise(features))]
        return self.head(torch.cat(streams, dim=1))
