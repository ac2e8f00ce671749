"""Train a network on a task and report honestly: `python -m ecg_lightning.train task=arrhythmia model=hybrid_cnn`."""

import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import config, run_folder, sweep_plan
from ecg_lightning.refusals import ConfigError, refusals
from ecg_lightning.run_folder import Status
from ecg_lightning.structures import CorpusNotFound, Refused

log = logging.getLogger(__name__)
EXPECTED = (ConfigError, Refused, CorpusNotFound, OSError)  # said in words
ENDS = (signal.SIGTERM, signal.SIGUSR2)  # the latter is submitit's, shortly before the time of a job is over
SUBMITIT = "SUBMITIT_EXECUTOR"  # names what the process is a job of
NOT_RETYPED = ("hydra.sweep.", "hydra.mode", "resume")  # of a sweep that is taken up again


def job(cfg: DictConfig) -> None:
    """One job of Hydra: refuse in words, or run. In a sweep a job that cannot go on leaves its reason."""
    hydra = HydraConfig.get()
    for word in ENDS:
        signal.signal(word, signal.default_int_handler)  # in the workers of a launcher too
    if not run_folder.leads():
        logging.disable(logging.WARNING)  # the first process says it
    if hydra.mode == RunMode.MULTIRUN:
        _one_of_many(cfg, hydra)
    else:
        _alone(cfg, hydra)


def _alone(cfg: DictConfig, hydra: Any) -> None:
    folder, status = Path(hydra.runtime.output_dir), _status(hydra)
    try:
        if cfg.resume is not None:
            cfg = run_folder.resumed(cfg, status.choices, status.overrides)
            status = Status.read(folder)
        elif run_folder.leads() and (folder / "status.json").is_file():
            raise ConfigError(f"{folder} holds a run: go on with resume={folder}, or name another folder")
        _start(cfg, folder, status)
        if cfg.resume is not None:
            after_resumed(folder)
    except EXPECTED as error:
        if not any(word.startswith("hydra.run.dir=") for word in hydra.overrides.hydra):
            leave_nothing_empty(folder)
        raise ConfigError(str(error)) from error


def _one_of_many(cfg: DictConfig, hydra: Any) -> None:
    """A job of a sweep: raises nothing, so that the others go on; goes on itself where it had begun."""
    folder, status = Path(hydra.runtime.output_dir).absolute(), _status(hydra)
    try:
        if (folder / "status.json").is_file() and (folder / "config.yaml").is_file():  # else it was refused at once
            now, status = status, Status.read(folder)
            if status.state == "finished":
                log.info("job %s has finished before", folder.name)
                return
            cfg.resume = str(folder)
            cfg = run_folder.resumed(cfg, now.choices, now.overrides)
        if hydra.runtime.choices["hydra/launcher"] != "basic":
            cfg.trainer.enable_progress_bar = False  # jobs side by side would draw over each other
        log.info("job %s begins: %s", folder.name, " ".join(status.overrides))
        if several_processes(cfg):
            config.check(cfg)
            _in_a_process_of_its_own(folder, hydra)
        else:
            _start(cfg, folder, status)
    except EXPECTED as error:
        log.error("job %s failed: %s", folder.name, error)
        _failed(folder, status, str(error))
    except Exception as error:  # a fault that nobody foresaw must not end the other jobs
        log.exception("job %s broke down", folder.name)
        _failed(folder, status, f"{type(error).__name__}: {error}")


def _failed(folder: Path, status: Status, reason: str) -> None:
    """Leave the reason in the folder; what a process of the job's own has written there stays."""
    known = Status.read(folder) if (folder / "status.json").is_file() else status
    known.state, known.reason = "failed", reason
    known.write(folder)


def _status(hydra: Any) -> Status:
    return Status(choices=dict(hydra.runtime.choices), overrides=list(hydra.overrides.task))


def _start(cfg: DictConfig, folder: Path, status: Status) -> None:
    if cfg.get("search") is not None:
        raise ConfigError("search=... is for python -m ecg_lightning.tune: leave it out, or vary settings by sweep=...")
    config.check(cfg)
    corpus = config.constructed(cfg.dataset)
    corpus.records()
    from ecg_lightning import fold_run, run, summary  # Lightning takes seconds to import: only now

    plain_warnings()
    above = sweep_plan.above(folder)
    if status.state == "finished":
        print(f"{folder} has finished already; nothing is done again. To train for longer, start a new run")
        if not above and not (folder / "report.html").is_file():  # it was killed while it drew, or had no room
            from ecg_lightning.report import page

            page.write(folder)
        summary.say_finished(folder)
        return
    status.state, status.reason = "running", None
    chooses = bool(above) and sweep_plan.chooses(above[0])
    if above and "task" in sweep_plan.varied(above[0]) and cfg.tracking.experiment == cfg.task.name:
        cfg.tracking.experiment = "tasks"  # MLflow shows runs below another within one experiment alone
    extent = fold_run.Extent(test=not chooses if cfg.test is None else cfg.test, alone=not above)
    try:
        found = run.run(cfg, folder, corpus, status, extent, above)
    except (run.Interrupted, KeyboardInterrupt):
        summary.say_interrupted(folder)
        if SUBMITIT in os.environ:  # this job has had its time; the others go on
            return
        sys.exit(130)
    if above:
        log.info("%s", summary.in_short(folder))
    else:
        summary.say_finished(folder, found)


