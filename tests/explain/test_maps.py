"""Occlusion, Grad-CAM, attention and reconstruction against networks whose answer is known."""

import pytest
import torch
from torch import Tensor, nn

from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.maps import (
    attention,
    grad_cam,
    laid_out,
    last_convolution,
    occlusion,
    places_of,
    reconstruction_error,
)
from ecg_lightning.layers.residual import Residual
from ecg_lightning.models.alexnet import AlexNet
from ecg_lightning.models.cnn1d import Cnn1d
from ecg_lightning.models.cnn_lstm_attention import CNNLSTMAttention
from ecg_lightning.models.gru import GRU
from ecg_lightning.models.hybrid_cnn import HybridCNN
from ecg_lightning.models.inception1d import Inception1d
from ecg_lightning.models.resnet1d_wang import ResNet1dWang
from ecg_lightning.models.xresnet1d101 import XResNet1d101
from ecg_lightning.windowing import Crops, scale_windows
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.explain.bundles import a_bundle


class OneSample(nn.Module):
    """Looks at sample 31 of the second lead alone."""

    takes, scope = ("ecg",), "window"

    def forward(self, ecg: Tensor) -> Tensor:
        return 2 * ecg[:, 1, 31:32]


def test_occlusion_finds_the_only_sample_that_counts() -> None:
    ecg = torch.randn(4, 2, 60)
    found = occlusion(Asked(a_bundle(OneSample(), "binary")), (ecg,), torch.zeros(1, 2, 60), torch.ones(4).long())
    assert not found[:, 0].any()
    far = (torch.arange(60) - 31).abs() >= 5  # a stretch of 50 ms at 100 Hz
    assert not found[:, 1, far].any()
    torch.testing.assert_close(found[:, 1, 31], 2 * ecg[:, 1, 31] / 5, rtol=1e-4, atol=1e-6)


def test_many_leads_are_hidden_together() -> None:
    ecg = torch.randn(2, 3, 60)
    found = occlusion(Asked(a_bundle(OneSample(), "binary")), (ecg,), torch.zeros(1, 3, 60), torch.ones(2).long())
    assert found.shape == (2, 1, 60)
    torch.testing.assert_close(found[:, 0, 31], 2 * ecg[:, 1, 31] / 5, rtol=1e-4, atol=1e-6)


class KnownConv(nn.Module):
    """One channel is the ECG itself; the answer is its mean."""

    takes, scope = ("ecg",), "window"

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, sign)

    def forward(self, ecg: Tensor) -> Tensor:
        return self.conv(ecg).mean(dim=2)


def test_grad_cam_of_a_known_convolution_is_the_positive_ecg() -> None:
    ecg = torch.randn(3, 1, 60)
    found = grad_cam(Asked(a_bundle(KnownConv(1.0), "binary")), (ecg,), torch.ones(3).long())
    assert found is not None
    seen = ecg.clamp(min=0)
    torch.testing.assert_close(found, seen / seen.amax(dim=2, keepdim=True))


def test_grad_cam_that_sees_nothing_is_0() -> None:
    found = grad_cam(Asked(a_bundle(KnownConv(1.0), "binary")), (-torch.ones(2, 1, 60),), torch.ones(2).long())
    assert found is not None
    assert not found.any()


def test_the_last_convolution_is_a_whole_block_and_of_the_ecg() -> None:
    wang = ResNet1dWang(3, 2)
    assert last_convolution(wang) is wang.blocks[2]
    assert isinstance(last_convolution(wang), Residual)
    hybrid = HybridCNN(1, 64, 2, (0.8,), (0.2,), width=4)
    assert last_convolution(hybrid) is hybrid.morphology.waves[2]
    belt = CNNLSTMAttention(1, 160, 1, (), (), {"breathing": 1}, filters=(4, 4), kernels=(3, 3))
    assert last_convolution(belt) is belt.waves[1]
    assert last_convolution(GRU(1, 60, 1, 4)) is None


@pytest.mark.parametrize("network", [ResNet1dWang(1, 1), Inception1d(1, 1)], ids=["wang", "inception"])
def test_convolutional_networks_have_a_map_over_time(network: nn.Module) -> None:
    torch.manual_seed(0)
    found = grad_cam(Asked(a_bundle(network, "binary")), (torch.randn(2, 1, 64),), torch.tensor([0, 1]))
    assert found is not None
    assert found.shape == (2, 1, 64)
    assert found.std() > 0


