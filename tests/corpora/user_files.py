"""Recordings as users bring them, and small bundles that answer for them, both as files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import wfdb
from torch import nn

from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict.place import find
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.anomaly_bundle import anomaly_bundle

FS_HZ = 100.0
RR_S = 0.8
TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def peaks_of(seconds: float) -> np.ndarray:
    """Where `write_heart` puts R peaks."""
    return np.arange(40, round(seconds * FS_HZ) - 20, round(RR_S * FS_HZ))


def write_heart(
    folder: Path,
    name: str,
    seconds: float = 40.0,
    leads: Sequence[str] = ("MLII",),
    annotated: bool = True,
    comments: Sequence[str] = (),
    fs_hz: float = FS_HZ,
) -> Path:
    """Write `<folder>/<name>.hea .dat .atr`: a beat every 0.8 s; from 20 s on the lead is off for 3 s."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    ecg_mv = 0.01 * rng.standard_normal((round(seconds * FS_HZ), len(leads)))
    for at in peaks_of(seconds):
        ecg_mv[at - 3 : at + 4] += np.array([0.1, 0.4, 0.9, 1.2, 0.9, 0.4, 0.1])[:, None]
        ecg_mv[at + 15 : at + 30] += 0.2
    ecg_mv[2000:2300] = 0.0
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        p_signal=ecg_mv,
        fmt=["16"] * len(leads),
        comments=list(comments),
        write_dir=str(folder),
    )
    if annotated:
        peaks = peaks_of(seconds)
        symbol = ["V" if k % 10 in (4, 5, 6) else "N" for k in range(len(peaks))]
        wfdb.wrann(name, "atr", peaks, symbol=symbol, write_dir=str(folder))
    return folder / name


def beat_contract(**changes: Any) -> Contract:
    """Of beats N, S and V; changes replace arguments of Contract."""
    given: dict[str, Any] = {
        "task": "arrhythmia",
        "network": "ecg_lightning.models.logistic.Logistic",
        "arguments": logistic_arguments(1, 60, 3, (0.8,), (0.2,)),
        "produces": "logits",
        "problem": "multiclass",
        "classes": ("N", "S", "V"),
        "class_names": {"N": "normal", "S": "supraventricular ectopic", "V": "ventricular ectopic"},
        "preprocess": Preprocess(("MLII",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0),
        "window": Window(60, 30),
        "features": Features(("pre_rr_s",), "diagnostic"),
        "feature_mean": (0.8,),
        "feature_std": (0.2,),
        "temperature": 2.0,
        "thresholds": None,
        "patients": {},
        "data": {"corpus": "mitdb", "synthetic": False},
        "tags": {},
        "test": {"test/macro_f1": 0.5, "test/macro_f1_low": 0.4, "test/macro_f1_high": 0.6},
    }
    return Contract(**(given | changes))


def logistic_arguments(
    n_leads: int, n_samples: int, n_outputs: int, mean: Sequence[float] = (), std: Sequence[float] = ()
) -> dict[str, Any]:
    """Of a Logistic network, with mean and spread of its features."""
    return {
        "n_leads": n_leads,
        "n_samples": n_samples,
        "n_outputs": n_outputs,
        "feature_mean": list(mean),
        "feature_std": list(std),
    }


def written(folder: Path, contract: Contract, seed: int = 0) -> Bundle:
    """Write a bundle of a Logistic network, untrained, and read it."""
    torch.manual_seed(seed)
    network: nn.Module = Logistic(**contract.arguments)
    bundle.write(folder, network, contract)
    return bundle.read(find(str(folder)).model)


def written_beats(folder: Path, **changes: Any) -> Bundle:
    """For beats, one at a time."""
    return written(folder, beat_contract(**changes))


def written_anomaly(folder: Path, **changes: Any) -> Bundle:
    """That scores beats; changes replace arguments of Contract."""
    made = anomaly_bundle(**({"data": {"corpus": "mitdb", "synthetic": True}} | changes))
    bundle.write(folder, made.network, made.contract)
    return made


def written_windows(folder: Path) -> Bundle:
    """That watches 2 s at a time."""
    contract = beat_contract(
        task="hypoglycemia",
        arguments=logistic_arguments(1, 200, 1),
        problem="binary",
        classes=("normal", "low"),
        class_names={"normal": "glucose enough", "low": "glucose below 3.9 mmol/L"},
        window=Segments(200, 200),
        features=Features((), "diagnostic"),
        feature_mean=(),
        feature_std=(),
        thresholds=(0.5,),
        extra_channels={"breathing": 1},
    )
    return written(folder, contract)


def written_labels(folder: Path, **changes: Any) -> Bundle:
    """That labels recordings of twelve leads, told of age and sex."""
    contract = beat_contract(
        task="ptbxl",
        arguments=logistic_arguments(12, 250, 3, (60.0, 0.5), (15.0, 0.5)),
        problem="multilabel",
        classes=("NORM", "MI", "CD"),
        class_names={"NORM": "normal ECG"},
        preprocess=Preprocess(TWELVE, FS_HZ, "diagnostic", "none", scale="none"),
        window=Crops(250, 125, "mean"),
        features=Features(("age_years", "sex_female"), "diagnostic"),
        feature_mean=(60.0, 0.5),
        feature_std=(15.0, 0.5),
        thresholds=(0.3, 0.6, 0.9),
    )
    return written(folder, replace(contract, **changes))
