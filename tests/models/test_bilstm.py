"""BiLSTM: the order in which it hears; what it shares with its like is in test_heartbeat_networks."""

import torch

from ecg_lightning.models.bilstm import BiLSTM


def network() -> BiLSTM:
    torch.manual_seed(0)
    return BiLSTM(1, 1440, 1, n_window=64, hop=32).eval()


def heard(ecg: torch.Tensor) -> torch.Tensor:
    """What is known at each frame."""
    net = network()
    with torch.no_grad():
        return net.order(net.hearing(ecg).mT)[0]


def test_it_walks_over_time_and_not_over_frequency() -> None:
    net = network()
    assert net.order.input_size == 33  # frequencies of one frame
    assert net.head.in_features == 44 * 128  # frames times what is known at each


def test_one_half_hears_nothing_of_later_frames_and_the_other_nothing_of_earlier_ones() -> None:
    ecg = torch.randn(1, 1, 1440)
    late, early = ecg.clone(), ecg.clone()
    late[..., 1100:] = 0  # frame 32 ends with sample 1088
    early[..., :320] = 0  # frame 10 begins with sample 320
    plain, changed_late, changed_early = heard(ecg), heard(late), heard(early)
    torch.testing.assert_close(plain[:, :33, :64], changed_late[:, :33, :64])
    torch.testing.assert_close(plain[:, 10:, 64:], changed_early[:, 10:, 64:])
    assert not torch.allclose(plain[:, :33, 64:], changed_late[:, :33, 64:])
    assert not torch.allclose(plain[:, 10:, :64], changed_early[:, 10:, :64])
