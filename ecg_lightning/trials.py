"""One trial of a study: a config with a point of the space in it, and a complete run folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from ecg_lightning import config
from ecg_lightning.refusals import ConfigError, in_short
from ecg_lightning.run_folder import FOLDS, Status
from ecg_lightning.search_space import Setting, corners, read
from ecg_lightning.structures import Refused

OWN = "study.db"  # in the folder of a study that has no other store
PRIMARY = {"tune": "config"}  # the config of a trial, by that of the study


@dataclass(frozen=True)
class Asked:
    """What a study was asked for.

    Args:
        folder: of the study.
        words: overrides of every trial.
        choices: option of every config group.
        primary: name of the config that they are made of.
        cfg: the resolved config without a point of the space; `cfg.search` says how to search.
        settings: what is searched.
    """

    folder: Path
    words: tuple[str, ...]
    choices: dict[str, str | None]
    primary: str
    cfg: DictConfig
    settings: tuple[Setting, ...]

    @property
    def monitor(self) -> tuple[str, str]:
        """What is best, by name, and "max" or "min"."""
        return self.cfg.task.monitor.metric, self.cfg.task.monitor.mode

    @property
    def several_folds(self) -> bool:
        """Whether a trial goes through all folds of its split."""
        return "fold" in self.cfg.split and self.cfg.split.fold is None


def asked(cfg: DictConfig, node: Any, folder: Path) -> Asked:
    """Read what a command asks for, and check every corner of the space.

    Args:
        cfg: that Hydra has composed.
        node: Hydra's own part of it.
        folder: of the study.

    Raises:
        ConfigError: it cannot be searched, every reason, one a line.
    """
    words = [*node.overrides.task, *where(node)]
    kept = tuple(word for word in words if _key(word).split(".")[0] not in ("search", "resume"))
    if cfg.search is None:
        raise ConfigError("search is not given: say what to search, e.g. search=learning, or train without a search")
    choices = {group: option for group, option in node.runtime.choices.items() if not group.startswith("hydra/")}
    primary = PRIMARY.get(str(node.job.config_name), str(node.job.config_name))
    searched = {key for key, spec in cfg.search.space.items() if spec is not None}
    if twice := [word for word in kept if _key(word) in searched]:
        raise ConfigError("\n".join(f"{word} is typed, but search.space varies it: leave one out" for word in twice))
    plain = _resolved(cfg)
    settings = read(plain.search.space, plain, choices)
    wanted = Asked(folder, kept, choices, primary, plain, settings)
    address(wanted)
    _check(wanted)
    return wanted


def address(wanted: Asked) -> tuple[str, str]:
    """Where a study is kept, and its name in there.

    Raises:
        ConfigError: no such store can be.
    """
    storage, name = wanted.cfg.search.storage, wanted.cfg.search.study
    if storage is None:
        return f"sqlite:///{wanted.folder / OWN}", name or "study"
    if "://" not in storage:
        raise ConfigError(
            f"search.storage={storage} is no address: give sqlite:///FILE, or postgresql://HOST/DATABASE or mysql://..."
        )
    if name is None:
        raise ConfigError("search.storage may hold several studies: give search.study=NAME, the same on every machine")
    if storage.startswith("sqlite:") and not (above := Path(storage.removeprefix("sqlite:///")).parent).is_dir():
        raise ConfigError(f"search.storage={storage}: {above} is not a folder: make it, or name another")
    return storage, name


def where(node: Any) -> list[str]:
    """The override that says where else configs lie, by `hydra.searchpath` or by --config-dir; none if nowhere."""
    typed = [word for word in node.overrides.hydra if word.startswith("hydra.searchpath")]
    return typed or [f'hydra.searchpath=["file://{path}"]' for path in config_dirs(node)]


def config_dirs(node: Any) -> list[str]:
    """The folder of --config-dir."""
    return [source.path for source in node.runtime.config_sources if source.provider == "command-line"]


def compose(wanted: Asked, words: list[str]) -> tuple[DictConfig, dict[str, str | None]]:
    """The config of a trial, and the option of every group in it; as `train` composes these words.

    Raises:
        ConfigError: Hydra cannot compose them.
    """
    try:
        cfg = hydra.compose(wanted.primary, [*wanted.words, *words], return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(in_short(error, config.folder())) from None
    choices = {group: option for group, option in cfg.hydra.runtime.choices.items() if group != "search"}
    with open_dict(cfg):
        del cfg["hydra"]
    cfg.search = cfg.resume = None
    return cfg, choices


def train_trial(wanted: Asked, folder: Path, words: list[str], prune: Any) -> tuple[float, int]:
    """Train a trial in a folder of its own, as `train` does, but score no test row.

    Args:
        wanted: of the study.
        folder: of the trial; must not exist.
        words: overrides of its point.
        prune: the callback that may stop it.

    Returns:
        Its value, the mean over its folds, and its epochs.

    Raises:
        ConfigError: the point cannot run.
        Refused: data and settings cannot go together, or it was judged by another number than the study.
    """
    from ecg_lightning import run
    from ecg_lightning.fold_run import Extent

    folder.mkdir(parents=True)
    status = Status(choices=dict(wanted.choices), overrides=[*wanted.words, *words])
    try:
        cfg, status.choices = compose(wanted, words)
        config.check(cfg)
        corpus = config.constructed(cfg.dataset)
    except ConfigError as error:
        status.state, status.reason = "failed", str(error)
        status.write(folder)
        raise
    run.run(cfg, folder, corpus, status, Extent(test=False, alone=False, beside=(prune,)), (wanted.folder,))
    return measured(folder, wanted.monitor[0])


def measured(folder: Path, monitor: str) -> tuple[float, int]:
    """What a finished trial reached on validation rows, the mean over its folds, and its epochs.

    Raises:
        Refused: its epochs were chosen by another number, or there is none.
    """
    from ecg_lightning.comparison import monitored, read_job

    folders = sorted((folder / FOLDS).iterdir(), key=lambda path: int(path.name)) if (folder / FOLDS).is_dir() else []
    found = {path: monitored(read_job(path)) for path in folders or [folder]}
    if other := [f"{path.name} by {one['monitor']}" for path, one in found.items() if one["monitor"] != monitor]:
        raise Refused(
            f"its best epoch was chosen by another number than {monitor} ({', '.join(other)}), as validation rows are "
            f"of one class: search by task.monitor.metric=val/loss task.monitor.mode=min, or choose another split"
        )
    values = [one["monitored"] for one in found.values()]
    if any(value != value for value in values):
        raise Refused(f"{monitor} is no number: nothing says how good it is")
    return float(sum(values) / len(values)), int(read_job(folder).numbers["fit/epochs"])


def _resolved(cfg: DictConfig) -> DictConfig:
    """A copy in which every value can be looked at."""
    return OmegaConf.create(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[return-value]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _check(wanted: Asked) -> None:
    """Refuse a space of which a corner cannot run; each reason once, with the first corner that has it."""
    said: dict[str, str] = {}
    for words in corners(wanted.settings):
        try:
            config.check(compose(wanted, words)[0])
        except ConfigError as error:
            for line in str(error).splitlines():
                said.setdefault(line, " ".join(words))
    if said:
        raise ConfigError("\n".join(f"with {words}: {line}" for line, words in said.items()))
