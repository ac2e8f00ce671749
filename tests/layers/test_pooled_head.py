"""PooledHead: against torch's pooling layers, and what it is blind to."""

import torch
from torch import nn

from ecg_lightning.layers.pooled_head import PooledHead


def test_it_is_the_plain_layers_over_maximum_and_mean() -> None:
    torch.manual_seed(0)
    head = PooledHead(6, 5, dropout=0.5).eval()
    waves = torch.randn(4, 6, 1, 33)
    row = waves.squeeze(2)
    pooled = torch.cat([nn.AdaptiveMaxPool1d(1)(row), nn.AdaptiveAvgPool1d(1)(row)], dim=1).squeeze(2)
    norm, _, first, _, middle, _, last = head.layers
    torch.testing.assert_close(head(waves), last(middle(torch.relu(first(norm(pooled))))))


def test_dropout_is_halved_in_front_of_the_first_linear_layer() -> None:
    drops = [part.p for part in PooledHead(6, 5, dropout=0.5).modules() if isinstance(part, nn.Dropout)]
    assert drops == [0.25, 0.5]


def test_order_in_time_does_not_matter() -> None:
    head = PooledHead(6, 5, dropout=0.5).eval()
    waves = torch.randn(4, 6, 1, 33)
    torch.testing.assert_close(head(waves), head(waves.flip(3)))


def test_every_parameter_gets_a_gradient() -> None:
    head = PooledHead(6, 5, dropout=0.5)
    head(torch.randn(8, 6, 1, 33)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())
