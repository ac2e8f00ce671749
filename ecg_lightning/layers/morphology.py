"""What a beat looks like, in a few numbers."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import WaveConv, as_rows

KERNELS = (7, 5, 3)


class Morphology(nn.Module):
    """Three convolutions, averaged within a few parts of the window.

    Not averaged over all of it: where a wave stands before or behind the R peak (is there a P wave?) is half of what
    tells an S beat.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        width: channels of the first convolution; doubled twice.
        n_parts: of the window, at most; each is averaged by itself.

    Raises:
        ValueError: three halvings leave nothing of the window, or there is no part.
    """

    def __init__(self, n_leads: int, n_samples: int, width: int, n_parts: int) -> None:
        super().__init__()
        n_steps = n_samples // 2 ** len(KERNELS)
        if n_steps < 1:
            raise ValueError(f"n_samples={n_samples} must be at least {2 ** len(KERNELS)}: choose a longer window")
        if n_parts < 1:
            raise ValueError(f"n_parts={n_parts} must be at least 1: 5 is usual")
        widths = (n_leads, width, 2 * width, 4 * width)
        n_per_part = -(-n_steps // n_parts)
        self.n_out = widths[-1] * -(-n_steps // n_per_part)
        self.waves = nn.Sequential(*(WaveConv(a, b, k) for (a, b), k in zip(pairwise(widths), KERNELS, strict=True)))
        self.parts = nn.AvgPool2d((1, n_per_part), ceil_mode=True)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch n_out"]:
        waves = self.waves(as_rows(ecg))  # batch, 4*width, 1, time/8
        return self.parts(waves).flatten(1)
