"""Every kind of classifier can be explained: gradients flow through all of them."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.gradients import integrated_gradients
from ecg_lightning.models.alexnet import AlexNet
from ecg_lightning.models.bilstm import BiLSTM
from ecg_lightning.models.cnn import CNN
from ecg_lightning.models.cnn1d import Cnn1d
from ecg_lightning.models.resnet_bilstm_attention import ResNetBiLSTMAttention
from ecg_lightning.models.s4 import S4
from ecg_lightning.models.transformer import Transformer
from ecg_lightning.models.xresnet1d101 import XResNet1d101
from tests.explain.bundles import a_bundle

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "cnn": lambda: CNN(1, 400, 2, width=4),
    "bilstm on a spectrogram": lambda: BiLSTM(1, 400, 2, 4, 64, 32),
    "alexnet on a spectrogram": lambda: AlexNet(1, 400, 2, 16, n_window=32, hop=4),
    "cnn1d on a spectrogram": lambda: Cnn1d(1, 400, 2, 4, n_window=32, hop=8),
    "resnet_bilstm_attention": lambda: ResNetBiLSTMAttention(
        1, 400, 2, (0.8,), (0.2,), (4, 4), lstm_units=4, dense_units=4, metadata_units=4, combined_units=4
    ),
    "s4": lambda: S4(1, 2, width=8, n_blocks=1),
    "transformer": lambda: Transformer(1, 400, 2, (0.8,), (0.2,), width=8, n_blocks=1, n_heads=2),
    "xresnet1d101": lambda: XResNet1d101(1, 2),
}


SLOW = ("xresnet1d101", "alexnet on a spectrogram", "resnet_bilstm_attention")


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in NETWORKS])
def test_every_sample_gets_its_part_of_the_sum(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    n_features = int("features" in network.takes)  # type: ignore[operator]
    asked = Asked(a_bundle(network, "multiclass", n_features=n_features))
    ecg = torch.randn(1, 1, 400)
    given = {"ecg": ecg, "features": torch.full((1, n_features), 0.9), "extra": {}}
    base = asked.inputs({"ecg": 0 * ecg, "features": torch.full((1, n_features), 0.8), "extra": {}})
    found = integrated_gradients(asked, asked.inputs(given), base, torch.tensor([1]), 16)
    assert found.converged.all()
    assert found.maps[0].shape == ecg.shape
    assert (found.maps[0] != 0).float().mean() > 0.9
