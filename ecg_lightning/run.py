"""One run: from a checked config to a complete run folder."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar
from torch import nn

from ecg_lightning import data_card, evaluation
from ecg_lightning.callbacks import Speed
from ecg_lightning.config import FACTS, constructed
from ecg_lightning.constructors import constructor
from ecg_lightning.predictions import Predictions
from ecg_lightning.history import History
from ecg_lightning.run_folder import Status, write_json
from ecg_lightning.structures import Facts
from ecg_lightning.tracking import Tracker, flatten

logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # it sets INFO itself when imported


class Interrupted(Exception):
    """The user or the machine stopped the run; what it has learned is kept."""


def run(cfg: DictConfig, folder: Path, corpus: Any, status: Status, score_test: bool) -> dict[str, float]:
    """Train, score and describe; every step leaves its part in the folder.

    Args:
        cfg: resolved and checked.
        folder: of the run; holds checkpoints already where it is resumed.
        corpus: where records come from.
        status: kept up to date in the folder.
        score_test: False leaves the test rows alone.

    Returns:
        The numbers of metrics.json.
    """
    OmegaConf.save(cfg, folder / "config.yaml")
    status.write(folder)
    tracker: Tracker = constructed(cfg.tracking)
    try:
        numbers = _run(cfg, folder, corpus, status, tracker, score_test)
    except (Interrupted, KeyboardInterrupt):
        status.state, status.reason = "interrupted", "stopped by the user or the machine"
        tracker.finish("KILLED")
        raise
    except BaseException as error:
        status.state, status.reason = "failed", f"{type(error).__name__}: {error}"
        tracker.finish("FAILED")
        raise
    else:
        status.state, status.finished_folds = "finished", [0]
        tracker.finish("FINISHED")
    finally:
        status.write(folder)
    return numbers


def _run(
    cfg: DictConfig, folder: Path, corpus: Any, status: Status, tracker: Tracker, score_test: bool
) -> dict[str, float]:
    started = time.perf_counter()
    data = constructed(cfg.task.data, corpus=corpus, scope=constructor(cfg.model._target_).declares["scope"])
    card = data_card.data_card(data, corpus, split=str(status.choices.get("split")))
    write_json(folder / "data.json", card)
    tracker.start(folder.name, flatten(cfg), run_tags(card), status.mlflow_run_id)
    network, arguments = build_network(cfg, data.facts)
    module, speed = build_module(cfg, network, data.facts), Speed()
    trainer = fit(cfg, module, data, [speed], History(folder, tracker.log_metrics))
    status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.run_id
    status.write(folder)
    sides = ("val", "test") if score_test else ("val",)
    predictions = predict(cfg, trainer, module, data, sides)
    predictions.write(folder / "predictions.parquet")
    evaluated = evaluation.evaluate(predictions)
    numbers = {
        **evaluated.metrics,
        **speed.numbers(),
        "fit/seconds": time.perf_counter() - started,
        "model/parameters": sum(p.numel() for p in network.parameters()),
    }
    write_json(folder / "metrics.json", numbers)
    shown = predictions.table[predictions.table["side"] == sides[-1]]
    np.savez(folder / "examples.npz", **data_card.examples(data, shown))
    return numbers


def run_tags(card: dict[str, Any]) -> dict[str, str]:
    """What a reader of the run in MLflow must know."""
    return {**card["tags"], "source": card["source"], "fingerprint": card["fingerprint"], "split_hash": card["split_hash"]}


def with_facts(node: DictConfig, facts: Facts) -> dict[str, Any]:
    """The facts that a part's constructor asks for by name."""
    asked = constructor(node._target_).arguments
    return {name: getattr(facts, name) for name in FACTS if name in asked and name not in node}


def build_network(cfg: DictConfig, facts: Facts) -> tuple[nn.Module, dict[str, Any]]:
    """The network with its first weights, and the arguments that rebuild it."""
    torch.manual_seed(cfg.seed)
    given = with_facts(cfg.model, facts)
    said = {str(key): value for key, value in cfg.model.items() if not str(key).startswith("_")}
    return constructed(cfg.model, **given), {**said, **given}


def build_module(cfg: DictConfig, network: nn.Module, facts: Facts) -> LightningModule:
    """The LightningModule that fits what the network produces, or the one that the task names."""
    node = cfg.task.module or cfg.modules[network.produces]
    return constructed(node, network=network, loss=constructed(cfg.loss, **with_facts(cfg.loss, facts)))


def fit(
    cfg: DictConfig, module: LightningModule, data: LightningDataModule, watching: list[Callback], history: History
) -> Trainer:
    """Train from the beginning or from the last whole epoch; leaves the best weights in the module.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the checkpoint of the last whole epoch is kept.
    """
    callbacks = [*constructed(cfg.callbacks).values(), *watching]
    trainer = constructed(cfg.trainer, callbacks=callbacks, logger=history, default_root_dir=str(history.folder))
    checkpoints = history.folder / "checkpoints"
    last = checkpoints / "last.ckpt"
    try:
        trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=True)
    except SystemExit:
        raise Interrupted(str(history.folder)) from None
    best = checkpoints / "best.ckpt"
    if best.is_file() and not trainer.fast_dev_run:
        module.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["state_dict"])
    return trainer


def predict(
    cfg: DictConfig, trainer: Trainer, module: LightningModule, data: Any, sides: tuple[str, ...]
) -> Predictions:
    """The network's answer to every row of these sides, as one table.

    A trainer of one device, so that no rank pads or repeats a row.
    """
    data.scored_sides = sides
    single = {"devices": 1, "strategy": "auto", "logger": False, "enable_checkpointing": False}
    scorer = constructed(cfg.trainer, callbacks=progress_bars(trainer), **single)
    batches = scorer.predict(module, datamodule=data)
    row, logits = (torch.cat(part).cpu().numpy() for part in zip(*batches, strict=True))
    table = data.table
    known = {
        "row": row,
        "record": np.array(table.record_names)[table.record[row]],
        "patient": np.array(table.patient_names)[table.patient[row]],
        "time_s": table.time_s[row],
        "side": np.where(np.isin(row, data.fold.val), "val", "test"),
        "fold": np.int16(0),
        "label": table.label[row].astype(np.int16),
    }
    return Predictions(
        table=pd.DataFrame(known | {f"logit_{c}": logits[:, i] for i, c in enumerate(cfg.task.classes)}),
        task=cfg.task.name,
        problem=cfg.task.problem,
        classes=tuple(cfg.task.classes),
        class_names=dict(cfg.task.class_names),
        synthetic=data.store.synthetic,
        tags=data_card.data_tags(data, data.corpus),
        headline_classes=tuple(cfg.task.headline_classes),
        without=(*data.fold.without, *cfg.task.without),
        seed=cfg.seed,
    )


def progress_bars(trainer: Trainer) -> list[Callback]:
    """The bars of a trainer, for another one."""
    return [callback for callback in trainer.callbacks if isinstance(callback, ProgressBar)]
