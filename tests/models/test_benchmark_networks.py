"""What the convolutional networks of the PTB-XL benchmark have in common: contract, size, shifts, learning."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ecg_lightning.models.inception1d import Inception1d
from ecg_lightning.models.resnet1d_wang import ResNet1dWang
from ecg_lightning.models.xresnet1d101 import XResNet1d101

KINDS = (ResNet1dWang, XResNet1d101, Inception1d)
each = pytest.mark.parametrize("kind", KINDS)


def network(kind: type[nn.Module], n_leads: int = 12, n_outputs: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return kind(n_leads, n_outputs)


@each
@pytest.mark.parametrize(("n_leads", "n_samples", "n_outputs"), [(12, 250, 5), (12, 1000, 71), (1, 280, 5), (2, 9, 1)])
def test_every_parameter_learns_and_rows_do_not_leak(
    kind: type[nn.Module], n_leads: int, n_samples: int, n_outputs: int
) -> None:
    net = network(kind, n_leads, n_outputs)
    ecg = torch.randn(4, n_leads, n_samples)
    F.binary_cross_entropy_with_logits(net(ecg), torch.rand(4, n_outputs)).backward()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still, "these parameters get no gradient"
    net.eval()
    with torch.no_grad():
        assert net(ecg).shape == (4, n_outputs)
        torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]), atol=1e-4, rtol=1e-4)


@each
def test_it_declares_that_it_takes_the_ecg_alone(kind: type[nn.Module]) -> None:
    assert (kind.takes, kind.produces, kind.scope) == (("ecg",), "logits", "window")


@pytest.mark.parametrize(
    ("kind", "n_parameters", "published_m"),  # Strodthoff et al. 2021
    [(ResNet1dWang, 473_349, 0.47), (XResNet1d101, 1_872_261, 1.87), (Inception1d, 507_653, 0.51)],
)
def test_it_has_as_many_parameters_as_published(kind: type[nn.Module], n_parameters: int, published_m: float) -> None:
    assert sum(p.numel() for p in network(kind).parameters()) == n_parameters
    assert round(n_parameters / 1e6, 2) == published_m


@pytest.mark.parametrize(
    ("kind", "n_samples", "begin", "by"),
    [(ResNet1dWang, 400, 160, 4), (XResNet1d101, 3200, 1600, 32), (Inception1d, 600, 260, 7)],
)
def test_a_shift_by_whole_steps_changes_nothing(kind: type[nn.Module], n_samples: int, begin: int, by: int) -> None:
    net = network(kind, n_leads=2).eval()
    early, late = torch.zeros(2, 1, 2, n_samples)
    early[..., begin : begin + 40] = late[..., begin + by : begin + by + 40] = torch.randn(2, 40)
    with torch.no_grad():
        torch.testing.assert_close(net(early), net(late), atol=1e-5, rtol=1e-5)
        assert (net(early) - net(0 * early)).abs().max() > 1e-3


@each
def test_bf16_stays_close(kind: type[nn.Module]) -> None:
    net, ecg = network(kind).eval(), torch.randn(4, 12, 250)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(ecg).float()
        torch.testing.assert_close(rough, net(ecg), atol=0.03, rtol=0.05)


@each
def test_dropout_acts_in_training_alone(kind: type[nn.Module]) -> None:
    net, ecg = network(kind), torch.randn(4, 12, 100)
    assert not torch.equal(net(ecg), net(ecg))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


@pytest.mark.parametrize(
    ("kind", "n_steps"),
    [
        (ResNet1dWang, 40),
        pytest.param(XResNet1d101, 30, marks=pytest.mark.slow),
        pytest.param(Inception1d, 50, marks=pytest.mark.slow),
    ],
)
def test_training_fits_a_separable_toy(kind: type[nn.Module], n_steps: int) -> None:
    net = network(kind, n_leads=2, n_outputs=2)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    row = torch.arange(32)
    label = torch.stack([row % 2, row // 2 % 2], dim=1).float()  # both, one or none of two findings
    ecg = 0.1 * torch.randn(32, 2, 60)
    ecg[label[:, 0] == 1, 0, 30:34] += 1  # a narrow wave
    ecg[label[:, 1] == 1, 1, 10:40] += 1  # a wide one
    for _ in range(n_steps):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(ecg), label).backward()
        optimizer.step()
    with torch.no_grad():
        assert ((net.eval()(ecg) > 0) == label.bool()).float().mean() > 0.95
