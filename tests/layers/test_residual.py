"""Residual: the sum, rectified, and nothing of what came in is overwritten."""

import torch
from torch import nn

from ecg_lightning.layers.residual import Residual


def test_it_is_the_rectified_sum_and_leaves_the_waves_as_they_were() -> None:
    layer = Residual(nn.Conv2d(4, 6, 1), nn.Conv2d(4, 6, 1))
    waves = torch.randn(3, 4, 1, 20)
    kept = waves.clone()
    torch.testing.assert_close(layer(waves), torch.relu(layer.branch(waves) + layer.shortcut(waves)))
    assert torch.equal(waves, kept)


def test_without_a_branch_waves_above_zero_pass() -> None:
    branch = nn.Conv2d(4, 4, 1)
    nn.init.zeros_(branch.weight)
    nn.init.zeros_(branch.bias)
    waves = torch.rand(3, 4, 1, 20)
    assert torch.equal(Residual(branch, nn.Identity())(waves), waves)
