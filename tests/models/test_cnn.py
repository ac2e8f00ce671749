"""CNN: the hybrid's morphology alone."""

import pytest
import torch

from ecg_lightning.models.cnn import CNN


def network(n_leads: int = 1, n_samples: int = 280, width: int = 32) -> CNN:
    torch.manual_seed(0)
    return CNN(n_leads, n_samples, 5, width=width)


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [8, 280, 1440, 333])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    net = network(n_leads, n_samples, width=4)
    ecg = torch.randn(6, n_leads, n_samples)
    net(ecg).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg).shape == (6, 5)
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]))


def test_it_declares_that_it_takes_the_ecg_alone() -> None:
    assert (CNN.takes, CNN.produces, CNN.scope) == (("ecg",), "logits", "window")


def test_the_default_network_has_as_many_parameters_as_ever() -> None:
    assert sum(p.numel() for p in network().parameters()) == 76_837


def test_dropout_acts_in_training_alone() -> None:
    net, ecg = network(), torch.randn(4, 1, 280)
    assert not torch.equal(net(ecg), net(ecg))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


def test_training_fits_a_separable_toy() -> None:
    net = network(n_samples=80, width=4)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    label = torch.arange(60) % 2
    ecg = 0.1 * torch.randn(60, 1, 80)
    ecg[label == 1, 0, 30:40] += 1
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(ecg), label).backward()
        optimizer.step()
    assert (net.eval()(ecg).argmax(dim=1) == label).float().mean() > 0.95


def test_windows_that_are_too_short_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8"):
        network(n_samples=7)
