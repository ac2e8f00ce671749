"""A window in a few numbers, by dense layers alone."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.bottleneck import check_bottleneck

N_LAYERS = 3


def widths(n_inputs: int, latent_size: int) -> tuple[int, ...]:
    """Numbers before and behind each layer of an encoder, each smaller than the last by the same factor.

    Args:
        n_inputs: samples of the window, all leads together.
        latent_size: numbers that are left.

    Raises:
        ValueError: the latent vector is empty, or not smaller than the window.
    """
    check_bottleneck(latent_size, n_inputs)
    factor = (latent_size / n_inputs) ** (1 / N_LAYERS)
    return tuple(round(n_inputs * factor**layer) for layer in range(N_LAYERS + 1))


def dense_layers(sizes: tuple[int, ...]) -> nn.Sequential:
    """Linear layers through these sizes, rectified between them and not behind the last."""
    layers = [layer for n_in, n_out in pairwise(sizes) for layer in (nn.Linear(n_in, n_out), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class DenseEncoder(nn.Module):
    """Three dense layers from all samples of a window to its latent vector.

    Neither dropout nor batch norm: weights that do not move give the same vector in training and in use.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        latent_size: numbers that are left of it.

    Raises:
        ValueError: the latent vector is empty, or not smaller than the window.
    """

    def __init__(self, n_leads: int, n_samples: int, latent_size: int) -> None:
        super().__init__()
        self.layers = dense_layers(widths(n_leads * n_samples, latent_size))

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch latent"]:
        return self.layers(ecg.flatten(1))
