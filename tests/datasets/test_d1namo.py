"""The D1NAMO reader and its download, on tiny recordings in the database's own folders and tables."""

import ast
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning import download
from ecg_lightning.datasets import d1namo, d1namo_folders
from ecg_lightning.datasets.d1namo import D1NAMO
from ecg_lightning.prepare import Preprocess
from ecg_lightning.store import open_store
from ecg_lightning.structures import BadRecord, CorpusNotFound, Refused
from tests.corpora.d1namo import (
    BEGIN,
    ECG,
    GLUCOSE,
    GLUCOSE_ROWS,
    SENSORS,
    ecg_values,
    row_times,
    write_d1namo,
    write_glucose,
    write_rows,
    write_session,
)
from tests.corpora.server import FileServer, serve

BEGIN_S = 1412158179.417
RECORD = "001/2014_10_01-10_09_39"


@pytest.fixture(params=[False, True], ids=["plain", "doubled"])
def data_dir(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    write_d1namo(tmp_path / "d1namo", ("001", "004"), doubled=request.param)
    return tmp_path


@pytest.fixture
def plain_dir(tmp_path: Path) -> Path:
    write_d1namo(tmp_path / "d1namo", ("001", "004"))
    return tmp_path


def corpus_in(data_dir: Path, **settings: object) -> D1NAMO:
    return D1NAMO(data_dir, data_dir / "cache", source="local", allow_missing=True, **settings)


def ecg_file(data_dir: Path, record: str = RECORD) -> Path:
    return d1namo_folders.ecg_file(data_dir / "d1namo", record)


def test_constructor_touches_nothing(tmp_path: Path) -> None:
    D1NAMO(tmp_path / "data", tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def test_importing_the_reader_imports_nothing_heavy() -> None:
    heavy = "{'wfdb', 'torch', 'requests', 'rich', 'pyarrow', 'pandas', 'scipy'}"
    code = f"import sys, ecg_lightning.datasets.d1namo; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_recording_is_read_from_both_layouts(data_dir: Path) -> None:
    corpus = corpus_in(data_dir)
    assert corpus.records() == (RECORD, "004/2014_10_01-10_09_39")
    assert corpus.patients() == ("001", "004")
    (record,) = corpus.read(RECORD, ("ECG",))
    assert (record.name, record.patient, record.leads) == (f"{RECORD}#1", "001", ("ECG",))
    assert (record.fs_hz, record.unit, record.begin_s, record.synthetic) == (250.0, "NU", BEGIN_S, False)
    np.testing.assert_array_equal(record.ecg_mv, [ecg_values(5000)])
    assert (len(record.peak_sample), record.symbol, record.extra) == (0, (), {})
    assert corpus.glucose("001").mmol_l.tolist() == [5.1, 4.2, 3.6]


def test_missing_patients_are_named_unless_allowed(plain_dir: Path) -> None:
    write_glucose(plain_dir / "d1namo", "005")
    d1namo_folders.glucose_file(plain_dir / "d1namo", "004").unlink()
    said = (
        r"8 of 9 records of d1namo are missing in .*: 002 \(no ECG and glucose.csv\), 003 .*, 004 \(no glucose.csv\), "
        r"005 \(no ECG\), .*; get them with `python -m ecg_lightning.download d1namo`, or go on without them"
    )
    with pytest.raises(CorpusNotFound, match=said):
        D1NAMO(plain_dir, plain_dir / "cache").records()
    assert corpus_in(plain_dir).records() == (RECORD,)


def test_folder_without_any_patient_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d1namo").mkdir()
    with pytest.raises(CorpusNotFound, match=r"9 of 9 records of d1namo are missing"):
        corpus_in(tmp_path).records()


def test_all_nine_patients_are_wanted(tmp_path: Path) -> None:
    write_d1namo(tmp_path / "d1namo", d1namo_folders.PATIENTS)
    corpus = D1NAMO(tmp_path, tmp_path / "cache")
    assert corpus.wanted() == tuple(corpus.patient_of(record) for record in corpus.records())
    assert (len(corpus.records()), corpus.source, corpus.missing) == (9, "local", ())


def test_stray_files_and_recordings_without_ecg_are_left_out(plain_dir: Path) -> None:
    folder = ecg_file(plain_dir).parents[1]
    (folder / ".DS_Store").touch()
    (folder / "2014_10_02-10_00_00").mkdir()
    assert corpus_in(plain_dir).records() == (RECORD, "004/2014_10_01-10_09_39")


def test_every_stretch_of_a_second_is_a_record(plain_dir: Path) -> None:
    times = row_times(BEGIN, 5000, 4)
    kept = [*range(1000), *range(1500, 1749), *range(2000, 2250), *range(4000, 5000)]
    write_rows(ecg_file(plain_dir), "Time,EcgWaveform", [times[row] for row in kept], range(len(kept)))
    found = corpus_in(plain_dir, extra=("breathing", "activity")).read(RECORD, ("ECG",))
    assert [record.name for record in found] == [f"{RECORD}#{number}" for number in (1, 2, 3)]
    assert [record.ecg_mv.shape for record in found] == [(1, 1000), (1, 250), (1, 1000)]
    np.testing.assert_allclose([record.begin_s for record in found], BEGIN_S + np.array([0, 8, 16]))
    for record, first in zip(found, (0, 200, 400), strict=True):
        n_samples = record.ecg_mv.shape[1] // 10
        np.testing.assert_array_equal(record.extra["breathing"].value, [np.arange(first, first + n_samples)])
        seconds = np.arange(first, first + n_samples, 25) / 2500
        np.testing.assert_allclose(record.extra["activity"].value, [seconds], rtol=1e-6)
    assert (found[0].extra["breathing"].fs_hz, found[0].extra["activity"].fs_hz) == (25, 1)


def test_other_signals_of_another_beginning_are_aligned_by_clock(plain_dir: Path) -> None:
    file = d1namo_folders.extra_file(plain_dir / "d1namo", RECORD, "breathing")
    write_rows(file, "Time,BreathingWaveform", row_times(BEGIN + timedelta(seconds=2), 600, 40), range(600))
    (record,) = corpus_in(plain_dir, extra=["breathing"]).read(RECORD, ("ECG",))
    value = record.extra["breathing"].value[0]
    assert len(value) == 500
    assert np.isnan(value[:50]).all()
    np.testing.assert_array_equal(value[50:], np.arange(450))


def test_signal_that_one_recording_lacks_is_nan_and_said(plain_dir: Path) -> None:
    d1namo_folders.extra_file(plain_dir / "d1namo", RECORD, "activity").unlink()
    corpus = corpus_in(plain_dir, extra=("activity",))
    (record,) = corpus.read(RECORD, ("ECG",))
    assert np.isnan(record.extra["activity"].value).all()
    assert "1 of 2 recordings have no activity: it counts as constant" in corpus.remarks(corpus.records())
    assert [path.name for path in corpus.sources(RECORD)] == ["2014_10_01-10_09_39_ECG.csv", "glucose.csv"]


def test_signal_that_all_recordings_lack_is_refused(plain_dir: Path) -> None:
    for record in corpus_in(plain_dir).records():
        d1namo_folders.extra_file(plain_dir / "d1namo", record, "breathing").unlink()
    with pytest.raises(
        CorpusNotFound, match=r"no recording has breathing \(such as .*_Breathing.csv\): leave it out of"
    ):
        corpus_in(plain_dir, extra=("breathing",)).records()


def test_unknown_signal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset.extra=\['ppg'\] must be of breathing, activity"):
        corpus_in(tmp_path, extra=("breathing", "ppg"))


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"dataset.glucose_unit=mmol must be mmol/L or mg/dL"):
        corpus_in(tmp_path, glucose_unit="mmol")


def test_settings_reach_the_table_of_glucose(plain_dir: Path) -> None:
    write_glucose(plain_dir / "d1namo", "001", ("2014-10-01,10:05,90.08,cgm,", "2014-10-01,10:06,72.064,manual,"))
    np.testing.assert_allclose(corpus_in(plain_dir, glucose_unit="mg/dL", manual=True).glucose("001").mmol_l, [5, 4])
    with pytest.raises(Refused, match=r"set dataset.glucose_unit=mg/dL"):
        corpus_in(plain_dir).glucose("001")


def test_other_lead_is_refused(plain_dir: Path) -> None:
    with pytest.raises(BadRecord, match=r"record 001/.*: no lead MLII among ECG"):
        corpus_in(plain_dir).read(RECORD, ("MLII",))


def test_name_far_from_the_first_row_is_refused(plain_dir: Path) -> None:
    write_rows(ecg_file(plain_dir), "Time,EcgWaveform", row_times(BEGIN.replace(month=1, day=10), 500, 4), range(500))
    said = r"record 001/2014_10_01-10_09_39: its first row is of 10/01/2014 10:09:39, over 60 s from its name: find out"
    with pytest.raises(BadRecord, match=said):
        corpus_in(plain_dir).read(RECORD, ("ECG",))


def test_recording_that_begins_before_another_ends_is_refused(plain_dir: Path) -> None:
    write_session(plain_dir / "d1namo", "001", BEGIN + timedelta(seconds=19))
    corpus = corpus_in(plain_dir)
    assert len(corpus.read(RECORD, ("ECG",))) == 1
    said = (
        r"record 001/2014_10_01-10_09_58: begins at 01/10/2014 10:09:58, before 001/2014_10_01-10_09_39 ends at "
        r"01/10/2014 10:09:59: remove one of the two folders"
    )
    with pytest.raises(BadRecord, match=said):
        corpus.read("001/2014_10_01-10_09_58", ("ECG",))


def test_recording_after_a_broken_one_is_read(plain_dir: Path) -> None:
    write_session(plain_dir / "d1namo", "001", BEGIN + timedelta(seconds=30))
    ecg_file(plain_dir).write_text("Time,EcgWaveform\n")
    corpus = corpus_in(plain_dir)
    assert len(corpus.read("001/2014_10_01-10_10_09", ("ECG",))) == 1
    with pytest.raises(BadRecord, match="has no rows"):
        corpus.read(RECORD, ("ECG",))


def test_synthetic_comes_from_the_tables_of_glucose(tmp_path: Path) -> None:
    write_d1namo(tmp_path / "d1namo", ("001", "002"))
    assert not corpus_in(tmp_path).synthetic
    write_glucose(tmp_path / "d1namo", "002", [f"{row}synthetic" for row in GLUCOSE_ROWS])
    corpus = corpus_in(tmp_path)
    assert corpus.synthetic
    assert not corpus.read(RECORD, ("ECG",))[0].synthetic
    assert corpus.read("002/2014_10_01-10_09_39", ("ECG",))[0].synthetic


def test_remarks_are_few(plain_dir: Path) -> None:
    write_glucose(plain_dir / "d1namo", "001", [f"2014-10-01,{10 + k // 60}:{k % 60:02d},5,cgm," for k in range(150)])
    write_glucose(plain_dir / "d1namo", "004", [*GLUCOSE_ROWS, "2014-10-01,23:00,,cgm,"])
    assert corpus_in(plain_dir).remarks((f"{RECORD}#1", f"{RECORD}#2", "004/2014_10_01-10_09_39#1")) == (
        "signals have no unit (NU): the belt's steps are not millivolts",
        "2 recordings are cut at gaps into 3 stretches",
        "fewer than 100 readings of glucose in 004",
        "readings of glucose without a value, left out: 1",
    )
    assert len(corpus_in(plain_dir).remarks((f"{RECORD}#1",))) == 1


def test_sources_hold_all_that_a_record_is_made_of(plain_dir: Path) -> None:
    names = [path.name for path in corpus_in(plain_dir, extra=("breathing", "activity")).sources(RECORD)]
    begin = "2014_10_01-10_09_39"
    assert names == [f"{begin}_ECG.csv", "glucose.csv", f"{begin}_Breathing.csv", f"{begin}_Summary.csv"]


def test_cache_key_covers_the_reader() -> None:
    names = [file.name for file in D1NAMO.reader_files]
    assert names == ["d1namo.py", "d1namo_files.py", "d1namo_folders.py", "glucose.py"]
    assert all(file.is_file() for file in D1NAMO.reader_files)


def test_twin_of_another_seed_lies_in_another_folder(tmp_path: Path) -> None:
    first, second = D1NAMO(tmp_path, tmp_path).twin_id(), D1NAMO(tmp_path, tmp_path, seed=1).twin_id()
    assert first.startswith("d1namo-seed0-")
    assert second.startswith("d1namo-seed1-")


def test_name_of_the_twin_covers_all_files_that_write_it() -> None:
    found, folder = {"d1namo_twin"}, Path(d1namo.__file__).parent
    while more := {name for file in found for name in imported(folder / f"{file}.py")} - found:
        found |= more
    assert found == set(d1namo.TWIN_FILES)


def imported(path: Path) -> set[str]:
    """Modules of the datasets that a file imports at its top."""
    nodes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    plain = {name.name for node in nodes if node.module == "ecg_lightning.datasets" for name in node.names}
    package = "ecg_lightning.datasets."
    return plain | {str(node.module).removeprefix(package) for node in nodes if str(node.module).startswith(package)}


def test_twin_is_read_by_the_same_reader(tmp_path: Path, twin_cache: Path) -> None:
    corpus = D1NAMO(tmp_path, twin_cache, source="synthetic", extra=("breathing", "activity"))
    assert (corpus.source, corpus.synthetic, corpus.missing) == ("synthetic", True, ())
    assert {corpus.patient_of(record) for record in corpus.records()} == set(d1namo_folders.PATIENTS)
    for record in corpus.read(corpus.records()[0], ("ECG",)):
        assert record.synthetic
        assert all(np.isfinite(signal.value).all() for signal in record.extra.values())


def test_store_keeps_every_stretch_with_its_clock_and_other_signals(plain_dir: Path) -> None:
    times = row_times(BEGIN, 5000, 4)
    write_rows(ecg_file(plain_dir), "Time,EcgWaveform", [*times[:2000], *times[3000:]], range(4000))
    preprocess = Preprocess(("ECG",), 250.0, "diagnostic", "none", unit="NU")
    kept = open_store(corpus_in(plain_dir, extra=("breathing",)), preprocess, plain_dir / "cache")
    assert kept.records == (f"{RECORD}#1", f"{RECORD}#2", "004/2014_10_01-10_09_39#1")
    np.testing.assert_array_equal(kept.length, [2000, 2000, 5000])
    np.testing.assert_allclose(kept.begin_s, BEGIN_S + np.array([0, 12, 0]))
    np.testing.assert_array_equal(kept.extra["breathing"].length, [200, 200, 500])


ARCHIVES = [f"{name}.zip" for name in (GLUCOSE, SENSORS, ECG)]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Zenodo's two addresses of the record: of its files, and of what it says of them."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ECG_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    write_d1namo(tmp_path / "made", ("001", "004"))
    served = tmp_path / "served"
    (served / "files").mkdir(parents=True)
    described = []
    for archive in ARCHIVES:
        folder = tmp_path / "made" / archive.removesuffix(".zip")
        with zipfile.ZipFile(served / f"files/{archive}?download=1", "w") as file:
            for path in sorted(folder.rglob("*.csv")):
                # one of them holds its own folder, so that the unpacked copy is doubled
                file.write(path, path.relative_to(folder.parent if archive == f"{ECG}.zip" else folder))
        md5 = hashlib.md5((served / f"files/{archive}?download=1").read_bytes()).hexdigest()
        described.append({"key": archive, "checksum": f"md5:{md5}"})
    (served / "record").write_text(json.dumps({"files": described}))
    with serve(served) as files:
        monkeypatch.setattr(d1namo_folders, "URL", f"{files.url}/files")
        monkeypatch.setattr(d1namo_folders, "API", f"{files.url}/record")
        yield files


def test_download_unpacks_the_three_archives(server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert download.main(["d1namo"]) == 0
    assert "Next:\n    python -m ecg_lightning.train task=hypoglycemia\n" in capsys.readouterr().out
    assert {path.name for path in Path("data/d1namo").iterdir()} == {ECG, SENSORS, GLUCOSE, "zenodo.json"}
    corpus = D1NAMO("data", "cache", source="local", allow_missing=True, extra=("breathing", "activity"))
    assert corpus.records() == (RECORD, "004/2014_10_01-10_09_39")
    assert corpus.read(RECORD, ("ECG",))[0].ecg_mv.shape == (1, 5000)
    server.asked.clear()
    assert download.main(["d1namo"]) == 0
    assert server.asked == []


def test_download_goes_on_with_the_archive_that_failed(server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"files/{ECG}.zip?download=1"
    server.spoil[name] = 2
    with pytest.raises(SystemExit) as ended:
        download.main(["d1namo"])
    assert ended.value.code == 1
    assert f"{ECG}.zip?download=1 is damaged: its md5 is " in capsys.readouterr().err
    server.asked.clear()
    server.cut[name] = [500, 0]
    with pytest.raises(SystemExit):
        download.main(["d1namo"])
    assert download.main(["d1namo"]) == 0
    assert [asked for asked, _ in server.asked] == ["record", name, name, "record", name]
    assert server.asked[-1][1] == "bytes=500-"


def test_source_that_does_not_answer_is_said_with_the_way_by_hand(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.root / "record").unlink()
    with pytest.raises(SystemExit) as ended:
        download.main(["d1namo"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert f"error: {server.url}/record: the server answers 404 Not Found; check the address. By hand: get" in said
    assert f"{ECG}.zip from https://zenodo.org/records/5651217 and unzip each in data/d1namo" in said
    assert not Path("data").exists()


@pytest.mark.parametrize("described", ["no json", "{}", "[]", '{"files": [{"key": 7}]}'])
def test_without_checksums_archives_are_taken_as_they_are(server: FileServer, described: str) -> None:
    (server.root / "record").write_text(described)
    corpus = D1NAMO("data", "cache", source="download", allow_missing=True)
    assert (len(corpus.records()), corpus.source) == (2, "download")


def test_mirror_is_asked_for_the_archives_alone(server: FileServer) -> None:
    assert download.main(["d1namo", "--source-url", f"{server.url}/files/"]) == 0
    assert [name for name, _ in server.asked] == [f"files/{archive}?download=1" for archive in ARCHIVES]


def test_archive_that_was_fetched_by_hand_is_unpacked(server: FileServer) -> None:
    Path("data/d1namo").mkdir(parents=True)
    (server.root / f"files/{ECG}.zip?download=1").rename(f"data/d1namo/{ECG}.zip")
    assert download.main(["d1namo"]) == 0
    assert Path(f"data/d1namo/{ECG}/{ECG}/001").is_dir()
