"""Bring raw features to one scale inside the network, so that a trained model takes them in their own units."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Standardise(nn.Module):
    """Subtract the training mean and divide by the training standard deviation; what is not known becomes the mean.

    Args:
        mean: per feature.
        std: per feature; 1 where a feature never varies.

    Raises:
        ValueError: the two differ in length, or a standard deviation is not above 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std):
            raise ValueError(
                f"feature_mean has {len(mean)} values and feature_std {len(std)}: give one of each per feature"
            )
        if not all(value > 0 for value in std):
            raise ValueError(
                f"feature_std={list(std)} must be above 0 everywhere: use 1 for a feature that never varies"
            )
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, features: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature"]:
        return ((features - self.mean) / self.std).nan_to_num(nan=0.0)
