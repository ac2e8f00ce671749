"""XResNet1d101: its stages, its start; what it shares with its like is in test_benchmark_networks."""

import torch

from ecg_lightning.models.xresnet1d101 import WIDE, XResNet1d101, bottleneck


def network(n_leads: int = 12, n_outputs: int = 5) -> XResNet1d101:
    torch.manual_seed(0)
    return XResNet1d101(n_leads, n_outputs)


def test_its_stages_halve_the_rate_and_keep_the_width() -> None:
    net = network()
    waves = net.stem(torch.randn(2, 12, 1, 250))
    shapes = [tuple(waves.shape)]
    for part in net.stages:
        waves = part(waves)
        shapes.append(tuple(waves.shape))
    assert shapes == [(2, 64, 1, 63), (2, 256, 1, 63), (2, 256, 1, 32), (2, 256, 1, 16), (2, 256, 1, 8)]
    assert [len(part) for part in net.stages] == [3, 4, 23, 3]


def test_a_silent_branch_leaves_the_mean_of_neighbours() -> None:
    layer = bottleneck(WIDE, stride=2)
    torch.nn.init.zeros_(layer.branch[-1].norm.weight)
    waves = torch.rand(3, WIDE, 1, 9)
    expected = torch.cat([waves[..., :8].unflatten(3, (4, 2)).mean(dim=4), waves[..., 8:]], dim=3)  # the ninth alone
    torch.testing.assert_close(layer(waves), expected)


def test_at_the_start_every_block_is_nearly_its_shortcut() -> None:
    layer, waves = bottleneck(WIDE, stride=1), torch.rand(8, WIDE, 1, 32)
    assert (layer(waves) - waves).abs().mean() < 0.01
