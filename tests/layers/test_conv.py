"""WaveConv and ConvNorm: the same numbers as the plain layers, by a faster path."""

import copy

import pytest
import torch
from torch import nn

from ecg_lightning.layers.conv import ConvNorm, WaveConv, as_rows, row_conv


def plain(wave: WaveConv) -> nn.Sequential:
    """Build Conv1d, BatchNorm1d, ReLU, MaxPool1d with the same weights."""
    conv = nn.Conv1d(
        wave.conv.in_channels, wave.conv.out_channels, wave.conv.kernel_size[1], padding="same", bias=False
    )
    norm = nn.BatchNorm1d(wave.conv.out_channels)
    conv.weight.data = wave.conv.weight.data.squeeze(2).clone(memory_format=torch.contiguous_format)
    norm.load_state_dict(wave.norm.state_dict())
    return nn.Sequential(conv, norm, nn.ReLU(), nn.MaxPool1d(2))


@pytest.mark.parametrize(("n_leads", "n_samples"), [(1, 280), (2, 281), (12, 250)])
def test_values_and_slopes_equal_the_plain_layers(n_leads: int, n_samples: int) -> None:
    torch.manual_seed(0)
    wave = WaveConv(n_leads, 16, kernel=7)
    nn.init.uniform_(wave.norm.weight, -1, 1)  # negative scales too: there pool and norm may not change places
    other = plain(wave).double()
    wave = wave.double()
    ecg = torch.randn(8, n_leads, n_samples, dtype=torch.float64)
    new, old = wave(as_rows(ecg)).squeeze(2), other(ecg)
    torch.testing.assert_close(new, old, atol=1e-9, rtol=1e-9)
    new.square().sum().backward()
    old.square().sum().backward()
    slope = wave.conv.weight.grad
    assert slope is not None
    torch.testing.assert_close(slope.squeeze(2), other[0].weight.grad, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(wave.norm.running_var, other[1].running_var)


@pytest.mark.parametrize("n_in", [1, 8])
def test_weights_stay_in_channels_last_when_loaded_or_copied(n_in: int) -> None:
    wave = WaveConv(n_in, 16, kernel=5)
    other = WaveConv(n_in, 16, kernel=5)
    other.load_state_dict({name: value.contiguous() for name, value in wave.state_dict().items()})
    for each in (wave, other, copy.deepcopy(wave)):
        assert each.conv.weight.stride(1) == 1
        assert each(as_rows(torch.randn(4, n_in, 40))).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "n_leads", [1, 2]
)  # torch finds one lead "contiguous" either way, and would take the slow path
def test_windows_become_rows_with_leads_innermost(n_leads: int) -> None:
    ecg = torch.randn(3, n_leads, 50)
    rows = as_rows(ecg)
    assert torch.equal(rows.squeeze(2), ecg)
    assert rows.stride(1) == 1


def test_even_kernels_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kernel=4 must be odd, or waves move by half a sample: use 5"):
        WaveConv(1, 8, kernel=4)
    with pytest.raises(ValueError, match="kernel=4 must be odd, or waves move by half a sample: use 5"):
        row_conv(1, 8, kernel=4)


@pytest.mark.parametrize(("n_in", "kernel", "stride", "n_samples"), [(1, 7, 1, 280), (12, 5, 2, 250), (8, 1, 2, 333)])
def test_conv_norm_equals_the_plain_layers_at_any_stride(n_in: int, kernel: int, stride: int, n_samples: int) -> None:
    torch.manual_seed(0)
    wave = ConvNorm(n_in, 16, kernel, stride).double()
    conv = nn.Conv1d(n_in, 16, kernel, stride, padding=kernel // 2, bias=False)
    conv.weight.data = wave.conv.weight.data.squeeze(2).clone(memory_format=torch.contiguous_format)
    plain = nn.Sequential(conv, nn.BatchNorm1d(16).double())
    ecg = torch.randn(8, n_in, n_samples, dtype=torch.float64)
    new, old = wave(as_rows(ecg)), plain(ecg)
    assert new.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(new.squeeze(2), old, atol=1e-9, rtol=1e-9)
    new.pow(3).sum().backward()
    old.pow(3).sum().backward()
    slope = wave.conv.weight.grad
    assert slope is not None
    torch.testing.assert_close(slope.squeeze(2), conv.weight.grad, atol=1e-8, rtol=1e-8)
