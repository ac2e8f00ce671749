"""The corpus of heartbeat csv: which files it finds, whose rows they are, and what it says of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.heartbeat_csv import HeartbeatCSV
from ecg_lightning.structures import BadRecord, CorpusNotFound, Refused
from tests.corpora.compose import composed
from tests.corpora.heartbeat_csv import write_heartbeat_csv

FILES = ("mitbih_train.csv", "mitbih_test.csv")
LABELS = {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"}


def corpus_in(data_dir: Path, **settings: object) -> HeartbeatCSV:
    given = {"files": FILES, "labels": LABELS, "fs_hz": 125, "n_samples": 187, "source": "local", **settings}
    return HeartbeatCSV(data_dir, data_dir / "cache", **given)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_heartbeat_csv(tmp_path / "heartbeat_csv")
    return tmp_path


def test_constructor_touches_nothing(tmp_path: Path) -> None:
    corpus_in(tmp_path / "data", folder=tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_importing_the_reader_imports_nothing_heavy() -> None:
    code = "import sys, ecg_lightning.datasets.heartbeat_csv; print({'wfdb', 'torch', 'pyarrow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_rows_lie_one_after_another_in_one_record_of_the_file(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert corpus.records() == ("mitbih_train", "mitbih_test")
    (record,) = corpus.read("mitbih_train", ("ECG",))
    assert (record.name, record.patient, record.leads) == ("mitbih_train", "unknown", ("ECG",))
    assert (record.unit, record.fs_hz, record.synthetic) == ("min-max", 125, False)
    assert record.ecg_mv.shape == (1, 40 * 187)
    np.testing.assert_array_equal(record.peak_sample, np.arange(40) * 187)
    assert record.symbol[:10] == tuple("0001020304")
    lines = (data_dir / "heartbeat_csv/mitbih_train.csv").read_text().splitlines()
    np.testing.assert_allclose(record.ecg_mv[0, 187:374], [float(cell) for cell in lines[1].split(",")[:-1]], rtol=1e-6)


def test_rows_of_known_patients_are_a_record_each(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path / "heartbeat_csv", patients=("100", "101", "201"))
    corpus = corpus_in(tmp_path)
    records = corpus.read("mitbih_test", ("ECG",))
    assert [record.name for record in records] == [f"mitbih_test#{name}" for name in ("100", "101", "201")]
    assert [record.patient for record in records] == ["100", "101", "201"]
    assert corpus.patients() == ("100", "101", "201")
    assert [len(record.symbol) for record in records] == [14, 13, 13]
    lines = (tmp_path / "heartbeat_csv/mitbih_test.csv").read_text().splitlines()
    second = [float(cell) for cell in lines[4].split(",")[:-1]]  # of the person of the second line
    np.testing.assert_allclose(records[1].ecg_mv[0, 187:374], second, rtol=1e-6)
    assert [path.name for path in corpus.sources("mitbih_test")] == ["mitbih_test.csv", "mitbih_test_patients.csv"]


def test_patients_are_known_where_the_name_of_the_record_says_so(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert [corpus.patient_known(name) for name in ("mitbih_train", "mitbih_train#100")] == [False, True]
    assert [path.name for path in corpus.sources("mitbih_test")] == ["mitbih_test.csv"]
    assert corpus.patients() == (), "nobody can be left out whom nobody knows"


def test_folds_are_the_training_file_and_the_test_file(data_dir: Path) -> None:
    names = ("mitbih_train", "mitbih_test#100", "ptbdb_normal")
    assert [corpus_in(data_dir).official_fold(name) for name in names] == [0, 1, -1]


@pytest.mark.parametrize("n_samples", [140, 320])
def test_rows_of_any_length_are_read(tmp_path: Path, n_samples: int) -> None:
    write_heartbeat_csv(tmp_path / "heartbeat_csv", n_samples=n_samples)
    (record,) = corpus_in(tmp_path, n_samples=n_samples).read("mitbih_train", ("ECG",))
    assert record.peak_sample[1] == n_samples


def test_rows_of_another_length_are_refused_with_what_to_type(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path / "heartbeat_csv", n_samples=140)
    said = r"rows of mitbih_train.csv have 140 samples .* 187 samples are asked for: set task.signal.window_s=140/125"
    with pytest.raises(Refused, match=said) as refused:
        corpus_in(tmp_path).read("mitbih_train", ("ECG",))
    assert not isinstance(refused.value, BadRecord)  # all files are like this: skipping them helps nobody


def test_other_leads_are_refused(data_dir: Path) -> None:
    with pytest.raises(BadRecord, match="record mitbih_train: no lead MLII among ECG"):
        corpus_in(data_dir).read("mitbih_train", ("MLII",))


def test_a_missing_file_is_named_unless_allowed(data_dir: Path) -> None:
    (data_dir / "heartbeat_csv/mitbih_test.csv").unlink()
    with pytest.raises(CorpusNotFound, match=r"1 of 2 records of heartbeat_csv are missing in .*: mitbih_test; get"):
        corpus_in(data_dir).records()
    assert corpus_in(data_dir, allow_missing=True).records() == ("mitbih_train",)


def test_a_folder_of_ones_own_is_read_instead(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path / "mine", n_rows=6)
    corpus = corpus_in(tmp_path, folder=tmp_path / "mine", source="auto")
    assert (corpus.source, corpus.root) == ("local", tmp_path / "mine")
    assert len(corpus.read("mitbih_train", ("ECG",))[0].symbol) == 6


def test_a_folder_that_is_not_there_is_never_replaced_by_the_twin(tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFound, match=r"dataset.folder=.*mine is not a folder: make it with `python -m"):
        corpus_in(tmp_path, folder=tmp_path / "mine", source="auto").records()


def test_a_folder_and_another_source_contradict(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset.folder=mine and dataset.source=synthetic contradict"):
        corpus_in(tmp_path, folder="mine", source="synthetic")


@pytest.mark.parametrize("files", [[], ["a/b.csv"], ["a.txt"], ["a#b.csv"]])
def test_files_that_are_no_names_are_refused(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(
        ValueError, match=r"dataset.files=.* must be names such as \[mitbih_train.csv,mitbih_test.csv\]"
    ):
        corpus_in(tmp_path, files=files)


@pytest.mark.parametrize("number", [10, -1])
def test_a_class_of_two_digits_is_refused(tmp_path: Path, number: int) -> None:
    said = rf"dataset.labels names \[{number}\], but the number of a class has one digit: 0 to 9"
    with pytest.raises(ValueError, match=said):
        corpus_in(tmp_path, labels={0: "N", number: "V"})


def test_a_download_is_refused_in_one_sentence_with_what_to_do(tmp_path: Path) -> None:
    said = r"cannot fetch mitbih_train.csv, mitbih_test.csv: they are published on Kaggle, which needs an account"
    with pytest.raises(CorpusNotFound, match=said):
        corpus_in(tmp_path, source="download").records()


def test_what_is_downloaded_already_is_read(data_dir: Path) -> None:
    assert corpus_in(data_dir, source="download").records() == ("mitbih_train", "mitbih_test")


def test_synthetic_comes_from_the_files(tmp_path: Path) -> None:
    write_heartbeat_csv(tmp_path / "heartbeat_csv", comment="# SYNTHETIC: no patient")
    corpus = corpus_in(tmp_path)
    assert corpus.synthetic
    assert corpus.read("mitbih_train", ("ECG",))[0].synthetic
    write_heartbeat_csv(tmp_path / "heartbeat_csv", comment="# made by hand")
    assert not corpus_in(tmp_path).synthetic


def test_remarks_say_that_nobody_knows_the_patients(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    leaky = "heartbeat csv names no patients: every division of it shares patients, and is called leaky"
    assert leaky in corpus.remarks(("mitbih_train", "mitbih_test"))
    assert leaky in corpus.remarks(("mitbih_train#100", "mitbih_test"))
    assert leaky not in corpus.remarks(("mitbih_train#100", "mitbih_test#100"))


def test_remarks_say_the_rate_of_the_beats_of_mit_bih_alone(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert "signals have no unit: every beat is scaled to 0..1 by itself" in corpus.remarks(("ptbdb_normal",))
    assert any("120 Hz" in line for line in corpus.remarks(("mitbih_train",)))
    assert not any("120 Hz" in line for line in corpus.remarks(("ptbdb_normal",)))


def test_twin_of_another_seed_lies_in_another_folder(tmp_path: Path) -> None:
    assert corpus_in(tmp_path).twin_id().startswith("heartbeat_csv-seed0-")
    assert corpus_in(tmp_path, seed=1).twin_id().startswith("heartbeat_csv-seed1-")


def test_cache_key_covers_the_reader() -> None:
    assert [file.name for file in HeartbeatCSV.reader_files] == ["heartbeat_csv.py", "heartbeat_csv_files.py"]
    assert all(file.is_file() for file in HeartbeatCSV.reader_files)


def test_the_presets_name_the_published_files_and_their_classes() -> None:
    beats, hearts = (composed(f"dataset={name}").dataset for name in ("heartbeat_csv", "ptbdb_csv"))
    assert (list(beats.files), dict(beats.labels)) == (list(FILES), LABELS)
    assert list(hearts.files) == ["ptbdb_normal.csv", "ptbdb_abnormal.csv"]
    assert dict(hearts.labels) == {0: "N", 1: "abnormal"}
