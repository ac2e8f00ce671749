"""Every file of `conf/` composes, names what exists, and fits its neighbours or is refused in words."""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningDataModule

from ecg_lightning import assembly, config
from ecg_lightning.clashes import FITTING, clashes
from ecg_lightning.config import ConfigError
from ecg_lightning.constructors import constructor
from ecg_lightning.contract import Score
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.features import Features
from ecg_lightning.resolvers import MODES
from ecg_lightning.search_space import corners, read
from ecg_lightning.structures import Facts, Fold
from tests.corpora.compose import composed, files, options

TESTS = Path(__file__).parents[1]
FREE = ("model", "loss", "split", "sampler", "dataset", "preprocess", "features")  # parts that meet each other
TASKS = options("task")
FEW = "task.data.batch_size=16"
SMALLER = {"s4": ["model.width=32"]}  # half a minute a batch of 10 s
DEFAULT = "as the task has it"
AT_HOME = {  # presets that fit some tasks alone
    "imbalance": ["task=abnormal_beat"],
    "pretrain": ["task=hypoglycemia"],
    "adapt": ["task=hypoglycemia", "adapt.bundle=model", "adapt.patient='003'"],
    "sweep/imbalance": ["task=abnormal_beat"],
    "sweep/split_scheme": ["task=hypoglycemia"],
    "search/imbalance": ["task=abnormal_beat"],
    "search/latent": ["task=anomaly"],
    "recording/anomaly_mitdb": ["task=anomaly", "dataset=mitdb"],
    "recording/anomaly_ptbxl": ["task=anomaly", "dataset=ptbxl"],
    "recording/anomaly_cut": ["task=anomaly", "dataset=heartbeat_csv"],
    "recording/anomaly_heartbeat_csv": ["task=anomaly", "dataset=heartbeat_csv"],
    "recording/anomaly_ptbdb_csv": ["task=anomaly", "dataset=ptbdb_csv"],
    **{f"sweep/{name}": ["task=anomaly"] for name in ("architecture", "channels_kernel", "latent", "loss")},
}
Combination = dict[str, str]


def tasks_and_modes() -> list[tuple[str, str]]:
    """Every task in every mode that its data module has."""
    data = {task: constructor(composed(f"task={task}").task.data._target_) for task in TASKS}
    return [(task, mode) for task, mode in product(TASKS, MODES) if mode in data[task].declares["modes"]]


def own_options(group: str) -> list[str]:
    """Those of a group that are not another one under the name of a dataset."""
    return [name for name in options(group) if not name.startswith("of/")]


def at_home(group: str, name: str) -> list[str]:
    """What else a preset is typed with."""
    return AT_HOME.get(f"{group}/{name}", AT_HOME.get(group, []))


@pytest.fixture(scope="module")
def parts() -> dict[tuple[str, str, str, str], DictConfig]:
    """(task, mode, group, option) -> its resolved node; configs are merged from these, not composed."""
    found = {}
    for task, mode in tasks_and_modes():
        for group, name in [(one, name) for one in FREE for name in own_options(one)]:
            cfg, part = composed(f"task={task}"), composed(f"{group}={name}")[group]
            cfg[group] = part
            cfg.task.mode = mode
            OmegaConf.resolve(cfg)
            found[task, mode, group, name] = cfg[group]
        default = composed(f"task={task}")
        default.task.mode = mode
        OmegaConf.resolve(default)
        found |= {(task, mode, group, DEFAULT): default[group] for group in (*FREE, "task")}
    return found


def pairs() -> Iterator[Combination]:
    """Every task and mode with any two parts at once, the others as the task has them: a clash is between two."""
    choices = [(group, name) for group in FREE for name in own_options(group)]
    for task, mode in tasks_and_modes():
        for one, other in combinations(choices, 2):
            if one[0] != other[0]:
                yield dict.fromkeys(FREE, DEFAULT) | dict([one, other]) | {"task": task, "mode": mode}


