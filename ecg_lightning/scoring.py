"""What a network says to the rows of a fold, as one table with all that is known of them."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import ProgressBar

from ecg_lightning import data_card
from ecg_lightning.config import constructed
from ecg_lightning.layers.reconstruction_scores import RHYTHM, part_names
from ecg_lightning.predictions import Predictions


class Interrupted(Exception):
    """The user or the machine stopped the run; what it has learned is kept."""


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
        "fold": np.int16(data.fold.number),
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
