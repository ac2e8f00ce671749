"""Train a network on a task and report honestly: `python -m ecg_lightning.train task=arrhythmia model=hybrid_cnn`."""

import logging
import signal
import sys
import warnings
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ecg_lightning import config, run_folder
from ecg_lightning.refusals import ConfigError, refusals
from ecg_lightning.run_folder import Status
from ecg_lightning.structures import CorpusNotFound, Refused

log = logging.getLogger(__name__)


def job(cfg: DictConfig) -> None:
    """One job of Hydra: refuse in words, or run. In a sweep a job that cannot go on leaves its reason."""
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    sweeping = hydra.mode == RunMode.MULTIRUN
    status = Status(choices=dict(hydra.runtime.choices), overrides=list(hydra.overrides.task))
    used = run_folder.leads() and (folder / "status.json").is_file()
    try:
        if cfg.resume is not None:
            cfg = run_folder.resumed(cfg, status.choices, status.overrides)
            status = Status.read(folder)
        elif used:
            raise ConfigError(f"{folder} holds a run: go on with resume={folder}, or name another folder")
        config.check(cfg)
        corpus = config.constructed(cfg.dataset)
        corpus.records()
        _start(cfg, folder, corpus, status, sweeping or of_sweep(folder))
        if cfg.resume is not None:
            after_resumed(folder)
    except (ConfigError, Refused, CorpusNotFound, OSError) as error:
        if sweeping:
            log.error("job %s failed: %s", folder.name, error)
        if sweeping and not used:
            status.state, status.reason = "failed", str(error)
            status.write(folder)
        if not sweeping and not any(word.startswith("hydra.run.dir=") for word in hydra.overrides.hydra):
            _leave_nothing_empty(folder)
        raise ConfigError(str(error)) from error


def _start(cfg: DictConfig, folder: Path, corpus: object, status: Status, sweeping: bool) -> None:
    from ecg_lightning import run, summary  # Lightning takes seconds to import: only now

    _plain_warnings()
    if status.state == "finished":
        print(f"{folder} has finished already; nothing is done again. To train for longer, start a new run")
        if not sweeping and not (folder / "report.html").is_file():  # it was killed while it drew, or had no room
            from ecg_lightning.report import page

            page.write(folder)
        summary.say_finished(folder)
        return
    status.state, status.reason = "running", None
    try:
        found = run.run(cfg, folder, corpus, status, alone=not sweeping)
    except (run.Interrupted, KeyboardInterrupt):
        summary.say_interrupted(folder)
        sys.exit(130)
    summary.say_finished(folder, found)


def after_sweep(folder: Path) -> None:
    """Set the jobs of a sweep side by side."""
    from ecg_lightning import sweep  # pandas and matplotlib take a second to import: only now

    if run_folder.leads():
        sweep.finish(folder)


def after_resumed(folder: Path) -> None:
    """Set the jobs side by side again where the run that has gone on is one of a sweep."""
    if of_sweep(folder):
        after_sweep(folder.absolute().parent)


def of_sweep(folder: Path) -> bool:
    """Whether a run folder is that of a job: then test rows are scored only where the sweep asked for it."""
    return (folder.absolute().parent / "multirun.yaml").is_file()


def _leave_nothing_empty(folder: Path) -> None:
    """Remove what Hydra made for a run that never began: the folder, where nothing but its log is in it."""
    if [path.name for path in folder.iterdir()] == ["train.log"]:
        (folder / "train.log").unlink()
        folder.rmdir()


def _plain_warnings() -> None:
    """Warnings of this package as a line in terminal and log; Lightning's advice is left out."""
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.formatwarning = lambda message, *_: f"warning: {message}"
    logging.captureWarnings(True)


def main() -> None:
    """The command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's word is Ctrl-C, whatever is being done
    logging.raiseExceptions = False  # a log for which there is no room is no reason for traces on the terminal
    for word in sys.argv[1:]:
        if word.startswith("resume="):  # before Hydra makes the folder that was mistyped
            with refusals():
                run_folder.check_resumable(Path(word.partition("=")[2].strip("'\"")))
    config.app(job, after_sweep)


if __name__ == "__main__":
    main()
