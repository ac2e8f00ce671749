"""LatentDense: its contract, and what it refuses."""

import pytest
import torch

from ecg_lightning.models.latent_dense import LatentDense


@pytest.mark.parametrize(("n_leads", "n_samples", "n_outputs"), [(1, 2500, 1), (1, 280, 5), (12, 100, 5)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int, n_outputs: int) -> None:
    net, ecg = LatentDense(n_leads, n_samples, n_outputs, latent_size=8), torch.randn(6, n_leads, n_samples)
    net(ecg).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg).shape == (6, n_outputs)
    torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]))


def test_it_declares_that_it_takes_the_ecg_alone() -> None:
    assert (LatentDense.takes, LatentDense.produces, LatentDense.scope) == (("ecg",), "logits", "window")


def test_the_logits_see_the_window_through_the_latent_vector_alone() -> None:
    net, ecg = LatentDense(1, 280, 1, latent_size=8).eval(), torch.randn(4, 1, 280)
    torch.testing.assert_close(net(ecg), net.head(net.encoder(ecg)))
    with torch.no_grad():
        net.encoder.layers[-1].weight.zero_()
    assert net(ecg).std() == 0


def test_the_scale_of_the_latent_vector_does_not_matter() -> None:
    net, ecg = LatentDense(1, 280, 1, latent_size=8, dropout=0.0), torch.randn(16, 1, 280)
    said = net(ecg)
    with torch.no_grad():
        net.encoder.layers[-1].weight.mul_(100)
        net.encoder.layers[-1].bias.mul_(100)
    torch.testing.assert_close(net(ecg), said, atol=1e-2, rtol=1e-2)


def test_dropout_acts_in_training_alone() -> None:
    net, ecg = LatentDense(1, 280, 1, latent_size=8), torch.randn(4, 1, 280)
    assert not torch.equal(net(ecg), net(ecg))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


def test_without_a_latent_vector_it_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"latent_size=0 must be at least 1 .* set pretrain.latent_size=32"):
        LatentDense(1, 2500, 1, latent_size=0)
