"""One run: from a checked config to a complete run folder."""

import json
import logging
import subprocess
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ProgressBar

from ecg_lightning import adapting, assembly, bundle, data_card, encoders, evaluation, examples
from ecg_lightning.callbacks import Speed
from ecg_lightning.checkpoints import WholeCheckpoints
from ecg_lightning.config import constructed
from ecg_lightning.constructors import constructor
from ecg_lightning.history import History
from ecg_lightning.layers.reconstruction_scores import RHYTHM, part_names
from ecg_lightning.memory import kept_memory
from ecg_lightning.modules.anomaly import AnomalyDetection
from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import BEST, Status, leads, newest_checkpoint, room, write_json
from ecg_lightning.structures import Refused
from ecg_lightning.tracking import Tracker, flatten
from ecg_lightning.whole_files import written_whole

logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # it sets INFO itself when imported
log = logging.getLogger(__name__)
N_NORMALS = 20_000  # training windows that say how normals vary; more would say the same
KEPT = (
    *("config.yaml", "metrics.json", "data.json", "predictions.parquet", "history.csv", "pretrain"),
    *("report.html", "figures"),
)


class Interrupted(Exception):
    """The user or the machine stopped the run; what it has learned is kept."""


def run(cfg: DictConfig, folder: Path, corpus: Any, status: Status, alone: bool) -> evaluation.Evaluation:
    """Train, score and describe; every step leaves its part in the folder.

    Args:
        cfg: resolved and checked.
        folder: of the run; holds checkpoints already where it is resumed.
        corpus: where records come from.
        status: kept up to date in the folder.
        alone: not a job of a sweep: test rows are scored unless cfg.test says otherwise, and pictures drawn.

    Returns:
        What the predictions are worth.

    Raises:
        Interrupted: Ctrl-C or SIGTERM while it trained.
    """
    tracker: Tracker = constructed(cfg.tracking, **({} if leads() else {"uri": None}))
    with room(folder):
        save_config(cfg, folder)
        status.write(folder)
    outcome: Literal["FINISHED", "FAILED", "KILLED"] = "FAILED"
    try:
        with room(folder):
            evaluated = _run(cfg, folder, corpus, status, tracker, alone)
        outcome = "FINISHED"
        return evaluated
    except (Interrupted, KeyboardInterrupt):
        status.state, status.reason, outcome = "interrupted", "stopped by the user or the machine", "KILLED"
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


def _run(
    cfg: DictConfig, folder: Path, corpus: Any, status: Status, tracker: Tracker, alone: bool
) -> evaluation.Evaluation:
    data = constructed(cfg.task.data, corpus=corpus, scope=constructor(cfg.model._target_).declares["scope"])
    begun = None if cfg.adapt is None else adapting.start(cfg, data)  # refuses before anything is prepared
    card = data_card.data_card(data, corpus, split=str(status.choices.get("split")))
    check_same_data(cfg, folder, card)
    for line in data_card.notes(card, data.features, assembly.features_taken(cfg, data.features)):
        log.warning("note: %s", line)
    asked = cfg.task.monitor.metric
    if assembly.settle_monitor(cfg, data):
        log.warning("note: validation rows are of one class, so %s is not defined: val/loss says what is best", asked)
        save_config(cfg, folder)
    write_json(folder / "data.json", card)
    tracker.start(run_name(folder, status), flatten(cfg), run_tags(card, status), status.mlflow_run_id)
    network, arguments = begun or assembly.build_network(cfg, data.facts)
    if begun is None and "_target_" in cfg.pretrain:
        encoders.load_encoder(network, pretrain(cfg, data, folder), cfg.pretrain.frozen)
    module, speed = assembly.build_module(cfg, network, data.facts), Speed(first_step=tracker.begin)
    history = History(folder, partial(pass_on, tracker, status, folder))
    sides = scored_sides(cfg, alone)
    before = {} if begun is None else adapting.before(predict(cfg, module, data, sides))
    if status.fitted_epochs is not None:
        cfg.trainer.max_epochs = status.fitted_epochs
    try:
        fit(cfg, module, data, speed, history)
    finally:
        status.tracking_uri, status.mlflow_run_id = tracker.uri, tracker.run_id or status.mlflow_run_id
    status.fitted_epochs = speed.epochs
    status.write(folder)
    if isinstance(module, AnomalyDetection):
        try:
            module.learn_normals(data.unchanged("train", N_NORMALS))
        except ValueError as error:
            raise Refused(str(error)) from error
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
    status.state, status.finished_folds = "finished", [0]
    status.write(folder)
    if alone:
        from ecg_lightning.report import page  # matplotlib takes a second to import: not before training

        page.write(folder, evaluated)
    tracker.log_metrics(numbers, step=int(numbers["fit/epochs"]))
    tracker.log_artifacts([folder / name for name in KEPT if (folder / name).exists()])
    tracker.log_model(folder / "model", plugins=list(cfg.plugins))
    return evaluated


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
    with written_whole(folder / "config.yaml") as part:
        OmegaConf.save(cfg, part)


def scored_sides(cfg: DictConfig, alone: bool) -> tuple[str, ...]:
    """The sides whose rows the trained network answers."""
    scores_test = alone if cfg.test is None else cfg.test
    whole = cfg.trainer.get("limit_train_batches") is None  # else the training rows were not learned from
    return (*(["train"] if cfg.task.score_train and whole else []), "val", *(["test"] if scores_test else []))


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


