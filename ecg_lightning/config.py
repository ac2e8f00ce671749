"""What a run may be asked to do, and the one place that says no: at once, in words, all at a time."""

import difflib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ecg_lightning import resolvers, sweep_plan
from ecg_lightning.clashes import clashes
from ecg_lightning.constructors import Constructor, UnknownTarget, constructor
from ecg_lightning.refusals import ConfigError, in_short, refusals
from ecg_lightning.schema import Config, Task
from ecg_lightning.structures import Facts

TRUSTED = ("ecg_lightning", "torch", "pytorch_lightning", "torchmetrics")
FACTS = tuple(f.name for f in fields(Facts))
GIVEN = {  # by train
    "task.data": ("corpus", "scope"),
    "task.module": ("network", "loss"),
    "modules": ("network", "loss"),
}
SCORES = ("mae", "weighted", "latent")  # by which anomalies are told
DECIDE_FOLDS = ("task", "dataset", "split", "experiment")  # groups whose values decide how many folds there are
LIGHT = ("preprocess", "features", "split", "sampler", "task.data.window")  # constructed as part of the check
LEARNING = ("augment", "loss", "model", "optim", "schedule", "pretrain")
KINDS: dict[str, tuple[type, ...]] = {  # arguments of these are checked
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str, Path),
    "None": (type(None),),
}


def folder() -> Path:
    """The config tree: inside the package when installed, else beside it."""
    here = Path(__file__).parent
    return here / "conf" if (here / "conf").is_dir() else here.parent / "conf"


def register() -> None:
    """Make the schema and the resolvers known to Hydra; safe to call again."""
    ConfigStore.instance().store(name="schema", node=Config)
    for name, function in resolvers.WORDS.items():
        OmegaConf.register_new_resolver(name, function, replace=True, use_cache=name in resolvers.SAID_ONCE)
    OmegaConf.register_new_resolver("fold_numbers", fold_numbers, replace=True)


def fold_numbers(split: DictConfig, dataset: DictConfig, typed: Sequence[str]) -> str:
    """The numbers of all folds of a split, as Hydra sweeps over them; no signal is read.

    Args:
        split: of the config.
        dataset: of the config; its list of records says who there is.
        typed: overrides of the sweep.

    Raises:
        ConfigError: the split has one fold, or how many it has depends on the job.
    """
    for override in OverridesParser.create().parse_overrides(list(typed)):
        key = override.key_or_group
        if override.is_sweep_override() and key.partition(".")[0] in DECIDE_FOLDS and key != sweep_plan.FOLD:
            raise ConfigError(
                f"sweep=folds cannot go with several values of {key}, which have folds of their own: "
                f"leave sweep=folds out, and every job goes through its folds by itself"
            )
    made = constructed(split)
    if not hasattr(made, "count"):
        raise ConfigError(
            f"sweep=folds takes a split of several folds, but {type(made).__name__} has one: "
            f"split=kfold, split=lopo or split=lopo_ds1"
        )
    if made.fold is not None:
        raise ConfigError(f"sweep=folds makes every fold, but split.fold={made.fold} asks for one: leave out either")
    return f"range({made.count(constructed(dataset).patients())})"


def check(cfg: DictConfig) -> None:
    """Raise one ConfigError that lists every unknown key and every clash between the chosen parts.

    Reads constructors from source; imports neither Lightning nor MLflow.
    """
    parts = list(targets(cfg))
    try:
        OmegaConf.resolve(cfg)
    except OmegaConfBaseException as error:
        raise ConfigError(in_short(error)) from None
    unknown = {"": set(cfg) - {f.name for f in fields(Config)}, "task.": set(cfg.task) - {f.name for f in fields(Task)}}
    if wrong := [f"{above}{key}: there is no such key" for above, keys in unknown.items() for key in sorted(keys)]:
        raise ConfigError("\n".join(wrong))
    if wrong := [line for path, node in parts for line in _check_arguments(cfg, path, node)]:
        raise ConfigError("\n".join(wrong))
    if wrong := [*clashes(cfg), *_refused(cfg, LIGHT), *_impossible_values(cfg)]:
        raise ConfigError("\n".join(wrong))
    if wrong := [*_refused(cfg, LEARNING)]:  # last, as they take a second to import
        raise ConfigError("\n".join(wrong))


