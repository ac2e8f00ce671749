"""Where a study is kept, which points are tried, what is counted, and what a trial is worth."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from ecg_lightning import study as studies
from ecg_lightning import study_end
from ecg_lightning.run_folder import write_json
from ecg_lightning.search_space import Setting
from ecg_lightning.structures import Refused
from ecg_lightning.study import ByNumber, counted, take_back
from ecg_lightning.study_table import table
from ecg_lightning.trials import Asked, measured
from tests.corpora.compose import composed
from tests.corpora.sweep import monitor, write_job

RATE = Setting("optim.lr", (), 1e-4, 1e-1, log=True)


def make(storage: Any = None, seed: int = 0) -> optuna.Study:
    return optuna.create_study(
        storage=storage, sampler=ByNumber(seed), direction="maximize", study_name="a", load_if_exists=True
    )


def point(trial: optuna.Trial) -> float:
    return trial.suggest_float("optim.lr", 1e-4, 1e-1, log=True) + trial.suggest_int("model.width", 1, 9)


def points(study: optuna.Study) -> list[tuple[float, ...]]:
    return [tuple(trial.params.values()) for trial in study.trials]


def test_a_study_that_goes_on_draws_the_points_of_one_that_never_stopped(tmp_path: Path) -> None:
    whole, file = make(), f"sqlite:///{tmp_path / 'a.db'}"
    whole.optimize(point, n_trials=14)
    for _ in range(2):
        make(file).optimize(point, n_trials=7)
    assert points(make(file)) == points(whole)
    assert len(set(points(whole))) == 14
    other = make(seed=1)
    other.optimize(point, n_trials=1)
    assert points(other)[0] != points(whole)[0]


def begin(study: optuna.Study, host: str, pid: int) -> optuna.Trial:
    """A trial that a process has begun."""
    trial = study.ask()
    point(trial)
    trial.set_user_attr("process", f"{host} {pid}")
    return trial


def dead() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_trials_of_dead_processes_are_tried_once_again_and_counted_once() -> None:
    study = make()
    lost = begin(study, socket.gethostname(), dead())
    begin(study, socket.gethostname(), os.getpid())
    begin(study, "another machine", dead())
    assert counted(study) == 3
    take_back(study)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "RUNNING", "RUNNING", "WAITING"]
    assert counted(study) == 2, "the one that is tried again is not counted"
    again = begin(study, socket.gethostname(), dead())
    assert again.params == lost.params
    assert counted(study) == 3
    take_back(study)
    assert study.trials[3].state == TrialState.FAIL
    assert len(study.trials) == 4, "a point that has ended two processes is not tried a third time"
    take_back(study)
    assert len(study.trials) == 4


def test_a_table_says_what_became_of_each_trial() -> None:
    study = make()
    for value, state in ((0.5, None), (None, TrialState.FAIL), (None, TrialState.PRUNED), (0.7, None)):
        trial = begin(study, "here", 1)
        if state == TrialState.PRUNED:
            trial.report(0.25, 0)
        study.tell(trial, value, state=state)
    begin(study, "here", 1).set_user_attr("epochs", 3)
    study.enqueue_trial({})
    found = table(study, (RATE,))
    assert found["state"].tolist() == ["finished", "interrupted", "pruned", "finished", "running"]
    assert found["best"].tolist() == [False, False, False, True, False]
    assert found["judged"].dropna().tolist() == [0.25]
    assert found["value"].dropna().tolist() == [0.5, 0.7]
    assert found["optim.lr"].tolist() == [trial.params["optim.lr"] for trial in study.trials[:5]]
    assert table(make(), (RATE,)).empty


def test_a_study_over_folds_says_that_its_test_rows_had_a_say(tmp_path: Path) -> None:
    study = make()
    study.tell(begin(study, "here", 1), 0.5)
    found = table(study, (RATE,))
    for words, said in (((), False), (("split=kfold",), True)):
        wanted = Asked(tmp_path, (), {}, "config", composed(*words), (RATE,))
        lines = study_end.remarks(found, wanted)
        assert any("that number is too good" in line for line in lines)
        assert any("who is tested in one fold has validated another" in line for line in lines) == said


def test_a_long_study_shows_its_best_trials_alone(tmp_path: Path) -> None:
    study = make()
    for number in range(study_end.MAX_ROWS + 3):
        study.tell(begin(study, "here", 1), number)
    wanted = Asked(tmp_path, (), {}, "config", composed(), (RATE,))
    assert study_end.drawn(table(study, (RATE,)), wanted).row_count == study_end.MAX_ROWS
    assert "the best 40 of 43 trials; trials.csv has all" in study_end.remarks(table(study, (RATE,)), wanted)


def test_a_process_of_somebody_else_lives() -> None:
    assert studies._lives(1), "not ours to signal, or ours: it is there"


def test_a_trial_is_worth_the_mean_of_its_folds(tmp_path: Path) -> None:
    alone = write_job(tmp_path / "0", [], 0.7)
    assert measured(alone, "val/auroc") == (pytest.approx(0.7), 3)
    several = write_job(tmp_path / "1", [], 0.1)  # what is pooled is not what counts
    for fold, value in ((0, 0.6), (1, 0.7), (10, 0.5)):
        write_job(several / "folds" / str(fold), [], value)
    assert measured(several, "val/auroc") == (pytest.approx(0.6), 3)


def test_a_trial_that_went_by_another_number_is_worth_nothing(tmp_path: Path) -> None:
    run = write_job(tmp_path / "0", [], 0.7)
    monitor(run, "val/loss", "min")
    with pytest.raises(Refused, match=r"chosen by another number than val/auroc \(0 by val/loss\), as validation rows"):
        measured(run, "val/auroc")
    numbers = json.loads((run / "metrics.json").read_text())
    write_json(run / "metrics.json", numbers | {"val/loss": float("nan")})
    with pytest.raises(Refused, match="val/loss is no number: nothing says how good it is"):
        measured(run, "val/loss")


def test_trials_must_be_validated_on_the_same_rows(tmp_path: Path) -> None:
    study = make()
    studies._check_rows(study, write_job(tmp_path / "0", [], 0.7))
    studies._check_rows(study, write_job(tmp_path / "1", [], 0.6))
    card = {"patients": {"val": ["001"]}, "counts": {"val": {"low": 3}}}
    with pytest.raises(
        Refused, match=r"validated on other rows \(\{'low': 3\}\) than the trials before \(\{'low': 9\}"
    ):
        studies._check_rows(study, write_job(tmp_path / "2", [], 0.6, card=card))
