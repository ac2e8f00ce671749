"""One class per window, or per beat of a sequence."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric, MetricCollection

from ecg_lightning.batch import Batch


class Classification(LightningModule):
    """Fits any network that gives logits; windows and sequences are treated alike.

    Args:
        network: its `takes` says which fields of a batch it is given, in that order.
        loss: (logits, labels) to a scalar.
        metrics: by name, of (probabilities, labels) on the validation rows.
        optimizer: takes the parameters.
        schedule: takes the optimizer; asked once an epoch with the monitor.
        monitor: name of the metric that says what is best.
        seed: of dropout, together with epoch and rank.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metrics: dict[str, Metric | MetricCollection],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[[Optimizer], Any],
        monitor: str,
        seed: int,
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.metrics = MetricCollection(metrics, prefix="val/")
        self.optimizer, self.schedule, self.monitor, self.seed = optimizer, schedule, monitor, seed

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the beats that count, one row each."""
        inputs = [getattr(batch, name) for name in self.network.takes]  # type: ignore[union-attr]
        return self.network(*inputs).float()[batch.scored]

    def on_train_epoch_start(self) -> None:
        """Tie dropout to the epoch, so that a resumed run repeats it."""
        entropy = np.random.SeedSequence((self.seed, self.current_epoch, self.global_rank))
        torch.manual_seed(int(entropy.generate_state(1)[0]))

    def training_step(self, batch: Batch) -> Tensor:
        return self._step(batch, "train")[0]

    def validation_step(self, batch: Batch) -> None:
        _, logits, label = self._step(batch, "val")
        self.metrics.update(logits.softmax(1), label)
        self.log_dict(self.metrics, on_step=False, on_epoch=True, batch_size=len(label))

    def on_train_epoch_end(self) -> None:
        """Keep the learning rate beside the losses, and lower it before the epoch's checkpoint is written."""
        self.log("lr", self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
        schedule: Any = self.lr_schedulers()
        watches = isinstance(schedule, ReduceLROnPlateau)
        schedule.step(*([self.trainer.callback_metrics[self.monitor]] if watches else []))

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Nothing here: Lightning would take the step after the checkpoint, and a resumed run would never take it."""

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Row numbers and logits; every reported number is computed from these."""
        return batch.row[batch.scored], self(batch)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        optimizer = self.optimizer(self.parameters())
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.schedule(optimizer), "monitor": self.monitor, "interval": "epoch"},
        }

    def _step(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor, Tensor]:
        logits, label = self(batch), batch.label[batch.scored]
        loss = self.loss(logits, label)
        n_rows = len(label)
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=n_rows, sync_dist=True)
        return loss, logits, label