@pytest.mark.parametrize(
    ("network", "n_samples", "n_steps", "expected"),
    [
        (HybridCNN(1, 256, 2, (0.8,), (0.2,), width=4), 256, 32, (3.5, 8)),
        (HybridCNN(1, 180, 2, (0.8,), (0.2,), width=4), 180, 22, (3.5, 8)),
        (ResNet1dWang(1, 2), 250, 63, (0, 4)),
        (XResNet1d101(1, 2), 250, 8, (0, 32)),
        (Cnn1d(1, 512, 2, width=4), 512, 64, (3.5, 8)),
        (Cnn1d(1, 512, 2, width=4, n_window=32, hop=4), 512, 15, (29.5, 32)),
        (AlexNet(1, 1000, 2, n_dense=4), 1000, 61, (12, 16)),
        (ResNet1dWang(1, 2), 250, 10, (12, 25)),
    ],
    ids=["hybrid", "hybrid with a rest", "wang", "xresnet", "cnn1d", "spectrogram", "alexnet", "even where none fits"],
)
def test_steps_lie_where_their_convolution_looks(
    network: nn.Module, n_samples: int, n_steps: int, expected: tuple[float, float]
) -> None:
    layer = last_convolution(network)
    assert layer is not None
    assert places_of(network, layer, n_samples, n_steps) == expected


class Strided(nn.Module):
    """Every sixteenth sample, the first included; the answer is their mean."""

    takes, scope = ("ecg",), "window"

    def __init__(self) -> None:
        super().__init__()
        self.waves = nn.Sequential(*(nn.Conv1d(1, 1, 1, stride=2, bias=False) for _ in range(4)))
        for weight in self.parameters():
            nn.init.ones_(weight)

    def forward(self, ecg: Tensor) -> Tensor:
        return self.waves(ecg).mean(dim=2)


def test_behind_strides_grad_cam_is_highest_at_the_sample_that_was_seen() -> None:
    ecg = torch.zeros(1, 1, 160)
    ecg[0, 0, 80] = 1.0
    found = grad_cam(Asked(a_bundle(Strided(), "binary")), (ecg,), torch.ones(1).long())
    assert found is not None
    assert found.argmax() == 80
    torch.testing.assert_close(found[0, 0, 72:89], 1 - (torch.arange(72, 89) - 80).abs() / 16)


def test_networks_without_convolutions_or_attention_have_no_such_map() -> None:
    asked = Asked(a_bundle(GRU(1, 60, 1, 4).eval(), "binary"))
    assert grad_cam(asked, (torch.randn(1, 1, 60),), torch.ones(1).long()) is None
    assert attention(asked, (torch.randn(1, 1, 60),)) is None


def test_attention_is_in_parts_of_an_even_share() -> None:
    network = CNNLSTMAttention(1, 160, 1, (), (), {}, filters=(4, 4), kernels=(3, 3)).eval()
    ecg = torch.randn(3, 1, 160)
    found = attention(Asked(a_bundle(network, "binary")), (ecg,))
    assert found is not None
    with torch.no_grad():
        steps = network.attention(ecg, torch.zeros(3, 0), {})
    torch.testing.assert_close(found[:, 0], 40 * steps.repeat_interleave(4, dim=1))
    torch.testing.assert_close(found.mean(dim=2), torch.ones(3, 1))


def test_attention_to_crops_is_laid_out_on_the_recording() -> None:
    network = CNNLSTMAttention(1, 160, 2, (), (), {}, filters=(4, 4), kernels=(3, 3)).eval()
    made = a_bundle(network, "multilabel", window=Crops(160, 80, "mean"))
    found = attention(Asked(made, torch.tensor([0, 80])), (torch.randn(3, 1, 240),))
    assert found is not None
    assert found.shape == (3, 1, 240)


def test_crops_are_averaged_where_they_overlap() -> None:
    crops = torch.tensor([[[1.0, 1.0]], [[3.0, 5.0]]])
    index = torch.tensor([[0, 1], [1, 2]])
    assert laid_out(crops, index, 3).tolist() == [[[1.0, 2.0, 5.0]]]


def test_the_error_of_a_reconstruction_is_that_of_each_sample() -> None:
    made = anomaly_bundle()
    ecg = scale_windows(torch.randn(4, 1, 60), "window")
    again, error = reconstruction_error(made, ecg, None)
    with torch.no_grad():
        torch.testing.assert_close(again, made.network(ecg))
    torch.testing.assert_close(error, (ecg - again).abs())
    two, _ = reconstruction_error(made, torch.cat([ecg, ecg], dim=2), torch.arange(120).reshape(2, 60))
    torch.testing.assert_close(two, torch.cat([again, again], dim=2))


def test_crops_are_z_scored_before_they_are_made_again() -> None:
    made, ecg = anomaly_bundle(), 3 + 5 * torch.randn(4, 1, 60)
    _, error = reconstruction_error(made, ecg, torch.arange(60)[None])
    torch.testing.assert_close(error, reconstruction_error(made, scale_windows(ecg, "window"), None)[1])
