"""Optuna's study: where it is kept, which points are tried, and what becomes of each trial."""

import contextlib
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from filelock import FileLock
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from ecg_lightning.pruning import Prune, Pruned
from ecg_lightning.refusals import ConfigError
from ecg_lightning.report.contents import read_json
from ecg_lightning.run_folder import of_place
from ecg_lightning.scoring import Interrupted
from ecg_lightning.search_space import Setting, told
from ecg_lightning.structures import CorpusNotFound, Refused
from ecg_lightning.tracking import public
from ecg_lightning.trials import Asked, address, train_trial

log = logging.getLogger(__name__)
TRIALS = "trials"  # folder of their runs
BEAT_S, GRACE_S = 60, 180  # a trial is alive while its process says so this often; then it is taken for dead
N_BEFORE = 5  # whole trials before the first is pruned
N_WARMUP = 2  # epochs of which nothing is concluded
WAIT_S = 60  # for another process that writes to a store of SQLite
TABLES_S = 3  # more than a server takes to make them
STOPPED = "stopped by the user or the machine"


class ByNumber(BaseSampler):
    """Optuna's TPE, whose chance comes from the seed and the number of the trial.

    So neither a study that goes on nor a second process draws the points again that were drawn before.
    """

    def __init__(self, seed: int) -> None:
        self._seed, self._inner = seed, TPESampler()

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        drawn = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0]
        self._inner = TPESampler(seed=int(drawn))
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        self._inner.after_trial(study, trial, state, values)


def open_study(wanted: Asked) -> optuna.Study:
    """Make a study, or join the one of this name.

    Raises:
        ConfigError: it cannot be reached, or searches something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # each trial has a line of ours
    (url, name), (monitor, mode) = address(wanted), wanted.monitor
    warmup = 0 if wanted.several_folds else N_WARMUP
    pruner = optuna.pruners.MedianPruner(N_BEFORE, warmup) if wanted.cfg.search.prune else optuna.pruners.NopPruner()
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None
    lock = contextlib.nullcontext() if file is None else FileLock(f"{file}.lock", timeout=WAIT_S)
    try:
        with lock:  # two processes that make the tables at once would stumble over each other
            study = optuna.create_study(
                storage=_made(url) if file is None else _storage(url, True),
                sampler=ByNumber(wanted.cfg.search.seed),
                pruner=pruner,
                study_name=name,
                direction="maximize" if mode == "max" else "minimize",
                load_if_exists=True,
            )
    except (SQLAlchemyError, ImportError, OSError, optuna.exceptions.OptunaError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"search.storage={public(url)} cannot be used: {reason}") from None
    mine = {
        "monitor": f"{monitor} {mode}",
        "space": told(wanted.settings),
        "words": [word for word in wanted.words if not of_place(word)],
    }
    for key, value in mine.items():
        if (theirs := study.user_attrs.get(key, value)) != value:
            raise ConfigError(f"the study {name} has {key}={theirs}, this command {value}: give another search.study")
        study.set_user_attr(key, value)
    return study


def _made(url: str) -> optuna.storages.RDBStorage:
    """A store on a server; once more where another process was making its tables at that moment."""
    try:
        return _storage(url, False)
    except (SQLAlchemyError, optuna.exceptions.OptunaError):
        time.sleep(TABLES_S)
        return _storage(url, False)


def _storage(url: str, sqlite: bool) -> optuna.storages.RDBStorage:
    with optuna_warnings_off():
        return optuna.storages.RDBStorage(
            url,
            engine_kwargs={"connect_args": {"timeout": WAIT_S}} if sqlite else None,
            heartbeat_interval=BEAT_S,
            grace_period=GRACE_S,
            heartbeat_stale_trial_callback=_try_again,
        )


@contextlib.contextmanager
def optuna_warnings_off() -> Any:
    """Optuna warns of its own parts that may change."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def counted(study: optuna.Study) -> int:
    """How many trials are done or being done, by any process; one that was stopped and is tried again counts once."""
    trials = study.get_trials(deepcopy=False)
    again = {trial.user_attrs.get("again_of") for trial in trials}
    return sum(trial.state != TrialState.WAITING and trial.number not in again for trial in trials)