@pytest.fixture(scope="module")
def verdicts(parts: dict[tuple[str, str, str, str], DictConfig]) -> list[tuple[Combination, list[str]]]:
    """Every pair of parts, and why it is refused: no lines where it fits."""
    alone = {key: refusals_of_part(key[2], node) for key, node in parts.items()}
    found = []
    for chosen in pairs():
        here = chosen["task"], chosen["mode"]
        nodes = {group: parts[*here, group, chosen[group]] for group in FREE} | {"task": parts[*here, "task", DEFAULT]}
        nodes["pretrain"] = OmegaConf.create({"latent_size": 0})
        cfg = DictConfig(nodes, flags={"no_deepcopy_set_nodes": True})
        lines = [*clashes(cfg), *(line for group in FREE for line in alone[*here, group, chosen[group]])]
        found.append((chosen, lines))
    return found


def refusals_of_part(group: str, node: DictConfig) -> list[str]:
    """What a part says no to by itself."""
    if group not in config.LIGHT:
        return []
    try:
        config.constructed(node)
    except ConfigError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize(("group", "name"), files())
def test_every_file_composes_with_known_keys(group: str, name: str) -> None:
    cfg = composed(f"{group}={name}", *at_home(group, name))
    OmegaConf.resolve(cfg)
    assert [line for path, node in config.targets(cfg) for line in config._check_arguments(cfg, path, node)] == []


@pytest.mark.parametrize(("group", "name"), [(group, name) for group, name in files() if group not in FREE])
def test_every_preset_fits(group: str, name: str) -> None:
    config.check(composed(f"{group}={name}", *at_home(group, name)))


@pytest.mark.parametrize("name", options("search"))
def test_every_corner_of_every_search_fits_the_task_that_it_is_for(name: str) -> None:
    words = at_home("search", name)
    cfg = composed(f"search={name}", *words)
    OmegaConf.resolve(cfg)
    settings = read(cfg.search.space, cfg, {group for group, _ in files()})
    for point in corners(settings):
        config.check(composed(*words, *point))


def test_every_key_is_known_to_the_class_itself() -> None:
    """Second source for what `constructors` reads from source text: Python's own signature."""
    configs = [composed(f"{group}={name}", *at_home(group, name)) for group, name in files()]
    targets = {node._target_ for cfg in configs for _, node in config.targets(cfg)}
    for target in targets:
        module, _, name = target.rpartition(".")
        signature = inspect.signature(getattr(importlib.import_module(module), name))
        assert set(constructor(target).arguments) == {
            p.name for p in signature.parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }, target


def test_every_combination_fits_or_is_refused_in_words(verdicts: list[tuple[Combination, list[str]]]) -> None:
    assert len(verdicts) > 1000
    for chosen, lines in verdicts:
        assert all(len(line.split()) > 5 and "\n" not in line for line in lines), chosen
    refused = {line for _, lines in verdicts for line in lines}
    assert len(refused) < len(verdicts) / 10, "a refusal is about parts, not about one combination"


def test_every_option_fits_somewhere(verdicts: list[tuple[Combination, list[str]]]) -> None:
    for group in FREE:
        used = {chosen[group] for chosen, lines in verdicts if not lines}
        assert used - {DEFAULT} == set(own_options(group)), group


def test_defaults_of_every_task_fit() -> None:
    for task, mode in tasks_and_modes():
        config.check(composed(f"task={task}", f"task.mode={mode}"))


def test_what_is_refused_is_what_cannot_go_together(
    verdicts: list[tuple[Combination, list[str]]], parts: dict[tuple[str, str, str, str], DictConfig]
) -> None:
    """Second source for the clash rules, from the classes themselves instead of their source text."""

    def declared(chosen: Combination, group: str) -> Any:
        node = parts[chosen["task"], chosen["mode"], group, DEFAULT if group == "task" else chosen[group]]
        module, _, cls = (node.data if group == "task" else node)._target_.rpartition(".")
        return getattr(importlib.import_module(module), cls)

    for chosen, lines in verdicts:
        model, loss, split, sampler, dataset = (declared(chosen, g) for g in FREE[:5])
        data = declared(chosen, "task")
        task = parts[chosen["task"], chosen["mode"], "task", DEFAULT]
        names = parts[chosen["task"], chosen["mode"], "features", chosen["features"]].names
        alone = parts[chosen["task"], chosen["mode"], "preprocess", chosen["preprocess"]]
        too_slow = alone.filter == "butterworth" and alone.high_hz >= alone.fs_hz / 2
        needs = "features" in model.takes and "features" not in getattr(model, "optional", ())
        node = parts[chosen["task"], chosen["mode"], "model", chosen["model"]]
        deaf = "n_window" in parts[chosen["task"], chosen["mode"], "features", chosen["features"]]
        wrong = too_slow + (needs and not names) + (loss.weighted and sampler.rebalances)
        wrong += deaf and "n_window" not in node and not (needs and not names)
        wrong += model.produces != loss.consumes
        wrong += chosen["mode"] == "real_time" and chosen["preprocess"] == "median"
        wrong += chosen["mode"] == "real_time" and bool(Features(names, "diagnostic").looking_ahead)
        wrong += task.problem not in loss.problems
        wrong += task.problem == "anomaly" and sampler.rebalances
        wrong += bool(set(split.needs) - set(dataset.provides)) + bool(set(data.needs) - set(dataset.provides))
        wrong += bool(names) and Features(names, "diagnostic").describes != data.describes
        assert len(lines) == wrong, (chosen, lines)


