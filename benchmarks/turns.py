"""Training steps side by side: each side takes one step in turn, so that all meet the same load of the machine."""

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from omegaconf import DictConfig
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from benchmarks import plain
from ecg_lightning import assembly, config, fold_run
from ecg_lightning.batch import Batch
from ecg_lightning.callbacks import Speed
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.history import History

N_WARM = 5  # first steps, which allocate, choose kernels and touch the data for the first time, count on no side
N_PER_ROUND = 10
N_STEPS = N_WARM + 6 * N_PER_ROUND
FRAMEWORK = "framework"

T = TypeVar("T")
Seconds = dict[str, list[float]]
"""Of each step, by side."""


class Beside(Speed):
    """Counts the framework's steps as every run does, and lets the others take a step after each.

    Args:
        sides: by name; each `next` trains one batch.
    """

    def __init__(self, sides: Mapping[str, Iterator[None]]) -> None:
        super().__init__(first_step=lambda: None)
        self.sides = sides
        self.seconds: Seconds = {name: [] for name in (FRAMEWORK, *sides)}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        before_s = self.steps_s
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self.seconds[FRAMEWORK].append(self.steps_s - before_s)
        take_turns(self.sides, self.seconds)
        self._since = time.perf_counter()


def take_turns(sides: Mapping[str, Iterator[None]], seconds: Seconds) -> None:
    """One step of every side, its seconds noted."""
    for name, side in sides.items():
        began = time.perf_counter()
        next(side)
        seconds[name].append(time.perf_counter() - began)


def times_as_fast(seconds: Seconds, ours: str, other: str) -> float:
    """Seconds of the other per second of ours: the median over rounds of N_PER_ROUND steps that lie side by side."""
    begins = range(N_WARM, len(seconds[ours]) - N_PER_ROUND + 1, N_PER_ROUND)
    return statistics.median(
        sum(seconds[other][i : i + N_PER_ROUND]) / sum(seconds[ours][i : i + N_PER_ROUND]) for i in begins
    )


def per_second(seconds: Sequence[float], n_windows: int) -> float:
    """Windows per second of the median step."""
    return n_windows / statistics.median(seconds[N_WARM:])


def framework(
    cfg: DictConfig, data: Windowed, sides: Mapping[str, Iterator[None]], n_batches: int, precision: str = "32-true"
) -> Seconds:
    """Seconds of a short fit's steps, with all that a run does beside them but tracking, and of the sides' between.

    Args:
        cfg: of a run.
        data: of the same config.
        sides: take a step after each of the framework's.
        n_batches: of an epoch, all of one size; epochs follow until N_STEPS are taken.
        precision: as the trainer names it.
    """
    cfg = cfg.copy()
    early = {"limit_train_batches": n_batches, "limit_val_batches": 1, "max_epochs": -(-N_STEPS // n_batches)}
    cfg.trainer = {**cfg.trainer, **early, "precision": precision}
    network, _ = assembly.build_network(cfg, data.facts)
    beside = Beside(sides)
    with TemporaryDirectory() as folder:
        history = History(Path(folder), lambda *_: None)
        fold_run.fit(cfg, assembly.build_module(cfg, network, data.facts), data, [beside], history)
    return beside.seconds


def bare(cfg: DictConfig, data: Windowed, batches: Iterable[Batch], precision: str = "32-true") -> Iterator[None]:
    """The bare loop of a config's network, loss and optimiser over batches that are there."""
    network, _ = assembly.build_network(cfg, data.facts)
    loss = config.constructed(cfg.loss, **assembly.with_facts(cfg.loss, data.facts))
    optimizer = config.constructed(cfg.optim)(network.parameters())
    return plain.steps(network, loss, (_taken(batch, network.takes) for batch in batches), optimizer, precision)  # type: ignore[arg-type]


def _taken(batch: Batch, names: Sequence[str]) -> tuple[Tensor, ...]:
    """What a network takes of a batch, and its labels as losses want them."""
    label = batch.label if batch.label.dim() == 1 else batch.label.float()
    return *(getattr(batch, name) for name in names), label


def pre_cut(data: Windowed, n_batches: int) -> list[Batch]:
    """The first batches of an epoch, cut, scaled and kept in memory; a last one of fewer rows is left out."""
    drawn = zip(range(n_batches), data.train_dataloader(), strict=False)
    batches = [data.source.gather(row, scored, seed) for _, (row, scored, seed) in drawn]
    return [batch for batch in batches if len(batch.row) == data.batch_size]


def endless(batches: Iterable[T]) -> Iterator[T]:
    """The same again and again; a loader shuffles each time."""
    while True:
        yield from batches
