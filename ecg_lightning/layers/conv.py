"""One-dimensional convolutions by the path that is fastest on a CPU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def as_rows(ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch lead 1 time"]:
    """Lay a window out as an image of one row, leads innermost: once per network, in front of the first `WaveConv`."""
    return ecg.unsqueeze(2).to(memory_format=torch.channels_last)


def row_conv(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Make the Conv1d without bias that keeps waves in place, as a 1 x k Conv2d with weights in channels_last.

    Args:
        n_in: leads or channels that come in.
        n_out: channels that go out.
        kernel: samples that one output sees, odd so that no wave moves.
        stride: samples from one output to the next.

    Raises:
        ValueError: the kernel is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"kernel={kernel} must be odd, or waves move by half a sample: use {kernel + 1}")
    conv = nn.Conv2d(n_in, n_out, (1, kernel), (1, stride), padding=(0, kernel // 2), bias=False)
    conv.weight.data = conv.weight.data.to(memory_format=torch.channels_last)
    return conv


class WaveConv(nn.Module):
    """Convolve along time, normalise over the batch, halve the rate by maximum, rectify.

    The same function as Conv1d, BatchNorm1d, ReLU and MaxPool1d, with the same gradients, but as a 1 x k Conv2d in
    channels_last, which trains twice as many windows a second on a CPU, in float32 and under bf16 autocast.
    A maximum and a ReLU may change places, and behind the pool the ReLU has half the work.

    Args:
        n_in: leads or channels that come in.
        n_out: channels that go out.
        kernel: samples that one output sees, odd so that no wave moves.

    Raises:
        ValueError: the kernel is even.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = row_conv(n_in, n_out, kernel)
        self.norm = nn.BatchNorm2d(n_out)
        self.pool = nn.MaxPool2d((1, 2))

    def forward(self, ecg: Float[Tensor, "batch n_in 1 time"]) -> Float[Tensor, "batch n_out 1 half_time"]:
        return torch.relu_(self.pool(self.norm(self.conv(ecg))))


class ConvNorm(nn.Module):
    """Convolve along time and normalise over the batch, by the path of `WaveConv`; what comes next is the network's.

    Args:
        n_in: leads or channels that come in.
        n_out: channels that go out.
        kernel: samples that one output sees, odd.
        stride: samples from one output to the next.

    Raises:
        ValueError: the kernel is even.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = row_conv(n_in, n_out, kernel, stride)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, waves: Float[Tensor, "batch n_in 1 step"]) -> Float[Tensor, "batch n_out 1 out_step"]:
        return self.norm(self.conv(waves))