def small(task: str) -> list[str]:
    """A network of the ECG alone that fits a task and is quick."""
    return ["model=dense_autoencoder"] if composed(f"task={task}").task.problem == "anomaly" else ["model=cnn"]


@pytest.fixture(scope="module")
def data_of(twin_cache: Path) -> Callable[[DictConfig], LightningDataModule]:
    """The data module of a config; made once for all that differ in network, loss and optimiser alone."""
    made: dict[str, LightningDataModule] = {}

    def data(cfg: DictConfig) -> LightningDataModule:
        cfg.cache_dir = str(twin_cache)
        scope = constructor(cfg.model._target_).declares["scope"]
        key = OmegaConf.to_yaml(cfg.task.data, resolve=True) + scope
        if key not in made:
            made[key] = config.constructed(cfg.task.data, corpus=config.constructed(cfg.dataset), scope=scope)
        return made[key]

    return data


def train_one_batch(cfg: DictConfig, data: LightningDataModule) -> None:
    """As train does, for one batch of training and one of validation."""
    network, _ = assembly.build_network(cfg, data.facts)
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    trainer = instantiate(
        cfg.trainer, fast_dev_run=True, accelerator="cpu", logger=False, enable_progress_bar=False, _convert_="all"
    )
    trainer.fit(assembly.build_module(cfg, network, data.facts), data)
    still = [name for name, parameter in network.named_parameters() if torch.equal(parameter, before[name])]
    assert not still, "these parameters got no gradient"
    assert torch.isfinite(trainer.callback_metrics["val/loss"])


@pytest.mark.parametrize("name", options("model"))
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.filterwarnings("ignore:.*are one person")
def test_one_batch_of_every_task_and_network_is_trained_or_refused(
    task: str, name: str, data_of: Callable[[DictConfig], LightningDataModule]
) -> None:
    words = [f"task={task}", f"model={name}", FEW, *SMALLER.get(name, [])]
    cfg = composed(*words)
    model, data = constructor(cfg.model._target_), constructor(cfg.task.data._target_)
    if model.declares["produces"] != constructor(cfg.loss._target_).declares["consumes"]:
        with pytest.raises(ConfigError, match=f"model {model.name} gives {model.declares['produces']}, but loss"):
            config.check(cfg)
        return
    if "features" in model.declares["takes"] and not cfg.features.names:
        cfg = composed(*words, f"features={FITTING[data.declares['describes']]}")
    train_one_batch(cfg, data_of(cfg))


@pytest.mark.parametrize("name", options("loss"))
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.filterwarnings("ignore:.*are one person")
def test_one_batch_of_every_task_and_loss_is_trained_or_refused(
    task: str, name: str, data_of: Callable[[DictConfig], LightningDataModule]
) -> None:
    cfg = composed(f"task={task}", f"loss={name}", *small(task), FEW)
    if cfg.task.problem in constructor(cfg.loss._target_).declares["problems"]:
        train_one_batch(cfg, data_of(cfg))
    else:
        with pytest.raises(ConfigError, match=f"but task {task} is {cfg.task.problem}"):
            config.check(cfg)


@pytest.mark.parametrize(("group", "name"), [(g, n) for g in ("augment", "optim", "schedule") for n in options(g)])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.filterwarnings("ignore:.*are one person")
def test_one_batch_of_every_augmentation_optimizer_and_schedule_is_trained(
    task: str, group: str, name: str, data_of: Callable[[DictConfig], LightningDataModule]
) -> None:
    cfg = composed(f"task={task}", f"{group}={name}", *small(task), FEW)
    train_one_batch(cfg, data_of(cfg))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.filterwarnings("ignore:.*are one person")
