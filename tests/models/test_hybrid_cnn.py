"""HybridCNN: its contract, its size, and what it refuses."""

import pytest
import torch

from ecg_lightning.models.hybrid_cnn import HybridCNN


def network(n_leads: int = 1, n_samples: int = 280, n_features: int = 8, width: int = 32) -> HybridCNN:
    torch.manual_seed(0)
    return HybridCNN(n_leads, n_samples, 5, [0.5] * n_features, [2.0] * n_features, width=width)


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [8, 280, 1440, 333])
@pytest.mark.parametrize("n_features", [1, 8])
def test_every_parameter_learns_and_rows_do_not_leak(n_leads: int, n_samples: int, n_features: int) -> None:
    net = network(n_leads, n_samples, n_features, width=4)
    ecg, features = torch.randn(6, n_leads, n_samples), torch.randn(6, n_features)
    net(ecg, features).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters()), "a parameter gets no gradient"
    net.eval()
    assert net(ecg, features).shape == (6, 5)
    torch.testing.assert_close(net(ecg, features)[2:3], net(ecg[2:3], features[2:3]))


def test_the_default_network_has_as_many_parameters_as_ever() -> None:
    assert sum(p.numel() for p in network().parameters()) == 80_229


def test_features_reach_the_logits_in_their_own_units() -> None:
    torch.manual_seed(0)
    raw = HybridCNN(1, 80, 5, [100.0], [10.0], width=4).eval()
    torch.manual_seed(0)
    scaled = HybridCNN(1, 80, 5, [0.0], [1.0], width=4).eval()
    ecg, z = torch.randn(3, 1, 80), torch.randn(3, 1)
    torch.testing.assert_close(raw(ecg, 100 + 10 * z), scaled(ecg, z), atol=1e-5, rtol=1e-5)


def test_a_wave_is_told_by_where_it_stands() -> None:
    net = network().eval()
    early, late = torch.zeros(2, 1, 1, 280)
    early[..., 20:40] = late[..., 220:240] = 1
    features = torch.zeros(1, 8)
    assert (net(early, features) - net(late, features)).abs().max() > 1e-3


def test_bf16_stays_close() -> None:
    net = network().eval()
    ecg, features = torch.randn(16, 1, 280), torch.randn(16, 8)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(ecg, features).float()
    torch.testing.assert_close(rough, net(ecg, features), atol=0.03, rtol=0.05)


def test_training_fits_a_separable_toy() -> None:
    net = network(n_samples=80, n_features=1, width=4)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    label = torch.arange(60) % 3
    ecg = 0.1 * torch.randn(60, 1, 80)
    ecg[label == 1, 0, 30:40] += 1
    features = 0.5 + 0.1 * torch.randn(60, 1) + 4.0 * (label == 2)[:, None]
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(ecg, features), label).backward()
        optimizer.step()
    assert (net.eval()(ecg, features).argmax(dim=1) == label).float().mean() > 0.95


def test_windows_that_are_too_short_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8: choose a longer window"):
        network(n_samples=7)


def test_no_parts_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_parts=0 must be at least 1"):
        HybridCNN(1, 280, 5, [0.0], [1.0], n_parts=0)


def test_no_features_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"feature_mean=\[\] leaves the rhythm stream without input"):
        HybridCNN(1, 280, 5, [], [])
