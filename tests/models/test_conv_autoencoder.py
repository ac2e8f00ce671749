"""ConvAutoencoder: its contract, its bottleneck, and what it learns."""

import pytest
import torch
from torch import nn

from ecg_lightning.models.conv_autoencoder import ConvAutoencoder


@pytest.mark.parametrize(("n_leads", "n_samples"), [(1, 8), (1, 140), (1, 187), (1, 280), (2, 333), (12, 1000)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    net, ecg = ConvAutoencoder(n_leads, n_samples, 4, channels=8), torch.randn(5, n_leads, n_samples)
    (net(ecg) - ecg).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    assert net(ecg).shape == ecg.shape
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]))


def test_it_declares_that_it_makes_the_ecg_again() -> None:
    net = ConvAutoencoder
    assert (net.takes, net.produces, net.scope) == (("ecg",), "reconstruction", "window")


def test_training_and_use_give_the_same_window() -> None:
    net, ecg = ConvAutoencoder(1, 187), torch.randn(4, 1, 187)
    assert torch.equal(net.train()(ecg), net.eval()(ecg))


def test_a_window_is_made_of_its_latent_vector_alone() -> None:
    net, ecg = ConvAutoencoder(1, 280, latent_size=3), torch.randn(4, 1, 280)
    assert net.encode(ecg).shape == (4, 3)
    assert torch.equal(net(ecg), net.decoder(net.encode(ecg)))


def test_what_normal_windows_look_like_travels_with_the_weights() -> None:
    net, ecg = ConvAutoencoder(2, 40, 4), torch.randn(30, 2, 40)
    net.normal.learn([(ecg, net.encode(ecg))])
    again = ConvAutoencoder(2, 40, 4)
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.normal.spread, net.normal.spread)
    torch.testing.assert_close(net.normal.spread, ecg.std(dim=0, correction=0))


def test_beats_of_few_shapes_are_made_again_from_few_numbers() -> None:
    torch.manual_seed(0)
    net = ConvAutoencoder(1, 100, 4, channels=8)
    place, width = 40 + 20 * torch.rand(2, 256, 1, 1)
    ecg = torch.exp(-((torch.arange(100) - place) ** 2) / width)
    ecg = (ecg - ecg.mean()) / ecg.std()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for rows in torch.randint(256, (80, 32)):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(ecg[rows]), ecg[rows]).backward()
        optimizer.step()
    as_mean = (ecg - ecg.mean(dim=0)).square().mean()
    assert nn.functional.mse_loss(net(ecg), ecg) < 0.1 * as_mean


def test_a_latent_vector_as_long_as_the_window_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="latent_size=200 must be at least 1 and smaller than the window of 187"):
        ConvAutoencoder(1, 187, latent_size=200)


def test_an_even_kernel_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="kernel=6 must be odd and above 0"):
        ConvAutoencoder(1, 187, kernel=6)


def test_a_window_too_short_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8"):
        ConvAutoencoder(12, 7)
