"""Inception1d: its contract, its size, how far it sees."""

import pytest
import torch
from torch.nn import functional as F

from ecg_lightning.models.inception1d import Inception, Inception1d


def network(n_leads: int = 12, n_outputs: int = 5) -> Inception1d:
    torch.manual_seed(0)
    return Inception1d(n_leads, n_outputs)


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
    assert (Inception1d.takes, Inception1d.produces, Inception1d.scope) == (("ecg",), "logits", "window")


def test_it_has_as_many_parameters_as_published() -> None:
    n_parameters = sum(p.numel() for p in network().parameters())
    assert n_parameters == 507_653
    assert round(n_parameters / 1e6, 2) == 0.51  # Strodthoff et al. 2021


def test_a_shift_by_whole_steps_changes_nothing() -> None:
    net = network(n_leads=2).eval()
    early, late = torch.zeros(2, 1, 2, 600)
    wave = torch.randn(2, 40)
    early[..., 260 : 260 + 40] = late[..., 260 + 7 : 260 + 7 + 40] = wave
    with torch.no_grad():
        torch.testing.assert_close(net(early), net(late), atol=1e-5, rtol=1e-5)
        assert (net(early) - net(0 * early)).abs().max() > 1e-3


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
    for _ in range(50):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(ecg), label).backward()
        optimizer.step()
    with torch.no_grad():
        assert ((net.eval()(ecg) > 0) == label.bool()).float().mean() > 0.95
