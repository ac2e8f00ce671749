"""Bundles that may answer while a signal arrives, and a recording for them."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.dsp import rhythm
from ecg_lightning.features import Features
from ecg_lightning.models.hybrid_cnn import HybridCNN
from ecg_lightning.predict.stream import Decision, Stream
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Window

FS_HZ = 100.0
LEADS = ("MLII", "V1")
NAMES = tuple(name for name, feature in rhythm.NAMES.items() if not feature.looks_ahead)


def a_bundle(**changed: Any) -> Bundle:
    """Of a small network of two leads, causal filter, running scale and all features that look back."""
    torch.manual_seed(0)
    zero, one = (0.0,) * len(NAMES), (1.0,) * len(NAMES)
    arguments = {"n_leads": 2, "n_samples": 60, "n_outputs": 3, "feature_mean": zero, "feature_std": one, "width": 4}
    network = HybridCNN(**arguments).eval()
    with torch.no_grad():  # so that it calls more than one class
        last = network.head[-1]
        last.weight.mul_(20)
        last.bias.copy_(-last.weight @ torch.full((last.in_features,), 0.1) - torch.tensor([1.39, 0.2, 0.35]))
    preprocess = Preprocess(LEADS, FS_HZ, "real_time", "butterworth", phase="causal", high_hz=40.0, scale="running")
    contract = Contract(
        task="arrhythmia",
        network="ecg_lightning.models.hybrid_cnn.HybridCNN",
        arguments=arguments,
        produces="logits",
        problem="multiclass",
        classes=("N", "S", "V"),
        class_names={},
        preprocess=preprocess,
        window=Window(60, 36),
        features=Features(NAMES, "real_time"),
        feature_mean=zero,
        feature_std=one,
        temperature=2.0,
        thresholds=None,
        patients={},
        data={},
        tags={},
        test={},
    )
    return Bundle(network, replace(contract, **changed))


def a_record(seconds: int = 20) -> Record:
    """Beats of many heights and intervals on noise; the first and the last lie so close to the ends as they may."""
    rng = np.random.default_rng(0)
    peak_sample = np.cumsum(rng.integers(50, 110, 4 * seconds))
    peak_sample = np.concatenate([[3], peak_sample[peak_sample < 100 * seconds - 30], [100 * seconds - 2]])
    ecg_mv = 0.05 * rng.standard_normal((3, 100 * seconds))
    for peak in peak_sample:
        width = slice(max(peak - 2, 0), peak + 3)
        ecg_mv[:, width] += rng.uniform(0.8, 1.5) * np.array([0.3, 0.7, 1, 0.7, 0.3])[: ecg_mv[0, width].size]
    return Record("a", "p", ecg_mv.astype(np.float32), ("V5", "V1", "MLII"), FS_HZ, peak_sample, (), False)


def streamed(
    stream: Stream,
    record: Record,
    lengths: list[int],
    begin: int = 0,
    ecg: Float[np.ndarray, "lead time"] | None = None,
) -> list[Decision]:
    """Push a record from sample `begin` on in pieces of these lengths, with its own beats where they are not found."""
    ecg, at, said = record.ecg_mv if ecg is None else ecg, begin, []
    for length in lengths:
        stop = min(at + length, ecg.shape[1])
        own = record.peak_sample[(record.peak_sample >= at) & (record.peak_sample < stop)]
        said += stream.push(ecg[:, at:stop], None if stream.detect else own)
        at = stop
    return said
