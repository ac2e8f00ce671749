"""The rows that are explained, as whole recordings or windows, with the waves that each sample belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.corpus import Corpus
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.explain.waves import Waves, find_waves
from ecg_lightning.predict.inputs import Inputs, inputs
from ecg_lightning.predict.rows import check_same, cut_again
from ecg_lightning.predictions import Predictions
from ecg_lightning.windowing import Crops, Window

BESIDE = 3  # beats before and behind one whose waves are looked for
READ = ("II", "MLII")  # leads in which waves are found best; else the first


@dataclass(frozen=True, eq=False)
class Cases:
    """Rows of a run, ready to be explained.

    Args:
        predictions: these rows alone, in this order.
        fields: ecg (row, lead, time), whole recordings where the network takes crops; features; extra.
        peaks: R peaks, in samples from the beginning of `ecg`.
        wave: index into `waves.WAVES` of each sample.
        delineated: of each R peak, its QRS was found by delineation, not by timing.
        unit: of the ECG.
        starts: first samples of the crops; None of windows.
        start: of a single crop in its recording.
    """

    predictions: Predictions
    fields: dict[str, Any]
    peaks: tuple[Int[np.ndarray, " _"], ...]
    wave: Int[np.ndarray, "row time"]
    delineated: tuple[Bool[np.ndarray, " _"], ...]
    unit: str
    starts: Int[Tensor, " crop"] | None
    start: Int[np.ndarray, " row"] | None = None

    @property
    def ecg(self) -> Float[Tensor, "row lead time"]:
        """As the network sees it, or before it is cut into crops."""
        return self.fields["ecg"]

    @property
    def patients(self) -> np.ndarray:
        """Whose each row is."""
        return self.predictions.table["patient"].astype(str).to_numpy()

    def where(self, rows: Int[np.ndarray, " some"]) -> "Cases":
        """Some of them."""
        at = torch.from_numpy(rows)
        fields = {name: self.fields[name][at] for name in ("ecg", "features")}
        fields["extra"] = {name: signal[at] for name, signal in self.fields["extra"].items()}
        return replace(
            self,
            predictions=replace(self.predictions, table=self.predictions.table.iloc[rows].reset_index(drop=True)),
            fields=fields,
            peaks=tuple(self.peaks[k] for k in rows),
            wave=self.wave[rows],
            delineated=tuple(self.delineated[k] for k in rows),
            start=None if self.start is None else self.start[rows],
        )

    def of_crops(self, ecg: Float[Tensor, "row lead time"], start: Int[np.ndarray, " row"], unit: str) -> "Cases":
        """One crop of each recording instead of all.

        Args:
            ecg: these crops, as the network sees them.
            start: first sample of each.
            unit: of these crops.
        """
        n_samples = ecg.shape[-1]
        wave = np.stack([one[first : first + n_samples] for one, first in zip(self.wave, start, strict=True)])
        peaks = [one - first for one, first in zip(self.peaks, start, strict=True)]
        inside = [(one >= 0) & (one < n_samples) for one in peaks]
        return replace(
            self,
            fields=self.fields | {"ecg": ecg},
            peaks=tuple(one[there] for one, there in zip(peaks, inside, strict=True)),
            wave=wave,
            delineated=tuple(one[there] for one, there in zip(self.delineated, inside, strict=True)),
            starts=None,
            start=start,
            unit=unit,
        )


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one row is cut from."""

    peaks: Int[np.ndarray, " peak"]
    wave: Int[np.ndarray, " time"]
    delineated: Bool[np.ndarray, " peak"]
    recording: Float[np.ndarray, "lead time"] | None