def targets(node: Any, path: str = "") -> Iterator[tuple[str, DictConfig]]:
    """Every (path, node) below node that names a `_target_`; what is only a reference to another node is left out."""
    if isinstance(node, DictConfig):
        if "_target_" in node:
            yield path, node
        keys: list[Any] = list(node)  # words, or numbers such as labels of a csv
        for key in keys:
            if not OmegaConf.is_missing(node, key) and not OmegaConf.is_interpolation(node, key):
                yield from targets(node[key], f"{path}.{key}".lstrip("."))
    elif isinstance(node, ListConfig):
        for i in range(len(node)):
            if not OmegaConf.is_interpolation(node, i):
                yield from targets(node[i], f"{path}[{i}]")


def trusted(target: str, plugins: list[str]) -> None:
    """Raise unless a `_target_` lies in a package that may be run.

    Raises:
        ConfigError: it lies elsewhere.
    """
    if target.partition(".")[0] not in (*TRUSTED, *plugins):
        raise ConfigError(
            f"_target_={target} is not below {', '.join((*TRUSTED, *plugins))}: "
            f"if you trust that package, add plugins=[{target.partition('.')[0]}]"
        )


def constructed(node: DictConfig, **given: Any) -> Any:
    """Construct a node of the config; what its constructor refuses comes out as its own error.

    Raises:
        ConfigError: with the constructor's words.
    """
    try:
        return instantiate(node, _convert_="all", **given)
    except HydraException as error:
        if error.__cause__ is None:
            raise
        own = isinstance(error.__cause__, ValueError) and str(node._target_).startswith("ecg_lightning.")
        who = "" if own else f"{str(node._target_).rpartition('.')[2]} refuses its arguments: "
        raise ConfigError(f"{who}{error.__cause__}") from error.__cause__


class SweepFolder(Callback):
    """Remembers where a sweep lies, in the process that begins it, and writes down there which jobs it has.

    By any launcher jobs may run in other processes; and what a resolver said of the corpus may be another word later.
    """

    begun: ClassVar[list[Path]] = []

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        try:
            params = config.hydra.sweeper.params or {}
            words = [*(f"{key}={params[key]}" for key in params), *config.hydra.overrides.task]
            jobs = sweep_plan.expanded(words, GlobalHydra.instance().config_loader())
        except (HydraException, OmegaConfBaseException):
            return  # the sweeper is about to say so
        folder = Path(config.hydra.sweep.dir).absolute()
        sweep_plan.write(folder, jobs)
        self.begun.append(folder)


def app(
    job: Callable[[DictConfig], None], after_sweep: Callable[[Path], tuple[int, int]], config_name: str = "config"
) -> None:
    """A command line around `job(cfg)` that refuses bad input in words.

    Exits with 2 where a run is refused, with 1 where a job of a sweep did not finish.

    Args:
        job: one run. In a sweep it raises nothing: what it could not do, it leaves in its folder.
        after_sweep: is given the folder of a sweep when its last job is done, or when it was stopped, and says how many
            jobs did not finish, and of how many.
        config_name: of the primary config.
    """
    register()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors over instead of printing a trace
    refused: list[ConfigError] = []
    SweepFolder.begun.clear()
    n_failed = n_jobs = 0

    def quiet_job(cfg: DictConfig) -> None:
        try:
            job(cfg)
        except ConfigError as error:  # raised from here, Hydra would print the overrides first
            refused.append(error)

    with refusals(folder()):
        try:
            stopped = _launched(quiet_job, config_name)
        finally:  # also where a launcher broke down, or was interrupted
            for sweep in SweepFolder.begun:
                n_failed, n_jobs = after_sweep(sweep)
        if stopped:
            sys.exit(130)
        if n_failed:
            print(f"error: {n_failed} of {n_jobs} jobs failed; status.json of each says why", file=sys.stderr)
            sys.exit(1)
        if refused:
            raise refused[0]


def _launched(job: Callable[[DictConfig], None], config_name: str) -> bool:
    """Let Hydra run a job, or all jobs of a sweep; whether a sweep was interrupted."""
    try:
        hydra.main(version_base="1.3", config_path=str(folder()), config_name=config_name)(job)()
    except KeyboardInterrupt:
        if not SweepFolder.begun:
            raise
        return True
    return False


def _check_arguments(cfg: DictConfig, path: str, node: DictConfig) -> Iterator[str]:
    try:
        trusted(node._target_, list(cfg.plugins))
        takes = constructor(node._target_)
    except (ConfigError, UnknownTarget) as error:
        yield f"{path}: {error}"
        return
    given = [str(key) for key in node if not str(key).startswith("_")]
    given_by_train = (*FACTS, *GIVEN.get(path, GIVEN.get(path.partition(".")[0], ())))
    for key in given:
        if key not in takes.arguments and not takes.open_ended:
            yield f"{path}.{key}: {takes.name} has no such argument{_hint(key, takes)}"
        elif not isinstance(node[key], kinds(takes.kinds.get(key, ""))):
            yield f"{path}.{key}={node[key]} must be of kind {takes.kinds[key]}"
    if not node.get("_partial_"):
        for key in takes.required:
            if key not in given and key not in given_by_train:
                yield f"{path}.{key}: {takes.name} needs it"


