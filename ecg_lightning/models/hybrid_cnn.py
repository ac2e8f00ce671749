"""The hybrid network: what a beat looks like, and when it comes."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import WaveConv, as_rows
from ecg_lightning.layers.standardise import Standardise

KERNELS = (7, 5, 3)
N_RHYTHM = 32
N_HEAD = 64


class HybridCNN(nn.Module):
    """Three convolutions see the shape of a beat, two linear layers its rhythm, and the head both.

    The morphology is averaged within a few parts of the window, not over all of it: where a wave stands before or
    behind the R peak (is there a P wave?) is half of what tells an S beat.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        n_outputs: logits per window.
        feature_mean: rhythm features over the training rows; where there are none the rhythm stream is left out.
        feature_std: likewise.
        width: channels of the first convolution; doubled twice.
        n_parts: of the window, at most; each is averaged by itself.
        dropout: in the head.

    Raises:
        ValueError: three halvings leave nothing of the window, or there is no part.
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
        n_steps = n_samples // 2 ** len(KERNELS)
        if n_steps < 1:
            raise ValueError(f"n_samples={n_samples} must be at least {2 ** len(KERNELS)}: choose a longer window")
        if n_parts < 1:
            raise ValueError(f"n_parts={n_parts} must be at least 1: 5 is usual")
        widths = (n_leads, width, 2 * width, 4 * width)
        n_per_part = -(-n_steps // n_parts)
        n_morphology = widths[-1] * -(-n_steps // n_per_part)
        n_features = len(feature_mean)
        n_rhythm = N_RHYTHM if n_features else 0
        self.waves = nn.Sequential(*(WaveConv(a, b, k) for (a, b), k in zip(pairwise(widths), KERNELS, strict=True)))
        self.parts = nn.AvgPool2d((1, n_per_part), ceil_mode=True)
        self.standardise = Standardise(feature_mean, feature_std)
        self.rhythm: nn.Module = nn.Identity()
        if n_features:
            linears = (nn.Linear(n_features, n_rhythm), nn.ReLU(), nn.Linear(n_rhythm, n_rhythm), nn.ReLU())
            self.rhythm = nn.Sequential(*linears)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(n_morphology + n_rhythm, N_HEAD),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(N_HEAD, n_outputs),
        )

    def forward(
        self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch out"]:
        waves = self.waves(as_rows(ecg))  # batch, 4*width, 1, time/8
        morphology = self.parts(waves).flatten(1)  # batch, 4*width*parts
        rhythm = self.rhythm(self.standardise(features))
        return self.head(torch.cat([morphology, rhythm], dim=1))
