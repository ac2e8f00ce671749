"""A run: one fold, or all folds of a split one after another, with one run of MLflow and one folder."""

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from ecg_lightning import assembly, data_card, pooling
from ecg_lightning.config import constructed
from ecg_lightning.constructors import constructor
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.fold_run import (
    Extent,
    check_same_data,
    keep_run_id,
    save_config,
    train_fold,
)
from ecg_lightning.naming import run_name, run_tags
from ecg_lightning.pruning import Pruned
from ecg_lightning.run_folder import FOLDS, Status, leads, room
from ecg_lightning.scoring import Interrupted
from ecg_lightning.structures import Refused
from ecg_lightning.tracking import Tracker, flatten

for library in ("pytorch_lightning", "lightning_fabric", "lightning.fabric"):  # they set INFO themselves when imported
    logging.getLogger(library).setLevel(logging.WARNING)
log = logging.getLogger(__name__)


def run(
    cfg: DictConfig,
    folder: Path,
    corpus: Any,
    status: Status,
    extent: Extent,
    below: tuple[Path, ...] = (),
) -> Evaluation:
    """Train, score and describe every fold that is asked for.

    Args:
        cfg: resolved and checked.
        folder: of the run; holds checkpoints already where it is resumed.
        corpus: where records come from.
        status: kept up to date in the folder.
        extent: how much is asked for.
        below: folders of sweeps whose runs this one stands below in MLflow, the outermost first.

    Returns:
        What the predictions are worth; of several folds, those of all together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM while it trained.
        Pruned: a callback of the extent has judged that it is not worth going on with.
    """
    with tracked(cfg, folder, status, below) as tracker:
        data = constructed(cfg.task.data, corpus=corpus, scope=constructor(cfg.model._target_).declares["scope"])
        if getattr(data.split, "fold", 0) is None:
            return _every_fold(cfg, folder, data, status, tracker, extent)
        found = train_fold(cfg, folder, data, status, tracker, extent)
        if found is None:
            raise SystemExit(0)  # one process scores and reports
        return found


@contextmanager
def tracked(cfg: DictConfig, folder: Path, status: Status, below: Tracker | tuple[Path, ...] = ()) -> Iterator[Tracker]:
    """A run of MLflow for what the block does; says in both places how it ended."""
    tracker: Tracker = constructed(cfg.tracking, below=below, **({} if leads() else {"uri": None}))
    with room(folder):
        save_config(cfg, folder)
        status.write(folder)
    outcome: Literal["FINISHED", "FAILED", "KILLED"] = "FAILED"
    try:
        with room(folder):
            yield tracker
        outcome = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status.state, status.reason, outcome = "interrupted", "stopped by the user or the machine", "KILLED"
        raise
    except Pruned as stop:
        status.state, status.reason, outcome = "pruned", str(stop), "KILLED"
        raise
    except BaseException as error:
        status.state, status.reason = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        with room(folder):
            try:
                status.write(folder)
            finally:
                tracker.finish(outcome)
                keep_run_id(tracker, status, folder)


def _every_fold(
    cfg: DictConfig, folder: Path, data: Any, status: Status, tracker: Tracker, extent: Extent
) -> Evaluation:
    """Each fold in a folder of its own, those that have finished before left alone; then all together."""
    folders: list[Path] = []
    for part in data.by_fold():
        number = part.fold.number
        card = data_card.data_card(part, part.corpus, split=str(status.choices.get("split")))
        if not folders:
            for line in data_card.notes(card, part.features, assembly.features_taken(cfg, part.features)):
                log.warning("note: %s", line)
            tags = {name: text for name, text in run_tags(card, status).items() if name != "split_hash"}
            tracker.start(run_name(folder, status), flatten(cfg), tags, status.mlflow_run_id)
        folders.append(folder / FOLDS / str(number))
        own = _config_of(cfg, folders[-1], number)
        if number in status.finished_folds:
            check_same_data(own, folders[-1], card)
            continue
        log.info("fold %d reports on %s", number, ", ".join(card["patients"]["test"]))
        _one_fold(own, folders[-1], part, status, tracker, extent)
        status.finished_folds.append(number)
        keep_run_id(tracker, status, folder)
        status.write(folder)
    if not leads():
        raise SystemExit(0)
    found, numbers = pooling.pool(folders, folder)
    status.state = "finished"
    status.write(folder)
    if extent.alone:
        from ecg_lightning.report import page  # matplotlib takes a second to import: not before training

        page.write(folder, found)
    tracker.log_metrics(numbers, step=0)
    tracker.log_artifacts(pooling.kept(folder))
    return found


def _config_of(cfg: DictConfig, folder: Path, number: int) -> DictConfig:
    """The config of one fold, which goes on where it has begun."""
    own = copy.deepcopy(cfg)
    own.split.fold = number
    own.resume = str(folder) if cfg.resume is not None and (folder / "status.json").is_file() else None
    return own


def _one_fold(cfg: DictConfig, folder: Path, data: Any, above: Status, tracker: Tracker, extent: Extent) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    status = Status(choices=above.choices, overrides=[*above.overrides, f"split.fold={data.fold.number}"])
    if cfg.resume is not None:
        status = Status.read(folder)
        status.state, status.reason = "running", None
    inner = Extent(extent.test, extent.alone, inner=True, beside=extent.beside)
    try:
        with tracked(cfg, folder, status, tracker) as own:
            train_fold(cfg, folder, data, status, own, inner)
    except Refused as error:
        raise Refused(f"fold {data.fold.number}: {error}") from error
