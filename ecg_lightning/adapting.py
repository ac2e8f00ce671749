"""A trained network goes on learning from one patient: where it begins, and how good it was before."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from ecg_lightning import assembly, bundle, evaluation
from ecg_lightning.contract import BadBundle, Contract
from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import Refused

MAX_NAMED = 5  # of the patients that could be chosen


def start(cfg: DictConfig, data: Any) -> tuple[nn.Module, dict[str, Any]]:
    """The network of `adapt.bundle` in training mode, and the arguments that rebuild it; opens no store.

    A pretrained encoder goes on learning or not as `pretrain.frozen` says.

    Args:
        cfg: resolved and checked, with `adapt`.
        data: the data module of the run.

    Raises:
        Refused: the bundle cannot be read, was trained for something else, or has seen the patient.
    """
    try:
        found = bundle.read(Path(cfg.adapt.bundle), list(cfg.plugins))
    except BadBundle as error:
        raise Refused(str(error)) from None
    check_same(cfg, data, found.contract)
    check_unseen(cfg, found.contract)
    if "_target_" in cfg.pretrain and cfg.pretrain.frozen:
        found.network.get_submodule("encoder").requires_grad_(False)
    return found.network.train(), dict(found.contract.arguments)


def check_same(cfg: DictConfig, data: Any, contract: Contract) -> None:
    """Refuse to go on with another network, other classes or other windows than the bundle was trained with.

    Classes are the same where they mean the same: low below another limit is another class.

    Raises:
        Refused: something differs; the message says each thing once.
    """
    there = {"model": contract.network, "task.problem": contract.problem, "task.classes": list(contract.classes)}
    here = {"model": cfg.model._target_, "task.problem": cfg.task.problem, "task.classes": list(cfg.task.classes)}
    if there["model"] == here["model"]:
        own: Any = OmegaConf.to_container(cfg.model)
        own = {name: value for name, value in own.items() if not name.startswith("_")}
        here |= _named("model", own)
        there |= _named("model", {name: contract.arguments.get(name) for name in own})
    there |= _named("task.class_names", contract.class_names)
    here |= _named("task.class_names", dict(cfg.task.class_names))
    for path, trained, asked in (
        ("preprocess", contract.preprocess, data.preprocess),
        ("features", assembly.features_taken(cfg, contract.features), assembly.features_taken(cfg, data.features)),
        ("task.data.window", contract.window, data.window),
    ):
        there |= _named(path, {"kind": type(trained).__name__, **asdict(trained)})
        here |= _named(path, {"kind": type(asked).__name__, **asdict(asked)})
    there["task.extra"], here["task.extra"] = sorted(contract.extra_channels), sorted(cfg.task.extra)
    names = dict.fromkeys([*there, *here])
    if other := [
        f"{name} is {there.get(name)}, here {here.get(name)}" for name in names if there.get(name) != here.get(name)
    ]:
        raise Refused(f"adapt.bundle={cfg.adapt.bundle} was trained otherwise: {'; '.join(other)}. Ask for what it has")


def check_unseen(cfg: DictConfig, contract: Contract) -> None:
    """Refuse a run without a patient, or with one whom the bundle knows already, whose numbers would flatter it.

    Raises:
        Refused: the patient is one of these, or is not given.
    """
    patient = cfg.split.patient  # whose rows the run will see
    if patient is None:
        raise Refused(f"adapt.patient is not given: {_unseen(contract)}")
    for side, what in (("train", "has learned from"), ("val", "was chosen by")):
        if str(patient) in contract.patients[side]:
            raise Refused(
                f"adapt.patient={patient} is among the patients that adapt.bundle={cfg.adapt.bundle} {what}: "
                f"{_unseen(contract)}"
            )


def _unseen(contract: Contract) -> str:
    """Whom to choose: patients of the test rows on whom nothing of the bundle was fitted."""
    seen = {*contract.patients["train"], *contract.patients["val"]}
    unseen = [name for name in contract.patients["test"] if name not in seen]
    if not unseen:
        return "the bundle has seen all of its patients: take one that was trained without some, as split=holdout does"
    return f"choose one that the bundle has not seen, e.g. {', '.join(unseen[:MAX_NAMED])}"


def before(predictions: Predictions) -> dict[str, float]:
    """Name what the bundle is worth on the rows of this run, before it has learned from any of them.

    Temperature, offset and threshold are fitted anew on the patient's validation rows, as they are afterwards: the
    difference to the numbers of the run is what the network has learned.
    """
    numbers = evaluation.evaluate(predictions).metrics
    return {f"before/{name}": value for name, value in numbers.items()}


def inherit(cfg: DictConfig, made: Contract) -> Contract:
    """The contract of an adapted network, with what it has from the bundle that it began with.

    That is who it has learned from and was chosen by before, so that nobody adapts or scores it on them, and the
    statistics of the features with which it standardises.
    """
    began = bundle.read(Path(cfg.adapt.bundle), list(cfg.plugins)).contract
    seen = {side: tuple(dict.fromkeys([*began.patients[side], *made.patients[side]])) for side in ("train", "val")}
    known = began if made.features.names else made
    return replace(
        made,
        patients={**made.patients, **seen},
        feature_mean=known.feature_mean,
        feature_std=known.feature_std,
    )


def _named(path: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the config names them; tuples and lists are alike."""
    return {f"{path}.{name}": list(x) if isinstance(x, tuple) else x for name, x in values.items()}
