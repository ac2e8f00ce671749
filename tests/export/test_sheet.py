"""What was measured is told, with what was meant to be reached."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecg_lightning.export import sheet
from ecg_lightning.export.table import Entrant, check_comparable, main, table, verdicts
from ecg_lightning.predict.place import Place
from tests.corpora.exported import a_bundle


def numbers(weights: str = "a") -> dict[str, Any]:
    speed = {"median_ms": 0.1, "p99_ms": 0.2, "windows_per_s": 1e4}
    score = {"accuracy": 0.9, "macro_f1": 0.5, "f1/N": 0.95, "agreement": 1.0}
    return {
        **{"network": "CNN", "task": "arrhythmia", "parameters": 100, "weights_bytes": 400, "synthetic": True},
        **{"weights_sha256": weights, "machine": "here", "probes": "noise", "parity": {1: 1e-6}, "judged_rows": 10},
        "quantised": "static",
        "calibration": {"rows": 5, "windows": 5, "per_class": {"N": 3, "V": 2}},
        "sizes": {"onnx": {"weights": 350, "file": 400}, "onnx_int8": {"weights": 90, "file": 120}},
        "speed": {"pytorch": speed, "onnx": speed, "onnx_int8": {**speed, "median_ms": 0.05}},
        "scores": {"pytorch": score, "onnx": score, "onnx_int8": {**score, "accuracy": 0.898}},
    }


def test_a_target_is_met_or_missed() -> None:
    found = sheet.targets(numbers())
    assert found["at least 3.3 times smaller"] == ("3.33 times", True)
    assert found["no more than 0.1 point of accuracy lost"] == ("0.20 points", False)
    assert found["one window faster than in float32"] == ("2.00 times", True)
    assert sheet.targets(numbers() | {"parameters": 200_000})["at least 3.6 times smaller"][1] is False
    assert "MISSED" in sheet.summary(numbers())


def test_formats_of_the_same_weights_stand_together(tmp_path: Path) -> None:
    sheet.written(tmp_path, "onnx", tmp_path / "x", numbers())
    sheet.written(tmp_path, "onnx_int8", tmp_path / "x", numbers())
    assert list(json.loads((tmp_path / "export.json").read_text())) == ["onnx", "onnx_int8"]
    page = (tmp_path / "export.md").read_text()
    assert "| accuracy | 0.9000 | 0.9000 | 0.8980 |" in page
    assert "SYNTHETIC" in page
    sheet.written(tmp_path, "onnx", tmp_path / "x", numbers("b"))
    assert list(json.loads((tmp_path / "export.json").read_text())) == ["onnx"]
    (tmp_path / "export.json").write_text("[1")
    sheet.written(tmp_path, "onnx", tmp_path / "x", numbers())


def row(name: str, macro_f1: float, n_bytes: int, on_validation: float | None = None) -> dict[str, Any]:
    told = {"test/accuracy": 0.9, "test/sensitivity/V": 0.8, "fit/windows_per_second": 1234.5}
    chosen_by = macro_f1 if on_validation is None else on_validation
    about = {"run": f"outputs/{name}", "network": name, "synthetic": False}
    return {**about, "test/macro_f1": macro_f1, "val/macro_f1": chosen_by, "bytes": n_bytes, **told}


def test_the_verdict_follows_its_rule() -> None:
    rows = [row("large", 0.9, 200_000), row("good", 0.5, 100_000), row("as good", 0.495, 90_000), row("weak", 0.3, 9)]
    assert verdicts(rows) == ["too large", "macro-F1 +0.005", "chosen", "macro-F1 -0.195"]
    assert verdicts(rows[:1]) == ["too large"]
    assert verdicts([row("lucky", 0.9, 9, 0.4), row("good", 0.5, 9, 0.6)]) == ["macro-F1 +0.400", "chosen"]
    assert "| outputs/good | good | 90.0% | 0.500 | 80.0% | 100.0 kB | 1,234 windows/s |" in table(rows, "V")
    assert "SYNTHETIC" not in table(rows, "V")
    assert table([one | {"synthetic": True} for one in rows], "V").startswith("**SYNTHETIC data")


def entrant(name: str, **changed: Any) -> Entrant:
    contract = replace(a_bundle().contract, **changed)
    return Entrant(name, Place(Path(name), None), contract, {}, Path(name))


def test_runs_of_two_questions_are_never_ranked_together() -> None:
    data = {"corpus": "mitdb", "fingerprint": "ab", "synthetic": False}
    first = entrant("a", data=data)
    check_comparable([first, entrant("b", data=data)])
    for changed, said in (
        ({"task": "other", "data": data}, r"runs a and b cannot be ranked .* differ in task \(.* and other\): name"),
        ({"classes": ("N", "S"), "data": data}, r"classes \(N,V and N,S\)"),
        ({"data": data | {"fingerprint": "cd"}}, r"data fingerprint \(ab and cd\)"),
        ({"data": data | {"synthetic": True}}, r"synthetic data \(no and yes\)"),
        ({"data": data, "patients": {"test": ("9",)}}, r"test patients \(.* and 1 patients"),
    ):
        with pytest.raises(ValueError, match=said):
            check_comparable([first, entrant("b", **changed)])
    with pytest.raises(ValueError, match="runs a and a would write into one folder"):
        check_comparable([first, first])


def test_a_folder_that_is_no_run_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "holds no contract.json" in capsys.readouterr().err
    (tmp_path / "contract.json").write_text("{}")
    assert main([str(tmp_path)]) == 2
    assert "is a bundle alone, without metrics.json" in capsys.readouterr().err
    (tmp_path / "predictions.parquet").write_text("")
    (tmp_path / "metrics.json").write_text('{"test/accuracy": 1.0}')
    assert main([str(tmp_path)]) == 2
    assert (
        "its metrics.json lacks test/macro_f1, fit/windows_per_second, val/macro_f1, test/sensitivity/V"
        in capsys.readouterr().err
    )
