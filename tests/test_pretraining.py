"""Pretraining: what its settings refuse, and what `conf/` makes of it."""

from functools import partial
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from ecg_lightning import config
from ecg_lightning.losses import BinaryCrossEntropy
from ecg_lightning.models.cnn import CNN
from ecg_lightning.models.dense_autoencoder import DenseAutoencoder
from ecg_lightning.pretraining import Pretraining
from ecg_lightning.reconstruction_losses import MeanSquaredError
from ecg_lightning.refusals import ConfigError
from ecg_lightning.sampling import PositiveShare, Shuffle
from tests.corpora.compose import composed


def stage(**settings: Any) -> Pretraining:
    given = {
        "latent_size": 4,
        "network": DenseAutoencoder(1, 20, 4),
        "loss": MeanSquaredError(),
        "optimizer": partial(torch.optim.Adam, lr=1e-3),
        "positive_share": None,
        "frozen": True,
        "max_epochs": 3,
        "patience": 2,
    }
    return Pretraining(**(given | settings))


def test_all_rows_are_seen_unless_a_share_of_positives_is_asked_for() -> None:
    assert isinstance(stage().sampler, Shuffle)
    sampler = stage(positive_share=0.0).sampler
    assert isinstance(sampler, PositiveShare)
    assert sampler.share == 0


def test_an_impossible_share_is_refused_at_once_in_words() -> None:
    with pytest.raises(ValueError, match=r"pretrain.positive_share=1.2 must lie between 0 and 1, or be null"):
        stage(positive_share=1.2)


@pytest.mark.parametrize("name", ["max_epochs", "patience"])
def test_a_stage_without_epochs_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match=f"pretrain.{name}=0 must be at least 1"):
        stage(**{name: 0})


def test_a_network_or_loss_for_something_else_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"pretrain.network=CNN is for logits: choose one that is for reconstruction"):
        stage(network=CNN(1, 20, 1))
    with pytest.raises(ValueError, match=r"pretrain.loss=BinaryCrossEntropy is for logits: choose one that is for rec"):
        stage(loss=BinaryCrossEntropy())


AUTOENCODER = ("task=arrhythmia", "model=cnn_lstm_attention", "pretrain=autoencoder")


def test_the_preset_makes_a_stage_and_room_for_its_encoder() -> None:
    cfg = composed(*AUTOENCODER)
    config.check(cfg)
    made = config.constructed(cfg.pretrain)
    network = config.constructed(cfg.model, feature_mean=[], feature_std=[], extra_channels={})
    there, here = made.network.encoder.state_dict(), network.encoder.state_dict()
    assert {name: weight.shape for name, weight in there.items()} == {name: w.shape for name, w in here.items()}


def test_the_latent_size_is_one_override_for_autoencoder_and_network() -> None:
    cfg = composed(*AUTOENCODER, "pretrain.latent_size=7")
    OmegaConf.resolve(cfg)
    assert (cfg.pretrain.network.latent_size, cfg.model.latent_size) == (7, 7)


def test_without_pretraining_a_network_has_no_encoder_or_one_that_begins_untrained() -> None:
    plain, untrained = composed(*AUTOENCODER[:2]), composed(*AUTOENCODER[:2], "pretrain.latent_size=8")
    for cfg, room in ((plain, False), (untrained, True)):
        config.check(cfg)
        assert "_target_" not in cfg.pretrain
        network = config.constructed(cfg.model, feature_mean=[], feature_std=[], extra_channels={})
        assert (network.encoder is not None) == room


def test_a_misspelt_setting_or_one_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"pretrain.patiense: Pretraining has no such argument; did you mean 'patie"):
        config.check(composed(*AUTOENCODER, "+pretrain.patiense=3"))
    with pytest.raises(ConfigError, match=r"pretrain.positive_share=most must be of kind float \| None"):
        config.check(composed(*AUTOENCODER, "pretrain.positive_share=most"))


def test_the_classifier_of_the_latent_vector_brings_its_pretraining_along() -> None:
    cfg = composed("task=arrhythmia", "model=latent_dense")
    config.check(cfg)
    assert cfg.pretrain._target_ == "ecg_lightning.pretraining.Pretraining"
    with pytest.raises(ConfigError, match=r"model: latent_size=0 must be at least 1"):
        config.check(composed("task=arrhythmia", "model=latent_dense", "pretrain=none"))
