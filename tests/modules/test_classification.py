"""Classification: it learns, windows and beats in a row alike, and a resumed run repeats itself."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from sklearn.metrics import roc_auc_score
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from ecg_lightning import schedules
from ecg_lightning.augment import Augment, Mixup, Noise
from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.datamodules.records import RecordData
from ecg_lightning.losses import BinaryCrossEntropy, CrossEntropy
from ecg_lightning.models.cnn import CNN
from ecg_lightning.modules.classification import Classification
from ecg_lightning.monitors import MacroAUROC, MacroF1
from ecg_lightning.windowing import Crops
from tests.corpora.beat_data import beat_data
from tests.corpora.learnable import write_learnable
from tests.corpora.record_data import record_data, write_learnable_records
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
        partial(schedules.plateau, mode="max"),
        "val/macro_f1",
        problem="multiclass",
        aggregate="mean",
        seed=0,
    )


def labeller_of(network: nn.Module, schedule: Callable[..., Any] = schedules.constant) -> Classification:
    """For recordings with several labels."""
    return Classification(
        network,
        BinaryCrossEntropy(),
        {"macro_auroc": MacroAUROC()},
        partial(torch.optim.Adam, lr=1e-2),
        schedule,
        "val/macro_auroc",
        problem="multilabel",
        aggregate="mean",
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
    """Keeps the learning rate of every step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *batch: Any) -> None:  # noqa: ARG002
        self.values.append(trainer.optimizers[0].param_groups[0]["lr"])


BY_STEP = {"one_cycle": schedules.one_cycle, "cosine": schedules.cosine, "constant": schedules.constant}


