"""A deep convolutional network without averaging: where in the window something happens is known to the end."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import ConvNorm, as_rows
from ecg_lightning.layers.spectrogram import hearing

GROWTH = (1, 2, 4, 4)  # channels of each pair of convolutions, in parts of the first


class Cnn1d(nn.Module):
    """Four pairs of convolutions, each behind a ReLU; the rate is halved behind each pair, then all steps are read.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        width: channels of the first pair.
        kernel: steps that one output of one convolution sees, odd.
        dropout: in front of the linear layer.
        n_window: samples of a frame of the spectrogram; None hears the samples.
        hop: samples from one frame to the next; None likewise.

    Raises:
        ValueError: the window has no such spectrogram, or fewer than 16 steps; or the kernel is even.

    Source:
        Pairs and halving as in Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556, for one dimension; batch norm as in
        Ioffe and Szegedy, ICML 2015, arXiv:1502.03167.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        width: int = 32,
        kernel: int = 5,
        dropout: float = 0.5,
        n_window: int | None = None,
        hop: int | None = None,
    ) -> None:
        super().__init__()
        self.hearing, n_channels, n_steps = hearing(n_leads, n_samples, n_window, hop)
        n_left = n_steps // 2 ** len(GROWTH)
        if n_left == 0:
            raise ValueError(
                f"n_samples={n_samples} leaves Cnn1d {n_steps} steps of at least {2 ** len(GROWTH)}: choose a longer "
                f"window, or of a spectrogram a shorter hop"
            )
        widths = (n_channels, *(width * times for times in GROWTH))
        self.waves = nn.Sequential()
        for n_in, n_out in pairwise(widths):
            self.waves.extend((ConvNorm(n_in, n_out, kernel), nn.ReLU(inplace=True)))
            self.waves.extend((ConvNorm(n_out, n_out, kernel), nn.ReLU(inplace=True), nn.MaxPool2d((1, 2))))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_left * widths[-1], n_outputs))

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        waves = self.waves(as_rows(self.hearing(ecg)))  # batch, 4*width, 1, step/16
        return self.head(waves.flatten(1))
