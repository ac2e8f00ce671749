"""Which frequencies a window holds, and when."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

FLOOR = 0.01  # added to magnitudes: a step of an 11-bit recorder comes to about 0.02 of them in z-scored windows


class Spectrogram(nn.Module):
    """The log magnitude of short Fourier transforms, frame after frame; time stays the last axis.

    Every frame lies wholly in the window: nothing is padded, and what is left over at the end belongs to no frame.
    Each is weighed by a periodic Hann window. Whatever walks over steps walks over frames, as it would over samples;
    a network that took frequencies for steps would see no order in time.

    Args:
        n_window: samples of a frame; it tells n_window // 2 + 1 frequencies apart.
        hop: samples from one frame to the next.

    Source:
        Allen and Rabiner, Proc IEEE 65:1558-1564 (1977).
    """

    hann: Tensor

    def __init__(self, n_window: int, hop: int) -> None:
        super().__init__()
        self.n_window, self.hop = n_window, hop
        self.register_buffer("hann", torch.hann_window(n_window), persistent=False)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead_frequency frame"]:
        spectrum = torch.stft(
            ecg.flatten(0, 1), self.n_window, self.hop, window=self.hann, center=False, return_complex=True
        )  # batch*lead, frequency, frame
        return (spectrum.abs() + FLOOR).log().unflatten(0, ecg.shape[:2]).flatten(1, 2)


def hearing(
    n_leads: int, n_samples: int, n_window: int | None, hop: int | None
) -> tuple[Spectrogram | nn.Identity, int, int]:
    """Choose what a network hears first: a spectrogram or, without n_window and hop, the samples as they are.

    Args:
        n_leads: rows of the window.
        n_samples: length of the window.
        n_window: samples of a frame of the spectrogram.
        hop: samples from one frame to the next.

    Returns:
        The layer, the channels that it gives, and how many steps of time.

    Raises:
        ValueError: only one of n_window and hop is given, a frame is longer than the window or shorter than two
            samples, or samples would lie between two frames.
    """
    if n_window is None and hop is None:
        return nn.Identity(), n_leads, n_samples
    if n_window is None or hop is None:
        raise ValueError(f"n_window={n_window} and hop={hop} make a spectrogram together: give both or neither")
    if not 2 <= n_window <= n_samples:
        raise ValueError(
            f"n_window={n_window} must lie between 2 and the {n_samples} samples of a window: take a shorter frame"
        )
    if not 1 <= hop <= n_window:
        raise ValueError(
            f"hop={hop} must lie between 1 and n_window={n_window}, or no frame sees some samples: take half of it"
        )
    return Spectrogram(n_window, hop), n_leads * (n_window // 2 + 1), (n_samples - n_window) // hop + 1
