"""A GRU over the frames of a spectrogram: the smaller rival of the two-way LSTM."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.spectrogram import hearing


class GRU(nn.Module):
    """One GRU walks over time, forwards; one linear layer reads all of its steps.

    Over raw samples it takes as many steps as the window has samples, one after another: slow, and far to remember.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        n_units: of the GRU.
        n_window: samples of a frame of the spectrogram; None hears the samples.
        hop: samples from one frame to the next; None likewise.

    Raises:
        ValueError: the window has no such spectrogram.

    Source:
        Cho et al., EMNLP 2014, arXiv:1406.1078.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        n_units: int = 64,
        n_window: int | None = None,
        hop: int | None = None,
    ) -> None:
        super().__init__()
        self.hearing, n_channels, n_steps = hearing(n_leads, n_samples, n_window, hop)
        self.order = nn.GRU(n_channels, n_units, batch_first=True)
        self.head = nn.Linear(n_steps * n_units, n_outputs)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        steps, _ = self.order(self.hearing(ecg).mT)  # batch, step, n_units
        return self.head(steps.flatten(1))
