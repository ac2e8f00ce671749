"""Inception1d: how far it sees; what it shares with its like is in test_benchmark_networks."""

import torch

from ecg_lightning.models.inception1d import Inception, Inception1d


def network(n_leads: int = 12, n_outputs: int = 5) -> Inception1d:
    torch.manual_seed(0)
    return Inception1d(n_leads, n_outputs)


def test_a_layer_sees_as_far_as_its_longest_kernel() -> None:
    layer = Inception(2).eval()
    flat, beat = torch.zeros(2, 1, 2, 1, 101)
    beat[..., 50] = 1
    moved = (layer(beat) - layer(flat)).abs().amax(dim=(0, 2))  # channel, step
    reach = [torch.nonzero(part.amax(dim=0)).flatten() for part in moved.split(32)]
    assert [(int(steps.min()), int(steps.max())) for steps in reach] == [(31, 69), (41, 59), (46, 54), (49, 51)]


def test_its_blocks_keep_the_rate() -> None:
    net = network()
    assert net.blocks(torch.randn(2, 12, 1, 251)).shape == (2, 128, 1, 251)
