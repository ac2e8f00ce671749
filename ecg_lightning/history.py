"""The learning curves: one row per epoch in history.csv, and the same numbers handed on."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from ecg_lightning.whole_files import written_whole


class History(Logger):
    """A Lightning logger that knows epochs only, so that no training step waits for it.

    Numbers that arrive without an epoch (the learning rate) belong to the epoch that is said next. A file that is there
    is continued: its rows from the first logged epoch on are replaced. Test numbers are left out; they are no curve.

    Args:
        folder: of the run; checkpoints without a folder of their own go to its `checkpoints`.
        forward: is given each epoch's numbers as they come, and the epoch.
    """

    def __init__(self, folder: Path, forward: Callable[[dict[str, float], int], None]) -> None:
        super().__init__()
        self.folder = folder
        self.forward = forward
        self._rows: dict[int, dict[str, float]] | None = None
        self._early: dict[str, float] = {}

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:  # noqa: ARG002 - Lightning's name
        numbers = {name: float(x) for name, x in metrics.items() if not name.startswith("test/")}
        if "epoch" not in numbers:
            self._early |= numbers
            return
        epoch = int(numbers.pop("epoch"))
        numbers, self._early = self._early | numbers, {}
        if not numbers:
            return
        if self._rows is None:
            self._rows = {k: row for k, row in read(self.folder / "history.csv").items() if k < epoch}
        self._rows[epoch] = self._rows.get(epoch, {}) | numbers
        _write(self.folder / "history.csv", self._rows)
        self.forward(numbers, epoch)

    def log_hyperparams(self, params: Any) -> None:
        """Nothing: config.yaml has them."""


def read(file: Path) -> dict[int, dict[str, float]]:
    """Read the numbers of every epoch; none where there is no file yet."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as stream:
        return {
            int(row.pop("epoch")): {name: float(x) for name, x in row.items() if x} for row in csv.DictReader(stream)
        }


def _write(file: Path, rows: Mapping[int, Mapping[str, float]]) -> None:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    with written_whole(file) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["epoch", *names])
        writer.writeheader()
        writer.writerows({"epoch": epoch} | dict(row) for epoch, row in sorted(rows.items()))