def test_one_batch_of_the_ecg_alone_is_trained_without_features(
    task: str, data_of: Callable[[DictConfig], LightningDataModule]
) -> None:
    cfg = composed(f"task={task}", *small(task), "features=none", FEW)
    train_one_batch(cfg, data_of(cfg))


@pytest.mark.parametrize("group", ["model", "loss", "split", "sampler", "dataset", "augment", "schedule", "task"])
def test_every_part_has_a_test_file_that_names_it(group: str) -> None:
    for name in options(group):
        cfg = composed(f"{group}={name}")
        target = (cfg.task.data if group == "task" else cfg[group])._target_
        module, _, cls = target.removeprefix("ecg_lightning.").rpartition(".")
        *folders, file = module.split(".")
        path = TESTS.joinpath(*folders, f"test_{file}.py")
        assert path.is_file(), f"{target} has no {path}"
        assert cls in path.read_text(encoding="utf-8"), f"{path} does not name {cls}"


@pytest.mark.parametrize("trainer", options("trainer"))
def test_no_trainer_lets_lightning_replace_the_sampler(trainer: str) -> None:
    assert composed(f"trainer={trainer}").trainer.use_distributed_sampler is False


LISTED = """
from torch import nn


class Listed(nn.Module):
    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(self, n_outputs: int, widths: list[int]) -> None:
        super().__init__()
        assert type(widths) is list
        self.widths = widths
"""


def test_a_list_argument_of_a_network_reaches_the_contract_as_plain_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "listed_network.py").write_text(LISTED)
    monkeypatch.syspath_prepend(tmp_path)
    cfg = composed()
    cfg.model = {"_target_": "listed_network.Listed", "n_outputs": "${len:${task.classes}}", "widths": [8, 16]}
    OmegaConf.resolve(cfg)
    facts = Facts((1, 1, 1, 1, 1), 5, (), (), (1, 1, 1, 1, 1))
    network, arguments = assembly.build_network(cfg, facts)
    assert network.widths == [8, 16]
    assert arguments == {"n_outputs": 5, "widths": [8, 16]}
    assert type(arguments["widths"]) is list
    assert contract_of(cfg, facts, arguments)["network"]["arguments"] == {"n_outputs": 5, "widths": [8, 16]}


def contract_of(cfg: DictConfig, facts: Facts, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a bundle of such a run would say."""
    OmegaConf.resolve(cfg)
    nodes = {"preprocess": cfg.preprocess, "window": cfg.task.data.window, "features": cfg.features}
    fold = Fold(*[np.empty(0, np.int64)] * 3)
    data = SimpleNamespace(facts=facts, fold=fold, **{name: config.constructed(node) for name, node in nodes.items()})
    known = ("corpus", "source", "fingerprint", "licence", "citation", "remarks")
    card = dict.fromkeys(known, "") | {"synthetic": True, "patients": {}, "tags": {}, "counts": {"train": {}}}
    found = Evaluation({}, {0: 1.0}, {0: (0.5,)} if cfg.task.problem == "anomaly" else {}, pd.DataFrame())
    score = Score(("mae",), (0.0,), (1.0,), "") if cfg.task.problem == "anomaly" else None
    return json.loads(assembly.contract(cfg, data, card, arguments, found, score).to_json())


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (("task=ptbxl",), ("age_years", "sex_female")),
        (("task=ptbxl", "model=xresnet1d101"), ()),
        (("task=arrhythmia", "model=cnn"), ()),
        (("task=anomaly", "features=prematurity"), ("post_over_pre", "post_over_record")),
    ],
)
def test_a_contract_asks_for_features_only_where_its_network_or_its_score_looks_at_them(
    words: tuple[str, ...], taken: tuple[str, ...]
) -> None:
    facts = Facts((1, 1), 2, (1.0, 2.0), (3.0, 4.0), (1,))
    said = contract_of(composed(*words), facts, {})
    asked = next(entry for entry in said["inputs"] if entry["name"] == "features")
    assert said["features"]["names"] == asked["names"] == list(taken)
    assert (asked["mean"], asked["std"]) == (([1, 2], [3, 4]) if taken else ([], []))