def as_planned(schedule: Callable[..., Any], n_steps: int) -> list[float]:
    """The rate of every step, from the schedule alone."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-2)
    curve, found = schedule(optimizer, n_steps=n_steps), []
    for _ in range(n_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        curve.step()
    return found


@pytest.mark.parametrize("name", BY_STEP)
def test_the_rate_of_every_step_is_that_of_the_schedule(tmp_path: Path, name: str) -> None:
    rates, module = Rates(), module_of(small_cnn())
    module.schedule = BY_STEP[name]
    trainer_of(3, rates).fit(module, data_over(tmp_path, batch_size=50))
    assert len(rates.values) == 3 * 7
    assert rates.values == pytest.approx(as_planned(BY_STEP[name], 21), rel=1e-12)


def test_a_schedule_moves_once_for_several_batches_that_make_one_step(tmp_path: Path) -> None:
    rates, module, trainer = Rates(), module_of(small_cnn()), trainer_of(2)
    module.schedule, trainer.accumulate_grad_batches = schedules.cosine, 2
    trainer.callbacks.append(rates)  # type: ignore[attr-defined]
    trainer.fit(module, data_over(tmp_path, batch_size=40))
    assert rates.values[::2] == rates.values[1::2] == pytest.approx(as_planned(schedules.cosine, 8), rel=1e-12)


@pytest.mark.parametrize("name", ["one_cycle", "cosine"])
def test_a_resumed_run_goes_on_with_its_curve_to_the_bit(tmp_path: Path, name: str) -> None:
    whole, resumed, data = (Rates(), Losses()), (Rates(), Losses()), data_over(tmp_path)
    first, second = module_of(small_cnn()), module_of(small_cnn())
    first.schedule = second.schedule = BY_STEP[name]
    trainer_of(4, *whole, ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)).fit(first, data)
    trainer_of(4, *resumed).fit(second, data, ckpt_path=tmp_path / "epoch=1.ckpt", weights_only=True)
    half = len(whole[0].values) // 2
    assert resumed[0].values == whole[0].values[half:]
    assert resumed[1].values == whole[1].values[half:]
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def recordings_over(folder: Path, **settings: Any) -> RecordData:
    """Recordings of 100 Hz whose labels can be learned, cut into crops of 2.5 s."""
    write_learnable_records(folder, 100)
    return record_data(folder, **({"window": Crops(250, 125, "mean"), "batch_size": 8} | settings))


def small_spectator() -> CNN:
    torch.manual_seed(0)
    return CNN(12, 250, 5, width=8)


def test_several_labels_of_recordings_are_learned_from_random_crops(tmp_path: Path) -> None:
    data, module, trainer = recordings_over(tmp_path), labeller_of(small_spectator()), trainer_of(6)
    trainer.fit(module, data)
    assert trainer.callback_metrics["val/macro_auroc"] > 0.95


def test_the_answer_to_a_recording_is_made_of_those_to_all_of_its_crops(tmp_path: Path) -> None:
    data, network = recordings_over(tmp_path), small_spectator().eval()
    data.scored_sides = ("val", "test")
    row, logits = (
        torch.cat(p) for p in zip(*trainer_of(1).predict(labeller_of(network), datamodule=data), strict=True)
    )
    np.testing.assert_array_equal(row, np.concatenate([data.fold.val, data.fold.test]))
    with torch.no_grad():
        every = data.source.gather(row, torch.ones_like(row, dtype=torch.bool)).ecg
        p = torch.stack([network(every[:, k]).sigmoid() for k in range(every.shape[1])]).mean(dim=0)
    assert every.shape[1] == 7
    torch.testing.assert_close(logits.sigmoid(), p)


class Personal(CNN):
    """Says the person's features, whatever the ECG."""

    takes = ("ecg", "features")

    def forward(self, ecg: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        return features + 0 * ecg.sum()


def test_every_crop_comes_with_the_features_of_its_own_person() -> None:
    features = torch.randn(3, 5)
    row, scored = torch.arange(3), torch.ones(3, dtype=torch.bool)
    crops = Batch(torch.randn(3, 4, 12, 250), features, torch.zeros(3, 5, dtype=torch.long), row, scored, {})
    module = labeller_of(Personal(12, 250, 5, width=4))
    torch.testing.assert_close(module(crops), features, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(module(crops._replace(ecg=crops.ecg[:, 0])), features, atol=1e-5, rtol=1e-5)


def test_the_monitor_is_the_auroc_of_whole_recordings_and_chooses_the_epoch(tmp_path: Path) -> None:
    data, module = recordings_over(tmp_path), labeller_of(small_spectator())
    best = ModelCheckpoint(tmp_path, filename="best", monitor="val/macro_auroc", mode="max")
    every = ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)
    trainer_of(3, best, every).fit(module, data)
    scores = []
    for number in range(3):
        kept = torch.load(tmp_path / f"epoch={number}.ckpt", weights_only=True)
        module.load_state_dict(kept["state_dict"])
        answers = trainer_of(1).predict(module, datamodule=data)  # the validation rows
        row, logits = (torch.cat(part) for part in zip(*answers, strict=True))
        scores.append(macro_auroc(data.table.label[row], logits.numpy()))
    chosen = torch.load(tmp_path / "best.ckpt", weights_only=True)["epoch"]
    assert chosen == int(np.argmax(scores))
    assert float(best.best_model_score or 0) == pytest.approx(max(scores), abs=1e-6)


def macro_auroc(label: np.ndarray, logits: np.ndarray) -> float:
    """The second source: scikit-learn, over classes that are on the side."""
    there = [c for c in range(label.shape[1]) if 0 < label[:, c].sum() < len(label)]
    return float(np.mean([roc_auc_score(label[:, c], logits[:, c]) for c in there]))


def test_a_resumed_run_repeats_crops_and_augmentation_exactly(tmp_path: Path) -> None:
    chance = Augment({"mixup": Mixup(0.5, 0.4), "noise": Noise(0.5, 0.2)})
    whole, resumed, data = Losses(), Losses(), recordings_over(tmp_path, augment=chance)
    first, second = labeller_of(small_spectator()), labeller_of(small_spectator())
    trainer_of(3, whole, ModelCheckpoint(tmp_path, filename="{epoch}", save_top_k=-1)).fit(first, data)
    torch.manual_seed(99)
    trainer_of(3, resumed).fit(second, data, ckpt_path=tmp_path / "epoch=0.ckpt", weights_only=True)
    assert resumed.values == whole.values[-len(resumed.values) :]
    assert len(set(whole.values)) == len(whole.values)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_one_logit_learns_to_tell_two_classes_apart(tmp_path: Path) -> None:
    data = data_over(tmp_path)
    module = Classification(
        CNN(1, 280, 1, width=8),
        BinaryCrossEntropy(),
        {"auroc": MacroAUROC()},
        partial(torch.optim.Adam, lr=1e-2),
        schedules.constant,
        "val/auroc",
        problem="binary",
        aggregate="mean",
        seed=0,
    )
    trainer = trainer_of(6)
    trainer.fit(module, data)
    assert trainer.callback_metrics["val/auroc"] > 0.95
    assert trainer.callback_metrics["val/accuracy"] > 0.9
    (row, logits) = trainer.predict(module, datamodule=data)[0]
    assert logits.shape == (len(row), 1)


class Terminated(Callback):
    """As if SIGTERM came while the first batch is scored."""

    def on_predict_batch_start(self, trainer: Trainer, *_: object) -> None:
        trainer._signal_connector.received_sigterm = True


def test_a_run_that_is_told_to_end_while_it_scores_ends(tmp_path: Path) -> None:
    data, module = data_over(tmp_path), module_of(CNN(1, 280, 2, width=4))
    with pytest.raises(SystemExit) as ended:
        trainer_of(1, Terminated()).predict(module, datamodule=data)
    assert ended.value.code == 143
