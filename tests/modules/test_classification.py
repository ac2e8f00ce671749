"""Classification: it learns, windows and beats in a row alike, and a resumed run repeats itself."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.losses import CrossEntropy
from ecg_lightning.models.cnn import CNN
from ecg_lightning.modules.classification import Classification
from ecg_lightning.monitors import MacroF1
from tests.corpora.beat_data import beat_data
from tests.corpora.learnable import write_learnable
from tests.corpora.sequence_gru import SequenceGRU

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
RECORDS = ["100", "101", "103", "105", "106", "108"]


def data_over(folder: Path, behind: int = 0, **settings: object) -> BeatData:
    write_learnable(folder, RECORDS, n_beats=80, behind=behind)
    return beat_data(folder, classes=("N", "V"), **settings)


def module_of(network: nn.Module, lr: float = 1e-2) -> Classification:
    return Classification(
        network,
        CrossEntropy(),
        {"macro_f1": MacroF1(2), "accuracy": MulticlassAccuracy(2, average="micro")},
        partial(torch.optim.Adam, lr=lr),
        partial(torch.optim.lr_scheduler.ReduceLROnPlateau, mode="max"),
        "val/macro_f1",
        seed=0,
    )


def trainer_of(max_epochs: int, *callbacks: Callback) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=max_epochs,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def small_cnn() -> CNN:
    torch.manual_seed(0)
    return CNN(1, 280, 2, width=4)


def test_a_separable_toy_is_learned_in_seconds(tmp_path: Path) -> None:
    data, module, trainer = data_over(tmp_path), module_of(small_cnn()), trainer_of(4)
    trainer.fit(module, data)
    assert trainer.callback_metrics["val/macro_f1"] > 0.95
    assert {"train/loss", "val/loss", "val/macro_f1", "val/accuracy", "lr"} <= trainer.callback_metrics.keys()
    assert trainer.callback_metrics["lr"] == pytest.approx(1e-2)


def test_predictions_are_rows_of_the_side_and_the_networks_own_logits(tmp_path: Path) -> None:
    data, network = data_over(tmp_path, batch_size=30), small_cnn().eval()
    data.scored_sides = ("val", "test")
    answers = trainer_of(1).predict(module_of(network), datamodule=data)
    row, logits = (torch.cat(part) for part in zip(*answers, strict=True))
    np.testing.assert_array_equal(row, np.concatenate([data.fold.val, data.fold.test]))
    with torch.no_grad():
        expected = network(data.source.gather(row, torch.ones_like(row, dtype=torch.bool)).ecg)
    torch.testing.assert_close(logits, expected)


def sequence_score(folder: Path, behind: int, mode: str) -> float:
    """Test macro-F1 of a GRU over beats in a row; in real time it runs forwards alone."""
    settings = {"scope": "sequence", "n_beats": 30, "context": 5, "mode": mode, "batch_size": 150}
    data = data_over(folder, behind, **settings)
    torch.manual_seed(0)
    n_features = len(data.features.names)
    module = module_of(SequenceGRU(280, n_features, 2, both_ways=mode == "diagnostic"), lr=2e-2)
    trainer = trainer_of(12)
    trainer.fit(module, data)
    data.scored_sides = ("val", "test")
    row, logits = (torch.cat(part) for part in zip(*trainer.predict(module, datamodule=data), strict=True))
    np.testing.assert_array_equal(np.sort(row), np.sort(np.concatenate([data.fold.val, data.fold.test])))
    score = MacroF1(2)
    score.update(logits.softmax(1), torch.from_numpy(data.table.label)[row])
    return float(score.compute())


@pytest.mark.parametrize("mode", ["diagnostic", "real_time"])
def test_beats_in_a_row_learn_what_the_beat_before_decides(tmp_path: Path, mode: str) -> None:
    assert sequence_score(tmp_path, behind=1, mode=mode) > 0.9


def test_in_diagnosis_the_beat_behind_can_be_learned_from(tmp_path: Path) -> None:
    assert sequence_score(tmp_path, behind=-1, mode="diagnostic") > 0.9


def test_in_real_time_the_beat_behind_is_out_of_sight(tmp_path: Path) -> None:
    assert sequence_score(tmp_path, behind=-1, mode="real_time") < 0.65


def test_context_and_padding_reach_neither_loss_nor_prediction() -> None:
    torch.manual_seed(0)
    module = module_of(SequenceGRU(280, 0, 2, both_ways=True))
    row = torch.tensor([[0, 1, 2], [3, -1, -1]])
    scored = torch.tensor([[False, True, True], [True, False, False]])
    batch = Batch(torch.randn(2, 3, 1, 280), torch.zeros(2, 3, 0), torch.zeros(2, 3, dtype=torch.long), row, scored, {})
    rows, logits = module.predict_step(batch)
    assert rows.tolist() == [1, 2, 3]
    assert logits.shape == (3, 2)
    loss = module.training_step(batch)
    other = batch._replace(label=torch.where(scored, 0, 1))  # labels that do not count
    assert torch.equal(module.training_step(other), loss)


class Losses(Callback):
    """Keeps every training loss."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *batch: Any) -> None:  # noqa: ARG002
        self.values.append(float(outputs["loss"]))


def test_a_resumed_run_repeats_order_and_dropout_exactly(tmp_path: Path) -> None:
    whole, resumed, data = Losses(), Losses(), data_over(tmp_path)
    first, second = module_of(small_cnn()), module_of(small_cnn())
    every_epoch = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer_of(4, whole, every_epoch).fit(first, data)
    torch.manual_seed(99)
    trainer_of(4, resumed).fit(second, data, ckpt_path=tmp_path / "epoch=1.ckpt", weights_only=True)
    assert len(resumed.values) == len(whole.values) / 2
    assert resumed.values == whole.values[-len(resumed.values) :]
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_another_seed_draws_another_dropout(tmp_path: Path) -> None:
    data, losses = data_over(tmp_path), [Losses(), Losses(), Losses()]
    for seed, kept in zip((0, 0, 1), losses, strict=True):
        module = module_of(small_cnn())
        module.seed = seed
        trainer_of(1, kept).fit(module, data)
    assert losses[0].values == losses[1].values != losses[2].values


class Rates(Callback):
    """Keeps the learning rate that every epoch begins with."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self.values.append(trainer.optimizers[0].param_groups[0]["lr"])


def test_a_schedule_of_epochs_steps_by_epochs_and_not_by_the_monitor(tmp_path: Path) -> None:
    cosine = partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=4)
    rates, module = Rates(), module_of(small_cnn())
    module.schedule = cosine
    trainer_of(4, rates).fit(module, data_over(tmp_path))
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-2)
    schedule, expected = cosine(optimizer), []
    for _ in range(4):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates.values == pytest.approx(expected, rel=1e-12)
