"""The smallest network that anomalies can be told by."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.normality import Normality


class MeanLevel(nn.Module):
    """Makes each lead again as a straight line at its mean; what it keeps of a window are these means.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        latent_size: as many as there are leads.
    """

    takes, produces, scope = ("ecg",), "reconstruction", "window"

    def __init__(self, n_leads: int, n_samples: int, latent_size: int) -> None:
        super().__init__()
        self.normal = Normality(n_leads, n_samples, latent_size)

    def encode(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        return ecg.mean(dim=2)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        return self.encode(ecg)[:, :, None].expand_as(ecg)
