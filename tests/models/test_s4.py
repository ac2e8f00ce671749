"""S4: its kernel against scipy's state space, its size, and what it refuses."""

import math

import numpy as np
import pytest
import torch
from scipy import signal

from ecg_lightning.models.s4 import S4, StateSpaceKernel, TwoSidedConvolution


def network(n_leads: int = 12, width: int = 512) -> S4:
    torch.manual_seed(0)
    return S4(n_leads, 5, width=width)


def kernel_of(width: int = 3, n_states: int = 8) -> StateSpaceKernel:
    torch.manual_seed(0)
    return StateSpaceKernel(width, n_states).double()


def stepped(kernel: StateSpaceKernel, channel: int, direction: int, wave: np.ndarray) -> np.ndarray:
    """One channel in one direction by scipy: real states, zero-order hold, one sample after the other."""
    decay = kernel.log_decay[channel].detach().exp().numpy()
    turn = kernel.frequency[channel].detach().numpy()
    readout = kernel.readout[direction, channel].detach().numpy()
    blocks = [np.array([[-d, -w], [w, -d]]) for d, w in zip(decay, turn, strict=True)]
    a = np.zeros((2 * len(blocks), 2 * len(blocks)))
    for i, block in enumerate(blocks):
        a[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    b = np.tile([[1.0], [0.0]], (len(blocks), 1))
    a, b, *_ = signal.cont2discrete((a, b, a[:1], a[:1, :1]), kernel.log_dt[channel].exp().item(), "zoh")
    state, out = np.zeros(len(a)), []
    for value in wave:
        state = a @ state + b[:, 0] * value
        out.append(2 * (readout[:, 0] @ state[::2] - readout[:, 1] @ state[1::2]))
    return np.array(out)


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [1, 250, 333])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    net = network(n_leads, width=16)
    ecg = torch.randn(6, n_leads, n_samples)
    net(ecg).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters()), "a slope is missing"
    net.eval()
    assert net(ecg).shape == (6, 5)
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]), atol=1e-5, rtol=1e-5)


def test_it_declares_that_it_takes_the_ecg_alone() -> None:
    assert (S4.takes, S4.produces, S4.scope) == (("ecg",), "logits", "window")


def test_the_default_network_has_about_as_many_parameters_as_the_published() -> None:
    n_parameters = sum(p.numel() for p in network().parameters())
    assert n_parameters == 2_167_813
    assert n_parameters == pytest.approx(2.15e6, rel=0.02)


def test_the_convolution_equals_a_recurrence_from_both_ends() -> None:
    kernel, waves = kernel_of(), torch.randn(6, 41, 3, dtype=torch.float64)
    heard = TwoSidedConvolution.apply(waves, kernel(41))
    for window in (0, 5):  # the first and the last, of another group of windows
        for channel in range(3):
            wave = waves[window, :, channel].numpy()
            from_behind = stepped(kernel, channel, 0, wave)
            from_ahead = np.append(stepped(kernel, channel, 1, wave[::-1])[::-1][1:], 0)  # without the sample itself
            expected = from_behind + from_ahead + kernel.skip[channel].item() * wave
            np.testing.assert_allclose(heard[window, :, channel].detach().numpy(), expected, atol=1e-10)


def test_the_convolution_has_the_slopes_that_differences_tell() -> None:
    waves = torch.randn(5, 6, 2, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(2, 12, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(TwoSidedConvolution.apply, (waves, kernel))


def test_a_wave_that_comes_later_is_heard_later() -> None:
    kernel = kernel_of()(100)
    early, late = torch.zeros(2, 1, 100, 3, dtype=torch.float64)
    early[:, 40:45], late[:, 50:55] = 1, 1
    heard_early, heard_late = (TwoSidedConvolution.apply(waves, kernel) for waves in (early, late))
    torch.testing.assert_close(heard_late[:, 10:], heard_early[:, :-10])


def test_the_first_and_the_last_sample_do_not_meet_around_the_end() -> None:
    waves = torch.zeros(1, 250, 3, dtype=torch.float64)
    waves[:, 0] = 1
    heard = TwoSidedConvolution.apply(waves, kernel_of()(250))
    behind, _ = kernel_of().answers(250)
    torch.testing.assert_close(heard[0, 1:].mT, behind[:, 1:])


def test_the_first_weights_are_those_of_s4d_lin() -> None:
    kernel = StateSpaceKernel(1000, 8)
    torch.testing.assert_close(kernel.log_decay.exp(), torch.full((1000, 4), 0.5))
    torch.testing.assert_close(kernel.frequency[7], math.pi * torch.tensor([0.0, 1.0, 2.0, 3.0]))
    dt = kernel.log_dt.exp()
    assert 0.001 <= dt.min() < 0.0012
    assert 0.09 < dt.max() <= 0.1
    assert kernel.log_dt.mean().item() == pytest.approx(math.log(0.01), abs=0.15)  # uniform in the logarithm
    assert kernel.readout.square().sum(dim=-1).mean().item() == pytest.approx(1, abs=0.05)


def test_one_step_of_adamw_changes_every_parameter() -> None:
    net = network(width=16)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0)
    net(torch.randn(6, 12, 250)).square().sum().backward()
    optimizer.step()
    assert not [name for name, p in net.named_parameters() if torch.equal(p, before[name])]
    assert all(p.isfinite().all() and not p.is_complex() for p in net.parameters())


def test_dropout_acts_on_whole_channels_in_training_alone() -> None:
    net, ecg = network(width=16), torch.randn(4, 12, 50)
    assert not torch.equal(net(ecg), net(ecg))
    dropped = net.blocks[0].dropout(torch.ones(4, 16, 50))
    assert torch.equal(dropped.amin(dim=-1), dropped.amax(dim=-1))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


def test_bf16_stays_close() -> None:
    net, ecg = network(width=64).eval(), torch.randn(8, 12, 250)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(ecg).float()
    torch.testing.assert_close(rough, net(ecg), atol=0.03, rtol=0.05)


def test_training_fits_a_toy_of_what_comes_first() -> None:
    net = network(1, width=16)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    label = torch.arange(32) % 2
    ecg = 0.1 * torch.randn(32, 1, 100)
    first = torch.where(label == 1, 1.0, -1.0)[:, None]
    ecg[:, 0, 30:40] += first
    ecg[:, 0, 60:70] -= first
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(ecg), label).backward()
        optimizer.step()
    assert (net.eval()(ecg).argmax(dim=1) == label).float().mean() > 0.95


@pytest.mark.parametrize("n_states", [0, 7])
def test_odd_states_are_refused_in_words(n_states: int) -> None:
    with pytest.raises(ValueError, match=f"n_states={n_states} must be even and at least 2"):
        S4(12, 5, n_states=n_states)
