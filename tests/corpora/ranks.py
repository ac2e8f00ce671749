"""Callbacks for runs of several processes: one writes down what each process sees, others break one process."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning import Callback, LightningModule, Trainer

from ecg_lightning.structures import Refused


class Witness(Callback):
    """Leaves `<folder>/<rank>.json`: where the signals of the process lie, and which rows its first epoch drew.

    Args:
        folder: must exist.
    """

    def __init__(self, folder: str) -> None:
        self.folder, self.rows = Path(folder), []

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        if trainer.current_epoch == 0:
            self.rows += batch.row.tolist()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        store = trainer.datamodule.store
        mapped = isinstance(store.signal, np.memmap)
        seen = {"store": str(store.folder), "mapped": mapped, "rows": self.rows}
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(seen), encoding="utf-8")


class Breaks(Callback):
    """Ends one process after its first step, the others being in the middle of theirs.

    Args:
        rank: of that process.
        refuses: in words, as data may; otherwise as a fault of the code does.
    """

    def __init__(self, rank: int, refuses: bool) -> None:
        self.rank, self.refuses = rank, refuses

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:  # noqa: ARG002
        if trainer.global_rank == self.rank:
            raise Refused("a row of this process cannot be") if self.refuses else RuntimeError("a fault")
