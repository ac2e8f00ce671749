"""What every LightningModule of a run does alike: its schedule, its seeds, its end."""

import signal
from collections.abc import Callable, Iterable
from typing import Any

from pytorch_lightning import LightningModule
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import Metric, MetricCollection

from ecg_lightning.modules.seeding import seed_epoch


class Scheduled(LightningModule):
    """Moves the learning rate, ties chance to the epoch, and ends where the machine asks for it.

    Args:
        network: what is fitted.
        loss: to a scalar.
        metrics: by name, of validation rows.
        optimizer: takes the parameters.
        schedule: takes the optimizer and n_steps, the steps of the whole run; one that watches the monitor is asked
            once an epoch, every other one after each step.
        monitor: name of the metric that says what is best.
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
        seed: int,
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.metrics = MetricCollection(metrics, prefix="val/")
        self.optimizer, self.schedule, self.monitor, self.seed = optimizer, schedule, monitor, seed

    def on_train_epoch_start(self) -> None:
        """Tie dropout to the epoch, so that a resumed run repeats it."""
        seed_epoch(self.seed, self.current_epoch, self.global_rank)

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
