"""Bundles of small classifiers, whose maps can be told by heart."""

from typing import Any

import torch
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Window


class MeanLead(nn.Module):
    """Two labels: the mean of the window, and three times its last sample."""

    takes: tuple[str, ...] = ("ecg",)
    scope = "window"

    def forward(self, ecg: Tensor) -> Tensor:
        return torch.stack([ecg.mean(dim=(1, 2)), 3 * ecg[:, 0, -1]], dim=1)


def a_bundle(network: nn.Module, problem: str, n_features: int = 0, **changes: Any) -> Bundle:
    """Of two classes at 100 Hz, with one feature or none; changes are arguments of Contract."""
    names = ("pre_rr_s",) * n_features
    given: dict[str, Any] = {
        "task": "arrhythmia",
        "network": "tests.explain.bundles.MeanLead",
        "arguments": {},
        "produces": "logits",
        "problem": problem,
        "classes": ("N", "V"),
        "class_names": {},
        "preprocess": Preprocess(("MLII",), 100.0, "diagnostic", "butterworth", high_hz=40.0, scale="none"),
        "window": Window(60, 30),
        "features": Features(names, "diagnostic"),
        "feature_mean": (0.8,) * len(names),
        "feature_std": (0.2,) * len(names),
        "temperature": 1.0,
        "thresholds": {"binary": (0.5,), "multilabel": (0.5, 0.5)}.get(problem),
        "patients": {},
        "data": {},
        "tags": {},
        "test": {},
        "offsets": {"binary": (0.0,), "multilabel": (0.0, 0.0)}.get(problem, ()),
    }
    return Bundle(network.eval(), Contract(**(given | changes)))
