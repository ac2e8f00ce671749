"""The last lines of a run say what it found, where it lies and what to type next."""

import json
from pathlib import Path

import pytest

from ecg_lightning.run_folder import Status
from ecg_lightning.summary import say_finished, say_interrupted
from tests.corpora.run_folder import write_run_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose numbers include its speed."""
    folder = write_run_folder(tmp_path_factory.mktemp("runs") / "a [b] run", n_rows=600)
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "metrics.json").write_text(json.dumps(numbers | {"fit/windows_per_second": 2686.4}), encoding="utf-8")
    return folder


def test_finished_run_says_numbers_folder_and_speed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say_finished(folder)
    out = capsys.readouterr().out
    assert "macro F1 of N, S, V, F" in out
    assert f"run folder: {folder}" in out  # brackets and all
    assert "epochs: 12, 2,686 windows/s, 62 s of training" in out
    assert "look at:" not in out, "there is no report"
    assert "compare:" not in out, "nothing was tracked"


def test_remarks_of_the_corpus_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    (folder / "data.json").write_text(json.dumps(card | {"remarks": ["The amplitudes are lost."]}), encoding="utf-8")
    say_finished(folder)
    assert "note: The amplitudes are lost." in capsys.readouterr().out


def test_report_and_tracking_are_named_where_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "report.html").touch()
    for uri, words in (
        ("sqlite:////tmp/a.db", "compare:    mlflow ui --backend-store-uri sqlite:////tmp/a.db"),
        ("http://host:5000", "compare:    http://host:5000"),
    ):
        Status("finished", tracking_uri=uri).write(folder)
        say_finished(folder)
        out = capsys.readouterr().out
        assert words in out
        assert f"look at:    {folder / 'report.html'}" in out


def test_what_is_done_with_the_model_is_said_where_there_is_one(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "model" / "contract.json").unlink(missing_ok=True)
    say_finished(folder)
    assert "use it:" not in capsys.readouterr().out
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "contract.json").touch()
    monkeypatch.chdir(folder.parent)
    say_finished(folder)
    said = "use it:     python -m ecg_lightning.predict 'a [b] run' RECORDING --output answer"
    assert said in capsys.readouterr().out


def test_stopped_run_says_how_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say_interrupted(tmp_path)
    assert f"python -m ecg_lightning.train resume={tmp_path}" in capsys.readouterr().out
