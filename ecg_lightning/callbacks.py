"""What is watched while a network trains."""

import logging
import time
from collections.abc import Callable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from ecg_lightning.batch import Batch

log = logging.getLogger(__name__)
COUNTED = ("windows", "steps_s", "epochs_s", "epochs")


class Speed(Callback):
    """Counts windows and seconds; kept across a resume.

    `fit/seconds` are whole epochs with their validation; windows per second count the training steps alone.

    Args:
        first_step: called when the first step of this process is done.
    """

    def __init__(self, first_step: Callable[[], None]) -> None:
        self._first_step: Callable[[], None] | None = first_step
        self.windows, self.steps_s, self.epochs_s, self.epochs = 0, 0.0, 0.0, 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self._since = self._begun = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        if self._first_step is not None:
            log.info("first training step done")
            self._first_step()
            self._first_step = None
        now = time.perf_counter()
        self.windows += batch.row.numel() * trainer.world_size
        self.steps_s += now - self._since
        self._since = now

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self.epochs += 1
        self.epochs_s += time.perf_counter() - self._begun

    def numbers(self) -> dict[str, float]:
        """Names as in metrics.json."""
        rate = self.windows / self.steps_s if self.steps_s else 0.0
        return {"fit/epochs": self.epochs, "fit/seconds": self.epochs_s, "fit/windows_per_second": rate}

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COUNTED}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name in COUNTED:
            setattr(self, name, state_dict[name])
