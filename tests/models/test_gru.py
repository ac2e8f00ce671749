"""GRU: the order in which it hears; what it shares with its like is in test_heartbeat_networks."""

import torch

from ecg_lightning.models.gru import GRU


def network() -> GRU:
    torch.manual_seed(0)
    return GRU(1, 1440, 1, n_window=64, hop=32).eval()


def heard(ecg: torch.Tensor) -> torch.Tensor:
    """What is known at each frame."""
    net = network()
    with torch.no_grad():
        return net.order(net.hearing(ecg).mT)[0]


def test_it_walks_over_time_and_not_over_frequency() -> None:
    net = network()
    assert net.order.input_size == 33  # frequencies of one frame
    assert net.head.in_features == 44 * 64  # frames times what is known at each


def test_it_hears_nothing_of_later_frames() -> None:
    ecg = torch.randn(1, 1, 1440)
    changed = ecg.clone()
    changed[..., 1100:] = 0  # frame 32 ends with sample 1088
    torch.testing.assert_close(heard(ecg)[:, :33], heard(changed)[:, :33])
    assert not torch.allclose(heard(ecg)[:, 34:], heard(changed)[:, 34:])