def take_back(study: optuna.Study) -> None:
    """Give up trials that no process works on any more; each point is tried once again.

    Those of this machine are known by their process, those of others by their silence.
    """
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        host, _, pid = str(trial.user_attrs.get("process", "")).rpartition(" ")
        if host == socket.gethostname() and not _lives(int(pid)):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            _try_again(study, trial)
    with optuna_warnings_off():
        optuna.storages.fail_stale_trials(study)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but there
        return True
    return True


def _try_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Put the point of a trial whose process died in front of those to come, unless it is the second to die there."""
    if "again_of" not in trial.user_attrs:
        study.enqueue_trial(trial.params, user_attrs={"again_of": trial.number})


def go_on(study: optuna.Study, wanted: Asked) -> None:
    """Try points until there are as many trials as asked for, or until there is no time.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the point that was tried is tried again when the study goes on.
    """
    search, begun = wanted.cfg.search, time.monotonic()
    while counted(study) < search.n_trials:
        if search.max_hours is not None and time.monotonic() - begun > 3600 * search.max_hours:
            log.info("search.max_hours=%g are over", search.max_hours)
            return
        # a trial that fails, for whatever reason, has left it in the study: the others go on
        study.optimize(lambda trial: _objective(trial, study, wanted), n_trials=1, catch=(Exception,))


def _objective(trial: Trial, study: optuna.Study, wanted: Asked) -> float:
    """Train one trial, and say in the study what became of it."""
    folder = wanted.folder / TRIALS / str(trial.number)
    trial.set_user_attr("process", f"{socket.gethostname()} {os.getpid()}")  # in one write: a kill may follow
    trial.set_user_attr("folder", str(folder))
    point = {setting.key: _suggested(trial, setting) for setting in wanted.settings}
    words = [setting.word(point[setting.key]) for setting in wanted.settings]
    log.info("trial %d: %s", trial.number, " ".join(words))
    prune = Prune(*wanted.monitor, wanted.several_folds, lambda value, step: _hopeless(trial, value, step))
    try:
        value, epochs = train_trial(wanted, folder, words, prune)
        _check_rows(study, folder)
    except Pruned as stop:
        log.info("trial %d was pruned: %s", trial.number, stop)
        trial.set_user_attr("reason", str(stop))
        raise optuna.TrialPruned(str(stop)) from None
    except (Interrupted, KeyboardInterrupt):
        trial.set_user_attr("reason", STOPPED)
        study.enqueue_trial(trial.params, user_attrs={"again_of": trial.number})
        raise KeyboardInterrupt from None
    except (ConfigError, Refused, CorpusNotFound, OSError) as error:
        log.error("trial %d failed: %s", trial.number, error)
        trial.set_user_attr("reason", str(error))
        raise
    except Exception as error:  # a fault that nobody foresaw must not end the study; it is kept with its trial
        log.exception("trial %d broke down", trial.number)
        trial.set_user_attr("reason", f"{type(error).__name__}: {error}")
        raise
    trial.set_user_attr("epochs", epochs)
    log.info("trial %d: %s=%.4f, epochs: %d", trial.number, wanted.monitor[0], value, epochs)
    return value


def _hopeless(trial: Trial, value: float, step: int) -> bool:
    trial.report(value, step)
    return trial.should_prune()


def _check_rows(study: optuna.Study, folder: Path) -> None:
    """Raise where a trial was validated on other rows than those before.

    Raises:
        Refused: it was.
    """
    card = read_json(folder / "data.json") or {}
    rows = {"patients": sorted(card["patients"]["val"]), "counts": card["counts"]["val"]}
    if (theirs := study.user_attrs.get("validated", rows)) != rows:
        raise Refused(f"it was validated on other rows ({rows['counts']}) than the trials before ({theirs['counts']})")
    study.set_user_attr("validated", rows)


def _suggested(trial: Trial, setting: Setting) -> Any:
    if setting.choices:
        return trial.suggest_categorical(setting.key, setting.choices)
    if setting.whole:
        low, high, step = int(setting.low), int(setting.high), int(setting.step or 1)
        return trial.suggest_int(setting.key, low, high, step=step, log=setting.log)
    return trial.suggest_float(setting.key, setting.low, setting.high, step=setting.step, log=setting.log)
