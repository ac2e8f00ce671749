"""The real MIT-BIH records, where ECG_DATA_DIR holds them."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.datasets.mitdb import MITDB

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
pytestmark = pytest.mark.skipif(not (DATA_DIR / "mitdb").is_dir(), reason="ECG_DATA_DIR holds no mitdb")

# Source: de Chazal et al., IEEE Trans Biomed Eng 51(7):1196-1206 (2004); AAMI EC57 for the classes
DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
CLASSES = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}


@pytest.fixture(scope="module")
def corpus() -> MITDB:
    return MITDB(DATA_DIR, DATA_DIR, source="local", allow_missing=True)


def test_beats_per_class_of_ds1_are_the_published_ones(corpus: MITDB) -> None:
    symbols = Counter(symbol for record in DS1 for symbol in corpus.read(record, ("MLII",)).symbol)
    counts = {name: sum(symbols[symbol] for symbol in members) for name, members in CLASSES.items()}
    assert counts == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}


@pytest.mark.parametrize("record", ["100", "114", "208"])
def test_our_millivolts_equal_those_of_wfdb(corpus: MITDB, record: str) -> None:
    ours = corpus.read(record, ("MLII", "V*"))
    theirs = wfdb.rdrecord(str(corpus.root / record))
    places = [theirs.sig_name.index(lead) for lead in ours.leads]
    np.testing.assert_array_equal(ours.ecg_mv, theirs.p_signal.T[places].astype(np.float32))


def test_mlii_of_114_is_its_second_lead(corpus: MITDB) -> None:
    theirs = wfdb.rdrecord(str(corpus.root / "114"))
    assert theirs.sig_name == ["V5", "MLII"]
    ours = corpus.read("114", ("MLII",)).ecg_mv[0]
    np.testing.assert_array_equal(ours, theirs.p_signal[:, 1].astype(np.float32))


def test_real_records_are_not_synthetic(corpus: MITDB) -> None:
    assert not corpus.synthetic
    assert corpus.n_samples("100") == 650_000
