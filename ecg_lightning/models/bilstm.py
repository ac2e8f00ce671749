"""A two-way LSTM over the frames of a spectrogram, and nothing else that could learn order."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.spectrogram import hearing


class BiLSTM(nn.Module):
    """One LSTM walks over time in both directions; one linear layer reads all of its steps.

    Over raw samples it takes as many steps as the window has samples, one after another: slow, and far to remember.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_outputs: logits per window.
        n_units: per direction.
        n_window: samples of a frame of the spectrogram; None hears the samples.
        hop: samples from one frame to the next; None likewise.

    Raises:
        ValueError: the window has no such spectrogram.

    Source:
        Hochreiter and Schmidhuber, Neural Comput 9:1735-1780 (1997); Schuster and Paliwal, IEEE Trans Signal Process
        45:2673-2681 (1997).
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
        self.order = nn.LSTM(n_channels, n_units, batch_first=True, bidirectional=True)
        self.head = nn.Linear(n_steps * 2 * n_units, n_outputs)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        steps, _ = self.order(self.hearing(ecg).mT)  # batch, step, 2*n_units
        return self.head(steps.flatten(1))
