"""Search for settings by validation rows alone: `python -m ecg_lightning.tune task=arrhythmia search=learning`."""

import logging
import signal
import sys
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import config, run_folder, train, trials
from ecg_lightning.refusals import ConfigError, refusals
from ecg_lightning.run_folder import Status

log = logging.getLogger(__name__)
PRIMARY = "tune"  # config of the command
PLAN = "study.yaml"  # what the study was asked for
MAY_DIFFER = ("search.n_trials", "search.max_hours")  # of a study that goes on, beside where it runs


def job(cfg: DictConfig) -> None:
    """The only job of the command: refuse in words, or search."""
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir).absolute()
    try:
        wanted = _asked(cfg, hydra, folder)
        finished = _search(wanted, Status(choices=wanted.choices, overrides=_typed(hydra)))
    except train.EXPECTED as error:
        if not any(word.startswith("hydra.run.dir=") for word in hydra.overrides.hydra):
            train.leave_nothing_empty(folder, "tune.log")
        raise ConfigError(str(error)) from error
    if not finished:
        print("error: no trial finished; trials.csv says why", file=sys.stderr)
        sys.exit(1)


def _asked(cfg: DictConfig, hydra: Any, folder: Path) -> trials.Asked:
    if cfg.resume is None and (folder / "status.json").is_file():
        raise ConfigError(f"{folder} holds a study or a run: go on with resume={folder}, or name another folder")
    if cfg.test:
        raise ConfigError("test=true would choose by test rows: leave it out; the best settings are tested afterwards")
    if train.several_processes(cfg):
        raise ConfigError(
            "a trial is trained by one process: leave trainer=ddp and trainer.devices out, and start this command "
            "several times with one search.storage and search.study"
        )
    wanted = trials.asked(cfg, hydra, folder)
    config.constructed(cfg.dataset).records()
    return wanted


def _search(wanted: trials.Asked, status: Status) -> bool:
    """Try points, and write what they reached; whether a trial has finished."""
    from ecg_lightning import study, study_end  # Optuna and Lightning take seconds to import: only now

    train.plain_warnings()
    opened = study.open_study(wanted)
    plan = OmegaConf.create(OmegaConf.to_container(wanted.cfg))
    plan.search = study_end.searched(wanted)
    OmegaConf.save(plan, wanted.folder / PLAN)
    status.write(wanted.folder)
    study.take_back(opened)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, also between two trials
    try:
        study.go_on(opened, wanted)
    except KeyboardInterrupt:
        status.state, status.reason = "interrupted", study.STOPPED
        study_end.finish(opened, wanted, status)
        study_end.say_how_to_go_on(wanted)
        sys.exit(130)
    status.state = "finished"
    return study_end.finish(opened, wanted, status)


def _typed(hydra: Any) -> list[str]:
    """The words by which the study is taken up again."""
    flags = [f"--config-dir={path}" for path in trials.config_dirs(hydra)]
    flags += [] if hydra.job.config_name == PRIMARY else [f"--config-name={hydra.job.config_name}"]
    words = [*hydra.overrides.task, *(word for word in hydra.overrides.hydra if word.startswith("hydra.searchpath"))]
    return [*flags, *(word for word in words if not word.startswith("resume="))]


def resumed(folder: Path, typed: list[str]) -> list[str]:
    """The words of a command that takes a study up again: those that it began with, and those of this command.

    Raises:
        ConfigError: the folder holds no study, or an override differs from the study's; every such one is named.
    """
    if lacking := [name for name in (PLAN, "status.json") if not (folder / name).is_file()]:
        raise ConfigError(f"resume={folder} has no {' and no '.join(lacking)}: give the folder of a study that stopped")
    began = Status.read(folder).overrides
    typed = [word for word in typed if not word.startswith(("resume=", "hydra.run.dir="))]
    flags = [word for word in typed if word.startswith("-") or ("=" not in word and not word.startswith("~"))]
    changes = [word for word in typed if word not in (*flags, *began)]
    if wrong := [word for word in changes if not (run_folder.of_place(word) or _key(word) in MAY_DIFFER)]:
        raise ConfigError(
            "\n".join(f"resume={folder} goes on with a study without {word}: leave it out" for word in wrong)
        )
    kept = [word for word in began if _key(word) not in map(_key, changes)]
    return [
        *(word for word in kept if word.startswith("-")),
        *flags,
        *(word for word in kept if word[0] != "-"),
        *changes,
        f"resume={run_folder.quoted(folder)}",
    ]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    with refusals():
        if many := [word for word in words if word in ("-m", "--multirun") or word.startswith("sweep=")]:
            raise ConfigError(f"{many[0]} is for python -m ecg_lightning.train: tune varies what search.space names")
        for word in words:
            if word.startswith("resume="):  # before Hydra makes the folder that was mistyped
                sys.argv[1:] = resumed(Path(word.partition("=")[2].strip("'\"")), words)
    config.app(job, lambda _: (0, 0), PRIMARY)  # no sweep has an end here


if __name__ == "__main__":
    main()
