"""Folds that were jobs of a sweep: pooled per combination, and what is missing is said."""

import json
from pathlib import Path

import pandas as pd
import pytest

from ecg_lightning import sweep, sweep_folds
from ecg_lightning.run_folder import Status
from tests.corpora.folds import N_FOLDS, folds_of, write_fold
from tests.corpora.sweep import write_failed_job, write_plan


def write_folds(folder: Path, *words: str) -> None:
    write_plan(folder, *words, f"split.fold=range({N_FOLDS})")
    for number, part in enumerate(folds_of()):
        write_fold(folder / str(number), part, [*words, f"split.fold={number}"])


def test_a_sweep_over_folds_alone_is_a_run_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folds(tmp_path, "model=cnn")
    assert sweep.finish(tmp_path) == (0, 3)
    for name in ("predictions.parquet", "metrics.json", "folds.csv", "patients.csv", "report.html", "config.yaml"):
        assert (tmp_path / name).is_file(), name
    status = Status.read(tmp_path)
    assert (status.state, status.finished_folds, status.overrides) == ("finished", [0, 1, 2], ["model=cnn"])
    said = capsys.readouterr().out
    assert "over folds" in said
    assert f"run folder: {tmp_path}" in said
    assert not (tmp_path / "comparison.csv").exists(), "folds are no choices"


def test_a_missing_fold_leaves_the_whole_unfinished_and_says_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folds(tmp_path)
    (tmp_path / "1" / "status.json").unlink()
    Status("failed", "RuntimeError: no room", overrides=["split.fold=1"]).write(tmp_path / "1")
    assert sweep.finish(tmp_path) == (1, 3)
    status = Status.read(tmp_path)
    assert (status.state, status.reason) == ("failed", "fold 1 (job 1) failed: RuntimeError: no room")
    assert not (tmp_path / "metrics.json").exists(), "numbers of some folds would be taken for those of all"
    said = capsys.readouterr().out
    assert "not all folds have finished: fold 1 (job 1) failed: RuntimeError: no room" in said
    assert f"what is missing: python -m ecg_lightning.train resume={tmp_path}" in said


def test_folds_of_each_combination_stand_side_by_side(tmp_path: Path) -> None:
    write_plan(tmp_path, "model=cnn,logistic", f"split.fold=range({N_FOLDS})")
    for number, part in enumerate(folds_of()):
        write_fold(tmp_path / str(number), part, ["model=cnn", f"split.fold={number}"])
        if number != 1:
            write_fold(tmp_path / str(number + N_FOLDS), part, ["model=logistic", f"split.fold={number}"])
    write_failed_job(tmp_path / "4", ["model=logistic", "split.fold=1"], "no room")
    assert sweep.finish(tmp_path) == (1, 6)
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert table["model"].tolist() == ["cnn", "logistic"]
    assert table["state"].tolist() == ["finished", "failed"]
    assert "fold 1 (job 4) failed: no room" in table["reason"][1]
    assert json.loads((tmp_path / "pooled" / "0" / "metrics.json").read_text())["val/auroc_fold_n"] == N_FOLDS
    assert "test/auroc" in table
    assert Status.read(tmp_path).reason == "1 of 6 jobs did not finish"


def test_what_is_pooled_again_is_the_same(tmp_path: Path) -> None:
    write_folds(tmp_path)
    sweep_folds.pool(tmp_path)
    numbers = (tmp_path / "metrics.json").read_text()
    sweep_folds.pool(tmp_path)
    assert (tmp_path / "metrics.json").read_text() == numbers
