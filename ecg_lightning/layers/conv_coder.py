"""A window in a few numbers by strided convolutions, and a window of these numbers again."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.bottleneck import check_bottleneck
from ecg_lightning.layers.conv import as_rows

N_STAGES = 3


def steps(n_samples: int) -> tuple[int, ...]:
    """Steps before and behind each stage, half as many each time and rounded up.

    Args:
        n_samples: length of the window.

    Raises:
        ValueError: the window is too short to be halved so often.
    """
    if n_samples < 2**N_STAGES:
        raise ValueError(
            f"n_samples={n_samples} must be at least {2**N_STAGES}, since {N_STAGES} stages halve the window: "
            f"choose a longer window"
        )
    return tuple(-(-n_samples // 2**stage) for stage in range(N_STAGES + 1))


def widths(n_leads: int, channels: int, kernel: int) -> tuple[int, ...]:
    """Leads, then channels behind each stage.

    Args:
        n_leads: rows of the input.
        channels: of the first convolution; doubled from stage to stage.
        kernel: of all convolutions.

    Raises:
        ValueError: there are no channels, or the kernel is even.
    """
    if channels < 1:
        raise ValueError(f"channels={channels} must be at least 1: choose more, such as channels=16")
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"kernel={kernel} must be odd and above 0, or waves move by half a sample: try kernel=7")
    return n_leads, *(channels * 2**stage for stage in range(N_STAGES))


class ConvEncoder(nn.Module):
    """Three strided convolutions, then one linear layer to the latent vector.

    Nothing is normalised: neither do rows leak into each other, nor is the amplitude of a window lost.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        latent_size: numbers that are left of it.
        channels: of the first convolution; doubled from stage to stage.
        kernel: steps that one output sees, odd.

    Raises:
        ValueError: the window is too short, there are no channels, or the kernel is even.
    """

    def __init__(self, n_leads: int, n_samples: int, latent_size: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.waves = nn.Sequential()
        sizes = widths(n_leads, channels, kernel)
        for n_in, n_out in pairwise(sizes):
            conv = nn.Conv2d(n_in, n_out, (1, kernel), (1, 2), padding=(0, kernel // 2))
            self.waves.extend((conv, nn.LeakyReLU(0.1)))
        self.latent = nn.Linear(sizes[-1] * steps(n_samples)[-1], latent_size)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        waves = self.waves(as_rows(ecg))  # batch, 4*channels, 1, time/8
        return self.latent(waves.flatten(1))


class ConvDecoder(nn.Module):
    """One linear layer, then three transposed convolutions back to the window; the last is not rectified.

    Args:
        n_leads: rows of the window.
        n_samples: its length.
        latent_size: numbers that come in.
        channels: in front of the last convolution; twice as many before each of the others.
        kernel: of the convolutions, odd.

    Raises:
        ValueError: the latent vector is empty or not smaller than the window, the window is too short, there are no
            channels, or the kernel is even.

    Source:
        Zeiler et al., CVPR 2010, on the transposed convolution.
    """

    def __init__(self, n_leads: int, n_samples: int, latent_size: int, channels: int, kernel: int) -> None:
        super().__init__()
        check_bottleneck(latent_size, n_leads * n_samples)
        sizes, lengths = widths(n_leads, channels, kernel)[::-1], steps(n_samples)[::-1]
        self.shape = (sizes[0], 1, lengths[0])
        self.start = nn.Linear(latent_size, sizes[0] * lengths[0])
        self.waves = nn.Sequential()
        for (n_in, n_out), length in zip(pairwise(sizes), lengths[1:], strict=True):
            even = (0, 1 - length % 2)  # of a doubled length one step is lost, and given back where it was there
            conv = nn.ConvTranspose2d(n_in, n_out, (1, kernel), (1, 2), (0, kernel // 2), even)
            self.waves.extend((nn.LeakyReLU(0.1), conv))

    def forward(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch lead time"]:
        waves = self.start(latent).unflatten(1, self.shape)  # batch, 4*channels, 1, time/8
        return self.waves(waves).squeeze(2)