def kinds(annotation: str) -> tuple[type, ...]:
    """What an annotation of plain kinds allows; anything where it names other kinds."""
    if annotation.startswith("Optional["):
        annotation = f"{annotation[9:-1]} | None"
    allowed = [KINDS.get(name.strip(), (object,)) for name in annotation.split("|") if name.strip() != "Tensor"]
    return tuple(kind for some in allowed for kind in some)


def _hint(key: str, takes: Constructor) -> str:
    close = difflib.get_close_matches(key, takes.arguments, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; it takes {', '.join(takes.arguments)}"


def _refused(cfg: DictConfig, parts: Sequence[str]) -> Iterator[str]:
    """What parts say no to when they are constructed, those that learn with stand-ins for what data will say."""
    import torch  # only here: --help and typos are to be answered before it is there

    n_features = len(cfg.features.names) or 1  # that a network has none is said among the clashes
    n_classes = len(cfg.task.classes)
    counts, extra = (1,) * n_classes, dict.fromkeys(cfg.task.extra, 1)
    positive = counts[-1:] if cfg.task.problem == "binary" else counts
    nothing = [torch.nn.Parameter(torch.zeros(1))]
    stand_in = Facts(counts, n_classes, (0.0,) * n_features, (1.0,) * n_features, positive, extra)
    for part in parts:
        node = OmegaConf.select(cfg, part)
        if "_target_" not in node:  # pretrain=none
            continue
        asked = constructor(node._target_).arguments
        given = {name: getattr(stand_in, name) for name in FACTS if name in asked and name not in node}
        try:
            made = constructed(node, **given)
            if part == "optim":
                made(nothing)
            if part == "schedule":
                made(torch.optim.SGD(nothing), n_steps=math.inf if cfg.trainer.get("max_epochs") == -1 else 100)
        except (ConfigError, ValueError) as error:
            yield f"{part}: {error}"


def _impossible_values(cfg: DictConfig) -> Iterator[str]:
    """Values that no part would notice."""
    watched = ["val/loss", *(f"val/{name}" for name in cfg.task.metrics)]
    if cfg.task.monitor.metric not in watched:
        yield f"task.monitor.metric={cfg.task.monitor.metric} is not watched: choose from {', '.join(watched)}"
    if cfg.task.monitor.mode not in ("min", "max"):
        yield f"task.monitor.mode={cfg.task.monitor.mode} must be min or max"
    if cfg.task.labels is not None and list(cfg.task.classes) != (own := list(resolvers.scp_kind(cfg.task.labels))):
        yield f"task.classes={list(cfg.task.classes)} must be those of task.labels={cfg.task.labels}: leave it at {own}"
    if cfg.task.least_specificity is not None and not 0 < cfg.task.least_specificity < 1:
        yield f"task.least_specificity={cfg.task.least_specificity} must lie between 0 and 1, or be null for best F1"
    yield from _impossible_scores(cfg)
    if cfg.adapt is not None and cfg.task.problem == "anomaly":
        yield f"adapt=patient is for tasks of classes, but {cfg.task.name} learns what is normal: leave it out"
    if cfg.adapt is not None and cfg.adapt.bundle is None:
        yield "adapt.bundle is not given: name the folder `model` of a finished run"
    if cfg.trainer.get("max_epochs") == 0:
        yield "trainer.max_epochs=0 would report a network that has learned nothing: give at least 1"


def _impossible_scores(cfg: DictConfig) -> Iterator[str]:
    """Settings of how anomalies are told that make no sense."""
    if cfg.task.problem != "anomaly":
        return
    if cfg.task.score not in SCORES:
        yield f"task.score={cfg.task.score} is unknown: choose from {', '.join(SCORES)}"
    n_sd, percentile = cfg.task.threshold.n_sd, cfg.task.threshold.percentile
    if (n_sd is None) == (percentile is None):
        yield (
            f"task.threshold has n_sd={n_sd} and percentile={percentile}: give one of them and null for the other, "
            f"e.g. task.threshold.n_sd=null task.threshold.percentile=95"
        )
    if percentile is not None and not 0 < percentile < 100:
        yield f"task.threshold.percentile={percentile} must lie between 0 and 100"
    if n_sd is not None and not math.isfinite(n_sd):
        yield f"task.threshold.n_sd={n_sd} must be a number"
