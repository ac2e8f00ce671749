"""Cnn1d: what is left for its linear layer; what it shares with its like is in test_heartbeat_networks."""

import torch

from ecg_lightning.models.cnn1d import Cnn1d


def network() -> Cnn1d:
    torch.manual_seed(0)
    return Cnn1d(1, 1440, 1, n_window=64, hop=32).eval()


def test_every_pair_of_convolutions_halves_the_rate() -> None:
    net = network()
    assert sum(isinstance(part, torch.nn.Conv2d) for part in net.modules()) == 8
    assert net.waves(torch.randn(2, 33, 1, 44)).shape == (2, 128, 1, 2)  # 44, 22, 11, 5, 2


def test_raw_samples_leave_a_sixteenth_of_their_steps() -> None:
    net = Cnn1d(2, 280, 5).eval()
    assert net.waves(torch.randn(2, 2, 1, 280)).shape == (2, 128, 1, 17)
