"""ConvEncoder and ConvDecoder: their sizes, their layers one by one, and what they refuse."""

import pytest
import torch
from torch import nn

from ecg_lightning.layers.conv_coder import ConvDecoder, ConvEncoder, steps, widths

COUNTS = [(1, 8), (1, 9), (1, 140), (1, 187), (1, 280), (2, 333), (12, 100), (12, 1000)]


def test_each_stage_halves_the_window_and_doubles_the_channels() -> None:
    assert steps(280) == (280, 140, 70, 35)
    assert steps(187) == (187, 94, 47, 24)
    assert widths(12, 16, 7) == (12, 16, 32, 64)


@pytest.mark.parametrize(("n_leads", "n_samples"), COUNTS)
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int) -> None:
    encoder, decoder = (made(n_leads, n_samples, 4, channels=8, kernel=5) for made in (ConvEncoder, ConvDecoder))
    ecg = torch.randn(5, n_leads, n_samples)
    latent = encoder(ecg)
    again = decoder(latent)
    (again - ecg).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for part in (encoder, decoder) for p in part.parameters())
    assert (latent.shape, again.shape) == ((5, 4), ecg.shape)
    torch.testing.assert_close(encoder(ecg[2:3]), latent[2:3])
    torch.testing.assert_close(decoder(latent[2:3]), again[2:3])


@pytest.mark.parametrize("n_samples", [187, 280])
def test_the_encoder_is_its_formula(n_samples: int) -> None:
    encoder, ecg = ConvEncoder(2, n_samples, 4, channels=3, kernel=5), torch.randn(2, 2, n_samples)
    waves = ecg
    for conv in (layer for layer in encoder.waves if isinstance(layer, nn.Conv2d)):
        waves = nn.functional.conv1d(waves, conv.weight.squeeze(2), conv.bias, stride=2, padding=2)
        waves = torch.where(waves > 0, waves, waves / 10)
    torch.testing.assert_close(encoder(ecg), waves.flatten(1) @ encoder.latent.weight.T + encoder.latent.bias)


def test_every_sample_is_made_of_the_latent_vector() -> None:
    decoder = ConvDecoder(2, 187, 4, channels=8, kernel=7)
    ecg = decoder(torch.randn(64, 4))
    assert (ecg.std(dim=0) > 0).all()


def test_a_louder_window_has_another_latent_vector() -> None:
    encoder, ecg = ConvEncoder(1, 280, 4, channels=8, kernel=7), torch.randn(1, 1, 280)
    assert (encoder(ecg) - encoder(2 * ecg)).abs().max() > 1e-3


@pytest.mark.parametrize("kernel", [-1, 0, 4])
def test_a_kernel_that_moves_waves_is_refused_in_words(kernel: int) -> None:
    with pytest.raises(ValueError, match=rf"kernel={kernel} must be odd and above 0"):
        ConvEncoder(1, 280, 4, channels=8, kernel=kernel)


def test_no_channels_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="channels=0 must be at least 1"):
        ConvEncoder(1, 280, 4, channels=0, kernel=5)


def test_a_window_too_short_to_be_halved_three_times_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8, since 3 stages halve the window"):
        ConvEncoder(12, 7, 4, channels=8, kernel=5)


def test_a_decoder_without_a_bottleneck_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="latent_size=24 must be at least 1 and smaller than the window of 24"):
        ConvDecoder(2, 12, 24, channels=8, kernel=5)
