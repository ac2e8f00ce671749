"""The learning curves, with and without Lightning around them."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ecg_lightning.history import History, read

Told = list[tuple[dict[str, float], int]]


def history(folder: Path, told: Told | None = None) -> History:
    return History(folder, lambda numbers, epoch: (told if told is not None else []).append((numbers, epoch)))


def test_numbers_of_one_epoch_share_a_row(tmp_path: Path) -> None:
    told: Told = []
    log = history(tmp_path, told)
    log.log_metrics({"lr": 0.01}, step=0)
    log.log_metrics({"val/loss": 2.0, "epoch": 0}, step=9)
    log.log_metrics({"train/loss": 1.0, "epoch": 0}, step=9)
    log.log_metrics({"train/loss": 0.5, "epoch": 1}, step=19)
    assert read(tmp_path / "history.csv") == {
        0: {"lr": 0.01, "val/loss": 2.0, "train/loss": 1.0},
        1: {"train/loss": 0.5},
    }
    assert told == [({"lr": 0.01, "val/loss": 2.0}, 0), ({"train/loss": 1.0}, 0), ({"train/loss": 0.5}, 1)]


def test_a_resumed_run_replaces_the_epochs_that_it_repeats(tmp_path: Path) -> None:
    first = history(tmp_path)
    for epoch in range(4):
        first.log_metrics({"train/loss": epoch, "epoch": epoch})
    history(tmp_path).log_metrics({"train/loss": 9.0, "epoch": 2})
    assert read(tmp_path / "history.csv") == {0: {"train/loss": 0.0}, 1: {"train/loss": 1.0}, 2: {"train/loss": 9.0}}


def test_test_numbers_are_no_curve(tmp_path: Path) -> None:
    log = history(tmp_path)
    log.log_metrics({"test/f1": 0.5, "epoch": 7})
    assert read(tmp_path / "history.csv") == {}


class Line(pl.LightningModule):
    """The smallest module that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)

    def training_step(self, batch: Tensor) -> Tensor:
        loss = self.line(batch).square().mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Tensor) -> None:
        self.log("val/loss", self.line(batch).square().mean(), batch_size=len(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")
def test_lightning_fills_one_row_per_epoch(tmp_path: Path) -> None:
    told: Told = []
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=3,
        logger=history(tmp_path, told),
        callbacks=[pl.callbacks.LearningRateMonitor(logging_interval="epoch")],
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    rows = torch.utils.data.DataLoader(torch.ones(8, 1), batch_size=2)
    trainer.fit(Line(), rows, rows)
    curves = read(tmp_path / "history.csv")
    assert list(curves) == [0, 1, 2]
    assert all(set(row) == {"lr-AdamW", "train/loss", "val/loss"} for row in curves.values())
    assert len(told) == 6, "twice an epoch, never per step"
    assert list((tmp_path / "checkpoints").glob("*.ckpt")), "checkpoints lie in the run folder"
