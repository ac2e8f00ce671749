"""The published recipes are those of their papers: what a preset states, or a task states for it, cannot drift."""

import pytest
from omegaconf import OmegaConf

from ecg_lightning import config
from tests.corpora.compose import composed

BENCHMARK = {
    "optim.lr": 0.01,
    "optim.weight_decay": 0.01,
    "optim.betas": [0.9, 0.99],
    "schedule._target_": "ecg_lightning.schedules.one_cycle",
    "loss._target_": "ecg_lightning.losses.BinaryCrossEntropy",
    "callbacks.early_stopping": None,
    "task.aggregate": "max",
    "task.data.batch_size": 128,
    "task.max_epochs": 50,
    "task.signal.fs_hz": 100,
    "task.data.window.n_samples": 250,
    "task.data.window.hop": 125,
    "model.dropout": 0.5,
}
RECIPES = {
    "ptbxl_resnet1d_wang": BENCHMARK | {"model._target_": "ecg_lightning.models.resnet1d_wang.ResNet1dWang"},
    "ptbxl_xresnet1d101": BENCHMARK | {"model._target_": "ecg_lightning.models.xresnet1d101.XResNet1d101"},
    "ptbxl_inception1d": BENCHMARK | {"model._target_": "ecg_lightning.models.inception1d.Inception1d"},
    "ptbxl_s4": {
        "optim._target_": "torch.optim.AdamW",
        "optim.lr": 0.001,
        "optim.weight_decay": 0.001,
        "schedule._target_": "ecg_lightning.schedules.constant",
        "task.aggregate": "mean",
        "task.data.batch_size": 64,
        "task.data.window.n_samples": 250,
        "model._target_": "ecg_lightning.models.s4.S4",
        "model.width": 512,
        "model.n_blocks": 4,
        "model.n_states": 8,
        "model.dropout": 0.2,
    },
    "ptbxl_resnet_bilstm": {
        "optim._target_": "torch.optim.Adam",
        "optim.lr": 4.67e-4,
        "loss.alpha": 0.434,
        "loss.gamma": 2.135,
        "model.filters": [256, 128],
        "model.kernels": [3, 7],
        "model.dropout": 0.25,
        "model.lstm_units": 128,
        "model.dense_units": 256,
        "model.metadata_units": 16,
        "model.combined_units": 128,
        "features.names": ["age_years", "sex_female"],
        "schedule._target_": "ecg_lightning.schedules.plateau",
        "callbacks.early_stopping.monitor": "val/macro_auroc",
        "callbacks.best.monitor": "val/macro_auroc",
        "preprocess.filter": "none",
        "task.data.window.n_samples": 1000,
    },
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_published_recipe_of_ptbxl_is_kept(name: str) -> None:
    cfg = composed(f"experiment=reference/{name}")
    config.check(cfg)
    OmegaConf.resolve(cfg)
    assert {key: OmegaConf.select(cfg, key) for key in RECIPES[name]} == RECIPES[name]
    assert (cfg.split.validation, cfg.split.test) == (9, 10)


def test_the_task_alone_has_the_recipe_of_its_default_network() -> None:
    cfg, preset = composed("task=ptbxl"), composed("experiment=reference/ptbxl_resnet_bilstm")
    for part in ("model", "loss", "optim", "schedule", "features", "callbacks", "preprocess", "split", "task"):
        assert cfg[part] == preset[part], part


def test_another_optimiser_comes_with_its_own_rate() -> None:
    for words in (["task=ptbxl"], ["experiment=reference/ptbxl_inception1d"], ["experiment=reference/ptbxl_s4"]):
        cfg = composed(*words, "optim=sgd")
        config.check(cfg)
        assert cfg.optim == composed("optim=sgd").optim
