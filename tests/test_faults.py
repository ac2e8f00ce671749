"""What a machine does to runs: it stops and kills them, its disk is full, several begin at once. Nothing is lost.

See also `test_run.py` (what Ctrl-C and SIGTERM leave), `test_store.py`, `test_tracking.py`.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from ecg_lightning import evaluate, history, run
from ecg_lightning.run_folder import Status
from ecg_lightning.tracking import Tracker
from tests.conftest import FinishedRun
from tests.corpora import command
from tests.corpora.small_disk import short_files, small_disk

pytestmark = pytest.mark.slow

SMALL = (*command.SHORT, "model=logistic", "trainer.max_epochs=2")  # checkpoints of 25 kB, predictions of 316 kB
DEADLINE_S = 120


def numbers_of(folder: Path) -> dict[str, Any]:
    """What a run ended with, without the time that it took."""
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {name: value for name, value in numbers.items() if not name.startswith("fit/")}


def in_mlflow(store: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a store that is sound."""
    with sqlite3.connect(store) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        return connection.execute(query).fetchall()


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The sentence of a command that could not go on."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "Logging error" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    return errors[0]


def train_until(cwd: Path, cache: Path, stop: signal.Signals, seen: Callable[[], bool], *words: str) -> tuple[int, str]:
    """Train, and send a signal once something is seen: (exit code, what was said)."""
    with (cwd / "said.txt").open("w", encoding="utf-8") as said:
        own = command.environment(cache)
        words = ("-m", "ecg_lightning.train", *words)
        process = subprocess.Popen([sys.executable, *words], cwd=cwd, env=own, stdout=said, stderr=said)
        deadline = time.monotonic() + DEADLINE_S
        while process.poll() is None and not seen() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.poll() is None, (cwd / "said.txt").read_text(encoding="utf-8")
        process.send_signal(stop)
        code = process.wait(DEADLINE_S)
    return code, (cwd / "said.txt").read_text(encoding="utf-8")


def test_a_run_that_was_stopped_and_killed_ends_as_an_undisturbed_one(
    tmp_path: Path, twin_cache: Path, finished_run: FinishedRun
) -> None:
    folder, store = tmp_path / "run", tmp_path / "mlflow.db"
    words, curve = (*command.SHORT, "hydra.run.dir=run"), folder / "history.csv"

    code, _ = train_until(tmp_path, twin_cache, signal.SIGTERM, lambda: command.epochs_in(curve) >= 2, *words)
    assert (code, Status.read(folder).state) == (130, "interrupted")
    known = Status.read(folder).mlflow_run_id
    assert in_mlflow(store, "select run_uuid, status from runs") == [(known, "KILLED")]
    n_epochs = command.epochs_in(curve)
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] in (n_epochs - 2, n_epochs - 1)

    more = n_epochs + 1
    code, _ = train_until(tmp_path, twin_cache, signal.SIGKILL, lambda: command.epochs_in(curve) >= more, "resume=run")
    assert (code, Status.read(folder).state) == (-signal.SIGKILL, "running")
    done = command.train(tmp_path, twin_cache, *words[:-1], "resume=run")
    assert done.returncode == 0, done.stderr
    assert numbers_of(folder) == numbers_of(finished_run.folder)
    assert history.read(curve) == history.read(finished_run.folder / "history.csv")
    assert in_mlflow(store, "select run_uuid, status from runs") == [(known, "FINISHED")]
    steps = in_mlflow(store, "select distinct step from metrics where key = 'val/loss' order by step")
    assert steps == [(epoch,) for epoch in range(8)]
    assert not [path for path in folder.rglob("*") if path.name.endswith((".part", ".tmp"))]


def test_the_run_in_mlflow_is_written_down_as_soon_as_it_is_known(tmp_path: Path) -> None:
    tracker, status = Tracker(f"sqlite:///{tmp_path}/mlflow.db", "arrhythmia"), Status(mlflow_run_id="of before")
    tracker.start("a run", {}, {})
    run.keep_run_id(tracker, status, tmp_path)
    assert not (tmp_path / "status.json").exists(), "nothing is known yet, and nothing waits for it"
    known = tracker.run_id
    run.keep_run_id(tracker, status, tmp_path)
    assert Status.read(tmp_path).mlflow_run_id == known is not None
    tracker.finish("FINISHED")


