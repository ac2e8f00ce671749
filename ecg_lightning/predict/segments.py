"""Answer every stretch of a recording, one after another."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.dsp import quality
from ecg_lightning.predict.answers import ask, called, probabilities, window_of
from ecg_lightning.prepare import Prepared, prepare, scale_extra
from ecg_lightning.structures import Record, Signal
from ecg_lightning.windowing import Segments, beside, cut, scale_windows

N_ROWS = 512  # windows at a time


def watch(bundle: Bundle, record: Record) -> pd.DataFrame:
    """Say of every window of a recording how likely the second class is, and whether it is called.

    Args:
        bundle: of a network of stretches of recordings that tells two classes apart.
        record: any leads in any order, at any sampling rate; `begin_s` where the network is told the hour, and what
            there is of the other signals that it takes.

    Returns:
        One row per window that lies wholly in the recording: recording, time_s of its beginning, p (calibrated),
        threshold (from validation rows), called, class, and bad_share of its seconds that are flat, clipped or noisy:
        training left windows with many of these out.

    Raises:
        BadRecord: a lead is missing, or samples are no numbers.
        ValueError: the recording is shorter than a window; the bundle is for single beats or whole recordings, or
            tells more classes apart; another signal has another number of channels.
    """
    contract, fs_hz, window = bundle.contract, bundle.contract.preprocess.fs_hz, _window(bundle.contract)
    prepared, start = _prepared(contract, record)
    p = probabilities(contract, _asked(bundle, record, prepared, start))
    (threshold,) = contract.thresholds or ()
    columns = {
        "time_s": start / fs_hz,
        "p": p[:, 1].numpy(),
        "threshold": threshold,
        "called": p[:, 1].numpy() >= threshold,
        "class": called(contract, p),
        "bad_share": quality.bad_share(prepared.quality, start, window.n_samples, fs_hz),
    }
    return pd.DataFrame({"recording": record.name, **columns})


def logits(bundle: Bundle, record: Record) -> Float[Tensor, "segment 1"]:
    """The network's answer to every window, as in `watch`."""
    return _asked(bundle, record, *_prepared(bundle.contract, record))


def _prepared(contract: Contract, record: Record) -> tuple[Prepared, Int[np.ndarray, " segment"]]:
    """The record as the network knows records, every second of it judged, and where its windows begin."""
    window, fs_hz = _window(contract), contract.preprocess.fs_hz
    places = choose_leads(record.name, record.leads, contract.preprocess.leads)
    chosen = replace(record, ecg_mv=record.ecg_mv[list(places)], leads=tuple(record.leads[k] for k in places))
    prepared = prepare(chosen, contract.preprocess, contract.features)
    if contract.preprocess.beats == "annotated":  # else it is judged already
        prepared = replace(prepared, quality=quality.flags(chosen.ecg_mv, chosen.fs_hz))
    start = window.starts(prepared.ecg.shape[1])
    if not len(start):
        raise ValueError(
            f"recording {record.name} lasts {prepared.ecg.shape[1] / fs_hz:.1f} s, less than the window of "
            f"{window.n_samples / fs_hz:g} s: give a longer one"
        )
    return prepared, start


@torch.inference_mode()
def _asked(
    bundle: Bundle, record: Record, prepared: Prepared, start: Int[np.ndarray, " segment"]
) -> Float[Tensor, "segment 1"]:
    contract, window = bundle.contract, _window(bundle.contract)
    fs_hz = contract.preprocess.fs_hz
    features = contract.features.of_segments(
        prepared.ecg, prepared.peak_sample, start, window.n_samples, fs_hz, record.begin_s
    )
    others = {name: _beside(contract, record, name) for name in contract.extra_channels}
    out = []
    for first in range(0, len(start), N_ROWS):
        some = start[first : first + N_ROWS]
        fields = {
            "ecg": scale_windows(_cut(Signal(prepared.ecg, fs_hz), some, window.n_samples), contract.preprocess.scale),
            "features": torch.from_numpy(features[first : first + N_ROWS]),
            "extra": _of_windows(contract, others, some),
        }
        out.append(ask(bundle, fields))
    return torch.cat(out)


def _window(contract: Contract) -> Segments:
    """How records are cut, by a contract for stretches of them that tells two classes apart."""
    window = window_of(contract, Segments)
    if contract.problem != "binary":
        raise ValueError(f"problem={contract.problem} of the bundle cannot be watched: take one of problem=binary")
    return window


def _beside(contract: Contract, record: Record, name: str) -> Signal:
    """Another signal as training saw it; where the recording has none a second of zeros, whose edge is repeated."""
    n_channels = contract.extra_channels[name]
    signal = record.extra.get(name, Signal(np.zeros((n_channels, 1), np.float32), 1.0))
    if len(signal.value) != n_channels:
        raise ValueError(
            f"recording {record.name}: signal {name} has {len(signal.value)} channels, but the network takes "
            f"{n_channels}: give those"
        )
    return Signal(scale_extra(signal), signal.fs_hz)


def _of_windows(
    contract: Contract, others: Mapping[str, Signal], start: Int[np.ndarray, " segment"]
) -> dict[str, Float[Tensor, "segment channel time"]]:
    """The other signals during windows of the ECG, each at its own rate."""
    fs_hz, n_samples = contract.preprocess.fs_hz, contract.window.n_samples
    return {name: _cut(one, *beside(start, n_samples, fs_hz, one.fs_hz)) for name, one in others.items()}


def _cut(signal: Signal, start: Int[np.ndarray, " segment"], n_samples: int) -> Float[Tensor, "segment channel time"]:
    n_channels, length = signal.value.shape
    first = torch.from_numpy(start)
    place = torch.stack([torch.zeros_like(first), torch.full_like(first, length), first])
    flat = torch.from_numpy(np.ascontiguousarray(signal.value)).reshape(-1)
    return cut(flat, place, n_channels, n_samples)