def gather(bundle: Bundle, predictions: Predictions, corpus: Corpus, chosen: Int[np.ndarray, " some"]) -> Cases:
    """Cut rows again, and find their waves.

    Args:
        bundle: of the run.
        predictions: of the run.
        corpus: with their records.
        chosen: positions in the table of predictions.

    Raises:
        BadBundle: the network does not say of these rows what it said in its run.
        Refused: a record has no row at that time any more.
    """
    rows = cut_again(bundle, predictions, corpus, chosen)
    check_same(bundle, rows)
    seen = _seen(bundle, rows.predictions.table, corpus)
    window, starts, unit = bundle.contract.window, None, rows.unit
    fields: dict[str, Any] = {"ecg": rows.ecg, "features": rows.features, "extra": rows.extra}
    if isinstance(window, Crops):
        recordings = [one.recording for one in seen if one.recording is not None]
        fields["ecg"] = torch.from_numpy(np.stack(recordings)).float()
        starts = torch.from_numpy(window.starts(fields["ecg"].shape[-1]))
        if bundle.contract.preprocess.scale == "window":  # of its crops, not of the recording
            unit = bundle.contract.preprocess.unit
    return Cases(
        predictions=rows.predictions,
        fields=fields,
        peaks=tuple(one.peaks for one in seen),
        wave=np.stack([one.wave for one in seen]),
        delineated=tuple(one.delineated for one in seen),
        unit=unit,
        starts=starts,
    )


def _seen(bundle: Bundle, table: pd.DataFrame, corpus: Corpus) -> list[_Seen]:
    found: dict[int, _Seen] = {}
    for name, own in table.groupby(table["record"].astype(str).str.partition("#")[0], sort=False):
        read = corpus.read(str(name), bundle.contract.preprocess.leads)
        for record in read if isinstance(read, (list, tuple)) else (read,):
            mine = own[own["record"].astype(str) == record.name]
            if len(mine):
                given = inputs(bundle.contract, record)
                found |= {int(k): _one(given, float(t)) for k, t in zip(mine.index, mine["time_s"], strict=True)}
    return [found[k] for k in range(len(table))]


def _one(given: Inputs, time_s: float) -> _Seen:
    """One row of a record: a beat by itself, or whatever beats lie in a stretch or in the whole recording."""
    contract, ecg = given.contract, given.prepared.ecg
    window, fs_hz, lead = contract.window, contract.preprocess.fs_hz, _lead(contract.preprocess.leads)
    peaks = given.prepared.peak_sample
    if isinstance(window, Crops):
        own = peaks if len(peaks) else find_r_peaks(ecg[[lead]].astype(np.float64), fs_hz)
        waves = find_waves(ecg[lead], own, fs_hz)
        return _Seen(own, waves.wave, waves.delineated, ecg)
    at = round(time_s * fs_hz)
    start = at - (window.n_before if isinstance(window, Window) else 0)
    first, last = np.searchsorted(peaks, [start, start + window.n_samples])
    waves, begin = _around(ecg[lead], peaks, (first, last), (start, start + window.n_samples), fs_hz)
    index = start - begin + np.arange(window.n_samples)
    inside = (index >= 0) & (index < len(waves.wave))
    wave = np.where(inside, waves.wave[index.clip(0, len(waves.wave) - 1)], 0)
    sure = waves.delineated[np.arange(first, last) - max(0, int(first) - BESIDE)]
    return _Seen(peaks[first:last] - start, wave, sure, None)


def _around(
    ecg: Float[np.ndarray, " time"],
    peaks: Int[np.ndarray, " peak"],
    own: tuple[Any, Any],
    between: tuple[int, int],
    fs_hz: float,
) -> tuple[Waves, int]:
    """The waves from some beats before a window to some behind it, and the sample where that begins."""
    first, last = max(0, int(own[0]) - BESIDE), min(len(peaks), int(own[1]) + BESIDE)
    some = peaks[first:last]
    margin = round(0.5 * fs_hz)
    begin = int(max(0, min([between[0], *(some[:1] - margin)])))
    end = int(min(len(ecg), max([between[1], *(some[-1:] + margin)])))
    return find_waves(ecg[begin:end], some - begin, fs_hz), begin


def _lead(leads: Sequence[str]) -> int:
    """Number of the lead that waves are found in."""
    return next((leads.index(name) for name in READ if name in leads), 0)
