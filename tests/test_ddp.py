"""Two processes on the CPU find what one finds, in one folder and one run of MLflow, and end together."""

import json
import re
import shutil
import sqlite3
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import Status
from tests.corpora import command, ranks
from tests.corpora.learnable import write_learnable

pytestmark = pytest.mark.slow

RECORDS = [
    "101",
    "106",
    "108",
    "109",
    "112",
    "114",
    "115",
    "116",
    "118",
    "119",
    "122",
    "124",
    "203",
    "205",
    "207",
    "208",
]
DATA = ("dataset.source=local", "dataset.allow_missing=true", "split=kfold", "split.n_folds=2")
ONE = (*DATA, "model=logistic", "trainer.max_epochs=3", "task.data.batch_size=32", "trainer.accelerator=cpu")
TWO = ("trainer=ddp", "task.data.batch_size=16")  # a step of both together learns from as many rows


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `mitdb` and `cache` all tests read."""
    folder = tmp_path_factory.mktemp("ddp")
    write_learnable(folder, RECORDS, n_beats=41)  # an odd number: the shares of two processes differ
    return folder


def train(folder: Path, corpus: Path, *words: str) -> CompletedProcess[str]:
    """The command in an empty folder; it returns when every process has ended, as all hold its channels."""
    folder.mkdir()
    shutil.copy(ranks.__file__, folder)
    flags = [word for word in words if word.startswith("-")]
    rest = [word for word in words if word not in flags]
    return command.train(folder, corpus / "cache", *flags, *ONE, f"data_dir={corpus}", *rest)


def tracked(folder: Path) -> list[tuple[str, str | None]]:
    """(state, id of the run above) of every run in MLflow, in order of their beginning."""
    asked = "select runs.status, tags.value from runs left join tags on tags.run_uuid = runs.run_uuid"
    with sqlite3.connect(folder / "mlflow.db") as store:
        rows = store.execute(f"{asked} and tags.key = 'mlflow.parentRunId' order by runs.start_time")
        return [(str(state), parent) for state, parent in rows]


def said_twice(err: str) -> list[str]:
    """What a log says more than once, its seconds left out."""
    lines = [line[9:] for line in err.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
    return sorted({line for line in lines if lines.count(line) > 1})


def table(folder: Path) -> pd.DataFrame:
    return Predictions.read(folder / "predictions.parquet").table


@pytest.fixture(scope="module")
def one(corpus: Path) -> Path:
    """The run of one process."""
    folder = corpus / "one"
    done = train(folder, corpus, "split.fold=0", "hydra.run.dir=run", "tracking=none")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def two(corpus: Path) -> tuple[Path, CompletedProcess[str]]:
    """The same run of two processes that leave what they see beside it."""
    folder = corpus / "two"
    words = ("plugins=[ranks]", "+callbacks.witness._target_=ranks.Witness")
    words = (*words, f"+callbacks.witness.folder={folder}", "split.fold=0", "hydra.run.dir=run", *TWO)
    done = train(folder, corpus, *words)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_two_processes_answer_every_row_once_and_as_one_does(
    one: Path, two: tuple[Path, CompletedProcess[str]]
) -> None:
    alone, together = table(one), table(two[0] / "run")
    np.testing.assert_array_equal(together["row"], alone["row"])
    assert not together["row"].duplicated().any()
    assert np.corrcoef(together["logit_V"], alone["logit_V"])[0, 1] > 0.999
    numbers = [json.loads((run / "metrics.json").read_text()) for run in (one, two[0] / "run")]
    for name in ("val/accuracy", "test/accuracy", "test/auroc/V"):
        assert numbers[1][name] == pytest.approx(numbers[0][name], abs=0.02), name
    curves = [pd.read_csv(run / "history.csv") for run in (one, two[0] / "run")]
    assert len(curves[1]) == 3
    np.testing.assert_allclose(curves[1]["val/loss"], curves[0]["val/loss"], rtol=0.05)


def test_two_processes_are_one_run_and_say_everything_once(two: tuple[Path, CompletedProcess[str]]) -> None:
    folder, done = two
    assert tracked(folder) == [("FINISHED", None)]
    assert (folder / "run" / "report.html").is_file()
    assert not (folder / "outputs").exists(), "the second process has no folder of its own"
    assert done.stdout.count("run folder:") == 1
    assert done.stderr.count("first training step done") == 1
    assert "records of mitdb are missing" in done.stderr
    assert said_twice(done.stderr) == []


def test_two_processes_map_one_store_and_share_its_rows(two: tuple[Path, CompletedProcess[str]]) -> None:
    seen = [json.loads((two[0] / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert seen[0]["store"] == seen[1]["store"]
    assert all(one["mapped"] for one in seen)
    rows = seen[0]["rows"] + seen[1]["rows"]
    assert len(seen[0]["rows"]) == len(seen[1]["rows"])
    assert len(set(rows)) == len(rows)


def test_jobs_of_two_processes_each_are_a_sweep_like_any_other(corpus: Path) -> None:
    folder = corpus / "sweep"
    done = train(folder, corpus, "-m", "seed=0,1", "split.fold=0", "hydra.sweep.dir=sweep", *TWO)
    assert done.returncode == 0, done.stderr
    jobs = [folder / "sweep" / number for number in "01"]
    found = pd.read_csv(folder / "sweep" / "comparison.csv")
    assert (found["seed"].tolist(), found["state"].tolist()) == ([0, 1], ["finished"] * 2)
    for number, job in enumerate(jobs):
        assert f"seed={number}" in Status.read(job).overrides
        assert not table(job)["row"].duplicated().any()
    assert done.stderr.count("first training step done") == 2
    assert not (folder / "multirun").exists(), "no process began the sweep anew"
    states = tracked(folder)
    assert [state for state, _ in states] == ["FINISHED"] * 3
    assert len({parent for _, parent in states if parent is not None}) == 1
    assert [parent is None for _, parent in states].count(True) == 1


def test_folds_in_two_processes_are_pooled_and_stand_below_one_run(corpus: Path) -> None:
    folder = corpus / "folds"
    done = train(folder, corpus, "hydra.run.dir=run", *TWO)
    assert done.returncode == 0, done.stderr
    tested = table(folder / "run").query("side == 'test'")
    assert sorted(tested["patient"].unique()) == RECORDS
    assert not tested["row"].duplicated().any()
    assert Status.read(folder / "run").finished_folds == [0, 1]
    states = tracked(folder)
    assert [state for state, _ in states] == ["FINISHED"] * 3
    assert [parent is None for _, parent in states] == [True, False, False]
    assert (folder / "run" / "report.html").is_file()
    assert done.stderr.count("fold 1 reports on") == 1


@pytest.mark.parametrize(("rank", "refuses"), [(0, False), (1, True)])
def test_a_process_that_cannot_go_on_ends_the_others(corpus: Path, rank: int, refuses: bool) -> None:
    folder = corpus / f"broken-{rank}-{refuses}"
    words = ("plugins=[ranks]", "+callbacks.breaks._target_=ranks.Breaks")
    words = (*words, f"+callbacks.breaks.rank={rank}", f"+callbacks.breaks.refuses={refuses}")
    done = train(folder, corpus, *words, "split.fold=0", "hydra.run.dir=run", "tracking=none", *TWO)
    assert done.returncode != 0
    assert ("a row of this process cannot be" if refuses else "RuntimeError: a fault") in done.stderr
    assert Status.read(folder / "run").state != "finished"


def test_a_job_whose_second_process_breaks_down_leaves_its_reason(corpus: Path) -> None:
    folder = corpus / "broken-job"
    words = ("plugins=[ranks]", "+callbacks.breaks._target_=ranks.Breaks", "+callbacks.breaks.rank=1")
    words = (*words, "+callbacks.breaks.refuses=false", "split.fold=0", "hydra.sweep.dir=sweep", "tracking=none", *TWO)
    done = train(folder, corpus, "-m", "seed=0", *words)
    assert done.returncode == 1
    status = Status.read(folder / "sweep" / "0")
    assert status.state == "failed"
    assert status.reason is not None
    assert re.search(r"broke down and ended the others|RuntimeError", status.reason)
