"""A window squeezed into a few numbers, and made again from these alone."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.dense_encoder import DenseEncoder, dense_layers, widths
from ecg_lightning.layers.normality import Normality


class DenseAutoencoder(nn.Module):
    """Three dense layers to the latent vector, and the same sizes back.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        latent_size: numbers in the middle.

    Raises:
        ValueError: the latent vector is empty, or not smaller than the window.

    Source:
        Hinton and Salakhutdinov, Science 313:504-507 (2006), trained as a whole.
    """

    takes = ("ecg",)
    produces = "reconstruction"
    scope = "window"

    def __init__(self, n_leads: int, n_samples: int, latent_size: int) -> None:
        super().__init__()
        self.encoder = DenseEncoder(n_leads, n_samples, latent_size)
        self.decoder = dense_layers(widths(n_leads * n_samples, latent_size)[::-1])
        self.normal = Normality(n_leads, n_samples, latent_size)

    def encode(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        """The numbers in the middle."""
        return self.encoder(ecg)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        return self.decoder(self.encode(ecg)).view_as(ecg)
