"""One fold: from its rows to a folder with all that a trained network leaves."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer

from ecg_lightning import adapting, assembly, bundle, data_card, encoders, evaluation, examples
from ecg_lightning.callbacks import Speed
from ecg_lightning.checkpoints import WholeCheckpoints
from ecg_lightning.config import constructed
from ecg_lightning.history import History
from ecg_lightning.memory import kept_memory
from ecg_lightning.modules.anomaly import AnomalyDetection
from ecg_lightning.naming import run_name, run_tags
from ecg_lightning.run_folder import BEST, Status, leads, newest_checkpoint, write_json
from ecg_lightning.scoring import Interrupted, is_bar, predict
from ecg_lightning.structures import Refused
from ecg_lightning.tracking import Tracker, flatten
from ecg_lightning.whole_files import written_whole

log = logging.getLogger(__name__)
N_NORMALS = 20_000  # training windows that say how normals vary; more would say the same
KEPT = (
    *("config.yaml", "metrics.json", "data.json", "predictions.parquet", "history.csv", "pretrain"),
    *("report.html", "figures"),
)


@dataclass(frozen=True)
class Extent:
    """How much is asked of a run.

    Args:
        test: test rows are scored.
        alone: no job of a sweep: figures and page are drawn.
        inner: one of several folds in this process: what is said of the data was said before, and no page is written.
        beside: callbacks of the training that the config does not name.
    """

    test: bool
    alone: bool
    inner: bool = False
    beside: tuple[Callback, ...] = ()


def train_fold(
    cfg: DictConfig, folder: Path, data: Any, status: Status, tracker: Tracker, extent: Extent
) -> evaluation.Evaluation | None:
    """Train, score and describe; every step leaves its part in the folder.

    Args:
        cfg: resolved and checked; its monitor gives way where the validation rows do not define it.
        folder: of the fold; holds checkpoints already where it is resumed.
        data: of this fold.
        status: kept up to date in the folder.
        tracker: not yet started.
        extent: how much is asked for.

    Returns:
        What the predictions are worth; None in every process but the first of several that train together.

    Raises:
        Interrupted: Ctrl-C or SIGTERM.
        Refused: data and settings cannot go together.
    """
    begun = None if cfg.adapt is None else adapting.start(cfg, data)  # refuses before anything is prepared
    card = data_card.data_card(data, data.corpus, split=str(status.choices.get("split")))
    check_same_data(cfg, folder, card)
    if _say(cfg, data, card, extent):
        save_config(cfg, folder)
    if leads():
        write_json(folder / "data.json", card)
    tracker.start(run_name(folder, status), flatten(cfg), run_tags(card, status), status.mlflow_run_id)
    network, arguments = begun or assembly.build_network(cfg, data.facts)
    if begun is None and "_target_" in cfg.pretrain:
        encoders.load_encoder(network, pretrain(cfg, data, folder), cfg.pretrain.frozen)
    module, speed = assembly.build_module(cfg, network, data.facts), Speed(first_step=tracker.begin)
    history = History(folder, partial(pass_on, tracker, status, folder))
    sides = scored_sides(cfg, extent.test)
    before = {} if begun is None else adapting.before(predict(cfg, module, data, sides))
    if status.fitted_epochs is not None:
        cfg.trainer.max_epochs = status.fitted_epochs
    try:
        reports = fit(cfg, module, data, (speed, *extent.beside), history)
    finally:
        status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.known_run_id or status.mlflow_run_id
    if not reports:
        return None
    status.fitted_epochs = speed.epochs
    status.write(folder)
    learn_normals(module, data)
    predictions = predict(cfg, module, data, sides)
    predictions.write(folder / "predictions.parquet")
    with written_whole(folder / "examples.npz") as part, part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **examples.examples(data, predictions, network))
    evaluated = evaluation.evaluate(predictions)
    told_by = assembly.score(predictions, evaluated)
    contract = assembly.contract(cfg, data, card, arguments, evaluated, told_by)
    bundle.write(folder / "model", network, contract if begun is None else adapting.inherit(cfg, contract))
    numbers = before | evaluated.metrics | speed.numbers()
    numbers["model/parameters"] = sum(p.numel() for p in network.parameters())
    write_json(folder / "metrics.json", numbers)
    status.state, status.finished_folds = "finished", [data.fold.number]
    status.write(folder)
    _show(folder, evaluated, numbers, tracker, extent, list(cfg.plugins))
    return evaluated


def _say(cfg: DictConfig, data: Any, card: dict[str, Any], extent: Extent) -> bool:
    """What is to be known before training begins; whether it had to be settled by what the best epoch is chosen."""
    if not extent.inner:
        for line in data_card.notes(card, data.features, assembly.features_taken(cfg, data.features)):
            log.warning("note: %s", line)
        if getattr(data.split, "fold", None) is not None:
            log.info("fold %d reports on %s", data.fold.number, ", ".join(card["patients"]["test"]))
    asked, settled = cfg.task.monitor.metric, assembly.settle_monitor(cfg, data)
    if settled:
        log.warning("note: validation rows are of one class, so %s is not defined: val/loss says what is best", asked)
    return settled


def _show(
    folder: Path,
    evaluated: evaluation.Evaluation,
    numbers: dict[str, float],
    tracker: Tracker,
    extent: Extent,
    plugins: list[str],
) -> None:
    """Draw the page where it is asked for, and hand the results on."""
    one_of_many = extent.inner or not extent.alone
    if not one_of_many:
        from ecg_lightning.report import page  # matplotlib takes a second to import: not before training

        page.write(folder, evaluated)
    tracker.log_metrics(numbers, step=int(numbers["fit/epochs"]))
    tracker.log_artifacts([folder / name for name in KEPT if (folder / name).exists()])
    if not one_of_many:  # it takes MLflow a second, and of many few are served: those lie in their folders
        tracker.log_model(folder / "model", plugins=plugins)


def learn_normals(module: LightningModule, data: Any) -> None:
    """Let a network that tells anomalies see how normal training windows vary.

    Raises:
        Refused: they cannot say it.
    """
    if isinstance(module, AnomalyDetection):
        try:
            module.learn_normals(data.unchanged("train", N_NORMALS))
        except ValueError as error:
            raise Refused(str(error)) from error


def pass_on(tracker: Tracker, status: Status, folder: Path, numbers: dict[str, float], epoch: int) -> None:
    """Show the numbers of an epoch in MLflow."""
    tracker.log_metrics(numbers, epoch)
    keep_run_id(tracker, status, folder)


def keep_run_id(tracker: Tracker, status: Status, folder: Path) -> None:
    """Write down which run in MLflow this is, once that is known: a run that is killed goes on in the same one."""
    if tracker.known_run_id not in (None, status.mlflow_run_id):
        status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.known_run_id
        status.write(folder)


def save_config(cfg: DictConfig, folder: Path) -> None:
    """Write what the run is asked to do, whole or not at all."""
    if leads():
        with written_whole(folder / "config.yaml") as part:
            OmegaConf.save(cfg, part)


def scored_sides(cfg: DictConfig, test: bool) -> tuple[str, ...]:
    """The sides whose rows the trained network answers."""
    whole = cfg.trainer.get("limit_train_batches") is None  # else the training rows were not learned from
    return (*(["train"] if cfg.task.score_train and whole else []), "val", *(["test"] if test else []))


def check_same_data(cfg: DictConfig, folder: Path, card: dict[str, Any]) -> None:
    """Raise where a resumed run would go on with other rows.

    Raises:
        Refused: signals or split are not those that it began with.
    """
    if cfg.resume is None or not (folder / "data.json").is_file():
        return
    before = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    for name in ("fingerprint", "split_hash"):
        if before[name] != card[name]:
            raise Refused(
                f"resume={folder} began with other data ({name} {before[name][:8]}, now {card[name][:8]} of "
                f"{card['source']} {card['corpus']}): restore its records, or start anew"
            )


def pretrain(cfg: DictConfig, data: Any, folder: Path) -> Path:
    """Where the encoder's weights lie that the network begins with.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; nothing half-learned is kept.
    """
    try:
        return encoders.pretrain(cfg, data, folder)
    except SystemExit:
        raise Interrupted(str(folder)) from None


def fit(
    cfg: DictConfig,
    module: LightningModule,
    data: LightningDataModule,
    beside: Sequence[Callback],
    history: History,
) -> bool:
    """Train from the beginning or from the last whole epoch; leaves the best weights in the module.

    Args:
        cfg: resolved and checked.
        module: what is fitted.
        data: of the fold.
        beside: callbacks that the config does not name.
        history: of the fold's folder.

    Returns:
        Whether this process is the one that scores and reports.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the checkpoint of the last whole epoch is kept.
    """
    wanted = [c for c in constructed(cfg.callbacks).values() if c is not None]  # a preset may leave one out
    callbacks = [c for c in wanted if cfg.trainer.enable_progress_bar or not is_bar(c)]
    trainer: Trainer = constructed(
        cfg.trainer,
        callbacks=[*callbacks, *beside],
        plugins=[WholeCheckpoints()],
        logger=history,
        default_root_dir=str(history.folder),
    )
    begun = None if cfg.resume is None else newest_checkpoint(history.folder)
    try:
        with kept_memory():
            trainer.fit(module, data, ckpt_path=begun, weights_only=True)
    except SystemExit:
        raise Interrupted(str(history.folder)) from None
    if not trainer.is_global_zero:
        return False
    best = history.folder / "checkpoints" / BEST
    if best.is_file():
        module.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["state_dict"])
    return True
