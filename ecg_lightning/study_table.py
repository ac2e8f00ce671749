"""A study as a table: one row per trial, whichever process made it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from ecg_lightning.search_space import Setting
from ecg_lightning.study import STOPPED

STATES: Mapping[TrialState, str] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
DIED = "its process died"


def table(study: optuna.Study, settings: tuple[Setting, ...]) -> pd.DataFrame:
    """One row per trial that has begun: trial, best, state, value, one column per setting, epochs, seconds, reason.

    The value of a pruned trial is the last that it was judged by, in `judged`; it has no `value`.
    """
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING]
    best = best_trial(study)
    return pd.DataFrame([_row(trial, trial.number == best, settings) for trial in trials], columns=_columns(settings))


def best_trial(study: optuna.Study) -> int | None:
    """The number of the best trial; None where none has finished."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return study.best_trial.number if finished else None


def _columns(settings: tuple[Setting, ...]) -> list[str]:
    keys = [setting.key for setting in settings]
    return ["trial", "best", "state", "value", *keys, "epochs", "seconds", "judged", "again_of", "reason", "folder"]


def _row(trial: FrozenTrial, best: bool, settings: tuple[Setting, ...]) -> dict[str, Any]:
    said = trial.user_attrs
    reason = said.get("reason", DIED if trial.state == TrialState.FAIL else "")
    return {
        "trial": trial.number,
        "best": best,
        "state": "interrupted" if reason in (STOPPED, DIED) else STATES[trial.state],
        "value": trial.value if trial.state == TrialState.COMPLETE else np.nan,
        **{setting.key: trial.params.get(setting.key) for setting in settings},
        "epochs": said.get("epochs", _epochs(said.get("folder"))),
        "seconds": trial.duration.total_seconds() if trial.duration else np.nan,
        "judged": trial.intermediate_values[max(trial.intermediate_values)] if trial.intermediate_values else np.nan,
        "again_of": said.get("again_of"),
        "reason": reason,
        "folder": said.get("folder", ""),
    }


def _epochs(folder: str | None) -> float:
    """How many epochs a trial has that did not finish; NaN where its folder lies on another machine."""
    files = [] if folder is None else [*Path(folder).glob("history.csv"), *Path(folder).glob("folds/*/history.csv")]
    return sum(len(file.read_text(encoding="utf-8").splitlines()) - 1 for file in files) if files else np.nan
