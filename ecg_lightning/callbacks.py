"""What is watched while a network trains."""

import logging
import time
from collections.abc import Callable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from ecg_lightning.batch import Batch

log = logging.getLogger(__name__)


class Speed(Callback):
    """Counts the windows and the seconds of training steps, validation left out; kept across a resume.

    Args:
        first_step: called when the first step of this process is done.
    """

    def __init__(self, first_step: Callable[[], None]) -> None:
        self._first_step: Callable[[], None] | None = first_step
        self.windows, self.seconds, self.epochs = 0, 0.0, 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self._since = time.perf_counter()

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
        self.seconds += now - self._since
        self._since = now

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self.epochs += 1

    def numbers(self) -> dict[str, float]:
        """Names as in metrics.json."""
        rate = self.windows / self.seconds if self.seconds else 0.0
        return {"fit/epochs": self.epochs, "fit/train_seconds": self.seconds, "fit/windows_per_second": rate}

    def state_dict(self) -> dict[str, Any]:
        return {"windows": self.windows, "seconds": self.seconds, "epochs": self.epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.windows, self.seconds, self.epochs = (state_dict[k] for k in ("windows", "seconds", "epochs"))
