"""Which networks have a counterpart in ONNX: all of these, or a sentence says that there is none."""

import importlib
from dataclasses import replace
from typing import Any

import pytest
import torch

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.export import gate, int8, onnx_file, portable, session
from ecg_lightning.features import Features
from ecg_lightning.windowing import Window
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.corpora.exported import a_bundle

N_SAMPLES = 256
FEATURES = {"feature_mean": [0.8], "feature_std": [0.2]}
SPECTROGRAM = {"n_samples": N_SAMPLES, "n_window": 32, "hop": 16}
NETWORKS: dict[str, dict[str, Any]] = {
    "alexnet.AlexNet": {"n_leads": 1, "n_outputs": 2, "n_dense": 16, **SPECTROGRAM},
    "bilstm.BiLSTM": {"n_leads": 1, "n_outputs": 2, "n_units": 8, **SPECTROGRAM},
    "cnn1d.Cnn1d": {"n_leads": 1, "n_samples": N_SAMPLES, "n_outputs": 2, "width": 4},
    "feature_logistic.FeatureLogistic": {"n_outputs": 2, **FEATURES},
    "gru.GRU": {"n_leads": 1, "n_outputs": 2, "n_units": 16, **SPECTROGRAM},
    "inception1d.Inception1d": {"n_leads": 1, "n_outputs": 2},
    "latent_dense.LatentDense": {"n_leads": 1, "n_samples": N_SAMPLES, "n_outputs": 2, "latent_size": 4},
    "resnet_bilstm_attention.ResNetBiLSTMAttention": {
        **{"n_leads": 1, "n_samples": N_SAMPLES, "n_outputs": 2, "filters": (8, 8), "lstm_units": 8},
        **FEATURES,
    },
    "s4.S4": {"n_leads": 1, "n_outputs": 2, "width": 8, "n_blocks": 1},
    "transformer.Transformer": {"n_leads": 1, "n_samples": N_SAMPLES, "n_outputs": 2, "n_blocks": 1}
    | {"feature_mean": [], "feature_std": []},
    "xresnet1d101.XResNet1d101": {"n_leads": 1, "n_outputs": 2},
}


def bundle_of(where: str) -> Bundle:
    module, _, name = where.partition(".")
    torch.manual_seed(0)
    network = getattr(importlib.import_module(f"ecg_lightning.models.{module}"), name)(**NETWORKS[where]).eval()
    contract = replace(a_bundle().contract, network=f"ecg_lightning.models.{where}", window=Window(N_SAMPLES, 64))
    if not NETWORKS[where].get("feature_mean", [0.8]):
        contract = replace(contract, features=Features((), "diagnostic"), feature_mean=(), feature_std=())
    return Bundle(network, contract)


def check(made: Bundle) -> str:
    """Export to float32 and to int8; how the latter was done."""
    shapes, probes = portable.shapes(made, None), portable.probes(made, None)
    plain = onnx_file.exported(made, shapes)
    asked = session.opened(plain.SerializeToString())
    gate.parity(made, lambda fields: session.says(asked, fields), probes)
    feed = session.feed_of(tuple(shapes), portable.first(probes, 100))
    small, how = int8.quantised(plain, {name: one[2:] for name, one in feed.items()}, "minmax")
    said = session.says(session.opened(small.SerializeToString()), probes)
    expected = portable.asked(made, probes)
    scale = expected.std(dim=0).mean() + 0.1 * expected.abs().mean()  # some untrained networks answer all alike
    assert (said - expected).abs().mean() < 0.3 * scale, "int8 says something else"
    return how


@pytest.mark.slow
@pytest.mark.parametrize("where", [name for name in NETWORKS if name != "s4.S4"])
def test_a_network_becomes_a_file_that_says_the_same(where: str) -> None:
    check(bundle_of(where))


@pytest.mark.slow
def test_a_score_of_anomalies_is_the_same_in_every_part() -> None:
    made = anomaly_bundle()
    assert portable.asked(made, portable.probes(made, None)).shape == (512, 4)
    assert "static" in check(made)


@pytest.mark.slow
def test_a_network_of_complex_numbers_is_refused_in_words() -> None:
    with pytest.raises(
        BadBundle, match=r"network=ecg_lightning.models.s4.S4 cannot be exported to ONNX \(No ONNX func"
    ):
        check(bundle_of("s4.S4"))
