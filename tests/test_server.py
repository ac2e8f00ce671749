"""A real MLflow server over PostgreSQL loses nothing of eight jobs at once, and may die and come back."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import history
from ecg_lightning.mlflow_run import NOT_IN_NAMES, PARAM_CHARACTERS
from ecg_lightning.run_folder import Status
from ecg_lightning.tracking import flatten
from tests.corpora import command, mlflow_server

pytestmark = pytest.mark.slow

N_JOBS = 8
SMALL = (*command.SHORT, "model=logistic", "test=false")
# Imports once, then one process a job: else most of the test would be imports. The code is the command's own.
JOBS = f"""
import os, sys
from ecg_lightning import mlflow_run, run, summary, train
from ecg_lightning.report import page
children = []
for seed in range({N_JOBS}):
    child = os.fork()
    if not child:
        said = os.open(f"said{{seed}}.txt", os.O_CREAT | os.O_WRONLY)
        os.dup2(said, 1), os.dup2(said, 2)
        sys.argv = ["train", *sys.argv[1:], f"seed={{seed}}", f"hydra.run.dir=run{{seed}}"]
        train.main()
        sys.exit(0)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow_server.Server]:
    if why := mlflow_server.lacks():
        pytest.skip(why)
    with mlflow_server.postgres() as database:
        running = mlflow_server.Server(database, tmp_path_factory.mktemp("server"))
        running.start()
        yield running
        running.kill()


def check_complete(folder: Path, server: mlflow_server.Server) -> Run:
    """Compare all that a run folder holds with what the server was told."""
    client, run_id = MlflowClient(server.uri), Status.read(folder).mlflow_run_id
    assert run_id is not None
    found = client.get_run(run_id)
    assert found.info.status == "FINISHED"
    cfg = OmegaConf.load(folder / "config.yaml")
    assert isinstance(cfg, DictConfig)
    assert found.data.params == {name: value[:PARAM_CHARACTERS] for name, value in flatten(cfg).items()}
    card = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    assert (
        found.data.tags.items() >= (card["tags"] | {"fingerprint": card["fingerprint"], "source": "synthetic"}).items()
    )
    numbers = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    shown = {NOT_IN_NAMES.sub("_", name): x for name, x in numbers.items() if math.isfinite(x)}
    assert found.data.metrics.items() >= shown.items()
    assert_curves(client, run_id, history.read(folder / "history.csv"))
    kept = server.folder / "artifacts" / found.info.experiment_id / run_id / "artifacts"
    for name in ("config.yaml", "metrics.json", "history.csv", "predictions.parquet", "report.html"):
        assert (kept / name).read_bytes() == (folder / name).read_bytes()
    assert (kept / "model" / "MLmodel").is_file()
    (weights,) = (kept / "model" / "artifacts").rglob("model.safetensors")
    assert weights.read_bytes() == (folder / "model" / "model.safetensors").read_bytes()
    return found


def assert_curves(client: MlflowClient, run_id: str, rows: dict[int, dict[str, float]]) -> None:
    """Every number of every epoch is there, once."""
    for name in sorted({name for row in rows.values() for name in row}):
        said = {(m.step, m.value) for m in client.get_metric_history(run_id, name)}
        assert {(epoch, row[name]) for epoch, row in rows.items() if name in row} <= said


def test_eight_jobs_at_once_lose_nothing(server: mlflow_server.Server, tmp_path: Path, twin_cache: Path) -> None:
    words = (*SMALL, "trainer.max_epochs=2", f"tracking.uri={server.uri}")
    done = command.python(tmp_path, twin_cache, "-c", JOBS, *words)
    said = [(tmp_path / f"said{seed}.txt").read_text(encoding="utf-8") for seed in range(N_JOBS)]
    assert done.returncode == 0, said
    assert not [text for text in said if "MLflow gets nothing more" in text or "Traceback" in text]
    runs = [check_complete(tmp_path / f"run{seed}", server) for seed in range(N_JOBS)]
    assert len({run.info.run_id for run in runs}) == N_JOBS
    assert [run.data.params["seed"] for run in runs] == [str(seed) for seed in range(N_JOBS)]
    assert max(run.info.start_time for run in runs) < min(run.info.end_time for run in runs), "all at once"


def test_a_server_that_is_killed_and_comes_back_has_all_of_the_run(
    server: mlflow_server.Server, tmp_path: Path, twin_cache: Path
) -> None:
    folder, said = tmp_path / "run", tmp_path / "said.txt"
    words = (*SMALL, "trainer.max_epochs=250", "callbacks.early_stopping=null", f"tracking.uri={server.uri}")
    run = [sys.executable, "-m", "ecg_lightning.train", *words, "hydra.run.dir=run"]
    with said.open("w", encoding="utf-8") as out:
        own: dict[str, Any] = {"cwd": tmp_path, "env": command.environment(twin_cache), "stdout": out, "stderr": out}
        process = subprocess.Popen(run, **own)
        wait_until(
            process, lambda: (folder / "status.json").is_file() and Status.read(folder).mlflow_run_id is not None
        )
        server.kill()
        wait_until(process, lambda: "MLflow gets nothing more" in said.read_text(encoding="utf-8"))
        n_before = command.epochs_in(folder / "history.csv")
        process.send_signal(signal.SIGSTOP)  # or the run would be over before the server is back
        server.start()
        process.send_signal(signal.SIGCONT)
        assert process.wait(200) == 0, said.read_text(encoding="utf-8")
    assert n_before < 250, "it was in the middle of the run"
    assert said.read_text(encoding="utf-8").count("MLflow gets nothing more") == 1
    assert len(history.read(folder / "history.csv")) == 250
    check_complete(folder, server)


def wait_until(process: subprocess.Popen[bytes], seen: Any) -> None:
    """Look again and again while a process lives."""
    deadline = time.monotonic() + 120
    while not seen():
        assert process.poll() is None, "it ended too soon"
        if time.monotonic() > deadline:
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.02)
