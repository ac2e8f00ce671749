"""From the config's parts and the facts of a fold to a network, its LightningModule and its contract."""

from dataclasses import replace
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningModule
from torch import nn

from ecg_lightning import standards
from ecg_lightning.config import FACTS, constructed, targets
from ecg_lightning.constructors import constructor
from ecg_lightning.contract import Contract, Score
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.features import Features
from ecg_lightning.predictions import Predictions
from ecg_lightning.splits import by_class
from ecg_lightning.structures import Facts

PLATEAU = "ecg_lightning.schedules.plateau"  # the schedule that watches what is best


def with_facts(node: DictConfig, facts: Facts) -> dict[str, Any]:
    """The facts that a part's constructor asks for by name."""
    asked = constructor(node._target_).arguments
    return {name: getattr(facts, name) for name in FACTS if name in asked and name not in node}


def settle_monitor(cfg: DictConfig, data: Any) -> bool:
    """Go by the loss where validation rows are all of one class, and the monitor ranks: it would never be defined.

    Args:
        cfg: resolved; what is best is replaced wherever it stands.
        data: of the run.

    Returns:
        Whether it was replaced.
    """
    asked = cfg.task.monitor.metric
    metric = cfg.task.metrics.get(asked.removeprefix("val/"))
    columns = by_class(data.table.label[data.fold.val], len(data.classes))
    if metric is None or not constructor(metric._target_).declares.get("ranks"):
        return False
    if (columns.any(axis=0) & ~columns.all(axis=0)).any():
        return False
    cfg.task.monitor.metric, cfg.task.monitor.mode = "val/loss", "min"
    for _, node in targets(cfg):
        if watches := node.get("monitor") == asked:
            node.monitor = "val/loss"
        if "mode" in node and (watches or node._target_ == PLATEAU):
            node.mode = "min"
    return True


def build_network(cfg: DictConfig, facts: Facts) -> tuple[nn.Module, dict[str, Any]]:
    """The network with its first weights, and the arguments that rebuild it."""
    torch.manual_seed(cfg.seed)
    given = with_facts(cfg.model, facts)
    plain: Any = OmegaConf.to_container(cfg.model)
    said = {key: value for key, value in plain.items() if not key.startswith("_")}
    return constructed(cfg.model, **given), {**said, **given}


def build_module(cfg: DictConfig, network: nn.Module, facts: Facts) -> LightningModule:
    """The LightningModule that fits what the network produces, or the one that the task names."""
    node = cfg.task.module or cfg.modules[network.produces]
    loss = constructed(cfg.loss, **with_facts(cfg.loss, facts))
    return constructed(node, network=network, loss=loss, **with_facts(node, facts))


def features_taken(cfg: DictConfig, features: Features) -> Features:
    """Those of a run that whoever uses its network must give: none where it does not look at them, nor the score."""
    looked_at = "features" in constructor(cfg.model._target_).declares["takes"] or cfg.task.problem == "anomaly"
    return features if looked_at else replace(features, names=())


def score(predictions: Predictions, evaluated: Evaluation) -> Score | None:
    """How anomalies are told, where the network tells them."""
    if predictions.problem != "anomaly":
        return None
    mean, sd = zip(*next(iter(evaluated.standards.values())), strict=True)
    return Score(predictions.score, mean, sd, standards.rule(predictions))


def contract(
    cfg: DictConfig,
    data: Any,
    card: dict[str, Any],
    arguments: dict[str, Any],
    evaluated: Evaluation,
    told_by: Score | None = None,
) -> Contract:
    """What somebody else needs to use the network."""
    features, fold = features_taken(cfg, data.features), data.fold.number
    known = data.facts if features.names else replace(data.facts, feature_mean=(), feature_std=())
    return Contract(
        task=cfg.task.name,
        network=cfg.model._target_,
        arguments=arguments,
        produces=constructor(cfg.model._target_).declares["produces"],
        problem=cfg.task.problem,
        classes=tuple(cfg.task.classes),
        class_names=dict(cfg.task.class_names),
        preprocess=data.preprocess,
        window=data.window,
        features=features,
        feature_mean=known.feature_mean,
        feature_std=known.feature_std,
        extra_channels=data.facts.extra_channels,
        temperature=evaluated.temperatures[fold],
        offsets=evaluated.offsets.get(fold, ()),
        thresholds=evaluated.thresholds.get(fold),
        score=told_by,
        patients={side: tuple(ids) for side, ids in card["patients"].items()},
        data={
            name: card[name]
            for name in ("corpus", "source", "synthetic", "fingerprint", "licence", "citation", "remarks")
        }
        | {"training_rows": card["counts"]["train"]},
        tags=card["tags"],
        test={name: value for name, value in evaluated.metrics.items() if name.startswith("test/")},
    )
