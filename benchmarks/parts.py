"""Parts of a run, composed from `conf/` as the command line does it."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from ecg_lightning import config
from ecg_lightning.datamodules.windowed import Windowed

ON_WHAT_IS_THERE = "dataset.allow_missing=true"  # real records where ECG_DATA_DIR holds some, else the twin
RECORDINGS = ("experiment=reference/ptbxl_resnet1d_wang", "dataset.source=auto")  # resnet1d_wang, 128 crops of 2.5 s


def composed(*overrides: str) -> DictConfig:
    """The checked config of a command with these words."""
    config.register()
    with initialize_config_dir(str(config.folder()), version_base="1.3"):
        cfg = compose("config", [ON_WHAT_IS_THERE, *overrides])
    config.check(cfg)
    return cfg


def data_module(cfg: DictConfig, cache_dir: Path | None = None) -> Windowed:
    """The data module of a config, with its store in another cache where one is named."""
    elsewhere = {} if cache_dir is None else {"cache_dir": str(cache_dir)}
    corpus = config.constructed(cfg.dataset)
    return config.constructed(cfg.task.data, corpus=corpus, scope="window", **elsewhere)
