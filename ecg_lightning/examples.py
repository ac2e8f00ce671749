"""A few windows or recordings of a run, kept as arrays so that the report can draw them."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ecg_lightning.data_card import Data
from ecg_lightning.datamodules.windows import WindowSource
from ecg_lightning.dsp.resample import resample
from ecg_lightning.predictions import Predictions
from ecg_lightning.windowing import Window

STRIP_S = 10.0
PER_CLASS = 5  # right answers, and as many wrong ones
MAX_RECORDINGS = 40


@runtime_checkable
class Attends(Protocol):
    """A network that can say where in time it looked."""

    takes: Sequence[str]

    def attention(self, *inputs: Tensor) -> Tensor: ...


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
    if isinstance(data.window, Window):
        return strip(data, record) | beats(data, data.window, row, label, predictions.logits[chosen].argmax(axis=1))
    return strip(data, record) | recordings(data, row, label, network)


def beats(
    data: Data,
    window: Window,
    row: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    answer: Int[np.ndarray, " row"],
) -> dict[str, np.ndarray]:
    """Windows of every class, answered right and wrong, drawn at random."""
    chosen = []
    rng = np.random.default_rng(0)
    for number in range(len(data.classes)):
        for group in (row[(label == number) & (answer == number)], row[(label == number) & (answer != number)]):
            chosen.extend(rng.permutation(group)[:PER_CLASS].tolist())
    rows = torch.tensor(chosen, dtype=torch.int64)
    whole = WindowSource(data.store.signal, data.table, len(data.preprocess.leads), window, "none")
    return {
        "beats_ecg_mv": whole.gather(rows, torch.ones(len(rows), dtype=torch.bool)).ecg.numpy(),
        "beats_row": rows.numpy(),
        "beats_fs_hz": np.array(data.preprocess.fs_hz),
        "beats_n_before": np.array(window.n_before),
        "beats_leads": np.array(data.preprocess.leads),
    }


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
        "records_ecg": np.stack([_at_rate(data, data.table.record_names[data.table.record[one]]) for one in rows]),
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
    row = torch.from_numpy(rows)
    batch = data.source.gather(row, torch.ones(len(row), dtype=torch.bool))
    if not isinstance(network, Attends) or batch.ecg.dim() != 3:
        return None
    network.cpu().eval()
    return network.attention(*(getattr(batch, name) for name in network.takes)).float().numpy()


def strip(data: Data, name: str) -> dict[str, np.ndarray]:
    """Ten seconds of one record from its middle, raw and preprocessed."""
    fs_hz, n_leads = data.preprocess.fs_hz, len(data.preprocess.leads)
    raw = _at_rate(data, name)[0]
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
        "strip_lead": np.array(data.preprocess.leads[0]),
        "strip_unit": np.array([data.preprocess.unit, "SD" if scaled else data.preprocess.unit]),
    }


def _at_rate(data: Data, name: str) -> Float[np.ndarray, "lead time"]:
    """A record as its corpus gives it, at the task's rate."""
    record = data.corpus.read(name, data.preprocess.leads)
    return resample(record.ecg_mv, record.fs_hz, data.preprocess.fs_hz)