def several_processes(cfg: DictConfig) -> bool:
    """Whether the trainer starts processes of its own, each by the command of this one."""
    devices: Any = cfg.trainer.get("devices", 1)
    n_devices = devices if isinstance(devices, int) else len(devices) if not isinstance(devices, str) else 1
    return str(cfg.trainer.get("strategy", "auto")).startswith("ddp") or n_devices not in (0, 1)


def _in_a_process_of_its_own(folder: Path, hydra: Any) -> None:
    """Run a job as a single run, so that the processes that its trainer starts get the job's own overrides, never -m.

    Of SLURM they see nothing: by its variables the trainer would wait for processes that SLURM starts.

    Raises:
        Refused: it did not finish, and said nothing of it in its folder.
    """
    added = [source.path for source in hydra.runtime.config_sources if source.provider == "command-line"]
    words = [f"--config-dir={path}" for path in added]
    words += [*hydra.overrides.task, "hydra.mode=RUN", f"hydra.run.dir={run_folder.quoted(folder)}"]
    words += [f"resume={run_folder.quoted(folder)}"] if (folder / "status.json").is_file() else []
    command = [sys.executable, "-m", "ecg_lightning.train", *words]
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    code = subprocess.run(command, env=env, check=False).returncode
    if code and not (folder / "status.json").is_file():
        raise Refused(f"the job ended with {code} before it began: train.log and the terminal say more")
    if code and Status.read(folder).state == "running":
        raise Refused(f"a process of the job broke down and ended the others (exit {code}): the terminal says more")
    if code == 130 and SUBMITIT not in os.environ:
        sys.exit(code)


def after_sweep(folder: Path) -> tuple[int, int]:
    """Set the jobs of a sweep side by side; how many did not finish, and of how many."""
    from ecg_lightning import sweep  # pandas and matplotlib take a second to import: only now

    if not run_folder.leads():
        return 0, 0
    if not sweep_plan.is_sweep(folder):  # it was refused before it began
        return 0, 0
    outcome = sweep.finish(folder)
    sweep.draw_best(folder)
    return outcome


def after_resumed(folder: Path) -> None:
    """Set the jobs side by side again where the run that has gone on is one of a sweep."""
    if sweep_plan.of_sweep(folder):
        after_sweep(folder.absolute().parent)


def leave_nothing_empty(folder: Path, log_name: str = "train.log") -> None:
    """Remove what Hydra made for a run that never began: the folder, where nothing but its log is in it."""
    if [path.name for path in folder.iterdir()] == [log_name]:
        (folder / log_name).unlink()
        folder.rmdir()


def plain_warnings() -> None:
    """Warnings of this package as a line in terminal and log; Lightning's advice is left out."""
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", message="The `srun` command")  # a job on a cluster starts its processes itself
    warnings.formatwarning = lambda message, *_: f"warning: {message}"
    logging.captureWarnings(True)


def resumed_sweep(folder: Path, typed: list[str]) -> list[str]:
    """The words of a command that takes a sweep up again: those that it began with, and those of this command.

    Args:
        folder: of the sweep.
        typed: words of this command; they may repeat those, and where jobs run and are tracked may differ.

    Raises:
        ConfigError: an override differs from the sweep's; every such one is named.
    """
    saved: Any = OmegaConf.load(folder / sweep_plan.MULTIRUN)
    if "hydra" not in saved:
        raise ConfigError(
            f"{folder / sweep_plan.MULTIRUN} is not whole, and no job had begun: remove {folder}, start anew"
        )
    began = [*saved.hydra.overrides.task, *saved.hydra.overrides.hydra]
    began = [word for word in began if not word.startswith(NOT_RETYPED)]
    typed = [word for word in typed if not word.startswith(("resume=", "hydra.sweep.dir="))]
    changes = [word for word in typed if "=" in word and not word.startswith("-") and word not in began]
    if wrong := [word for word in changes if not run_folder.of_place(word)]:
        raise ConfigError(
            "\n".join(
                f"resume={folder} takes up a sweep that was begun without {word}: leave it out, or start anew"
                for word in wrong
            )
        )
    keys = {word.partition("=")[0] for word in changes}
    kept = [word for word in began if word.partition("=")[0] not in keys]
    flags = [word for word in typed if word.startswith("-") and word not in ("-m", "--multirun")]
    flags = flags or _flags(saved)
    return ["-m", *flags, *kept, *changes, f"hydra.sweep.dir={run_folder.quoted(folder)}"]


def _flags(saved: Any) -> list[str]:
    """Where the configs of a sweep came from."""
    sources = [source for source in saved.hydra.runtime.config_sources if source.provider == "command-line"]
    name = saved.hydra.job.config_name
    return [*(f"--config-dir={source.path}" for source in sources), *([f"--config-name={name}"] * (name != "config"))]


def main() -> None:
    """The command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's word is Ctrl-C, whatever is being done
    logging.raiseExceptions = False  # a log for which there is no room is no reason for traces on the terminal
    for word in sys.argv[1:]:
        if word.startswith("resume="):  # before Hydra makes the folder that was mistyped
            folder = Path(word.partition("=")[2].strip("'\""))
            with refusals():
                if sweep_plan.is_sweep(folder):
                    sys.argv[1:] = resumed_sweep(folder, sys.argv[1:])
                else:
                    run_folder.check_resumable(folder)
            break
    config.app(job, after_sweep)


if __name__ == "__main__":
    main()
