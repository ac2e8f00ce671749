"""What a bundle's network is given of one record: the same for every use of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ecg_lightning.contract import Contract
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.dsp import quality
from ecg_lightning.prepare import Prepared, crops, prepare, scale_extra, windows
from ecg_lightning.structures import BadRecord, Record, Signal
from ecg_lightning.windowing import Crops, Window, beside, cut, scale_windows


@dataclass(frozen=True, eq=False)
class Inputs:
    """One record, ready to be cut into what a network is given.

    Args:
        contract: of the bundle.
        prepared: the record after preprocessing.
        at_sample: of each row, at the contract's rate: R peak of a beat, beginning of a stretch; 0 of a recording.
        features: of each row, raw.
        others: other signals than the ECG, scaled.
    """

    contract: Contract
    prepared: Prepared
    at_sample: Int[np.ndarray, " row"]
    features: Float[np.ndarray, "row feature"]
    others: Mapping[str, Signal]

    @property
    def time_s(self) -> Float[np.ndarray, " row"]:
        """Of each row, from the record's beginning."""
        return self.at_sample / self.contract.preprocess.fs_hz

    def fields(self, rows: slice | Int[np.ndarray, " some"]) -> dict[str, Any]:
        """The fields `ecg`, `features` and `extra` of some rows, as `batch.Batch` has them."""
        contract, window = self.contract, self.contract.window
        features = torch.from_numpy(self.features[rows])
        if isinstance(window, Crops):
            ecg = crops(self.prepared, contract.preprocess, window)
            return {"ecg": ecg, "features": features.expand(len(ecg), -1), "extra": {}}
        if isinstance(window, Window):
            some = replace(self.prepared, peak_sample=self.at_sample[rows])
            return {"ecg": windows(some, contract.preprocess, window), "features": features, "extra": {}}
        start = self.at_sample[rows]
        ecg = _cut(Signal(self.prepared.ecg, contract.preprocess.fs_hz), start, window.n_samples)
        extra = {
            name: _cut(one, *beside(start, window.n_samples, contract.preprocess.fs_hz, one.fs_hz))
            for name, one in self.others.items()
        }
        return {"ecg": scale_windows(ecg, contract.preprocess.scale), "features": features, "extra": extra}


def inputs(contract: Contract, record: Record) -> Inputs:
    """Preprocess a record as training did.

    Args:
        contract: of a bundle.
        record: any leads in any order, at any sampling rate that the bundle's mode can take.

    Raises:
        BadRecord: a lead is missing, or samples are no numbers.
        ValueError: the record is shorter than a window, or another signal has another number of channels.
    """
    places = choose_leads(record.name, record.leads, contract.preprocess.leads)
    as_it_is = places == tuple(range(len(record.leads)))  # a day of ECG is not copied for nothing
    ecg_mv = record.ecg_mv if as_it_is else record.ecg_mv[list(places)]
    chosen = replace(record, ecg_mv=ecg_mv, leads=tuple(record.leads[k] for k in places))
    prepared = prepare(chosen, contract.preprocess, contract.features)
    window, fs_hz = contract.window, contract.preprocess.fs_hz
    if isinstance(window, Crops):
        _check_length(contract, record, prepared, "the network looks at")
        return Inputs(contract, prepared, np.zeros(1, np.int64), prepared.features.reshape(1, -1), {})
    if isinstance(window, Window):
        return Inputs(contract, prepared, prepared.peak_sample, prepared.features, {})
    _check_length(contract, record, prepared, "a window has")
    if contract.preprocess.beats == "annotated":  # else it is judged already
        prepared = replace(prepared, quality=quality.flags(chosen.ecg_mv, chosen.fs_hz))
    start = window.starts(prepared.ecg.shape[1])
    features = contract.features.of_segments(
        prepared.ecg, prepared.peak_sample, start, window.n_samples, fs_hz, record.begin_s
    )
    others = {name: _beside(contract, record, name) for name in contract.extra_channels}
    return Inputs(contract, prepared, start, features, others)


def _check_length(contract: Contract, record: Record, prepared: Prepared, whose: str) -> None:
    n_samples, fs_hz = prepared.ecg.shape[1], contract.preprocess.fs_hz
    if n_samples < contract.window.n_samples:
        raise BadRecord(
            f"recording {record.name} has {n_samples} samples at {fs_hz:g} Hz ({n_samples / fs_hz:.1f} s), fewer than "
            f"the {contract.window.n_samples} that {whose}: give a longer one"
        )


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


def _cut(signal: Signal, start: Int[np.ndarray, " row"], n_samples: int) -> Float[Tensor, "row channel time"]:
    n_channels, length = signal.value.shape
    first = torch.from_numpy(start)
    place = torch.stack([torch.zeros_like(first), torch.full_like(first, length), first])
    flat = torch.from_numpy(np.ascontiguousarray(signal.value)).reshape(-1)
    return cut(flat, place, n_channels, n_samples)
