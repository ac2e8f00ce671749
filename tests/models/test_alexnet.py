"""AlexNet: its layers; what it shares with its like is in test_heartbeat_networks."""

import torch

from ecg_lightning.models.alexnet import AlexNet


def network() -> AlexNet:
    torch.manual_seed(0)
    return AlexNet(1, 1440, 1, n_window=64, hop=32).eval()


def test_it_has_five_convolutions_three_pools_and_three_dense_layers() -> None:
    kinds = [type(part) for part in network().modules()]
    assert [kinds.count(kind) for kind in (torch.nn.Conv2d, torch.nn.MaxPool2d, torch.nn.Linear)] == [5, 3, 3]


def test_pools_overlap_and_leave_an_eighth_of_the_frames() -> None:
    assert network().waves(torch.randn(2, 33, 1, 44)).shape == (2, 256, 1, 4)  # 44, 21, 10, 4


def test_over_samples_its_first_convolution_takes_every_fourth() -> None:
    net = AlexNet(2, 280, 5).eval()
    assert net.waves(torch.randn(2, 2, 1, 280)).shape == (2, 256, 1, 7)  # 280, 70, 34, 16, 7
