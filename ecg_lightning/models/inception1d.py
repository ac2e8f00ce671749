"""The inception network of the PTB-XL benchmark: short and long waves seen side by side."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import ConvNorm, as_rows, row_conv
from ecg_lightning.layers.pooled_head import PooledHead
from ecg_lightning.layers.residual import Residual

KERNELS = (39, 19, 9)  # samples; 0.4, 0.2 and 0.1 s at 100 Hz
N_BRANCH = 32
WIDTH = N_BRANCH * (len(KERNELS) + 1)
N_LAYERS = 3  # beside one shortcut


class Inception(nn.Module):
    """Convolve over three spans of time at once, and the maxima of neighbours beside them; normalise and rectify.

    Args:
        n_in: leads or channels that come in.
    """

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.squeeze = row_conv(n_in, N_BRANCH, 1)
        self.spans = nn.ModuleList(row_conv(N_BRANCH, N_BRANCH, kernel) for kernel in KERNELS)
        self.maxima = nn.Sequential(nn.MaxPool2d((1, 3), 1, padding=(0, 1)), row_conv(n_in, N_BRANCH, 1))
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, waves: Float[Tensor, "batch n_in 1 step"]) -> Float[Tensor, "batch n_out 1 step"]:
        squeezed = self.squeeze(waves)
        seen = torch.cat([*(span(squeezed) for span in self.spans), self.maxima(waves)], dim=1)
        return torch.relu_(self.norm(seen))


def block(n_in: int) -> Residual:
    """Three inception layers beside one shortcut."""
    branch = nn.Sequential(Inception(n_in), *(Inception(WIDTH) for _ in range(N_LAYERS - 1)))
    return Residual(branch, ConvNorm(n_in, WIDTH, 1))


class Inception1d(nn.Module):
    """Six inception layers with a shortcut over each three, pooled over time; windows of any length at their full rate.

    507,653 parameters for 12 leads and 5 outputs; published: 0.51 M.

    Args:
        n_leads: rows of the input.
        n_outputs: logits per window.
        dropout: in front of the last linear layer; half of it in front of the first.

    Source:
        Ismail Fawaz et al., Data Min Knowl Disc 34:1936-1962 (2020), arXiv:1909.04939, with the head of
        Strodthoff et al., IEEE JBHI 25:1519-1528 (2021), arXiv:2004.13701.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(self, n_leads: int, n_outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(n_leads), block(WIDTH))
        self.head = PooledHead(WIDTH, n_outputs, dropout)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        return self.head(self.blocks(as_rows(ecg)))  # blocks: batch, 128, 1, time
