"""The PTB-XL reader, on tiny records in the database's own layout."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning import scp
from ecg_lightning.datasets import ptbxl_tables
from ecg_lightning.datasets.ptbxl import PTBXL, TWIN_FILES
from ecg_lightning.structures import BadRecord, CorpusNotFound
from tests.corpora.ptbxl import LEADS, ROWS, write_ptbxl, write_record, write_signals


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_ptbxl(tmp_path / "ptbxl")
    return tmp_path


def corpus_in(data_dir: Path, **settings: object) -> PTBXL:
    return PTBXL(data_dir, data_dir / "cache", **({"fs_hz": 100, "source": "local"} | settings))


def test_constructor_touches_nothing(tmp_path: Path) -> None:
    PTBXL(tmp_path / "data", tmp_path / "cache", 100)
    assert not list(tmp_path.iterdir())


def test_importing_the_reader_imports_nothing_heavy() -> None:
    heavy = "{'wfdb', 'torch', 'requests', 'rich', 'pandas'}"
    code = f"import sys, ecg_lightning.datasets.ptbxl; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_records_are_those_of_the_table_in_five_digits(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert corpus.records() == ("00001", "00002", "00003", "00004")
    assert (corpus.source, corpus.missing, corpus.synthetic, corpus.unit) == ("local", (), False, "mV")


def test_people_come_in_the_order_of_their_records(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert corpus.patients() == tuple(dict.fromkeys(corpus.patient_of(record) for record in corpus.records()))


def test_record_beyond_the_first_thousand_is_found(tmp_path: Path) -> None:
    write_ptbxl(tmp_path / "ptbxl", [ROWS[0] | {"ecg_id": "21837"}])
    assert (tmp_path / "ptbxl/records100/21000/21837_lr.dat").is_file()
    assert corpus_in(tmp_path).read("21837", ("II",)).ecg_mv.shape == (1, 1000)


@pytest.mark.parametrize(("fs_hz", "n_samples"), [(100, 1000), (500, 5000)])
def test_either_rate_is_read(tmp_path: Path, fs_hz: int, n_samples: int) -> None:
    write_ptbxl(tmp_path / "ptbxl", fs_hz=fs_hz)
    corpus = corpus_in(tmp_path, fs_hz=fs_hz)
    record = corpus.read("00001", LEADS)
    assert (record.fs_hz, record.ecg_mv.shape, corpus.n_samples("00001")) == (fs_hz, (12, n_samples), n_samples)


def test_other_rate_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset.fs_hz=250 must be 100 or 500, the two rates of PTB-XL"):
        corpus_in(tmp_path, fs_hz=250)


def test_records_at_the_other_rate_are_missing_and_the_command_that_gets_them_is_named(data_dir: Path) -> None:
    with pytest.raises(CorpusNotFound, match=r"4 of 4 records of ptbxl are missing .*download ptbxl --fs-hz 500`$"):
        corpus_in(data_dir, fs_hz=500).records()


@pytest.mark.parametrize(("setting", "limit"), [("source", "one of auto, local"), ("on_bad_record", "stop or skip")])
def test_impossible_setting_is_refused(tmp_path: Path, setting: str, limit: str) -> None:
    with pytest.raises(ValueError, match=rf"dataset.{setting}=maybe must be {limit}"):
        corpus_in(tmp_path, **{setting: "maybe"})


@pytest.mark.parametrize("suffix", [".hea", ".dat"])
def test_missing_file_is_a_missing_record(data_dir: Path, suffix: str) -> None:
    (data_dir / f"ptbxl/records100/00000/00002_lr{suffix}").unlink()
    with pytest.raises(CorpusNotFound, match=r"1 of 4 records of ptbxl are missing in .*: 00002; .*allow_missing=true"):
        corpus_in(data_dir).records()
    corpus = corpus_in(data_dir, allow_missing=True)
    assert corpus.records() == ("00001", "00003", "00004")
    assert corpus.missing == ("00002",)
    assert corpus.sheet().official_fold.tolist() == [1, 3, 4]
    assert corpus.labels("super", 0).shape == (3, 5)


@pytest.mark.parametrize("table", ["ptbxl_database.csv", "scp_statements.csv"])
def test_missing_table_is_named(data_dir: Path, table: str) -> None:
    (data_dir / "ptbxl" / table).unlink()
    assert corpus_in(data_dir).missing_in(data_dir / "ptbxl") == (table,)
    with pytest.raises(CorpusNotFound, match=rf"{table} is missing in .*/ptbxl; get it with `python -m ecg_lightning"):
        corpus_in(data_dir).records()


def test_record_is_read_with_the_wanted_leads(data_dir: Path) -> None:
    record = corpus_in(data_dir).read("00002", ("V6", "II"))
    assert (record.name, record.patient, record.unit, record.synthetic) == ("00002", "13243", "mV", False)
    assert (record.peak_sample.shape, record.peak_sample.dtype, record.symbol) == ((0,), np.int64, ())
    assert record.person == {"age_years": 19, "sex_female": 0}
    digital = np.random.default_rng(2).integers(-500, 500, (1000, 12))
    np.testing.assert_array_equal(record.ecg_mv, (digital[:, [11, 1]].T / 1000).astype(np.float32))


def test_leads_are_found_and_named_however_they_are_spelt(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert corpus.read("00001", ("aVR", "AVL", "avf|V1", "V*")).leads == ("aVR", "AVL", "avf", "V1")
    np.testing.assert_array_equal(corpus.read("00001", ("aVR",)).ecg_mv, corpus.read("00001", ("AVR",)).ecg_mv)


def test_absent_lead_is_refused(data_dir: Path) -> None:
    with pytest.raises(BadRecord, match=r"record 00001: no lead MLII among I, II, III, AVR"):
        corpus_in(data_dir).read("00001", ("MLII",))


def test_header_of_another_rate_is_refused(data_dir: Path) -> None:
    header = data_dir / "ptbxl/records100/00000/00001_lr.hea"
    header.write_text(header.read_text().replace(" 100 1000", " 500 1000"))
    with pytest.raises(BadRecord, match=r"record 00001_lr: sampling rate 500 Hz in 00001_lr.hea, expected 100 Hz"):
        corpus_in(data_dir).read("00001", ("I",))


def test_electrode_that_was_off_is_kept_but_not_a_dead_record(data_dir: Path) -> None:
    digital = np.random.default_rng(0).integers(-500, 500, (1000, 12))
    digital[:, 3] = 7
    write_signals(data_dir / "ptbxl/records100/00000", "00001_lr", digital, 100, "mV", 1000.0)
    corpus = corpus_in(data_dir)
    assert corpus.read("00001", LEADS).ecg_mv[3].max() == np.float32(0.007)
    with pytest.raises(BadRecord, match=r"record 00001_lr: lead AVR is flat: every sample is 7"):
        corpus.read("00001", ("aVR",))


def test_microvolts_become_millivolts(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    in_mv = corpus.read("00003", LEADS)
    write_record(data_dir / "ptbxl", 3, unit="uV", gain=1.0)
    in_uv = corpus.read("00003", LEADS)
    assert in_uv.unit == "mV"
    np.testing.assert_array_equal(in_uv.ecg_mv, in_mv.ecg_mv)


def test_lost_amplitude_is_said_once_for_all_records(data_dir: Path) -> None:
    for ecg_id in range(1, 5):
        write_record(data_dir / "ptbxl", ecg_id, unit="NU", gain=100.0)
    corpus = corpus_in(data_dir)
    assert (corpus.unit, corpus.read("00004", ("I",)).unit) == ("NU", "NU")
    assert sum("amplitude is lost" in remark for remark in corpus.remarks(corpus.records())) == 1


def test_record_in_another_unit_than_the_first_is_refused(data_dir: Path) -> None:
    write_record(data_dir / "ptbxl", 3, unit="NU")
    with pytest.raises(BadRecord, match=r"record 00003: its unit is NU, that of the first record is mV"):
        corpus_in(data_dir).read("00003", ("I",))


def test_first_record_that_cannot_be_read_does_not_hide_the_unit(data_dir: Path) -> None:
    folder = data_dir / "ptbxl/records100/00000"
    (folder / "00001_lr.hea").write_text("")
    assert corpus_in(data_dir, on_bad_record="skip").unit == "mV"
    for ecg_id in range(2, 5):
        (folder / f"{ecg_id:05d}_lr.hea").write_text("")
    with pytest.raises(BadRecord, match=r"record 00004_lr: 00004_lr.hea is empty"):
        corpus_in(data_dir, on_bad_record="skip").unit  # noqa: B018


def test_synthetic_comes_from_the_files(tmp_path: Path) -> None:
    write_ptbxl(tmp_path / "ptbxl", comments=["synthetic: written by ecg_lightning, seed 0, no patient"])
    corpus = corpus_in(tmp_path)
    assert corpus.synthetic
    assert corpus.read("00004", ("I",)).synthetic
    assert not any("PTB-XL's" in remark for remark in corpus.remarks(corpus.records()))


def test_unknown_person_is_one_of_their_own(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert [corpus.patient_of(record) for record in corpus.records()] == ["15709", "13243", "15709", "unknown-4"]
    assert corpus.sheet().patient_known.tolist() == [True, True, True, False]


def test_sheet_says_fold_age_and_sex(data_dir: Path) -> None:
    sheet = corpus_in(data_dir).sheet()
    assert sheet.official_fold.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(sheet.person["age_years"], [56, 19, 90, np.nan])  # 300 stands for over 89
    np.testing.assert_array_equal(sheet.person["sex_female"], [1, 0, 1, np.nan])


def test_remarks_say_what_a_reader_must_know(data_dir: Path) -> None:
    assert corpus_in(data_dir).remarks(corpus_in(data_dir).records()) == (
        "4 of PTB-XL's 21,799 records are read: figures do not compare with those of all",
        "1 of 4 records name no patient: each counts as one of its own",
        "1 of 4 records are of people over 89, written as age 300: 90 is used",
        "age is not known in 1 and sex in 1 of 4 records",
    )


def test_labels_follow_the_statements(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert scp.classes("super") == ("NORM", "MI", "STTC", "CD", "HYP")
    counted = [[1, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]]
    assert corpus.labels("super", 0).tolist() == counted
    assert corpus.labels("super", 40).tolist()[1] == [0, 0, 0, 1, 0]  # IMI has 35 %
    rhythm = corpus.labels("rhythm", 100)
    assert rhythm.sum(axis=1).tolist() == [1, 1, 1, 1]
    assert rhythm[1, scp.classes("rhythm").index("AFIB")] == 1


def test_sources_are_files_and_name_the_table_that_knows_the_patient(data_dir: Path) -> None:
    sources = corpus_in(data_dir).sources("00002")
    assert [path.name for path in sources] == ["00002_lr.hea", "00002_lr.dat", "ptbxl_database.csv"]
    assert all(path.is_file() for path in sources)


def test_twin_of_another_rate_or_seed_lies_in_another_folder(tmp_path: Path) -> None:
    assert corpus_in(tmp_path).twin_id().startswith("ptbxl-100hz-seed0-")
    assert corpus_in(tmp_path, fs_hz=500, seed=1).twin_id().startswith("ptbxl-500hz-seed1-")


def test_name_of_the_twin_covers_all_that_writes_it() -> None:
    folder = Path(ptbxl_tables.__file__).parent
    text = "".join((folder / f"{name}.py").read_text() for name in TWIN_FILES)
    used = set(re.findall(r"ecg_lightning\.datasets(?: import |\.)(\w+)", text))
    assert used <= set(TWIN_FILES)


def test_cache_key_covers_the_reader() -> None:
    names = [file.name for file in PTBXL.reader_files]
    assert names == ["ptbxl.py", "ptbxl_tables.py", "ptbxl_files.py", "wfdb_files.py"]
    assert all(file.is_file() for file in PTBXL.reader_files)
