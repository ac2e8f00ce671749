"""DenseAutoencoder: its contract, its sizes, and what it learns."""

import pytest
import torch
from torch import nn

from ecg_lightning.models.dense_autoencoder import DenseAutoencoder


@pytest.mark.parametrize(("n_leads", "n_samples"), [(1, 2500), (1, 280), (2, 333), (12, 100)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    net, ecg = DenseAutoencoder(n_leads, n_samples, 16), torch.randn(6, n_leads, n_samples)
    (net(ecg) - ecg).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    assert net(ecg).shape == ecg.shape
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]))


def test_it_declares_that_it_makes_the_ecg_again() -> None:
    net = DenseAutoencoder
    assert (net.takes, net.produces, net.scope) == (("ecg",), "reconstruction", "window")


def test_the_way_back_has_the_sizes_of_the_way_there() -> None:
    net = DenseAutoencoder(1, 2500, 32)
    there = [layer.weight.shape for layer in net.encoder.layers if isinstance(layer, nn.Linear)]
    back = [layer.weight.shape for layer in net.decoder if isinstance(layer, nn.Linear)]
    assert there == [(585, 2500), (137, 585), (32, 137)]
    assert back == [(137, 32), (585, 137), (2500, 585)]


def test_a_window_is_made_of_its_latent_vector_alone() -> None:
    net, ecg = DenseAutoencoder(2, 100, 7), torch.randn(4, 2, 100)
    assert net.encode(ecg).shape == (4, 7)
    assert torch.equal(net(ecg), net.decoder(net.encode(ecg)).view_as(ecg))
    assert torch.equal(net.encode(ecg), net.encoder(ecg))


def test_what_normal_windows_look_like_travels_with_the_weights_but_not_with_the_encoder() -> None:
    net, ecg = DenseAutoencoder(2, 40, 4), torch.randn(30, 2, 40)
    net.normal.learn([(ecg, net.encode(ecg))])
    again = DenseAutoencoder(2, 40, 4)
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.normal.spread, net.normal.spread)
    assert not list(net.encoder.buffers())


def test_windows_of_few_shapes_are_made_again_from_few_numbers() -> None:
    torch.manual_seed(0)
    net = DenseAutoencoder(1, 100, 4)
    shapes, weight = torch.randn(3, 100), torch.randn(200, 3)
    ecg = (weight @ shapes).unsqueeze(1)
    ecg = ecg / ecg.std()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(ecg), ecg)
        loss.backward()
        optimizer.step()
    assert loss < 0.05


def test_a_latent_vector_as_long_as_the_window_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="latent_size=100 must be at least 1 and smaller than the window of 100"):
        DenseAutoencoder(1, 100, 100)
