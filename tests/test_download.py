"""The command, against a server on loopback that holds a tiny MIT-BIH."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_lightning import download
from ecg_lightning.datasets import mitdb, ptbxl, ptbxl_files
from tests.corpora.mitdb import write_mitdb
from tests.corpora.ptbxl import write_ptbxl
from tests.corpora.server import FileServer, serve


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ECG_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "served"
    write_mitdb(root, ["100", "114"])
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.name}\n" for path in sorted(root.iterdir()))
    (root / "SHA256SUMS.txt").write_text("".join(sums))
    with serve(root) as files:
        yield files


def fetched(server: FileServer) -> list[str]:
    return [name for name, _ in server.asked if name != "SHA256SUMS.txt"]


def test_database_lands_below_data_and_is_read(server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert download.main(["mitdb", "--source-url", server.url]) == 0
    assert "Next:\n    python -m ecg_lightning.train task=arrhythmia\n" in capsys.readouterr().out
    corpus = mitdb.MITDB("data", "cache", source="local", allow_missing=True)
    assert corpus.records() == ("100", "114")
    assert corpus.read("114", ("MLII",)).ecg_mv.shape == (1, 4320)


def test_next_line_names_a_folder_that_is_not_the_usual_one(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my data"
    assert download.main(["mitdb", "--data-dir", str(folder), "--source-url", server.url]) == 0
    assert f"ECG_DATA_DIR='{folder}' python -m ecg_lightning.train" in capsys.readouterr().out
    assert (folder / "mitdb/100.dat").is_file()


def test_environment_names_the_folder(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_DATA_DIR", str(tmp_path / "elsewhere"))
    assert download.main(["mitdb", "--source-url", server.url]) == 0
    assert (tmp_path / "elsewhere/mitdb/100.dat").is_file()


def test_only_what_is_absent_or_changed_is_fetched_again(server: FileServer) -> None:
    arguments = ["mitdb", "--source-url", server.url]
    download.main(arguments)
    assert len(fetched(server)) == 7
    server.asked.clear()
    download.main(arguments)
    assert fetched(server) == []
    Path("data/mitdb/100.atr").unlink()
    Path("data/mitdb/114.dat").write_bytes(b"changed")
    download.main(arguments)
    assert sorted(fetched(server)) == ["100.atr", "114.dat"]


def test_failed_transfer_ends_with_one_sentence_and_resumes(
    server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.cut["100.dat"] = [5000, 0]
    with pytest.raises(SystemExit) as ended:
        download.main(["mitdb", "--source-url", server.url])
    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"error: {server.url}/100.dat: the connection broke; the same command resumes")
    assert download.main(["mitdb", "--source-url", server.url]) == 0
    assert ("100.dat", "bytes=5000-") in server.asked


def test_ctrl_c_says_how_to_go_on(server: FileServer) -> None:
    server.stall.add("100.dat")
    part, arguments = Path("data/mitdb/100.dat.part"), ["mitdb", "--source-url", server.url]
    command = [sys.executable, "-m", "ecg_lightning.download", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=with_package()) as running:
        while running.poll() is None and not (part.is_file() and part.stat().st_size):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert said.endswith("stopped; the same command resumes where it stopped\n")
    n_bytes = part.stat().st_size
    assert download.main(arguments) == 0
    assert ("100.dat", f"bytes={n_bytes}-") in server.asked


def with_package() -> dict[str, str]:
    """Environment of a command that runs in another folder."""
    return os.environ | {"PYTHONPATH": str(Path(download.__file__).parents[1])}


@pytest.fixture
def ptbxl_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ECG_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "served"
    for fs_hz in (100, 500):
        write_ptbxl(root, fs_hz=fs_hz)
    (root / "LICENSE.txt").write_text("CC BY 4.0")
    (root / "example_physionet.py").write_text("import ast")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(root)}\n" for path in files)
    (root / "SHA256SUMS.txt").write_text("".join(sums))
    with serve(root) as served:
        yield served


@pytest.mark.parametrize(
    ("words", "rate", "next_words"), [([], 100, ""), (["--fs-hz", "500"], 500, "task.signal.fs_hz=500")]
)
def test_ptbxl_is_fetched_at_the_asked_rate_alone(
    ptbxl_server: FileServer, capsys: pytest.CaptureFixture[str], words: list[str], rate: int, next_words: str
) -> None:
    assert download.main(["ptbxl", *words, "--source-url", ptbxl_server.url]) == 0
    assert f"Next:\n    python -m ecg_lightning.train task=ptbxl {next_words}".strip() in capsys.readouterr().out
    assert {path.name for path in Path("data/ptbxl").iterdir()} == {
        *("LICENSE.txt", "SHA256SUMS.txt", "ptbxl_database.csv", "scp_statements.csv", f"records{rate}")
    }
    corpus = ptbxl.PTBXL("data", "cache", rate, source="local")
    assert corpus.read("00004", ("aVR",)).ecg_mv.shape == (1, 10 * rate)
    assert len(corpus.records()) == 4


def test_ptbxl_resumes_and_fetches_only_what_is_absent(
    ptbxl_server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ptbxl", "--source-url", ptbxl_server.url]
    name = "records100/00000/00002_lr.dat"
    ptbxl_server.cut[name] = [5000, 0]
    with pytest.raises(SystemExit) as ended:
        download.main(arguments)
    assert ended.value.code == 1
    assert f"error: {ptbxl_server.url}/{name}: the connection broke" in capsys.readouterr().err
    assert download.main(arguments) == 0
    assert (name, "bytes=5000-") in ptbxl_server.asked
    ptbxl_server.asked.clear()
    Path("data/ptbxl", name).unlink()
    assert download.main(arguments) == 0
    assert fetched(ptbxl_server) == [name]


def test_ptbxl_as_a_source_fetches_itself(ptbxl_server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptbxl_files, "URL", ptbxl_server.url)
    corpus = ptbxl.PTBXL("data", "cache", 100, source="download")
    assert (len(corpus.records()), corpus.source) == (4, "download")


def test_rate_of_a_database_with_one_rate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        download.main(["mitdb", "--fs-hz", "100"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: --fs-hz=100 is for ptbxl: mitdb comes at one rate, leave it out\n"


def test_plain_http_is_refused_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        download.main(["mitdb", "--data-dir", str(tmp_path), "--source-url", "http://example.com/mitdb"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: --source-url=http://example.com/mitdb must begin with https://")
    assert not list(tmp_path.iterdir())


def test_unknown_database_is_refused_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        download.main(["mitbih"])
    assert ended.value.code == 2
    assert "invalid choice: 'mitbih'" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "ecg_lightning.download", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=with_package())
    assert "usage: python -m ecg_lightning.download" in done.stdout
    assert not {"torch", "numpy", "requests"} & {line.split("|")[-1].strip() for line in done.stderr.splitlines()}


def test_source_download_fetches_what_is_absent(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mitdb, "URL", server.url)
    corpus = mitdb.MITDB("data", "cache", source="download", allow_missing=True)
    assert corpus.records() == ("100", "114")
    assert corpus.source == "download"
