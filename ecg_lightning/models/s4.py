"""A state-space network: every channel is a small bank of damped oscillators that hears the window from both ends."""

from math import log, pi, sqrt
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

DT_RANGE = (0.001, 0.1)  # Gu et al. 2022: one sample is a thousandth to a tenth of an oscillator's unit of time
N_AT_ONCE = 4  # windows per transform: what fits the cache is ten times as fast as a whole batch
FFT_STEP = 64  # transforms of a multiple of this are quick


class TwoSidedConvolution(torch.autograd.Function):
    """Convolve each channel with its own kernel, as long as the window on either side, by real Fourier transforms.

    A few windows at a time, and transformed again on the way back: no spectrum of the batch is ever held.
    `apply(waves, kernel)`: waves are (batch, time, channel), the kernel (channel, n) with n at least twice the time:
    what lies l samples back weighs kernel[l], what lies l samples ahead kernel[-l].
    """

    @staticmethod
    def forward(
        ctx: Any, waves: Float[Tensor, "batch time channel"], kernel: Float[Tensor, "channel n"]
    ) -> Float[Tensor, "batch time channel"]:
        ctx.save_for_backward(waves, kernel)
        response, out = torch.fft.rfft(kernel), torch.empty_like(waves)
        for some, new in zip(waves.split(N_AT_ONCE), out.split(N_AT_ONCE), strict=True):
            new.copy_(_back(_spectrum(some, kernel.shape[-1]).mul_(response), kernel.shape[-1], waves.shape[1]))
        return out

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, slope: Float[Tensor, "batch time channel"]
    ) -> tuple[Float[Tensor, "batch time channel"], Float[Tensor, "channel n"]]:
        waves, kernel = ctx.saved_tensors
        n = kernel.shape[-1]
        response = torch.fft.rfft(kernel).conj_physical()
        of_waves, of_response = torch.empty_like(waves), torch.zeros_like(response)
        for some, above, new in zip(*(each.split(N_AT_ONCE) for each in (waves, slope, of_waves)), strict=True):
            spectrum = _spectrum(above, n)
            of_response += _spectrum(some, n).conj_physical_().mul_(spectrum).sum(dim=0)
            new.copy_(_back(spectrum.mul_(response), n, waves.shape[1]))
        return of_waves, torch.fft.irfft(of_response, n=n)


def _spectrum(waves: Float[Tensor, "batch time channel"], n: int) -> Complex[Tensor, "batch channel frequency"]:
    return torch.fft.rfft(waves.mT.contiguous(), n=n)


def _back(
    spectrum: Complex[Tensor, "batch channel frequency"], n: int, n_samples: int
) -> Float[Tensor, "batch time channel"]:
    return torch.fft.irfft(spectrum, n=n)[..., :n_samples].mT


class StateSpaceKernel(nn.Module):
    """What each channel answers to one pulse: a sum of damped oscillations, one sum behind the pulse, one before it.

    All parameters are real, two for a complex number, so that any optimiser and file format takes them.

    Args:
        width: channels.
        n_states: of each channel, even: every oscillation is two of them.

    Raises:
        ValueError: the number of states is odd.

    Source:
        Gu et al., NeurIPS 2022, arXiv:2206.11893 (S4D-Lin, zero-order hold, B = 1).
    """

    def __init__(self, width: int, n_states: int) -> None:
        super().__init__()
        if n_states < 2 or n_states % 2:
            raise ValueError(f"n_states={n_states} must be even and at least 2: an oscillation is two states")
        n_oscillations = n_states // 2
        least, most = (log(dt) for dt in DT_RANGE)
        self.log_dt = nn.Parameter(least + (most - least) * torch.rand(width))
        self.log_decay = nn.Parameter(torch.full((width, n_oscillations), log(0.5)))
        self.frequency = nn.Parameter(pi * torch.arange(n_oscillations).float().repeat(width, 1))
        self.readout = nn.Parameter(sqrt(0.5) * torch.randn(2, width, n_oscillations, 2))
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, n_samples: int) -> Float[Tensor, "channel n"]:
        """Lay out the kernel of a window as `TwoSidedConvolution` takes it; the skip is what is 0 samples away."""
        behind, ahead = self.answers(n_samples)
        between = behind.new_zeros(len(behind), -2 * n_samples % FFT_STEP)
        now = torch.cat([self.skip[:, None] + behind[:, :1], behind[:, 1:]], dim=1)
        return torch.cat([now, between, ahead.flip(-1)], dim=1)

    def answers(self, n_samples: int) -> Float[Tensor, "2 channel time"]:
        """Sum the oscillations: 0, 1, ... samples behind the pulse, and 1, 2, ... samples before it."""
        a = torch.complex(-self.log_decay.exp(), self.frequency)
        step = a * self.log_dt.exp()[:, None]
        weight = torch.view_as_complex(self.readout) * (step.exp() - 1) / a
        places = torch.arange(n_samples, dtype=self.log_dt.dtype, device=self.log_dt.device)
        oscillations = (step[..., None] * places).exp()  # channel, oscillation, time
        return 2 * torch.einsum("dco,cot->dct", weight, oscillations).real


class StateSpaceBlock(nn.Module):
    """Channels hear along time, then each other through a gate; what comes is added to what came in, and normalised.

    Args:
        width: channels.
        n_states: of each channel, even.
        dropout: of whole channels, before the gate and behind it.
    """

    def __init__(self, width: int, n_states: int, dropout: float) -> None:
        super().__init__()
        self.kernel = StateSpaceKernel(width, n_states)
        self.gate = nn.Sequential(nn.Linear(width, 2 * width), nn.GLU(dim=-1))
        self.dropout = nn.Dropout1d(dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, waves: Float[Tensor, "batch time channel"]) -> Float[Tensor, "batch time channel"]:
        kernel = self.kernel(waves.shape[1])
        heard = nn.functional.gelu(TwoSidedConvolution.apply(waves.to(kernel.dtype), kernel))  # no bf16 transforms
        mixed = self.gate(self.dropout(heard.mT).mT)
        return self.norm(waves + self.dropout(mixed.mT).mT)


class S4(nn.Module):
    """Spread the leads over many channels, pass them through state-space blocks, average over time, and name it.

    2.17 million parameters with 12 leads and 5 classes, where the published network has 2.15: the states are diagonal
    and each channel has its own (S4D), instead of diagonal plus low rank and shared by all channels. S4D does as well
    and needs no special kernels.

    All parameters may stand in one optimiser group: at the published rate and weight decay of 1e-3 the time steps and
    decays, which the papers spare the weight decay, lose a thousandth in 1,000 steps.

    Args:
        n_leads: rows of the input.
        n_outputs: logits per window.
        width: channels.
        n_blocks: state-space blocks.
        n_states: of each channel in each direction, even.
        dropout: of whole channels in the blocks.

    Raises:
        ValueError: the number of states is odd.

    Source:
        Mehari and Strodthoff, arXiv:2211.07579 (the network for ECG); Gu et al., NeurIPS 2022, arXiv:2206.11893 (S4D).
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_outputs: int,
        width: int = 512,
        n_blocks: int = 4,
        n_states: int = 8,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.spread = nn.Linear(n_leads, width)
        self.blocks = nn.Sequential(*(StateSpaceBlock(width, n_states, dropout) for _ in range(n_blocks)))
        self.head = nn.Linear(width, n_outputs)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        waves = self.blocks(self.spread(ecg.mT))  # batch, time, width
        return self.head(waves.mean(dim=1))
