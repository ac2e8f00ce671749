"""A few windows or recordings of a run, kept as arrays so that the report can draw them."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ecg_lightning import anomaly_examples
from ecg_lightning.batch import Batch
from ecg_lightning.calibration import Decisions, decide, fit_calibration, fit_thresholds, probabilities
from ecg_lightning.data_card import Data
from ecg_lightning.datamodules.windows import WindowSource
from ecg_lightning.dsp.resample import resample
from ecg_lightning.predictions import Predictions
from ecg_lightning.windowing import Crops, Segments, Window

STRIP_S = 10.0
PER_CLASS = 5  # right answers, and as many wrong ones
MAX_RECORDINGS = 40
MAX_SYMBOLS = 4  # kinds of abnormal beats
NORMAL = "N"


@runtime_checkable
class Attends(Protocol):
    """A network that can say where in time it looked."""

    takes: Sequence[str]

    def attention(self, *inputs: Any) -> Tensor: ...


def examples(data: Data, predictions: Predictions, network: nn.Module) -> dict[str, np.ndarray]:
    """Arrays for the pictures: a strip before and after filtering, and windows or whole recordings.

    Args:
        data: where they come from.
        predictions: test rows are shown, if there are any.
        network: asked where it looked, if it can say.
    """
    shown = "test" if (predictions.table["side"] == "test").any() else "val"
    chosen = predictions.table["side"].to_numpy() == shown
    record = str(predictions.table["record"].to_numpy()[chosen][0])
    row, label = predictions.table["row"].to_numpy()[chosen], predictions.label[chosen]
    if predictions.problem == "anomaly":
        made = anomaly_examples.anomalies(data, decided(predictions).where(chosen), network)
        return strip(data, record) | made | {"made_unit": np.array(_unit_heard(data))}
    if isinstance(data.window, Crops):
        return strip(data, record) | recordings(data, row, label, network)
    rows = drawn(row, label, answers(predictions)[chosen], len(data.classes))
    if isinstance(data.window, Segments):
        return strip(data, record) | segments(data, rows, network)
    found = strip(data, record) | beats(data, data.window, rows)
    return found | (abnormal_beats(data, data.window, row, label) if predictions.problem == "binary" else {})


def answers(predictions: Predictions) -> Int[np.ndarray, " row"]:
    """The class that each row is called, as it will be in the report."""
    return decided(predictions).called


def decided(predictions: Predictions) -> Decisions:
    """What is said of each row, as it will be in the report."""
    p = probabilities(predictions, *fit_calibration(predictions))
    return decide(predictions, p, fit_thresholds(predictions, p))


def drawn(
    row: Int[np.ndarray, " row"], label: Int[np.ndarray, " row"], answer: Int[np.ndarray, " row"], n_classes: int
) -> Int[np.ndarray, " chosen"]:
    """Rows of every class, answered right and wrong, drawn at random."""
    chosen = []
    rng = np.random.default_rng(0)
    for number in range(n_classes):
        for group in (row[(label == number) & (answer == number)], row[(label == number) & (answer != number)]):
            chosen.extend(rng.permutation(group)[:PER_CLASS].tolist())
    return np.array(chosen, np.int64)


def beats(data: Data, window: Window, rows: Int[np.ndarray, " chosen"]) -> dict[str, np.ndarray]:
    """Windows round R peaks, after preprocessing."""
    return {
        "beats_ecg_mv": _unscaled(data, window, rows),
        "beats_row": rows,
        "beats_fs_hz": np.array(data.preprocess.fs_hz),
        "beats_n_before": np.array(window.n_before),
        "beats_leads": np.array(data.preprocess.leads),
    }


def abnormal_beats(
    data: Data, window: Window, row: Int[np.ndarray, " row"], label: Int[np.ndarray, " row"]
) -> dict[str, np.ndarray]:
    """A stretch round an abnormal beat, one beat of each of some abnormal symbols, and a window of each class.

    Args:
        data: with annotated beats.
        window: round each of them.
        row: those to draw from.
        label: of each; a window may be abnormal by a neighbour of its beat.
    """
    order = np.random.default_rng(0).permutation(len(row))
    row, label = row[order], label[order]
    symbol = _symbols(data, window, row)
    abnormal = np.flatnonzero(symbol != NORMAL)
    first = np.sort(abnormal[np.unique(symbol[abnormal], return_index=True)[1]])[:MAX_SYMBOLS]
    heard = np.array([row[label == number][0] for number in range(2) if (label == number).any()])
    return {
        "around_ecg": _unscaled(data, window, row[first]),
        "around_row": row[first],
        "around_symbol": symbol[first],
        "heard_ecg": _gathered(data.source, heard).ecg.numpy(),
        "heard_row": heard,
        "heard_unit": np.array(_unit_heard(data)),
        **stretch(data, window, int(row[abnormal[0] if len(abnormal) else 0])),
    }


def stretch(data: Data, window: Window, row: int) -> dict[str, np.ndarray]:
    """Ten seconds as the corpus gives them with the beat of this row somewhere in them, and all their beats."""
    number, fs_hz = int(data.table.record[row]), data.preprocess.fs_hz
    name = data.table.record_names[number]
    ecg, leads = _at_rate(data, name)
    n = min(ecg.shape[1], round(STRIP_S * fs_hz))
    before = round(np.random.default_rng(row).uniform(0.1, 0.9) * n)
    begin = int(np.clip(data.table.start[row] + window.n_before - before, 0, ecg.shape[1] - n))
    peak, symbol = _beats_in(data, name)
    here = (peak >= begin) & (peak < begin + n)
    rows = np.flatnonzero(data.table.record == number)
    place = dict(zip((data.table.start[rows] + window.n_before).tolist(), rows.tolist(), strict=True))
    return {
        "stretch_ecg": ecg[:, begin : begin + n],
        "stretch_fs_hz": np.array(fs_hz),
        "stretch_start_s": np.array(begin / fs_hz),
        "stretch_record": np.array(name),
        "stretch_leads": np.array(leads),
        "stretch_unit": np.array(data.preprocess.unit),
        "stretch_beat_s": (peak[here] - begin) / fs_hz,
        "stretch_symbol": symbol[here],
        "stretch_row": np.array([place.get(one, -1) for one in peak[here].tolist()], np.int64),
    }


def segments(data: Data, rows: Int[np.ndarray, " chosen"], network: nn.Module) -> dict[str, np.ndarray]:
    """Windows as the network sees them, with the other signals that it sees, and where in time it looked."""
    batch = _gathered(data.source, rows)
    found = {
        "segments_ecg": batch.ecg.numpy(),
        "segments_row": rows,
        "segments_fs_hz": np.array(data.preprocess.fs_hz),
        "segments_leads": np.array(data.preprocess.leads),
        "segments_unit": np.array(_unit_heard(data)),
        **{f"segments_extra_{name}": signal.numpy() for name, signal in batch.extra.items()},
    }
    seen = attention(data, rows, network)
    return found if seen is None else found | {"segments_attention": seen}


def recordings(
    data: Data, row: Int[np.ndarray, " row"], label: Int[np.ndarray, "row class"], network: nn.Module
) -> dict[str, np.ndarray]:
    """Recordings of every class as the corpus gives them, drawn at random, rare classes first."""
    rng = np.random.default_rng(0)
    chosen: dict[int, None] = {}
    for number in np.argsort(label.sum(axis=0), kind="stable"):
        for one in rng.permutation(row[label[:, number] == 1])[:PER_CLASS].tolist():
            chosen.setdefault(one)
    rows = np.array(list(chosen)[:MAX_RECORDINGS], np.int64)
    found = {
        "records_ecg": np.stack([_at_rate(data, data.table.record_names[data.table.record[one]])[0] for one in rows]),
        "records_row": rows,
        "records_fs_hz": np.array(data.preprocess.fs_hz),
        "records_leads": np.array(data.preprocess.leads),
        "records_unit": np.array(data.preprocess.unit),
    }
    seen = attention(data, rows, network)
    return found if seen is None else found | {"records_attention": seen}


@torch.inference_mode()
def attention(data: Data, rows: Int[np.ndarray, " row"], network: nn.Module) -> Float[np.ndarray, "row step"] | None:
    """Where in time the network looked; None where it cannot say, or sees crops instead of whole recordings."""
    batch = _gathered(data.source, rows)
    if not isinstance(network, Attends) or batch.ecg.dim() != 3:
        return None
    network.cpu().eval()
    return network.attention(*(getattr(batch, name) for name in network.takes)).float().numpy()


def strip(data: Data, name: str) -> dict[str, np.ndarray]:
    """Ten seconds of one record from its middle, raw and preprocessed."""
    fs_hz, n_leads = data.preprocess.fs_hz, len(data.preprocess.leads)
    ecg, leads = _at_rate(data, name)
    raw = ecg[0]
    filtered = data.store.record(name, n_leads)[0]
    n = min(len(raw), round(STRIP_S * fs_hz))
    begin = (len(raw) - n) // 2
    scaled = data.preprocess.scale in ("record", "running")
    return {
        "strip_raw_mv": raw[begin : begin + n],
        "strip_filtered": np.array(filtered[begin : begin + n]),
        "strip_fs_hz": np.array(fs_hz),
        "strip_start_s": np.array(begin / fs_hz),
        "strip_record": np.array(name),
        "strip_lead": np.array(leads[0]),
        "strip_unit": np.array([data.preprocess.unit, "SD" if scaled else data.preprocess.unit]),
    }


def _at_rate(data: Data, name: str) -> tuple[Float[np.ndarray, "lead time"], tuple[str, ...]]:
    """A record as its corpus gives it, at the task's rate, and its own names of the leads."""
    read = data.corpus.read(name.partition("#")[0], data.preprocess.leads)  # a stretch of it is called name#1
    parts = read if isinstance(read, tuple) else (read,)
    record = next(part for part in parts if part.name == name)
    return resample(record.ecg_mv, record.fs_hz, data.preprocess.fs_hz), record.leads


