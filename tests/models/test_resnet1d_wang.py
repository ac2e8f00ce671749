"""ResNet1dWang: its rate, its layers one by one; what it shares with its like is in test_benchmark_networks."""

import torch
from torch.nn import functional as F

from ecg_lightning.models.resnet1d_wang import ResNet1dWang


def network(n_leads: int = 12, n_outputs: int = 5) -> ResNet1dWang:
    torch.manual_seed(0)
    return ResNet1dWang(n_leads, n_outputs)


def test_its_residual_blocks_leave_a_quarter_of_the_rate() -> None:
    net = network()
    waves = net.stem(torch.randn(2, 12, 1, 250))
    assert [tuple(b(waves).shape) for b in (net.blocks[0], net.blocks)] == [(2, 128, 1, 250), (2, 128, 1, 63)]


def plain(net: ResNet1dWang, ecg: torch.Tensor) -> torch.Tensor:
    """The same weights by Conv1d, one layer after the other, as the benchmark lists them; in eval mode."""
    weights = net.state_dict()

    def normed(waves: torch.Tensor, name: str) -> torch.Tensor:
        mean, var, scale, shift = (weights[f"{name}.{w}"] for w in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(waves, mean, var, scale, shift)

    def convolved(waves: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        kernel = weights[f"{name}.conv.weight"][:, :, 0]
        return normed(F.conv1d(waves, kernel, stride=stride, padding=kernel.shape[2] // 2), f"{name}.norm")

    waves = convolved(ecg, "stem.0").relu()
    for number, stride in enumerate((1, 2, 2)):
        name = f"blocks.{number}"
        branch = convolved(convolved(waves, f"{name}.branch.0", stride).relu(), f"{name}.branch.2")
        shortcut = waves if stride == 1 else convolved(waves, f"{name}.shortcut", stride)
        waves = (branch + shortcut).relu()
    pooled = torch.cat([F.adaptive_max_pool1d(waves, 1), F.adaptive_avg_pool1d(waves, 1)], dim=1).squeeze(2)
    head = "head.layers"
    hidden = F.linear(normed(pooled, f"{head}.0"), weights[f"{head}.2.weight"], weights[f"{head}.2.bias"]).relu()
    return F.linear(normed(hidden, f"{head}.4"), weights[f"{head}.6.weight"], weights[f"{head}.6.bias"])


def test_it_is_the_benchmarks_network_layer_by_layer() -> None:
    net = network()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(32, 12, 250))  # norms that know more than 0 and 1
        net.eval()
        ecg = torch.randn(3, 12, 250)
        torch.testing.assert_close(net(ecg), plain(net, ecg), atol=1e-5, rtol=1e-4)
