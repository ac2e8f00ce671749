"""The MIT-BIH reader, on tiny records in the database's own format."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.mitdb import MITDB, PACED, RECORDS, patient_of
from ecg_lightning.structures import BadRecord, CorpusNotFound
from tests.corpora.mitdb import write_mitdb


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_mitdb(tmp_path / "mitdb", ["100", "102", "114", "201", "202"])
    return tmp_path


def corpus_in(data_dir: Path, **settings: object) -> MITDB:
    return MITDB(data_dir, data_dir / "cache", source="local", allow_missing=True, **settings)


def test_there_are_48_records_44_without_pacemaker() -> None:
    assert len(set(RECORDS)) == 48
    assert len(set(RECORDS) - set(PACED)) == 44


def test_constructor_touches_nothing(tmp_path: Path) -> None:
    MITDB(tmp_path / "data", tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def test_importing_the_reader_imports_neither_wfdb_nor_torch() -> None:
    code = "import sys, ecg_lightning.datasets.mitdb; print({'wfdb', 'torch', 'requests', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_two_records_of_one_person_count_once_among_the_people(data_dir: Path) -> None:
    assert corpus_in(data_dir).patients() == ("100", "114", "201")


def test_paced_records_are_left_out_by_default(data_dir: Path) -> None:
    assert corpus_in(data_dir).records() == ("100", "114", "201", "202")
    assert corpus_in(data_dir, paced=True).records() == ("100", "102", "114", "201", "202")


def test_missing_records_are_named_unless_allowed(data_dir: Path) -> None:
    corpus = MITDB(data_dir, data_dir / "cache")
    with pytest.raises(CorpusNotFound, match=r"40 of 44 records of mitdb are missing in .*: 101, 103, 105, .*, 234; "):
        corpus.records()
    assert len(corpus_in(data_dir).missing) == 40


def test_missing_paced_records_do_not_matter_where_none_is_wanted(tmp_path: Path) -> None:
    unpaced = [record for record in RECORDS if record not in PACED]
    write_mitdb(tmp_path / "mitdb", unpaced, seconds=2)
    assert MITDB(tmp_path, tmp_path).records() == tuple(unpaced)


def test_201_and_202_are_one_patient(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert [patient_of(record) for record in corpus.records()] == ["100", "114", "201", "201"]


def test_record_is_read_with_the_wanted_leads(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    record = corpus.read("114", ("MLII", "V*"))
    assert (record.name, record.patient, record.leads, record.fs_hz) == ("114", "114", ("MLII", "V5"), 360)
    assert not record.synthetic
    np.testing.assert_array_equal(record.ecg_mv[0], corpus.read("114", ("V5", "MLII")).ecg_mv[1])
    at_peaks = record.ecg_mv[0, record.peak_sample]
    assert (np.abs(at_peaks - 1) < 0.11).all()  # the fake's bumps are 1 mV
    assert len(record.symbol) == 10


def test_record_without_the_lead_is_refused(data_dir: Path) -> None:
    with pytest.raises(BadRecord, match=r"record 102: no lead MLII among V5, V2"):
        corpus_in(data_dir, paced=True).read("102", ("MLII",))


def test_other_sampling_rate_is_refused(data_dir: Path) -> None:
    header = data_dir / "mitdb/100.hea"
    header.write_text(header.read_text().replace(" 360 ", " 250 "))
    with pytest.raises(BadRecord, match=r"record 100: sampling rate 250 Hz in 100.hea, expected 360 Hz"):
        corpus_in(data_dir).read("100", ("MLII",))


def test_files_and_length_of_a_record(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert [path.name for path in corpus.sources("100")] == ["100.hea", "100.dat", "100.atr"]
    (data_dir / "mitdb/100.atr").unlink()
    assert [path.name for path in corpus.sources("100")] == ["100.hea", "100.dat"]
    assert corpus.n_samples("100") == 12 * 360


def test_synthetic_comes_from_the_files(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100"], comments=["synthetic: written by ecg_lightning, seed 0, no patient"])
    corpus = corpus_in(tmp_path)
    assert corpus.synthetic
    assert corpus.read("100", ("MLII",)).synthetic
    assert corpus.source == "local"
    write_mitdb(tmp_path / "mitdb", ["100"])
    assert not corpus_in(tmp_path).synthetic


def test_twin_of_another_seed_lies_in_another_folder(tmp_path: Path) -> None:
    first, second = MITDB(tmp_path, tmp_path).twin_id(), MITDB(tmp_path, tmp_path, seed=1).twin_id()
    assert first.startswith("mitdb-seed0-")
    assert second.startswith("mitdb-seed1-")


@pytest.mark.parametrize(("setting", "limit"), [("source", "one of auto, local"), ("on_bad_record", "stop or skip")])
def test_impossible_setting_is_refused(tmp_path: Path, setting: str, limit: str) -> None:
    with pytest.raises(ValueError, match=rf"dataset.{setting}=maybe must be {limit}"):
        MITDB(tmp_path, tmp_path, **{setting: "maybe"})


def test_cache_key_covers_the_reader() -> None:
    assert [file.name for file in MITDB.reader_files] == ["mitdb.py", "wfdb_files.py", "wfdb_beats.py"]
    assert all(file.is_file() for file in MITDB.reader_files)


def test_age_and_sex_are_those_of_the_headers_or_not_known(tmp_path: Path) -> None:
    for record, comment in (
        ("100", "69 M 1085 1629 x1"),
        ("108", "87 F 1227 654 x1"),
        ("114", "-1 M 978"),
        ("201", ""),
    ):
        write_mitdb(tmp_path / "mitdb", [record], comments=[comment] if comment else [])
    found = corpus_in(tmp_path).persons(("108", "100", "201", "114"))
    np.testing.assert_array_equal(found["age_years"], [87, 69, np.nan, np.nan])
    np.testing.assert_array_equal(found["sex_female"], [1, 0, np.nan, 0])
