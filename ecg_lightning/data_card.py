"""What a run says of its data: who stood where, how many of what, and a few windows to look at."""

import hashlib
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import torch

from ecg_lightning.datamodules.windows import WindowSource
from ecg_lightning.dsp.resample import resample
from ecg_lightning.prepare import Preprocess, Window
from ecg_lightning.store import Corpus, Store
from ecg_lightning.structures import Fold, WindowTable

SIDES = ("train", "val", "test")
STRIP_S = 10.0
PER_CLASS = 5  # examples of right answers, and as many of wrong ones


@runtime_checkable
class Described(Protocol):
    """A corpus that can say where it comes from."""

    name: str
    licence: str
    citation: str
    source: str
    missing: tuple[str, ...]


@runtime_checkable
class Data(Protocol):
    """What a data module shows of itself."""

    store: Store
    table: WindowTable
    fold: Fold
    source: WindowSource
    window: Window
    preprocess: Preprocess
    corpus: Corpus
    classes: tuple[str, ...]


def data_card(data: Data, corpus: Described, split: str) -> dict[str, Any]:
    """Source, counts per side, class and patient, and what was left out."""
    table, classes = data.table, data.classes
    counts, patients, per_patient = {}, {}, []
    for side in SIDES:
        rows = getattr(data.fold, side)
        counts[side] = dict(zip(classes, np.bincount(table.label[rows], minlength=len(classes)).tolist(), strict=True))
        people = np.unique(table.patient[rows])
        patients[side] = [table.patient_names[i] for i in people]
        for person in people:
            own = np.bincount(table.label[rows][table.patient[rows] == person], minlength=len(classes)).tolist()
            per_patient.append(
                {"patient": table.patient_names[person], "side": side, **dict(zip(classes, own, strict=True))}
            )
    return {
        "corpus": corpus.name,
        "source": corpus.source,
        "synthetic": data.store.synthetic,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "records": list(data.store.records),
        "missing": list(corpus.missing),
        "skipped": data.store.skipped,
        "fingerprint": data.store.fingerprint,
        "split": split,
        "split_hash": split_hash(data),
        "tags": data_tags(data, corpus),
        "counts": counts,
        "patients": patients,
        "per_patient": per_patient,
    }


def data_tags(data: Data, corpus: Described) -> dict[str, str]:
    """What a reader of the numbers must know of the data, on every page and run."""
    tags = dict(data.fold.tags)
    if data.store.synthetic:
        tags["synthetic"] = "true"
    if corpus.missing:
        tags["missing_records"] = ",".join(corpus.missing)
    if data.store.skipped:
        tags["skipped_records"] = ",".join(data.store.skipped)
    return tags


def split_hash(data: Data) -> str:
    """Same rows on the same sides, same hash."""
    digest = hashlib.sha256()
    names = np.array(data.table.record_names)
    for side in SIDES:
        rows = getattr(data.fold, side)
        digest.update(side.encode() + "".join(names[data.table.record[rows]]).encode())
        digest.update(np.ascontiguousarray(data.table.start[rows]).tobytes())
    return digest.hexdigest()[:16]


def examples(data: Data, predictions: pd.DataFrame) -> dict[str, np.ndarray]:
    """Arrays for the pictures: a strip before and after filtering, and windows answered right and wrong.

    Args:
        data: where the windows come from.
        predictions: with columns row, record, side, label and `logit_<class>`; test rows are shown, if there are any.
    """
    shown = "test" if (predictions["side"] == "test").any() else "val"
    predictions = predictions[predictions["side"] == shown]
    answer = predictions[[f"logit_{c}" for c in data.classes]].to_numpy().argmax(1)
    label, row = predictions["label"].to_numpy(), predictions["row"].to_numpy()
    chosen = []
    rng = np.random.default_rng(0)
    for number in range(len(data.classes)):
        for group in (row[(label == number) & (answer == number)], row[(label == number) & (answer != number)]):
            chosen.extend(rng.permutation(group)[:PER_CLASS].tolist())
    rows = torch.tensor(chosen, dtype=torch.int64)
    whole = WindowSource(data.store.signal, data.table, len(data.preprocess.leads), data.window, "none")
    ecg = whole.gather(rows, torch.ones(len(rows), dtype=torch.bool)).ecg.numpy()
    return {
        "beats_ecg_mv": ecg,
        "beats_row": rows.numpy(),
        "beats_fs_hz": np.array(data.preprocess.fs_hz),
        "beats_n_before": np.array(data.window.n_before),
        "beats_leads": np.array(data.preprocess.leads),
        **strip(data, str(predictions["record"].iloc[0])),
    }


def strip(data: Data, name: str) -> dict[str, np.ndarray]:
    """Ten seconds of one record from its middle, raw and preprocessed."""
    fs_hz, n_leads = data.preprocess.fs_hz, len(data.preprocess.leads)
    record = data.corpus.read(name, data.preprocess.leads)
    raw_mv = resample(record.ecg_mv, record.fs_hz, fs_hz)[0]
    filtered = data.store.record(name, n_leads)[0]
    n = min(len(raw_mv), round(STRIP_S * fs_hz))
    begin = (len(raw_mv) - n) // 2
    return {
        "strip_raw_mv": raw_mv[begin : begin + n],
        "strip_filtered": np.array(filtered[begin : begin + n]),
        "strip_fs_hz": np.array(fs_hz),
        "strip_start_s": np.array(begin / fs_hz),
        "strip_record": np.array(name),
        "strip_lead": np.array(record.leads[0]),
    }
