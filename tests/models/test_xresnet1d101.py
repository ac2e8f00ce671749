"""XResNet1d101: its contract, its size, its stages, its start."""

import pytest
import torch
from torch.nn import functional as F

from ecg_lightning.models.xresnet1d101 import WIDE, XResNet1d101, bottleneck


def network(n_leads: int = 12, n_outputs: int = 5) -> XResNet1d101:
    torch.manual_seed(0)
    return XResNet1d101(n_leads, n_outputs)


@pytest.mark.parametrize(("n_leads", "n_samples", "n_outputs"), [(12, 250, 5), (12, 1000, 71), (1, 280, 5), (2, 9, 1)])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int, n_outputs: int) -> None:
    net = network(n_leads, n_outputs)
    ecg = torch.randn(4, n_leads, n_samples)
    F.binary_cross_entropy_with_logits(net(ecg), torch.rand(4, n_outputs)).backward()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still, "these parameters get no gradient"
    net.eval()
    with torch.no_grad():
        assert net(ecg).shape == (4, n_outputs)
        torch.testing.assert_close(net(ecg)[2:3], net(ecg[2:3]), atol=1e-4, rtol=1e-4)


def test_it_declares_that_it_takes_the_ecg_alone() -> None:
    assert (XResNet1d101.takes, XResNet1d101.produces, XResNet1d101.scope) == (("ecg",), "logits", "window")


def test_it_has_as_many_parameters_as_published() -> None:
    n_parameters = sum(p.numel() for p in network().parameters())
    assert n_parameters == 1_872_261
    assert round(n_parameters / 1e6, 2) == 1.87  # Strodthoff et al. 2021


def test_a_shift_by_whole_steps_changes_nothing() -> None:
    net = network(n_leads=2).eval()
    early, late = torch.zeros(2, 1, 2, 3200)
    wave = torch.randn(2, 40)
    early[..., 1600 : 1600 + 40] = late[..., 1600 + 32 : 1600 + 32 + 40] = wave
    with torch.no_grad():
        torch.testing.assert_close(net(early), net(late), atol=1e-5, rtol=1e-5)
        assert (net(early) - net(0 * early)).abs().max() > 1e-3


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


def test_bf16_stays_close() -> None:
    net, ecg = network().eval(), torch.randn(4, 12, 250)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(ecg).float()
        torch.testing.assert_close(rough, net(ecg), atol=0.03, rtol=0.05)


def test_dropout_acts_in_training_alone() -> None:
    net, ecg = network(), torch.randn(4, 12, 100)
    assert not torch.equal(net(ecg), net(ecg))
    net.eval()
    assert torch.equal(net(ecg), net(ecg))


def test_training_fits_a_separable_toy() -> None:
    net = network(n_leads=2, n_outputs=2)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    row = torch.arange(32)
    label = torch.stack([row % 2, row // 2 % 2], dim=1).float()  # both, one or none of two findings
    ecg = 0.1 * torch.randn(32, 2, 60)
    ecg[label[:, 0] == 1, 0, 30:34] += 1  # a narrow wave
    ecg[label[:, 1] == 1, 1, 10:40] += 1  # a wide one
    for _ in range(30):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(ecg), label).backward()
        optimizer.step()
    with torch.no_grad():
        assert ((net.eval()(ecg) > 0) == label.bool()).float().mean() > 0.95
