"""Compose configs as the command line does, and list what `conf/` offers."""

import copy
import importlib.util
from functools import cache

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from ecg_lightning import config

SYNTHETIC = "dataset.source=synthetic"
EXTRAS = {("hydra/launcher", "ray_local"): "hydra_plugins.hydra_ray_launcher"}  # and what they need, if it is there


def composed(*overrides: str) -> DictConfig:
    """The config of a command with these words, on the twin."""
    return copy.deepcopy(_composed(*overrides))


@cache
def _composed(*overrides: str) -> DictConfig:
    config.register()
    with initialize_config_dir(str(config.folder()), version_base="1.3"):
        return compose("config", [SYNTHETIC, *overrides])


def files() -> list[tuple[str, str]]:
    """(group, option) of every yaml below `conf/`, e.g. ("model", "cnn") or ("experiment", "reference/arrhythmia")."""
    found = []
    for file in sorted(config.folder().rglob("*.yaml")):
        folders = file.relative_to(config.folder()).with_suffix("").parts
        n_group = 2 if folders[0] == "hydra" else 1
        if len(folders) > 1:
            found.append(("/".join(folders[:n_group]), "/".join(folders[n_group:])))
    return [part for part in found if part not in EXTRAS or importlib.util.find_spec(EXTRAS[part]) is not None]


def options(group: str) -> list[str]:
    """The options of a group, in order."""
    return [name for where, name in files() if where == group]
