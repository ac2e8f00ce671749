"""R peaks of the real MIT-BIH records against their annotations, where ECG_DATA_DIR holds them."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.dsp import pieces
from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.dsp.quality import flags
from ecg_lightning.predict.detector_quality import hits, outside

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
pytestmark = pytest.mark.skipif(not (DATA_DIR / "mitdb").is_dir(), reason="ECG_DATA_DIR holds no mitdb")


@pytest.fixture(scope="module")
def corpus() -> MITDB:
    return MITDB(DATA_DIR, DATA_DIR, source="local", allow_missing=True)


def test_beats_are_found_and_nothing_else_is(corpus: MITDB) -> None:
    n_true = n_found = n_hit = 0
    off_ms = []
    for name in corpus.records():
        record = corpus.read(name, ("MLII",))
        annotations = wfdb.rdann(str(corpus.root / name), "atr")
        true = outside(record.peak_sample, annotations.sample, annotations.symbol)
        found = outside(find_r_peaks(record.ecg_mv, record.fs_hz), annotations.sample, annotations.symbol)
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


@pytest.mark.parametrize("name", ["100", "203", "207", "208"])
def test_pieces_find_the_same_beats_and_flags(corpus: MITDB, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = corpus.read(name, ("MLII",))
    whole = find_r_peaks(record.ecg_mv, record.fs_hz), flags(record.ecg_mv, record.fs_hz)
    monkeypatch.setattr(pieces, "N_WHOLE", 100_000)
    monkeypatch.setattr(pieces, "N_PIECE", 40_000)
    np.testing.assert_array_equal(find_r_peaks(record.ecg_mv, record.fs_hz), whole[0])
    np.testing.assert_array_equal(flags(record.ecg_mv, record.fs_hz), whole[1])