def test_sigterm_while_rows_are_scored_is_no_failure(tmp_path: Path, twin_cache: Path) -> None:
    folder = tmp_path / "run"

    def fitted() -> bool:
        return (folder / "status.json").is_file() and Status.read(folder).fitted_epochs is not None

    words = (*SMALL, "tracking=none", "hydra.run.dir=run")
    code, said = train_until(tmp_path, twin_cache, signal.SIGTERM, fitted, *words)
    assert (code, Status.read(folder).state) == (130, "interrupted"), said
    assert "Traceback" not in said
    assert "the last whole epoch is kept" in said
    done = command.train(tmp_path, twin_cache, "resume=run")
    assert (done.returncode, command.epochs_in(folder / "history.csv")) == (0, 2), done.stderr


def test_a_run_goes_on_exactly_from_the_previous_checkpoint_where_its_folder_was_moved(
    tmp_path: Path, twin_cache: Path, finished_run: FinishedRun
) -> None:
    folder, kept = tmp_path / "moved", tmp_path / "moved" / "checkpoints"
    shutil.copytree(finished_run.folder, folder)
    status = Status.read(folder)
    status.state, status.fitted_epochs, status.mlflow_run_id, status.finished_folds = "interrupted", None, None, []
    status.write(folder)
    (folder / "metrics.json").unlink()
    os.truncate(kept / "last.ckpt", 100_000)
    epoch = torch.load(kept / "best.ckpt", weights_only=True)["epoch"]
    line = refused(command.train(tmp_path, twin_cache, "resume=moved"))
    assert line == (
        "error: moved/checkpoints/last.ckpt is cut short or damaged: delete it, and the same command goes on from "
        f"moved/checkpoints/best.ckpt, saved after epoch {epoch}"
    )
    (kept / "last.ckpt").unlink()
    done = command.train(tmp_path, twin_cache, "resume=moved", "tracking=none")
    assert done.returncode == 0, done.stderr
    assert numbers_of(folder) == numbers_of(finished_run.folder)
    assert history.read(folder / "history.csv") == history.read(finished_run.folder / "history.csv")


