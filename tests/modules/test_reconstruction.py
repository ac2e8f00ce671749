"""Reconstruction: it learns to make windows again, and repeats itself."""

from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer

from ecg_lightning.batch import Batch
from ecg_lightning.models.dense_autoencoder import DenseAutoencoder
from ecg_lightning.modules.reconstruction import Reconstruction
from ecg_lightning.reconstruction_losses import MeanSquaredError
from tests.corpora.beat_data import beat_data
from tests.corpora.learnable import write_learnable

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")


def module_of(n_leads: int = 1, n_samples: int = 280, seed: int = 0) -> Reconstruction:
    torch.manual_seed(0)
    network = DenseAutoencoder(n_leads, n_samples, 8)
    return Reconstruction(network, MeanSquaredError(), partial(torch.optim.Adam, lr=3e-3), seed)


def trainer_of(max_epochs: int) -> Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return Trainer(accelerator="cpu", max_epochs=max_epochs, enable_model_summary=False, **quiet)


def batch_of(*shape: int) -> Batch:
    row = torch.arange(shape[0])
    label = torch.zeros(shape[0], dtype=torch.long)
    return Batch(torch.randn(*shape), torch.zeros(shape[0], 0), label, row, torch.ones(shape[0], dtype=torch.bool), {})


def test_beats_are_made_again_after_seconds(tmp_path: Path) -> None:
    write_learnable(tmp_path, ["100", "101", "103", "105"], n_beats=60)
    module, trainer = module_of(), trainer_of(30)
    trainer.fit(module, beat_data(tmp_path, classes=("N", "V")))
    assert trainer.callback_metrics["val/loss"] < 0.2, "flat lines would cost 1"
    assert {"train/loss", "val/loss"} <= trainer.callback_metrics.keys()


def test_the_loss_is_that_of_the_windows_and_not_of_their_labels() -> None:
    module, batch = module_of(2, 100), batch_of(4, 2, 100)
    expected = (module.network(batch.ecg) - batch.ecg).square().mean()
    torch.testing.assert_close(module.training_step(batch), expected)
    torch.testing.assert_close(module.training_step(batch._replace(label=1 - batch.label)), expected)


def test_crops_of_a_recording_are_windows_like_others() -> None:
    module, crops = module_of(2, 100), batch_of(3, 5, 2, 100)
    single = crops._replace(ecg=crops.ecg.flatten(0, 1))
    torch.testing.assert_close(module.training_step(crops), module.training_step(single))


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    write_learnable(tmp_path, ["100", "101", "103"], n_beats=20)
    trained = []
    for _ in range(2):
        module = module_of()
        trainer_of(2).fit(module, beat_data(tmp_path, classes=("N", "V")))
        trained.append(module.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])
