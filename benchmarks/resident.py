"""What a training process holds in memory, said after every epoch."""

import os
import sys
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

SAID = "bytes in memory: "
STATM = Path("/proc/self/statm")


class Resident(Callback):
    """Says on stderr how many bytes the process holds after each epoch with its validation; nothing without /proc."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        if STATM.is_file():
            n_pages = int(STATM.read_text(encoding="utf-8").split()[1])
            print(f"{SAID}{n_pages * os.sysconf('SC_PAGE_SIZE')}", file=sys.stderr, flush=True)