def test_a_run_that_finds_no_room_says_so_and_goes_on_when_there_is_some(
    tmp_path: Path, twin_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bit more room each time: for one checkpoint, for predictions, for some figures; at last for all."""
    folder = tmp_path / "small" / "run"
    kept: list[tuple[str, set[str]]] = []
    with small_disk(tmp_path / "small", "72k") as disk:
        words = [*SMALL, "tracking=none", "hydra.run.dir=small/run"]
        for size in ("300k", "900k", "20m"):
            said = refused(command.train(tmp_path, twin_cache, *words))
            go_on = f"free some room, then go on with resume={folder}"
            assert said == f"error: {folder} cannot be written (No space left on device): {go_on}"
            kept.append((Status.read(folder).state, {path.name for path in folder.rglob("*") if path.is_file()}))
            disk.grow(size)
            words = ["resume=small/run"]
        done = command.train(tmp_path, twin_cache, *words)
        assert done.returncode == 0, done.stderr
        assert evaluate.main([str(folder)]) == 0
        assert "agree:" in capsys.readouterr().out
        assert (folder / "report.html").is_file()
        assert Status.read(folder).state == "finished"
    (first, early), (second, scored), (third, drawn) = kept
    assert (first, second) == ("failed", "failed")
    assert third in ("failed", "finished"), "a page that was not drawn may leave no room to say so"
    assert "last.ckpt" not in early
    assert "last.ckpt" in scored
    assert not {"predictions.parquet", "metrics.json"} & (early | scored)
    assert {"predictions.parquet", "metrics.json", "contract.json"} <= drawn
    assert not [name for name in early | scored | drawn if name.endswith(".part")]


def test_a_run_whose_files_may_not_grow_says_so(tmp_path: Path, twin_cache: Path) -> None:
    """What stands in for a full disk where none may be mounted."""
    with short_files(20_000):
        done = command.train(tmp_path, twin_cache, *SMALL, "tracking=none", "hydra.run.dir=run")
    folder = tmp_path / "run"
    said = f"{folder} cannot be written (File too large): free some room, then go on with resume={folder}"
    assert refused(done) == f"error: {said}"
    assert (Status.read(folder).state, Status.read(folder).reason) == ("failed", f"OSError: {said}")
    assert list((folder / "checkpoints").iterdir()) == []


def test_a_cache_that_is_full_is_named_and_filled_when_there_is_room(tmp_path: Path) -> None:
    words = (*SMALL, "tracking=none", "trainer.fast_dev_run=true", "hydra.run.dir=run")
    with small_disk(tmp_path / "cache", "300k") as disk:
        for what, size in (("twin", "15m"), ("store", "200m")):
            said = refused(command.train(tmp_path, tmp_path / "cache", *words))
            assert said.startswith(f"error: cache_dir={tmp_path}/cache cannot take the {what} (")
            assert said.endswith("): free some room, or set ECG_CACHE_DIR to another folder")
            assert not [path for path in (tmp_path / "cache").rglob("*") if ".part" in path.name]
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
            disk.grow(size)
        done = command.train(tmp_path, tmp_path / "cache", *words)
        assert done.returncode == 0, done.stderr


def test_a_store_of_mlflow_for_which_there_is_no_room_costs_a_warning(tmp_path: Path, twin_cache: Path) -> None:
    with small_disk(tmp_path / "small", "1300k") as disk:
        words = (*SMALL, "tracking.uri=sqlite:///small/mlflow.db", "tracking.artifacts=small/mlartifacts")
        done = command.train(tmp_path, twin_cache, *words, "hydra.run.dir=run")
        assert (done.returncode, Status.read(tmp_path / "run").state) == (0, "finished"), done.stderr
        assert done.stderr.count("MLflow gets nothing more of this run") == 1
        assert "Traceback" not in done.stderr
        assert len(in_mlflow(disk.folder / "mlflow.db", "select status from runs")) == 1


def test_two_sweeps_begin_at_once_where_nothing_is_there_but_what_a_killed_one_left(tmp_path: Path) -> None:
    cache, words = tmp_path / "cache", ("-m", *SMALL, "model=logistic,cnn", "trainer.max_epochs=1")
    words = tuple(word for word in words if word not in ("model=logistic", "trainer.max_epochs=2"))
    train_until(tmp_path, cache, signal.SIGKILL, lambda: bool(list(cache.glob("twins/*.part/*.dat"))), *words)
    assert list(cache.glob("twins/*.part"))
    own = command.environment(cache)
    train = [sys.executable, "-m", "ecg_lightning.train", *words]
    pipes = {"cwd": tmp_path, "env": own, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    sweeps = [subprocess.Popen([*train, f"hydra.sweep.dir=sweep{i}"], **pipes) for i in range(2)]
    said = [process.communicate(timeout=DEADLINE_S)[1] for process in sweeps]
    assert [process.returncode for process in sweeps] == [0, 0], said
    folders = [tmp_path / f"sweep{i}" / str(job) for i in range(2) for job in range(2)]
    assert {Status.read(folder).state for folder in folders} == {"finished"}
    assert numbers_of(folders[0]) == numbers_of(folders[2])
    everything = [*folders, *(tmp_path / f"sweep{i}" for i in range(2))]
    known = {(Status.read(folder).mlflow_run_id, "FINISHED") for folder in everything}
    assert set(in_mlflow(tmp_path / "mlflow.db", "select run_uuid, status from runs")) == known
    assert len(known) == 6, "two runs below each of two"
    assert not [path for path in cache.rglob("*") if ".part" in path.name]
    assert len(list(cache.glob("stores/*/meta.json"))) == 1


def test_a_sweep_that_was_killed_goes_on_where_it_was(tmp_path: Path, twin_cache: Path) -> None:
    sweep = tmp_path / "sweep"
    words = ("-m", *command.SHORT, "model=logistic", "seed=0,1,2", "hydra.sweep.dir=sweep")
    second = sweep / "1" / "history.csv"
    code, _ = train_until(tmp_path, twin_cache, signal.SIGKILL, lambda: command.epochs_in(second) >= 2, *words)
    assert (code, Status.read(sweep / "0").state, Status.read(sweep / "1").state) == (-9, "finished", "running")
    assert not (sweep / "2").exists()
    before = (sweep / "0" / "metrics.json").stat().st_mtime_ns
    run_id = Status.read(sweep / "1").mlflow_run_id
    done = command.train(tmp_path, twin_cache, "resume=sweep")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(sweep / "comparison.csv")["state"].tolist() == ["finished"] * 3
    assert (sweep / "0" / "metrics.json").stat().st_mtime_ns == before
    assert run_id in (None, Status.read(sweep / "1").mlflow_run_id), "the same run in MLflow, if it was known"
    parent = Status.read(sweep).mlflow_run_id
    below = "select count(*) from tags where key = 'mlflow.parentRunId' and value = '{}'"
    assert in_mlflow(tmp_path / "mlflow.db", below.format(parent))[0][0] >= 3
    assert in_mlflow(tmp_path / "mlflow.db", f"select status from runs where run_uuid = '{parent}'") == [("FINISHED",)]
