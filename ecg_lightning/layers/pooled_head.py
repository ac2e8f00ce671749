"""From waves of any length to logits."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

N_HIDDEN = 128


class PooledHead(nn.Module):
    """Largest and mean value of every channel over time, then two linear layers.

    Normalises over the batch alone: a batch of one window cannot be trained on.

    Args:
        n_in: channels.
        n_outputs: logits per window.
        dropout: in front of the last linear layer; half of it in front of the first.

    Source:
        Strodthoff et al., IEEE JBHI 25:1519-1528 (2021), arXiv:2004.13701.
    """

    def __init__(self, n_in: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * n_in),
            nn.Dropout(dropout / 2),
            nn.Linear(2 * n_in, N_HIDDEN),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(N_HIDDEN),
            nn.Dropout(dropout),
            nn.Linear(N_HIDDEN, n_outputs),
        )

    def forward(self, waves: Float[Tensor, "batch n_in 1 step"]) -> Float[Tensor, "batch out"]:
        pooled = torch.cat([waves.amax(dim=(2, 3)), waves.mean(dim=(2, 3))], dim=1)  # batch, 2*n_in
        return self.layers(pooled)
