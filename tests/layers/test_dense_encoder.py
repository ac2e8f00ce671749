"""DenseEncoder: its sizes, its contract, and what it refuses."""

import pytest
import torch
from torch import nn

from ecg_lightning.layers.dense_encoder import DenseEncoder, dense_layers, widths


def test_a_window_of_2500_samples_shrinks_by_the_same_factor_in_every_layer() -> None:
    assert widths(2500, 32) == (2500, 585, 137, 32)
    assert widths(2500, 256) == (2500, 1170, 547, 256)


@pytest.mark.parametrize(("n_inputs", "latent_size"), [(280, 32), (12000, 64), (10, 9), (2, 1)])
def test_no_layer_is_wider_than_the_one_before(n_inputs: int, latent_size: int) -> None:
    sizes = widths(n_inputs, latent_size)
    assert sizes[0] == n_inputs
    assert sizes[-1] == latent_size
    assert list(sizes) == sorted(sizes, reverse=True)


def test_layers_are_linear_with_relu_between_them() -> None:
    layers, ecg = dense_layers((6, 5, 4)), torch.randn(3, 6)
    first, last = layers[0], layers[2]
    torch.testing.assert_close(layers(ecg), last(nn.functional.relu(first(ecg))))
    assert len(layers) == 3


@pytest.mark.parametrize(("n_leads", "n_samples"), [(1, 2500), (1, 280), (12, 100)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    encoder, ecg = DenseEncoder(n_leads, n_samples, 16), torch.randn(6, n_leads, n_samples)
    encoder(ecg).square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters()), "a parameter gets no gradient"
    assert encoder(ecg).shape == (6, 16)
    torch.testing.assert_close(encoder(ecg)[2:3], encoder(ecg[2:3]))


def test_training_and_use_give_the_same_vector() -> None:
    encoder, ecg = DenseEncoder(1, 280, 8), torch.randn(4, 1, 280)
    assert torch.equal(encoder.train()(ecg), encoder.eval()(ecg))
    assert not list(encoder.buffers())


@pytest.mark.parametrize("latent_size", [0, -3, 280, 281])
def test_a_latent_vector_that_encodes_nothing_is_refused_in_words(latent_size: int) -> None:
    with pytest.raises(ValueError, match=rf"latent_size={latent_size} must be at least 1 and smaller than .* of 280"):
        DenseEncoder(1, 280, latent_size)
