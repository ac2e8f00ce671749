"""Bundles of a small untrained network: of beats, of whole recordings, of stretches of them; and what to ask them."""

from typing import Any

import numpy as np
import torch

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Crops, Segments, Window

FS_HZ = 100.0
BEATS: dict[str, Any] = {
    "task": "arrhythmia",
    "problem": "multiclass",
    "classes": ("N", "V"),
    "class_names": {"N": "normal", "V": "ventricular"},
    "preprocess": Preprocess(("MLII",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0),
    "window": Window(60, 30),
    "features": Features(("pre_rr_s",), "diagnostic"),
    "temperature": 2.0,
    "thresholds": None,
}
RECORDINGS: dict[str, Any] = {
    "task": "ptbxl",
    "problem": "multilabel",
    "classes": ("MI", "CD"),
    "class_names": {"MI": "infarction", "CD": "conduction"},
    "preprocess": Preprocess(("V1", "MLII"), FS_HZ, "diagnostic", "none", scale="record", unit="NU"),
    "window": Crops(60, 30, "mean"),
    "features": Features(("age_years", "sex_female"), "diagnostic"),
    "temperature": 1.5,
    "thresholds": (0.2, 0.8),
}
SEGMENTS: dict[str, Any] = {
    "task": "hypoglycemia",
    "problem": "binary",
    "classes": ("normal", "low"),
    "class_names": {"low": "glucose below 3.9 mmol/L"},
    "preprocess": Preprocess(("MLII",), FS_HZ, "diagnostic", "none", beats="detected"),
    "window": Segments(60, 60),
    "features": Features(("hour_sin",), "diagnostic"),
    "temperature": 1.0,
    "thresholds": (0.5,),
}


def small_bundle(kind: dict[str, Any], **changes: Any) -> Bundle:
    """One of the three; changes replace arguments of Contract."""
    given = kind | {"data": {"corpus": "none"}, "tags": {}, "test": {}, "patients": {"train": ("Ann",)}} | changes
    n_features, n_leads = len(given["features"].names), len(given["preprocess"].leads)
    n_outputs = 1 if given["problem"] == "binary" else len(given["classes"])
    arguments: dict[str, Any] = {"n_leads": n_leads, "n_samples": 60, "n_outputs": n_outputs}
    arguments |= {"feature_mean": [0.8] * n_features, "feature_std": [0.2] * n_features}
    torch.manual_seed(0)
    network = Logistic(**arguments).eval()
    name = "ecg_lightning.models.logistic.Logistic"
    scale = {"feature_mean": (0.8,) * n_features, "feature_std": (0.2,) * n_features}
    return Bundle(network, Contract(network=name, arguments=arguments, produces="logits", **scale, **given))


def sent_recording(seed: int = 0) -> dict[str, Any]:
    """Nine seconds of noise in two leads, with ten marked beats, as somebody sends it."""
    noise = np.random.default_rng(seed).standard_normal((2, 900)).round(3)
    beats = list(range(40, 860, 80))[:10]
    return {"ecg_mv": noise.tolist(), "leads": ["V1", "MLII"], "fs_hz": FS_HZ, "peak_sample": beats}
