"""The real PTB-XL records, where ECG_DATA_DIR holds them: a part of the corpus without amplitude, and raw records."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning import scp
from ecg_lightning.datasets import ptbxl_tables
from ecg_lightning.datasets.ptbxl import PTBXL

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
RAW = DATA_DIR / "ptbxl_raw_sample"
pytestmark = pytest.mark.skipif(
    not ((DATA_DIR / "ptbxl").is_dir() and RAW.is_dir()), reason="ECG_DATA_DIR holds no ptbxl and ptbxl_raw_sample"
)
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="module")
def corpus() -> PTBXL:
    return PTBXL(DATA_DIR, DATA_DIR, 100, source="local")


def raw(tmp_path: Path, fs_hz: int) -> PTBXL:
    """The raw records, under the name that a corpus must have."""
    (tmp_path / "ptbxl").symlink_to(RAW)
    return PTBXL(tmp_path, tmp_path, fs_hz, source="local")


@pytest.mark.parametrize("folder", ["ptbxl", "ptbxl_raw_sample"])
def test_our_table_of_statements_is_the_corpus_own(folder: str) -> None:
    ptbxl_tables.check_statements(DATA_DIR / folder)
    with (DATA_DIR / folder / "scp_statements.csv").open(encoding="utf-8") as file:
        assert [row[""] for row in csv.DictReader(file)] == list(scp.STATEMENTS)


@pytest.mark.parametrize("fs_hz", [100, 500])
def test_raw_records_are_read_as_wfdb_reads_them(tmp_path: Path, fs_hz: int) -> None:
    corpus = raw(tmp_path, fs_hz)
    assert (len(corpus.records()), corpus.unit, corpus.synthetic) == (60, "mV", False)
    for name in corpus.records():
        ours = corpus.read(name, LEADS)
        theirs = wfdb.rdrecord(str(corpus.sources(name)[0].with_suffix("")))
        assert [lead.upper() for lead in ours.leads] == [lead.upper() for lead in theirs.sig_name]
        np.testing.assert_array_equal(ours.ecg_mv, theirs.p_signal.T.astype(np.float32))


def test_records_without_amplitude_say_so(corpus: PTBXL) -> None:
    assert (len(corpus.records()), corpus.unit) == (2127, "NU")
    assert corpus.remarks(corpus.records()) == (
        "2,127 of PTB-XL's 21,799 records are read: figures do not compare with those of all",
        "1,682 of 2,127 records name no patient: each counts as one of its own",
        "26 of 2,127 records are of people over 89, written as age 300: 90 is used",
        "signals have no unit (NU): amplitude is lost, only the shape of waves can be judged",
    )
    theirs = wfdb.rdrecord(str(corpus.sources("00317")[0].with_suffix("")))
    np.testing.assert_array_equal(corpus.read("00317", LEADS).ecg_mv, theirs.p_signal.T.astype(np.float32))


def test_labels_are_those_of_the_tables(corpus: PTBXL) -> None:
    assert corpus.labels("super", 0).sum(axis=0).tolist() == [1173, 310, 562, 491, 212]
    assert {kind: int((corpus.labels(kind, 0).sum(axis=1) == 0).sum()) for kind in scp.KINDS} == {
        **{"super": 9, "sub": 9, "diag": 9},
        **{"form": 1426, "rhythm": 70, "all": 0},
    }


def test_no_patient_stands_in_two_folds(corpus: PTBXL) -> None:
    sheet = corpus.sheet()
    folds: dict[str, set[int]] = {}
    for record, fold in zip(corpus.records(), sheet.official_fold.tolist(), strict=True):
        folds.setdefault(corpus.patient_of(record), set()).add(fold)
    assert all(len(found) == 1 for found in folds.values())
    assert set(sheet.official_fold.tolist()) == set(range(1, 11))
