"""The hybrid network without its rhythm stream: what the shape of a beat alone can tell."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.morphology import Morphology

N_HEAD = 64


class CNN(nn.Module):
    """Three convolutions see the shape of a beat, two linear layers name it.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        n_outputs: logits per window.
        width: channels of the first convolution; doubled twice.
        n_parts: of the window, at most; each is averaged by itself.
        dropout: in the head.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self, n_leads: int, n_samples: int, n_outputs: int, width: int = 32, n_parts: int = 5, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.morphology = Morphology(n_leads, n_samples, width, n_parts)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(self.morphology.n_out, N_HEAD),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(N_HEAD, n_outputs),
        )

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        return self.head(self.morphology(ecg))
