"""AlexNet for one dimension."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import as_rows
from ecg_lightning.layers.spectrogram import hearing

WIDTHS = (64, 192, 384, 256, 256)  # channels of the five convolutions
KERNELS = (11, 5, 3, 3, 3)
POOLED = (0, 1, 4)  # convolutions behind which three steps become one, every second step
STRIDE = 4  # of the first convolution over samples; frames of a spectrogram lie far apart as they are


class AlexNet(nn.Module):
    """Five convolutions with ReLU, three of them pooled with overlap; three dense layers, dropout before the first two.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        n_dense: units of each dense layer but the last; the source's 4096 are for a thousand classes.
        dropout: in front of the first two dense layers.
        n_window: samples of a frame of the spectrogram; None hears the samples, four at a time.
        hop: samples from one frame to the next; None likewise.

    Raises:
        ValueError: the window has no such spectrogram, or nothing of it is left behind the last pool.

    Source:
        Krizhevsky et al., NIPS 2012; widths of arXiv:1404.5997, which has one tower and no response normalisation.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        n_dense: int = 1024,
        dropout: float = 0.5,
        n_window: int | None = None,
        hop: int | None = None,
    ) -> None:
        super().__init__()
        self.hearing, n_channels, n_steps = hearing(n_leads, n_samples, n_window, hop)
        stride = STRIDE if n_window is None else 1
        n_left = -(-n_steps // stride)
        for _ in POOLED:
            n_left = (n_left - 1) // 2
        if n_left < 1:
            raise ValueError(
                f"n_samples={n_samples} leaves AlexNet {n_steps} steps of at least {14 * stride + 1}: choose a longer "
                f"window, or of a spectrogram a shorter hop"
            )
        self.waves = nn.Sequential()
        for i, (n_in, n_out) in enumerate(pairwise((n_channels, *WIDTHS))):
            kernel, step = KERNELS[i], stride if i == 0 else 1
            conv = nn.Conv2d(n_in, n_out, (1, kernel), (1, step), padding=(0, kernel // 2))
            conv.weight.data = conv.weight.data.to(memory_format=torch.channels_last)
            self.waves.extend((conv, nn.ReLU(inplace=True)))
            if i in POOLED:
                self.waves.append(nn.MaxPool2d((1, 3), (1, 2)))
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(n_left * WIDTHS[-1], n_dense),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(n_dense, n_dense),
            nn.ReLU(inplace=True),
            nn.Linear(n_dense, n_outputs),
        )

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        waves = self.waves(as_rows(self.hearing(ecg)))  # batch, 256, 1, about step/8
        return self.head(waves.flatten(1))
