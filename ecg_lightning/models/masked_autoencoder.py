"""Stretches of a window are hidden, and made again from the rest by way of a few numbers."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ecg_lightning.layers.conv_coder import ConvDecoder, ConvEncoder
from ecg_lightning.layers.normality import Normality


class MaskedAutoencoder(nn.Module):
    """The convolutional autoencoder, from which stretches of the window are hidden in turn.

    In training hidden stretches lie somewhere else in every window, and one window in `n_parts` + 1 is shown whole. In
    use a window is seen `n_parts` times, with each sample hidden once, and what is given back is what was made of the
    hidden samples: a window is judged by what cannot be guessed from the rest of it. All leads are hidden together.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least 8.
        latent_size: numbers in the middle.
        channels: of the first convolution; doubled twice.
        kernel: steps that one output of one convolution sees, odd.
        stretch: samples that are hidden in a row.
        n_parts: one stretch in so many is hidden at a time.

    Raises:
        ValueError: there is nothing to hide or nothing to see, the latent vector is empty or not smaller than the
            window, the window is too short, there are no channels, or the kernel is even.

    Source:
        He et al., CVPR 2022, arXiv:2111.06377, on hiding and restoring; Zavrtanik et al., Pattern Recognit 112:107706
        (2021), on parts that are hidden in turn and put together to find anomalies.
    """

    takes = ("ecg",)
    produces = "reconstruction"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        latent_size: int = 8,
        channels: int = 16,
        kernel: int = 7,
        stretch: int = 40,
        n_parts: int = 2,
    ) -> None:
        super().__init__()
        if n_parts < 2 or not 1 <= stretch <= n_samples // n_parts:
            raise ValueError(
                f"stretch={stretch} must be at least 1, n_parts={n_parts} at least 2, and all parts of one stretch fit "
                f"into the window of {n_samples} samples: choose shorter stretches, or n_parts=2"
            )
        self.stretch, self.n_parts = stretch, n_parts
        self.encoder = ConvEncoder(n_leads + 1, n_samples, latent_size, channels, kernel)  # one row says what is hidden
        self.decoder = ConvDecoder(n_leads, n_samples, latent_size, channels, kernel)
        self.normal = Normality(n_leads, n_samples, latent_size)

    def encode(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        """The numbers in the middle, of whole windows."""
        return self.encoder(_covered(ecg, torch.zeros_like(ecg[:, 0], dtype=torch.bool)))

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        return self._guessed(ecg) if self.training else self._put_together(ecg)

    def hidden(self, offset: Int[Tensor, " row"], n_samples: int) -> Bool[Tensor, "row time"]:
        """Which samples are hidden: the first of every `n_parts` stretches, counted from `offset` samples before."""
        sample = torch.arange(n_samples, device=offset.device) + offset.unsqueeze(1)
        return sample // self.stretch % self.n_parts == 0

    def _guessed(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        offset = torch.randint((self.n_parts + 1) * self.stretch, (len(ecg),), device=ecg.device)
        whole = offset >= self.n_parts * self.stretch
        hidden = self.hidden(offset, ecg.shape[-1]) & ~whole.unsqueeze(1)
        return self.decoder(self.encoder(_covered(ecg, hidden)))

    def _put_together(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead time"]:
        offset = torch.arange(self.n_parts, device=ecg.device) * self.stretch
        hidden = self.hidden(offset, ecg.shape[-1])  # part, time
        seen = _covered(ecg.repeat(self.n_parts, 1, 1), hidden.repeat_interleave(len(ecg), dim=0))
        made = self.decoder(self.encoder(seen)).unflatten(0, (self.n_parts, -1))  # part, batch, lead, time
        return (made * hidden[:, None, None]).sum(dim=0)


def _covered(
    ecg: Float[Tensor, "batch lead time"], hidden: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch rows time"]:
    """Zeros where a sample is hidden, and one more row that is 1 there."""
    flag = hidden.unsqueeze(1)
    return torch.cat([ecg.masked_fill(flag, 0.0), flag.to(ecg.dtype)], dim=1)