def _gathered(source: WindowSource, rows: Int[np.ndarray, " chosen"]) -> Batch:
    row = torch.from_numpy(rows)
    return source.gather(row, torch.ones(len(row), dtype=torch.bool))


def _unit_heard(data: Data) -> str:
    """Of the samples that a network is given."""
    return data.preprocess.unit if data.preprocess.scale == "none" else "SD"


def _unscaled(data: Data, window: Window, rows: Int[np.ndarray, " chosen"]) -> Float[np.ndarray, "chosen lead time"]:
    """Windows after preprocessing, without a z-score of their own."""
    source = WindowSource(data.store.signal, data.table, len(data.preprocess.leads), window, "none")
    return _gathered(source, rows).ecg.numpy()


def _beats_in(data: Data, record: str) -> tuple[Int[np.ndarray, " beat"], np.ndarray]:
    """R peaks and symbols of one record of the store."""
    number = data.store.records.index(record)
    stop = int(data.store.n_beats[: number + 1].sum())
    own = slice(stop - int(data.store.n_beats[number]), stop)
    return data.store.peak_sample[own], data.store.symbol[own].astype(str)


def _symbols(data: Data, window: Window, rows: Int[np.ndarray, " row"]) -> np.ndarray:
    """Annotation symbol of the beat that each row is about."""
    symbol = np.empty(len(rows), dtype="<U8")
    for number in np.unique(data.table.record[rows]):
        peak, own = _beats_in(data, data.table.record_names[number])
        here = data.table.record[rows] == number
        symbol[here] = own[np.searchsorted(peak, data.table.start[rows[here]] + window.n_before)]
    return symbol
