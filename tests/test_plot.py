"""The command draws any record, and says in one sentence why it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from ecg_lightning.plot import main
from tests.corpora.mitdb import write_record


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_record(tmp_path, "100", ("MLII", "V1"), 30.0)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "100"


def test_a_record_becomes_a_picture_here_and_the_place_is_said(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"{record}.hea", "--at", "5", "--beats"]) == 0
    assert capsys.readouterr().out == "100.png: record 100 from 5.0 s to 15.0 s, 8 beats\n"
    assert Path("100.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_lies_where_it_is_wanted_and_a_place_is_drawn(
    record: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(record), "--seconds", "4", "--output", "a b.png"]) == 0
    assert capsys.readouterr().out.startswith("a b.png: record 100 from ")
    assert Path("a b.png").is_file()
    assert not Path("100.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no record at nowhere"),
        (["100", "--at", "25"], "must lie between 0 and 20.0 for 10 s to follow"),
        (["100.dat", "--at", "25"], "record 100 lasts"),
        (["100", "--at", "inf"], "--at=inf must be a number of seconds"),
        (["."], "RECORD='.' is no record: give its path"),
        (["100", "--seconds", "2"], "--seconds=2 must lie between 3 and 60"),
        (["100", "--output", "a.pdf"], "--output=a.pdf must be a file *.png in a folder that is there"),
        (["100", "--output", "no/a.png"], "--output=no/a.png must be a file *.png"),
    ],
)
@pytest.mark.usefixtures("record")
def test_what_cannot_be_drawn_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.startswith("error: ")
    assert (said.err.count("\n"), said.out) == (1, "")
    assert not list(Path().glob("*.png"))


def test_annotations_that_cannot_be_trusted_are_refused(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record.with_name("100.atr").write_bytes(b"abc")
    assert main(["100", "--beats"]) == 2
    assert "annotation file 100.atr is empty or cut short" in capsys.readouterr().err


def test_help_needs_no_heavy_import() -> None:
    code = "import sys\nfrom ecg_lightning.plot import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--beats" in said
    assert not any(f"'{name}'" in said for name in ("torch", "pandas", "scipy", "matplotlib", "wfdb"))
