"""What the latent vector of a window can tell by itself."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.dense_encoder import DenseEncoder


class LatentDense(nn.Module):
    """An encoder, whose weights may come from an autoencoder, and one dense layer in front of the logits.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        latent_size: numbers of the latent vector.
        dense_units: of the layer over it.
        dropout: behind that layer.

    Raises:
        ValueError: the latent vector is empty, or not smaller than the window.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        latent_size: int,
        dense_units: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.encoder = DenseEncoder(n_leads, n_samples, latent_size)
        self.head = nn.Sequential(
            nn.BatchNorm1d(latent_size, affine=False),  # its scale is the autoencoder's own affair
            nn.Linear(latent_size, dense_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense_units, n_outputs),
        )

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        return self.head(self.encoder(ecg))
