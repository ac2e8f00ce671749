"""Bundles that score anomalies, of a small network that knows what normal noise looks like."""

from typing import Any

import torch

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract, Score
from ecg_lightning.features import Features
from ecg_lightning.models.conv_autoencoder import ConvAutoencoder
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Window

RULE = "mean + 2 SD of validation normals"


def anomaly_network(n_leads: int, n_samples: int) -> ConvAutoencoder:
    """Untrained, but told of normal windows: noise that is louder towards their ends."""
    torch.manual_seed(0)
    network = ConvAutoencoder(n_leads, n_samples, latent_size=4, channels=2).eval()
    ecg = torch.randn(50, n_leads, n_samples) * torch.linspace(0.5, 2, n_samples)
    with torch.no_grad():
        network.normal.learn([(ecg, network.encode(ecg))])
    return network


def anomaly_contract(**changes: Any) -> Contract:
    """Of beats in one lead at 100 Hz, with one number of the rhythm; changes replace arguments of Contract."""
    given: dict[str, Any] = {
        "task": "anomaly",
        "network": "ecg_lightning.models.conv_autoencoder.ConvAutoencoder",
        "arguments": {"n_leads": 1, "n_samples": 60, "latent_size": 4, "channels": 2},
        "produces": "reconstruction",
        "problem": "anomaly",
        "classes": ("normal", "anomaly"),
        "class_names": {},
        "preprocess": Preprocess(("MLII",), 100.0, "diagnostic", "butterworth", high_hz=40.0),
        "window": Window(60, 30),
        "features": Features(("pre_rr_s",), "diagnostic"),
        "feature_mean": (0.8,),
        "feature_std": (0.02,),
        "temperature": 1.0,
        "thresholds": (0.3,),
        "patients": {},
        "data": {},
        "tags": {},
        "test": {},
        "score": Score(("latent", "rhythm"), (0.9, 1.1), (0.2, 0.5), RULE),
    }
    return Contract(**(given | changes))


def anomaly_bundle(**changes: Any) -> Bundle:
    """The network and the contract together; changes as in `anomaly_contract`."""
    contract = anomaly_contract(**changes)
    return Bundle(anomaly_network(len(contract.preprocess.leads), contract.window.n_samples), contract)
