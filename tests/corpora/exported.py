"""A small bundle with the rows that it was judged by, and the records that these come from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.export import portable
from ecg_lightning.export.work import Source
from ecg_lightning.features import Features
from ecg_lightning.models.hybrid_cnn import HybridCNN
from ecg_lightning.predict.rows import answers, cut_again
from ecg_lightning.predictions import Predictions
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Window

FS_HZ, N_BEATS = 100.0, 60
CLASSES = ("N", "V")


class Records:
    """Three records of noise and beats, one of each side."""

    name, on_bad_record = "made up", "raise"
    reader_files: tuple[Path, ...] = ()

    def records(self) -> tuple[str, ...]:
        return ("0", "1", "2")

    def sources(self, record: str) -> list[Path]:  # noqa: ARG002
        return []

    def read(self, record: str, leads: Sequence[str]) -> Record:
        rng = np.random.default_rng(int(record))
        peak_sample = 80 * np.arange(N_BEATS) + rng.integers(40, 60, N_BEATS)
        ecg_mv = 0.2 * rng.standard_normal((1, 80 * N_BEATS + 80)).astype(np.float32)
        ecg_mv[0, peak_sample] += 1
        return Record(record, record, ecg_mv, tuple(leads), FS_HZ, peak_sample, ("N",) * N_BEATS, True)


def a_bundle() -> Bundle:
    """Untrained, with batch norms that have seen something, of beats that are z-scored one by one."""
    torch.manual_seed(0)
    arguments = {"n_leads": 1, "n_samples": 64, "n_outputs": 2, "feature_mean": [0.8], "feature_std": [0.2], "width": 8}
    network = HybridCNN(**arguments)  # type: ignore[arg-type]
    for _ in range(20):
        network(torch.randn(32, 1, 64), torch.randn(32, 1))
    contract = Contract(
        task="arrhythmia",
        network="ecg_lightning.models.hybrid_cnn.HybridCNN",
        arguments=arguments,
        produces="logits",
        problem="multiclass",
        classes=CLASSES,
        class_names={"N": "normal", "V": "ventricular"},
        preprocess=Preprocess(("MLII",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0),
        window=Window(64, 32),
        features=Features(("pre_rr_s",), "diagnostic"),
        feature_mean=(0.8,),
        feature_std=(0.2,),
        temperature=2.0,
        thresholds=None,
        patients={"train": ("Jane",), "val": ("1",), "test": ("2",)},
        data={},
        tags={},
        test={"test/accuracy": 0.9},
    )
    return Bundle(network.eval(), contract)


def a_source(model: Path) -> Source:
    """The bundle in its run; the labels are what the network says, but for every seventh row."""
    made = a_bundle()
    time_s = np.concatenate([Records().read(name, ("MLII",)).peak_sample / FS_HZ for name in "012"])
    record = np.repeat(list("012"), N_BEATS)
    table = pd.DataFrame({"row": np.arange(len(record)), "record": record, "patient": record, "time_s": time_s})
    table = table.assign(side=np.repeat(["train", "val", "test"], N_BEATS), fold=0, label=0, logit_N=0.0, logit_V=0.0)
    before = Predictions(table, "arrhythmia", "multiclass", CLASSES, {}, True)
    rows = cut_again(made, before, Records())
    last = made.network.head[-1]  # type: ignore[index]
    with torch.no_grad():
        last.bias -= answers(made, rows).median(dim=0).values  # so that both classes are called
    logits = answers(made, rows).double().numpy()
    label = logits.argmax(axis=1)
    label[::7] = 1 - label[::7]
    predictions = replace(before, table=table.assign(label=label, logit_N=logits[:, 0], logit_V=logits[:, 1]))
    rows = cut_again(portable.unscaled(made), predictions, Records(), np.arange(N_BEATS, 3 * N_BEATS))
    probes, shapes = portable.probes(made, rows), portable.shapes(made, rows)
    return Source(model, made, predictions, Records(), probes, shapes)
