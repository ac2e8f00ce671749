"""What every data module has: a store, a fold, facts, and loaders of whole batches."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from ecg_lightning.augment import Augment
from ecg_lightning.batch import Batch
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.windows import Beside, Epochs, Items, WindowSource, fits, loader
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split, by_class, folds
from ecg_lightning.store import Store, open_store
from ecg_lightning.structures import Facts, Fold, WindowTable
from ecg_lightning.windowing import Crops, Segments, Window


class Windowed(LightningDataModule):
    """Rows of a window table as batches; a task says what its rows are in `table`.

    Args:
        corpus: where records come from.
        classes: in the order of the network's outputs.
        window: what is cut for a row.
        preprocess: what is done to a record first.
        features: numbers beside the ECG.
        split: who stands on which side.
        sampler: order of a training epoch.
        augment: what chance does to training batches.
        batch_size: windows a batch; sequences count with all their beats, recordings that are scored with all crops.
        seed: of the order, the crops and the augmentation of training rows.
        cache_dir: where the store lies.

    Raises:
        ValueError: batch_size is below 1.
    """

    problem: str
    scope: str

    def __init__(
        self,
        corpus: Corpus,
        classes: Sequence[str],
        window: Window | Crops | Segments,
        preprocess: Preprocess,
        features: Features,
        split: Split,
        sampler: Sampler,
        augment: Augment,
        batch_size: int,
        seed: int,
        cache_dir: str | Path,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"task.data.batch_size={batch_size} must be at least 1")
        self.corpus, self.classes, self.window = corpus, tuple(classes), window
        self.preprocess, self.features, self.split, self.sampler = preprocess, features, split, sampler
        self.augment, self.batch_size, self.seed = augment, batch_size, seed
        self.cache_dir = Path(cache_dir)
        self.scored_sides: tuple[str, ...] = ("val",)

    @cached_property
    @abstractmethod
    def table(self) -> WindowTable:
        """One row per window that the network answers."""

    def remarks(self) -> tuple[str, ...]:
        """Sentences about the data that a reader of the numbers must know."""
        return ()

    @cached_property
    def store(self) -> Store:
        return open_store(self.corpus, self.preprocess, self.cache_dir)

    @cached_property
    def fold(self) -> Fold:
        """The first fold of the split."""
        return self.as_used(next(iter(folds(self.split, self.table))))

    def as_used(self, fold: Fold) -> Fold:
        """A fold of the split as the task learns from it."""
        return fold

    def by_fold(self) -> Iterator[Self]:
        """The same data once per fold of the split; signals, table and their copy on a device are shared."""
        self.source.on(torch.device("cpu"))  # made here, once for all
        for fold in folds(self.split, self.table):
            again = copy(self)
            again.__dict__.pop("facts", None)
            again.fold = self.as_used(fold)
            yield again

    @cached_property
    def facts(self) -> Facts:
        """What networks and losses may know: counts and feature statistics of the training rows."""
        train = self.fold.train
        mean, std = _spread(self.table.features[train].astype(np.float64))
        counts = by_class(self.table.label[train], len(self.classes)).sum(axis=0).tolist()
        return Facts(
            class_counts=tuple(counts),
            n_rows=len(train),
            feature_mean=tuple(mean.tolist()),
            feature_std=tuple(std.tolist()),
            positive_counts=tuple(counts[-1:] if self.problem == "binary" else counts),
            extra_channels={name: extra.n_channels for name, extra in self.store.extra.items()},
        )

    @cached_property
    def source(self) -> WindowSource:
        n_leads, fs_hz = len(self.preprocess.leads), self.preprocess.fs_hz
        n_samples = self.window.n_samples
        others = {name: Beside(extra, self.table, n_samples, fs_hz) for name, extra in self.store.extra.items()}
        return WindowSource(self.store.signal, self.table, n_leads, self.window, self.preprocess.scale, others)

    def items(self, side: str) -> tuple[Int[np.ndarray, "item *beat"], Bool[np.ndarray, "item *beat"]]:
        """Rows of one side as the network takes them, and which of them count."""
        rows = getattr(self.fold, side)
        return rows, np.ones(len(rows), bool)

    def unchanged(self, side: str, most: int) -> Iterator[Batch]:
        """Batches of up to so many rows of one side, spread over it, without chance.

        Args:
            side: of the fold.
            most: rows in all.
        """
        rows = getattr(self.fold, side)
        some = torch.from_numpy(rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)])
        for row in some.split(self.batch_size):
            yield self.source.gather(row, torch.ones(len(row), dtype=torch.bool))

    def train_dataloader(self) -> DataLoader[Batch]:
        return self._loader(("train",), self.sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(("val",), None)

    def predict_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.scored_sides, None)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:  # noqa: ARG002, Lightning's signature
        """Gather on the device what the loader handed over as row numbers, and let chance at training batches."""
        if isinstance(batch, Batch):  # made outside a loader
            return batch
        what, *scored, seed = batch
        gathered = what if isinstance(what, Batch) else self.source.on(what.device).gather(what, scored[0], seed)
        if seed is None:
            return gathered
        generator = torch.Generator(gathered.ecg.device).manual_seed(seed + 1)  # seed itself has drawn the crops
        return self.augment(gathered, self.preprocess.fs_hz, generator)

    def _loader(self, sides: Sequence[str], sampler: Sampler | None) -> DataLoader[Batch]:
        row, scored = (np.concatenate(part) for part in zip(*(self.items(side) for side in sides), strict=True))
        device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
        source = None if fits(self.source, device) else self.source
        items = Items(torch.from_numpy(row), torch.from_numpy(scored), source)
        label = _rarest(self.table.label, self.facts.class_counts)[row if row.ndim == 1 else row[:, 0]]
        rank = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        n_crops = 1 if self.source.crop_start is None or sampler is not None else len(self.source.crop_start)
        n_items = max(1, self.batch_size // (n_crops if row.ndim == 1 else row.shape[1]))
        return loader(items, Epochs(label, n_items, sampler, self.seed, rank))


def _spread(
    features: Float[np.ndarray, "row feature"],
) -> tuple[Float[np.ndarray, " feature"], Float[np.ndarray, " feature"]]:
    """Mean and standard deviation over the rows where a feature is known; 0 and 1 where it never is or never varies."""
    known = ~np.isnan(features)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0) / n_known
    std = np.sqrt((np.where(known, features - mean, 0) ** 2).sum(axis=0) / n_known)
    return mean, np.where(std > 0, std, 1.0)


def _rarest(
    label: Int[np.ndarray, " row"] | Int[np.ndarray, "row class"], counts: Sequence[int]
) -> Int[np.ndarray, " row"]:
    """The class of each row; of several the one that fewest training rows have, for samplers that re-balance."""
    if label.ndim == 1:
        return label
    return np.where(label > 0, counts, np.iinfo(np.int64).max).argmin(axis=1)
