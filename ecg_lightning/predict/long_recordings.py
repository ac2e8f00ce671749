"""Recordings of any length for a network of short ones: one stretch after another, each answered as a recording."""

from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Int, UInt8

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.dsp import quality
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predict.trust import MOST_BAD
from ecg_lightning.structures import Record

TRAINED_S = 10.0  # recordings that networks of whole ones learn from: Wagner et al., Scientific Data 7:154 (2020)
A_LITTLE_LONGER = 1.5  # times that: up to here a recording is answered as one


def stretch_s(contract: Contract) -> float:
    """How long the stretches are that a long recording is cut into."""
    return max(TRAINED_S, contract.window.n_samples / contract.preprocess.fs_hz)


def starts(n_samples: int, n_stretch: int) -> Int[np.ndarray, " stretch"]:
    """First samples of the stretches; the last one ends with the recording."""
    if n_samples <= A_LITTLE_LONGER * n_stretch:
        return np.zeros(1, np.int64)
    last = n_samples - n_stretch
    return np.unique(np.append(np.arange(0, last, n_stretch), last))


def diagnosed(bundle: Bundle, record: Record, flags: UInt8[np.ndarray, " second"]) -> pd.DataFrame:
    """Answer a recording, or every stretch of a long one.

    Returns:
        The rows of `recordings.diagnose`, each with start_s and stop_s of its stretch, bad_share of its seconds, and
        whether it is refused for these; a recording that is answered as one never is.

    Raises:
        As `recordings.diagnose`.
    """
    n_samples = record.ecg_mv.shape[1]
    n_stretch = round(stretch_s(bundle.contract) * record.fs_hz)
    begin = starts(n_samples, n_stretch)
    n_stretch = n_samples if len(begin) == 1 else n_stretch
    bad = quality.bad_share(flags, begin, n_stretch, record.fs_hz)
    found = []
    for start, share in zip(begin, bad, strict=True):
        answer = diagnose(bundle, _stretch(record, int(start), n_stretch)).drop(columns="recording")
        answer.insert(0, "start_s", start / record.fs_hz)
        answer.insert(1, "stop_s", (start + n_stretch) / record.fs_hz)
        found.append(answer.assign(bad_share=share, refused=len(begin) > 1 and share > MOST_BAD))
    return pd.concat(found, ignore_index=True)


def part_of(contract: Contract, record: Record, start_s: float) -> Record:
    """The stretch that begins here, as `diagnosed` answered it."""
    n_samples, n_stretch = record.ecg_mv.shape[1], round(stretch_s(contract) * record.fs_hz)
    n_stretch = n_samples if len(starts(n_samples, n_stretch)) == 1 else n_stretch
    return _stretch(record, round(start_s * record.fs_hz), n_stretch)


def _stretch(record: Record, start: int, n_samples: int) -> Record:
    inside = (record.peak_sample >= start) & (record.peak_sample < start + n_samples)
    return replace(
        record,
        ecg_mv=record.ecg_mv[:, start : start + n_samples],
        peak_sample=record.peak_sample[inside] - start,
        symbol=(),
    )
