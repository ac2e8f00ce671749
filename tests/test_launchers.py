"""Jobs of a sweep by joblib, by submitit and by Ray: the table is that of any sweep, whoever runs the jobs."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
import yaml

from benchmarks.measure import n_cores
from ecg_lightning import config
from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import Status
from tests.corpora import command
from tests.corpora.learnable import write_learnable
from tests.corpora.slurm import write_slurm

pytestmark = pytest.mark.slow

RECORDS = ["101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124"]
DATA = ("dataset.source=local", "dataset.allow_missing=true", "split=kfold", "split.n_folds=3", "split.val_share=0.2")
BRIEF = (*DATA, "model=logistic", "trainer.max_epochs=1", "trainer.accelerator=cpu", "tracking=none")
SHARED = ("timeout_min", "cpus_per_task", "mem_gb", "gpus_per_node", "tasks_per_node")  # by all of submitit's executors
LAUNCHERS = config.folder() / "hydra" / "launcher"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `mitdb` and `cache` all tests read."""
    folder = tmp_path_factory.mktemp("launchers")
    write_learnable(folder, RECORDS, n_beats=40)
    return folder


def sweep(
    folder: Path, corpus: Path, *words: str, environment: Mapping[str, str] = MappingProxyType({})
) -> CompletedProcess[str]:
    """A sweep in an empty folder, into `sweep`."""
    command_line = [sys.executable, "-m", "ecg_lightning.train", "-m", *BRIEF, f"data_dir={corpus}", *words]
    own = {name: value for name, value in {**command.environment(corpus / "cache"), **environment}.items() if value}
    line = [*command_line, "hydra.sweep.dir=sweep"]
    return subprocess.run(line, cwd=folder, env=own, capture_output=True, text=True, timeout=300)


def test_a_job_that_fails_among_others_is_named_in_the_table(tmp_path: Path, corpus: Path) -> None:
    words = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "split.fold=0", "features=rhythm,none", "seed=0,1")
    done = sweep(tmp_path, corpus, *words, "model=hybrid_cnn")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: 2 of 4 jobs failed; status.json of each says why"
    assert "jobs 2, 3 failed: model HybridCNN needs features" in done.stdout
    table = pd.read_csv(tmp_path / "sweep" / "comparison.csv")
    assert table["state"].tolist() == ["finished", "finished", "failed", "failed"]


def test_folds_side_by_side_are_those_of_one_process(tmp_path: Path, corpus: Path) -> None:
    for name in ("process", "jobs"):
        (tmp_path / name).mkdir()
    alone = command.train(tmp_path / "process", corpus / "cache", *BRIEF, f"data_dir={corpus}", "hydra.run.dir=run")
    assert alone.returncode == 0, alone.stderr
    done = sweep(tmp_path / "jobs", corpus, "sweep=folds", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert done.returncode == 0, done.stderr
    folders = tmp_path / "process" / "run", tmp_path / "jobs" / "sweep"
    one, other = (Predictions.read(folder / "predictions.parquet").table for folder in folders)
    np.testing.assert_array_equal(one[["row", "fold"]], other[["row", "fold"]])
    np.testing.assert_allclose(one["logit_V"], other["logit_V"], rtol=1e-4, atol=1e-5)
    numbers = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
    for found in numbers:
        for name in [name for name in found if name.startswith("fit/")]:
            del found[name]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4, nan_ok=True)


THREADS = """
import os, sys, torch
from pathlib import Path
from pytorch_lightning import Callback

class Threads(Callback):
    def on_train_start(self, trainer, pl_module):
        Path(trainer.default_root_dir, "threads").write_text(str(torch.get_num_threads()))
"""


def test_jobs_side_by_side_share_the_cores(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "counts.py").write_text(THREADS)
    words = ("hydra/launcher=joblib", "seed=0,1", "split.fold=0", "plugins=[counts]")
    words = (*words, "+callbacks.threads._target_=counts.Threads", "hydra.launcher.n_jobs=2", "test=false")
    done = sweep(tmp_path, corpus, *words, environment={"OMP_NUM_THREADS": ""})  # as where nobody has set it
    assert done.returncode == 0, done.stderr
    threads = [int((tmp_path / "sweep" / job / "threads").read_text()) for job in "01"]
    assert threads == [max(1, n_cores() // 2)] * 2


def test_jobs_of_a_cluster_are_submitted_as_the_small_file_says(tmp_path: Path, corpus: Path) -> None:
    environment = write_slurm(tmp_path / "bin")
    words = ("hydra/launcher=slurm", "hydra.launcher.partition=short", "seed=0,1", "split.fold=0")
    done = sweep(tmp_path, corpus, *words, environment=environment)
    assert done.returncode == 0, done.stderr + (tmp_path / "bin" / "log").read_text()
    asked = (tmp_path / "bin" / "submitted.sh").read_text()
    own = yaml.safe_load((LAUNCHERS / "slurm.yaml").read_text())
    for line in (
        "partition=short",
        f"time={own['timeout_min']}",
        f"cpus-per-task={own['cpus_per_task']}",
        f"mem={own['mem_gb']}GB",
        "array=0-1%2",
        f"signal=USR2@{own['signal_delay_s']}",
    ):
        assert f"#SBATCH --{line}\n" in asked, line
    assert f"\nexport OMP_NUM_THREADS={own['cpus_per_task']}\n" in asked
    assert pd.read_csv(tmp_path / "sweep" / "comparison.csv")["state"].tolist() == ["finished"] * 2


def test_jobs_of_several_processes_start_them_themselves_on_a_cluster(tmp_path: Path, corpus: Path) -> None:
    environment = write_slurm(tmp_path / "bin")
    words = ("hydra/launcher=slurm", "seed=0", "split.fold=0", "trainer=ddp", "hydra.launcher.cpus_per_task=1")
    done = sweep(tmp_path, corpus, *words, environment=environment)
    assert done.returncode == 0, done.stderr + (tmp_path / "bin" / "log").read_text()
    assert Status.read(tmp_path / "sweep" / "0").state == "finished"


def test_jobs_by_submitit_on_this_machine_are_a_sweep_like_any_other(tmp_path: Path, corpus: Path) -> None:
    own = yaml.safe_load((LAUNCHERS / "slurm.yaml").read_text())
    keys = [f"hydra.launcher.{name}={'null' if own[name] is None else own[name]}" for name in SHARED]
    words = ("hydra/launcher=submitit_local", *keys, "seed=0,1", "split.fold=0", "features=rhythm")
    done = sweep(tmp_path, corpus, *words)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "sweep" / "comparison.csv")
    assert (table["seed"].tolist(), table["state"].tolist()) == ([0, 1], ["finished"] * 2)


@pytest.mark.skipif(
    importlib.util.find_spec("hydra_plugins.hydra_ray_launcher") is None,
    reason="Ray is an extra: pip install 'ecg-lightning[ray]'",
)
def test_jobs_by_ray_are_a_sweep_like_any_other(tmp_path: Path, corpus: Path) -> None:
    done = sweep(tmp_path, corpus, "hydra/launcher=ray_local", "seed=0,1", "split.fold=0")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "sweep" / "comparison.csv")
    assert (table["seed"].tolist(), table["state"].tolist()) == ([0, 1], ["finished"] * 2)
