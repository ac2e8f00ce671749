"""A window squeezed into a few numbers by convolutions, and made again from these alone."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv_coder import ConvDecoder, ConvEncoder
from ecg_lightning.layers.normality import Normality


class ConvAutoencoder(nn.Module):
    """Three strided convolutions and a linear layer to the latent vector, and the mirror image back.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        latent_size: numbers in the middle.
        channels: of the first convolution; doubled twice.
        kernel: steps that one output of one convolution sees, odd.

    Raises:
        ValueError: the latent vector is empty or not smaller than the window, the window is too short, there are no
            channels, or the kernel is even.

    Source:
        Masci et al., ICANN 2011, on convolutional autoencoders; here strides instead of pools, trained as a whole.
    """

    takes = ("ecg",)
    produces = "reconstruction"
    scope = "window"

    def __init__(self, n_leads: int, n_samples: int, latent_size: int = 8, channels: int = 16, kernel: int = 7) -> None:
        super().__init__()
        self.encoder = ConvEncoder(n_leads, n_samples, latent_size, channels, kernel)
        self.decoder = ConvDecoder(n_leads, n_samples, latent_size, channels, kernel)
        self.normal = Normality(n_leads, n_samples, latent_size)

    def encode(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        """The numbers in the middle."""
        return self.encoder(ecg)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        return self.decoder(self.encode(ecg))
