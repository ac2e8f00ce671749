"""R peaks of the real MIT-BIH records against their annotations, where ECG_DATA_DIR holds them."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import wfdb
from jaxtyping import Int

from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.dsp.peaks import find_r_peaks

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
pytestmark = pytest.mark.skipif(not (DATA_DIR / "mitdb").is_dir(), reason="ECG_DATA_DIR holds no mitdb")
TOLERANCE_S = 0.15  # ANSI/AAMI EC57


@pytest.fixture(scope="module")
def corpus() -> MITDB:
    return MITDB(DATA_DIR, DATA_DIR, source="local", allow_missing=True)


def hits(true: Int[np.ndarray, " beat"], found: Int[np.ndarray, " peak"], fs_hz: float) -> Int[np.ndarray, " hit"]:
    """How far the nearest peak found lies from each beat, in samples, where each is the other's nearest."""
    if not len(found):
        return np.zeros(0, dtype=np.int64)
    apart = [
        np.abs(b[np.clip(np.searchsorted(b, a)[:, None] + [-1, 0], 0, len(b) - 1)] - a[:, None]).argmin(axis=1)
        for a, b in ((true, found), (found, true))
    ]
    nearest = np.clip(np.searchsorted(found, true) - 1 + apart[0], 0, len(found) - 1)
    back = np.clip(np.searchsorted(true, found) - 1 + apart[1], 0, len(true) - 1)
    mutual = back[nearest] == np.arange(len(true))
    off = (found[nearest] - true)[mutual]
    return off[np.abs(off) <= TOLERANCE_S * fs_hz]


def out_of_flutter(sample: Int[np.ndarray, " beat"], annotations: wfdb.Annotation) -> Int[np.ndarray, " left"]:
    """Flutter has no beats to find: EC57 leaves it out."""
    begin, end = (annotations.sample[[s == bracket for s in annotations.symbol]] for bracket in "[]")
    return sample[(np.searchsorted(begin, sample) - np.searchsorted(end, sample)) == 0]


def test_beats_are_found_and_nothing_else_is(corpus: MITDB) -> None:
    n_true = n_found = n_hit = 0
    off_ms = []
    for name in corpus.records():
        record = corpus.read(name, ("MLII",))
        annotations = wfdb.rdann(str(corpus.root / name), "atr")
        true = out_of_flutter(record.peak_sample, annotations)
        found = out_of_flutter(find_r_peaks(record.ecg_mv, record.fs_hz), annotations)
        hit = hits(true, found, record.fs_hz)
        n_true, n_found, n_hit = n_true + len(true), n_found + len(found), n_hit + len(hit)
        off_ms.append(np.abs(hit) / record.fs_hz * 1000)
    assert n_hit / n_true > 0.998
    assert n_hit / n_found > 0.997
    assert np.median(np.concatenate(off_ms)) < 3


@pytest.mark.parametrize("name", ["100", "119", "203", "208"])
def test_neurokit_finds_no_more(corpus: MITDB, name: str) -> None:
    record = corpus.read(name, ("MLII",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neurokit = pytest.importorskip("neurokit2")
        clean = neurokit.ecg_clean(record.ecg_mv[0].astype(np.float64), sampling_rate=360)
        theirs = np.asarray(neurokit.ecg_peaks(clean, sampling_rate=360)[1]["ECG_R_Peaks"], dtype=np.int64)
    wrong = []
    for found in (find_r_peaks(record.ecg_mv, record.fs_hz), theirs):
        n_hit = len(hits(record.peak_sample, found, record.fs_hz))
        wrong.append(len(record.peak_sample) - n_hit + len(found) - n_hit)
    assert wrong[0] <= wrong[1]
