"""The command says whether a run's numbers are what its predictions give."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_lightning.evaluate import differences, main
from ecg_lightning.evaluation import evaluate
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import write_run_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run_folder(tmp_path / "run")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_numbers_of_a_run_agree_with_its_predictions(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run)]) == 0
    said = capsys.readouterr().out
    assert "and the temperature of the model" in said
    for words in ("accuracy", "windows", "precision", "without 232", "note: ", "201"):
        assert words in said
    assert "patient " not in said


def test_patients_are_printed_on_request(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run), "--patients"]) == 0
    said = capsys.readouterr().out
    assert all(f" {name} " in said for name in ("100", "103", "232", "223"))


def test_numbers_that_differ_are_listed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(run / "metrics.json", **{"test/accuracy": 0.999, "test/f1/X": 0.5, "fit/seconds": 1.0})
    edit(run / "model" / "contract.json", temperature=7.0)
    assert main([str(run)]) == 1
    said = capsys.readouterr().out
    assert "test/accuracy: " in said
    assert "0.999 recorded" in said
    assert "test/f1/X: 0.5 recorded, which the predictions do not give" in said
    assert "model/contract.json: calibration/temperature: " in said
    assert "fit/seconds" not in said


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A run of several labels per row."""
    predictions = draw_multilabel(60)
    predictions.write(tmp_path / "predictions.parquet")
    found = evaluate(predictions)
    (tmp_path / "model").mkdir()
    (tmp_path / "metrics.json").write_text(json.dumps(found.metrics))
    fitted = {"temperature": found.temperatures[0], "offsets": found.offsets[0], "thresholds": found.thresholds[0]}
    (tmp_path / "model" / "contract.json").write_text(json.dumps({"contract": 5, "problem": "multilabel"} | fitted))
    return tmp_path


def test_thresholds_of_the_model_are_compared(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(several)]) == 0
    assert "and the temperature and the offsets and the thresholds of the model" in capsys.readouterr().out
    stated = json.loads((several / "model" / "contract.json").read_text())["thresholds"]
    edit(several / "model" / "contract.json", thresholds=[stated[0], 0.99, *stated[2:]])
    assert main([str(several)]) == 1
    said = capsys.readouterr().out
    assert "model/contract.json: calibration/threshold/MI: " in said
    assert "0.99 recorded" in said
    assert said.count("model/contract.json") == 1


def test_a_model_without_thresholds_or_of_another_problem_is_named(
    several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(several / "model" / "contract.json", thresholds=None)
    assert main([str(several)]) == 1
    assert "model/contract.json: calibration/threshold/HYP: " in capsys.readouterr().out
    edit(several / "model" / "contract.json", problem="multiclass")
    assert main([str(several)]) == 1
    assert "model/contract.json: problem: multilabel here, multiclass recorded" in capsys.readouterr().out


def test_training_numbers_and_the_threshold_of_two_classes_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = draw_binary(score_train=True)
    predictions.write(tmp_path / "predictions.parquet")
    found = evaluate(predictions)
    (tmp_path / "model").mkdir()
    (tmp_path / "metrics.json").write_text(json.dumps(found.metrics))
    contract = {"problem": "binary", "temperature": found.temperatures[0], "offsets": found.offsets[0]}
    (tmp_path / "model" / "contract.json").write_text(json.dumps(contract | {"thresholds": found.thresholds[0]}))
    assert main([str(tmp_path)]) == 0
    assert "and the temperature and the offsets and the thresholds of the model" in capsys.readouterr().out
    edit(tmp_path / "model" / "contract.json", thresholds=[0.99], offsets=[5.0])
    edit(tmp_path / "metrics.json", **{"train/f1/low": 0.111})
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "model/contract.json: calibration/threshold/low: " in said
    assert "model/contract.json: calibration/offset/low: " in said
    assert "0.111 recorded" in said


def test_differences_need_more_than_rounding() -> None:
    assert differences({"test/accuracy": 0.5}, {"test/accuracy": 0.5 + 1e-9, "fit/epochs": 3}) == []
    assert differences({"test/accuracy": 0.5}, {}) == ["test/accuracy: 0.5 here, nothing recorded"]
    assert differences({"val/kappa": 0.5}, {"val/kappa": float("nan")}) == ["val/kappa: 0.5 here, nan recorded"]


def test_a_run_that_recorded_nothing_is_scored_all_the_same(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "metrics.json").unlink()
    assert main([str(run)]) == 0
    assert "not compared: the run has no metrics.json" in capsys.readouterr().out


def test_synthetic_data_is_never_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(write_run_folder(tmp_path, n_rows=300, synthetic=True))])
    assert "SYNTHETIC data" in capsys.readouterr().out


def test_names_from_files_are_not_taken_for_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(write_run_folder(tmp_path, n_rows=300, strange_name="[red]x[/blue]")), "--patients"])
    said = capsys.readouterr().out
    assert "[red]x" in said.replace("\n", "")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("predictions.parquet", None, "error: no predictions at "),
        ("predictions.parquet", "x", "is not a whole parquet file"),
        ("metrics.json", "{", "metrics.json is not JSON"),
        ("metrics.json", "[]", "metrics.json holds no JSON object"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence_and_exit_code_2(
    run: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, words: str
) -> None:
    (run / name).unlink() if content is None else (run / name).write_text(content)
    assert main([str(run)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_help_needs_no_heavy_import() -> None:
    code = "import sys\nfrom ecg_lightning.evaluate import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "run folder" in said
    assert not any(f"'{name}'" in said for name in ("torch", "pandas", "scipy", "rich"))
