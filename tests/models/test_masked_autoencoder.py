"""MaskedAutoencoder: its contract, what it hides and when, and what it learns."""

import pytest
import torch
from torch import nn

from ecg_lightning.models.masked_autoencoder import MaskedAutoencoder


@pytest.mark.parametrize(("n_leads", "n_samples"), [(1, 8), (1, 140), (1, 187), (1, 280), (2, 333), (12, 1000)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    torch.manual_seed(0)
    net = MaskedAutoencoder(n_leads, n_samples, 4, channels=8, stretch=n_samples // 4)
    ecg = torch.randn(5, n_leads, n_samples)
    (net(ecg) - ecg).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg).shape == ecg.shape
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]))


def test_it_declares_that_it_makes_the_ecg_again() -> None:
    net = MaskedAutoencoder
    assert (net.takes, net.produces, net.scope) == (("ecg",), "reconstruction", "window")


def test_each_sample_is_hidden_once_in_use() -> None:
    net = MaskedAutoencoder(1, 100, stretch=9, n_parts=4)
    hidden = net.hidden(torch.arange(4) * 9, 100)
    assert (hidden.sum(dim=0) == 1).all()
    assert hidden[0].nonzero().squeeze(1).tolist() == [*range(9), *range(36, 45), *range(72, 81)]


@pytest.mark.parametrize("n_parts", [2, 3])
def test_what_is_made_of_a_stretch_does_not_depend_on_it(n_parts: int) -> None:
    net, ecg = MaskedAutoencoder(2, 90, stretch=10, n_parts=n_parts).eval(), torch.randn(3, 2, 90)
    other = ecg.clone()
    other[:, :, 40:50] += 5
    moved = (net(other) - net(ecg)).abs().amax(dim=(0, 1)) > 1e-6
    with_it = torch.arange(90) // 10 % n_parts == 4 % n_parts  # hidden in the same pass
    assert torch.equal(moved, ~with_it)


def test_the_answer_is_put_together_of_passes_one_by_one() -> None:
    net, ecg = MaskedAutoencoder(1, 90, 5, stretch=10, n_parts=3).eval(), torch.randn(4, 1, 90)
    stretches = torch.arange(90) // 10
    together = torch.zeros_like(ecg)
    for part in range(3):
        shown = ecg.clone()
        gone = (stretches + part) % 3 == 0
        shown[..., gone] = 0
        made = net.decoder(net.encoder(torch.cat([shown, gone.float().expand(4, 1, 90)], dim=1)))
        together[..., gone] = made[..., gone]
    torch.testing.assert_close(net(ecg), together)


def test_use_is_repeated_exactly_and_training_is_repeated_from_its_seed() -> None:
    net, ecg = MaskedAutoencoder(1, 90, stretch=10), torch.randn(8, 1, 90)
    torch.manual_seed(0)
    first, second = net(ecg), net(ecg)
    torch.manual_seed(0)
    assert torch.equal(net(ecg), first)
    assert not torch.equal(second, first)
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


def test_in_training_every_sample_is_hidden_as_often_and_one_window_in_four_is_whole() -> None:
    torch.manual_seed(0)
    net, seen = MaskedAutoencoder(1, 90, 4, channels=1, stretch=10, n_parts=3), []
    net.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(torch.ones(4000, 1, 90))
    ecg, hidden = seen[0].unbind(dim=1)
    assert torch.equal(ecg, 1 - hidden)
    assert (hidden == 0).all(dim=1).float().mean() == pytest.approx(1 / 4, abs=0.03)
    torch.testing.assert_close(hidden.mean(dim=0), torch.full((90,), 1 / 4), atol=0.03, rtol=0)


def test_the_latent_vector_is_of_the_whole_window() -> None:
    net, ecg = MaskedAutoencoder(2, 90, 5, stretch=10), torch.randn(4, 2, 90)
    latent = net.encode(ecg)
    assert latent.shape == (4, 5)
    assert torch.equal(latent, net.eval().encode(ecg))
    for first in range(0, 90, 10):
        other = ecg.clone()
        other[:, :, first : first + 10] += 5
        assert (net.encode(other) - latent).abs().amax() > 1e-4


def test_what_normal_windows_look_like_travels_with_the_weights() -> None:
    net, ecg = MaskedAutoencoder(2, 40, 4, stretch=5), torch.randn(30, 2, 40)
    net.normal.learn([(ecg, net.encode(ecg))])
    again = MaskedAutoencoder(2, 40, 4, stretch=5)
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.normal.whitener, net.normal.whitener)


def test_hidden_stretches_of_a_sine_are_guessed_from_the_rest() -> None:
    torch.manual_seed(0)
    net = MaskedAutoencoder(1, 96, 4, channels=8, stretch=12)
    phase = 2 * torch.pi * torch.rand(256, 1, 1)
    ecg = torch.sin(torch.arange(96) / 12 + phase)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for rows in torch.randint(256, (120, 32)):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(ecg[rows]), ecg[rows]).backward()
        optimizer.step()
    net.eval()
    assert nn.functional.mse_loss(net(ecg), ecg) < 0.1 * ecg.var(dim=0).mean()


@pytest.mark.parametrize(("stretch", "n_parts"), [(0, 3), (63, 3), (94, 2), (10, 1), (10, 0)])
def test_nothing_to_hide_or_nothing_to_see_is_refused_in_words(stretch: int, n_parts: int) -> None:
    with pytest.raises(ValueError, match=rf"stretch={stretch} must be at least 1, n_parts={n_parts} at least 2"):
        MaskedAutoencoder(1, 187, stretch=stretch, n_parts=n_parts)


def test_a_latent_vector_as_long_as_the_window_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="latent_size=200 must be at least 1 and smaller than the window of 187"):
        MaskedAutoencoder(1, 187, latent_size=200)
