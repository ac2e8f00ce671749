"""One class per window or beat, one of two, or several per recording."""

import signal
from collections.abc import Callable, Iterable
from typing import Any

from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric, MetricCollection

from ecg_lightning.batch import Batch
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.modules.seeding import seed_epoch


class Classification(LightningModule):
    """Fits any network that gives logits; windows, sequences and crops of recordings are treated alike.

    Args:
        network: its `takes` says which fields of a batch it is given, in that order.
        loss: (logits, labels) to a scalar.
        metrics: by name, of (probabilities, labels) on the validation rows.
        optimizer: takes the parameters.
        schedule: takes the optimizer and n_steps, the steps of the whole run; one that watches the monitor is asked
            once an epoch, every other one after each step.
        monitor: name of the metric that says what is best.
        problem: "multiclass" for one class a row, "binary" for one of two by one logit, "multilabel" for any number.
        aggregate: how one answer is made of those to a recording's crops, "mean" or "max".
        seed: of dropout, together with epoch and rank.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        metrics: dict[str, Metric | MetricCollection],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[..., Any],
        monitor: str,
        problem: str,
        aggregate: str,
        seed: int,
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.metrics = MetricCollection(metrics, prefix="val/")
        self.optimizer, self.schedule, self.monitor, self.seed = optimizer, schedule, monitor, seed
        self.problem, self.aggregate = problem, aggregate

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the beats or recordings that count, one row each."""
        if self.network.scope == "sequence" or batch.ecg.dim() == 3:
            return self._asked(batch)[batch.scored]
        n_crops = batch.ecg.shape[1]
        crops = batch._replace(ecg=batch.ecg.flatten(0, 1), features=batch.features.repeat_interleave(n_crops, dim=0))
        return aggregate(self._asked(crops).unflatten(0, (-1, n_crops)), self.problem, self.aggregate)[batch.scored]

    def _asked(self, batch: Batch) -> Tensor:
        """What the network says to the fields that it takes."""
        inputs = [getattr(batch, name) for name in self.network.takes]  # type: ignore[union-attr]
        return self.network(*inputs).float()

    def on_train_epoch_start(self) -> None:
        """Tie dropout to the epoch, so that a resumed run repeats it."""
        seed_epoch(self.seed, self.current_epoch, self.global_rank)

    def training_step(self, batch: Batch) -> Tensor:
        return self._step(batch, "train")[0]

    def validation_step(self, batch: Batch) -> None:
        _, logits, label = self._step(batch, "val")
        self.metrics.update(logits.softmax(1) if self.problem == "multiclass" else logits.sigmoid(), label)
        self.log_dict(self.metrics, on_step=False, on_epoch=True, batch_size=len(label))

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002, Lightning's signature
        """Follow the schedule by one step of the optimiser."""
        schedule: Any = self.lr_schedulers()
        if not isinstance(schedule, ReduceLROnPlateau) and schedule.last_epoch < self.trainer.global_step:
            schedule.step()

    def on_train_epoch_end(self) -> None:
        """Keep the learning rate beside the losses, and lower it before the epoch's checkpoint is written."""
        self.log("lr", self.optimizers().param_groups[0]["lr"])  # type: ignore[union-attr]
        schedule: Any = self.lr_schedulers()
        scored = self.trainer.callback_metrics.get(self.monitor)  # none where the run ends inside its first epoch
        if isinstance(schedule, ReduceLROnPlateau) and scored is not None:
            schedule.step(scored)

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Nothing here: Lightning would take the step after the checkpoint, and a resumed run would never take it."""

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Row numbers and logits; every reported number is computed from these."""
        return batch.row[batch.scored], self(batch)

    def on_predict_batch_end(self, *_: Any) -> None:
        """End where the machine asks for it: Lightning looks for its signal in training alone."""
        if self.trainer.received_sigterm:
            raise SystemExit(128 + signal.SIGTERM)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        optimizer = self.optimizer(self.parameters())
        schedule = self.schedule(optimizer, n_steps=self.trainer.estimated_stepping_batches)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "monitor": self.monitor, "interval": "epoch", "strict": False},
        }

    def _step(self, batch: Batch, stage: str) -> tuple[Tensor, Tensor, Tensor]:
        logits, label = self(batch), batch.label[batch.scored]
        if self.problem != "multiclass":
            label = label.float().view_as(logits)  # of two classes a column by itself
        loss, n_rows = self.loss(logits, label), len(label)
        self.log(f"{stage}/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=n_rows, sync_dist=True)
        if self.problem == "binary":
            right = ((logits > 0) == (label > 0.5)).float().mean()
            self.log(
                f"{stage}/accuracy",
                right,
                on_step=False,
                on_epoch=True,
                prog_bar=True,
                batch_size=n_rows,
                sync_dist=True,
            )
        return loss, logits, label
