"""Trials of a study are judged while they train, and stopped where they are hopeless."""

import math
from collections.abc import Callable

from pytorch_lightning import Callback, LightningModule, Trainer


class Pruned(Exception):
    """A trial is hopeless beside the others; its run ends here."""


class Prune(Callback):
    """Tells a judge how a trial does, and stops it where the judge calls it hopeless.

    One fold is judged after every epoch, by the epoch's value. Of several folds, each is trained to its end, and the
    mean of their best values is judged before the next one begins: epochs of different folds say nothing of each other.

    Args:
        monitor: name of the value.
        mode: "max" or "min".
        several_folds: the run goes through all folds of its split.
        hopeless: is told the value and its step (the epoch, or the number of folds before), and says whether to stop.
    """

    def __init__(self, monitor: str, mode: str, several_folds: bool, hopeless: Callable[[float, int], bool]) -> None:
        self.monitor, self.best = monitor, max if mode == "max" else min
        self.several_folds, self.hopeless = several_folds, hopeless
        self.of_folds: list[float] = []  # the best value of each fold that is over
        self.values: list[float] = []  # of the epochs of this one

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        if self.values:
            self.of_folds.append(self.best(self.values))
            self.values = []
            mean = sum(self.of_folds) / len(self.of_folds)
            self._judge(mean, len(self.of_folds) - 1, f"after {_n(len(self.of_folds), 'fold')} a mean {self.monitor}")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        value = float(trainer.callback_metrics.get(self.monitor, math.nan))
        if trainer.sanity_checking or math.isnan(value):
            return
        self.values.append(value)
        last = trainer.max_epochs is not None and trainer.current_epoch + 1 == trainer.max_epochs
        if not self.several_folds and not last:  # after the last epoch nothing would be saved
            self._judge(value, trainer.current_epoch, f"after {_n(trainer.current_epoch + 1, 'epoch')} {self.monitor}")

    def _judge(self, value: float, step: int, words: str) -> None:
        if self.hopeless(value, step):
            raise Pruned(f"{words} of {value:.3f} is worse than the median of the other trials")


def _n(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
