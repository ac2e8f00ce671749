"""Anomaly detection: normal windows are learned, all of them are scored, and anomalies take no part in the loss."""

from functools import partial
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch.utils.data import DataLoader

from ecg_lightning.batch import Batch
from ecg_lightning.layers.reconstruction_scores import parts
from ecg_lightning.models.dense_autoencoder import DenseAutoencoder
from ecg_lightning.modules.anomaly import AnomalyDetection
from ecg_lightning.monitors import MacroAUROC
from ecg_lightning.reconstruction_losses import MeanAbsoluteError
from ecg_lightning.schedules import constant

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")


def module_of(n_samples: int = 40, n_features: int = 0, aggregate: str = "mean") -> AnomalyDetection:
    torch.manual_seed(0)
    return AnomalyDetection(
        DenseAutoencoder(1, n_samples, 2),
        MeanAbsoluteError(),
        {"error_auroc": MacroAUROC()},
        partial(torch.optim.Adam, lr=3e-3),
        constant,
        "val/error_auroc",
        aggregate,
        (1.0,) * n_features,
        (2.0,) * n_features,
        0,
    )


def batch_of(ecg: torch.Tensor, label: torch.Tensor, features: torch.Tensor | None = None) -> Batch:
    n_rows = len(label)
    known = torch.zeros(n_rows, 0) if features is None else features
    return Batch(ecg, known, label, torch.arange(n_rows), torch.ones(n_rows, dtype=torch.bool), {})


def waves(n_rows: int, pitch: float, seed: int) -> torch.Tensor:
    """Waves of one pitch and many sizes."""
    size = 1 + torch.rand(n_rows, 1, 1, generator=torch.Generator().manual_seed(seed))
    return size * torch.sin(torch.linspace(0, pitch, 40))


def fitted(module: AnomalyDetection, train: Batch, val: Batch | list[Batch], max_epochs: int) -> Trainer:
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(accelerator="cpu", max_epochs=max_epochs, enable_model_summary=False, **quiet)
    sides = ([train], [val] if isinstance(val, Batch) else val)
    trainer.fit(module, *(DataLoader(side, batch_size=None) for side in sides))
    return trainer


def test_normal_waves_are_learned_and_others_found() -> None:
    normal, other = waves(64, 6.0, 0), waves(16, 15.0, 1)
    label = torch.cat([torch.zeros(64), torch.ones(16)]).long()
    module = module_of()
    val = batch_of(torch.cat([waves(64, 6.0, 2), other]), label)
    trainer = fitted(module, batch_of(normal, torch.zeros(64).long()), val, 60)
    assert trainer.callback_metrics["val/error_auroc"] == 1
    assert trainer.callback_metrics["val/loss"] < 0.3, "the mean absolute value is near 1"


def test_the_loss_of_validation_is_that_of_normal_rows() -> None:
    module, train = module_of(), batch_of(waves(8, 6.0, 0), torch.zeros(8).long())
    normal, other = waves(6, 6.0, 1), waves(4, 15.0, 2)
    label = torch.tensor([0] * 6 + [1] * 4)
    said = fitted(module, train, batch_of(torch.cat([normal, other]), label), 1).callback_metrics["val/loss"]
    torch.testing.assert_close(said, (module.network(normal) - normal).abs().mean().detach())


def test_validation_batches_without_normal_rows_take_no_part_in_the_loss() -> None:
    module, train = module_of(), batch_of(waves(8, 6.0, 0), torch.zeros(8).long())
    normal, other = batch_of(waves(3, 6.0, 1), torch.zeros(3).long()), batch_of(waves(4, 15.0, 2), torch.ones(4).long())
    said = fitted(module, train, [other, normal, other], 1).callback_metrics["val/loss"]
    torch.testing.assert_close(said, (module.network(normal.ecg) - normal.ecg).abs().mean().detach())


def test_the_loss_over_crops_is_that_of_the_crops_of_normal_recordings() -> None:
    module, train = module_of(), batch_of(waves(8, 6.0, 0), torch.zeros(8).long())
    crops, label = torch.randn(3, 2, 1, 40), torch.tensor([0, 1, 0])
    said = fitted(module, train, batch_of(crops, label), 1).callback_metrics["val/loss"]
    own = crops[label == 0].flatten(0, 1)
    torch.testing.assert_close(said, (module.network(own) - own).abs().mean().detach())


def test_rows_are_answered_by_every_part_of_their_score() -> None:
    module, ecg = module_of(n_features=1), waves(5, 6.0, 0)
    features = torch.tensor([[1.0], [3.0], [-3.0], [torch.nan], [1.0]])
    row, answer = module.predict_step(batch_of(ecg, torch.zeros(5).long(), features))
    expected = parts(module.network, ecg, features, torch.tensor([1.0]), torch.tensor([2.0]))
    torch.testing.assert_close(answer, expected)
    torch.testing.assert_close(answer[:, 3], torch.tensor([0.0, 1.0, 2.0, 0.0, 0.0]))
    assert row.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_crops_of_a_recording_are_windows_like_others_with_one_answer(aggregate: str) -> None:
    module = module_of(aggregate=aggregate)
    crops = torch.randn(3, 4, 1, 40)
    _, answer = module.predict_step(batch_of(crops, torch.zeros(3).long()))
    _, single = module.predict_step(batch_of(crops.flatten(0, 1), torch.zeros(12).long()))
    of_rows = single.unflatten(0, (3, 4))
    torch.testing.assert_close(answer, of_rows.mean(1) if aggregate == "mean" else of_rows.amax(1))


def test_what_is_normal_is_learned_in_evaluation_mode() -> None:
    module, ecg = module_of(), waves(50, 6.0, 0)
    module.train()
    module.learn_normals([batch_of(ecg[:30], torch.zeros(30).long()), batch_of(ecg[30:, None], torch.zeros(20).long())])
    assert not module.network.training
    torch.testing.assert_close(module.network.normal.centre, module.network.encode(ecg).mean(dim=0).detach())
