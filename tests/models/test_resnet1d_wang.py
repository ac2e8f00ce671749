"""ResNet1dWang: its rate; what it shares with its like is in test_benchmark_networks."""

import torch

from ecg_lightning.models.resnet1d_wang import ResNet1dWang


def network(n_leads: int = 12, n_outputs: int = 5) -> ResNet1dWang:
    torch.manual_seed(0)
    return ResNet1dWang(n_leads, n_outputs)


def test_its_residual_blocks_leave_a_quarter_of_the_rate() -> None:
    net = network()
    waves = net.stem(torch.randn(2, 12, 1, 250))
    assert [tuple(b(waves).shape) for b in (net.blocks[0], net.blocks)] == [(2, 128, 1, 250), (2, 128, 1, 63)]