def run_name(folder: Path, status: Status) -> str:
    """What tells runs apart at a glance: the network, and the folder."""
    return f"{status.choices.get('model')} {folder.name}"


def run_tags(card: dict[str, Any], status: Status) -> dict[str, str]:
    """What a reader of the run in MLflow must know."""
    known = {name: card[name] for name in ("fingerprint", "split_hash")}
    known |= {group: str(option) for group, option in status.choices.items() if not group.startswith("hydra/")}
    commit = git_commit()
    known |= {"git_commit": commit} if commit is not None else {}
    return card["tags"] | known | {"source": "synthetic" if card["synthetic"] else "real", "place": card["source"]}


def git_commit() -> str | None:
    """The commit of the folder that the command runs in, with a + where files differ from it; None outside git."""
    try:
        said = [
            subprocess.run(["git", *words], capture_output=True, text=True, timeout=5)
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if said[0].returncode else said[0].stdout.strip() + ("+" if said[1].stdout else "")


def pretrain(cfg: DictConfig, data: Any, folder: Path) -> Path:
    """Where the encoder's weights lie that the network begins with.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; nothing half-learned is kept.
    """
    try:
        return encoders.pretrain(cfg, data, folder)
    except SystemExit:
        raise Interrupted(str(folder)) from None


def fit(cfg: DictConfig, module: LightningModule, data: LightningDataModule, speed: Speed, history: History) -> None:
    """Train from the beginning or from the last whole epoch; leaves the best weights in the module.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the checkpoint of the last whole epoch is kept.
    """
    wanted = [c for c in constructed(cfg.callbacks).values() if c is not None]  # a preset may leave one out
    callbacks = [c for c in wanted if cfg.trainer.enable_progress_bar or not is_bar(c)]
    trainer: Trainer = constructed(
        cfg.trainer,
        callbacks=[*callbacks, speed],
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
        raise SystemExit(0)  # one process scores and reports
    best = history.folder / "checkpoints" / BEST
    if best.is_file():
        module.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["state_dict"])


def predict(cfg: DictConfig, module: LightningModule, data: Any, sides: tuple[str, ...]) -> Predictions:
    """The network's answer to every row of these sides, as one table.

    By a trainer of one device, so that no rank pads or repeats a row.
    """
    data.scored_sides = sides
    single = {"devices": 1, "strategy": "auto", "logger": False, "enable_checkpointing": False}
    bars = [c for c in constructed(cfg.callbacks).values() if is_bar(c)] if cfg.trainer.enable_progress_bar else []
    scorer = constructed(cfg.trainer, callbacks=bars, **single)
    try:
        batches = scorer.predict(module, datamodule=data)
    except SystemExit:
        raise Interrupted("while rows were scored") from None
    row, answer = (torch.cat(part).cpu().numpy() for part in zip(*batches, strict=True))
    return Predictions(
        table=_described(row, answer, data),
        task=cfg.task.name,
        problem=cfg.task.problem,
        classes=tuple(cfg.task.classes),
        class_names=dict(cfg.task.class_names),
        synthetic=data.store.synthetic,
        tags=data_card.data_tags(data, data.corpus),
        headline_classes=tuple(cfg.task.headline_classes),
        without=(*data.fold.without, *cfg.task.without),
        groups=tuple(data.table.groups),
        least_specificity=cfg.task.least_specificity,
        **_told_by(cfg, data),
        seed=cfg.seed,
    )


def _described(row: np.ndarray, answer: np.ndarray, data: Any) -> pd.DataFrame:
    """The rows with all that is known of them."""
    table, classes = data.table, data.classes
    known = {
        "row": row,
        "record": np.array(table.record_names)[table.record[row]],
        "patient": np.array(table.patient_names)[table.patient[row]],
        "time_s": table.time_s[row],
        "side": np.select([np.isin(row, data.fold.train), np.isin(row, data.fold.val)], ["train", "val"], "test"),
        "fold": np.int16(0),
    }
    label = table.label[row]
    if label.ndim == 1:
        known["label"] = label.astype(np.int16)
    else:
        known |= {f"label_{c}": label[:, i].astype(np.int8) for i, c in enumerate(classes)}
    known |= {f"group_{name}": words[row] for name, words in table.groups.items()}
    known |= {f"measured_{name}": value[row] for name, value in table.measured.items()}
    known |= {f"kind_{name}": of_kind[row].astype(np.int8) for name, of_kind in table.kinds.items()}
    if data.problem == "anomaly":
        answered = [f"score_{part}" for part in part_names(len(data.features.names))]
    else:
        answered = [f"logit_{name}" for name in classes[-answer.shape[1] :]]  # of two classes the second alone
    return pd.DataFrame(known | dict(zip(answered, answer.T, strict=True)))


def _told_by(cfg: DictConfig, data: Any) -> dict[str, Any]:
    """By what anomalies are told, where they are asked for."""
    if data.problem != "anomaly":
        return {}
    rhythm = [RHYTHM] if data.features.names else []
    rule = {name: cfg.task.threshold[name] for name in ("n_sd", "percentile")}
    return {"score": (cfg.task.score, *rhythm), "kinds": data.kinds, **rule}


def is_bar(callback: Callback) -> bool:
    """Whether a callback draws progress."""
    return isinstance(callback, ProgressBar)
