"""Beat by beat: every annotated beat with its AAMI class."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.windows import Epochs, Items, WindowSource, beats_in_a_row, fits, loader
from ecg_lightning.prepare import Features, Preprocess, Window
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split, folds
from ecg_lightning.store import Corpus, Store, open_store
from ecg_lightning.structures import Facts, Fold, WindowTable

# Source: ANSI/AAMI EC57:2012, table 3, in the symbols of WFDB.
AAMI = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}


class BeatData(LightningDataModule):
    """Windows round the R peaks of a corpus, their rhythm features and their AAMI classes.

    Args:
        corpus: where records come from.
        classes: AAMI letters, in the order of the network's outputs.
        window: what is cut round each R peak.
        preprocess: what is done to a record first.
        features: numbers of the rhythm.
        split: who stands on which side.
        sampler: order of a training epoch.
        batch_size: windows a batch; sequences count with all their beats.
        n_beats: beats in a row, where scope is "sequence".
        context: unscored beats on either side of these; in real time all of them before.
        mode: "diagnostic" or "real_time".
        seed: of the order of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once, "window" or "sequence".
    """

    def __init__(
        self,
        corpus: Corpus,
        classes: Sequence[str],
        window: Window,
        preprocess: Preprocess,
        features: Features,
        split: Split,
        sampler: Sampler,
        batch_size: int,
        n_beats: int,
        context: int,
        mode: str,
        seed: int,
        cache_dir: str | Path,
        scope: str,
    ) -> None:
        super().__init__()
        if unknown := [c for c in classes if c not in AAMI]:
            raise ValueError(f"task.classes holds {unknown}: choose from {', '.join(AAMI)}")
        if batch_size < 1:
            raise ValueError(f"task.data.batch_size={batch_size} must be at least 1")
        self.corpus, self.classes, self.window = corpus, tuple(classes), window
        self.preprocess, self.features, self.split, self.sampler = preprocess, features, split, sampler
        self.batch_size, self.n_beats, self.scope, self.seed = batch_size, n_beats, scope, seed
        self.before, self.after = (context, context) if mode == "diagnostic" else (2 * context, 0)
        self.cache_dir = Path(cache_dir)
        self.scored_sides: tuple[str, ...] = ("val",)

    @cached_property
    def store(self) -> Store:
        return open_store(self.corpus, self.preprocess, self.cache_dir)

    @cached_property
    def table(self) -> WindowTable:
        """One row per beat of a class that the task knows."""
        return beat_table(self.store, self.classes, self.window, self.features, self.preprocess.fs_hz)

    @cached_property
    def fold(self) -> Fold:
        """The first fold of the split."""
        return next(iter(folds(self.split, self.table)))

    @cached_property
    def facts(self) -> Facts:
        """What networks and losses may know: counts and feature statistics of the training rows."""
        rows = self.table.features[self.fold.train].astype(np.float64)
        std = rows.std(axis=0)
        return Facts(
            class_counts=tuple(np.bincount(self.table.label[self.fold.train], minlength=len(self.classes)).tolist()),
            n_rows=len(rows),
            feature_mean=tuple(rows.mean(axis=0).tolist()),
            feature_std=tuple(np.where(std > 0, std, 1.0).tolist()),
        )

    @cached_property
    def source(self) -> WindowSource:
        n_leads = len(self.preprocess.leads)
        return WindowSource(self.store.signal, self.table, n_leads, self.window, self.preprocess.scale)

    def items(self, side: str) -> tuple[Int[np.ndarray, "item *beat"], Bool[np.ndarray, "item *beat"]]:
        """Rows of one side as the network takes them, and which of them count."""
        rows = getattr(self.fold, side)
        if self.scope == "window":
            return rows, np.ones(len(rows), bool)
        return beats_in_a_row(rows, self.table, self.n_beats, self.before, self.after)

    def train_dataloader(self) -> DataLoader[Batch]:
        return self._loader(("train",), self.sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(("val",), None)

    def predict_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.scored_sides, None)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:  # noqa: ARG002, Lightning's signature
        """Gather on the device what the loader handed over as row numbers."""
        return batch if isinstance(batch, Batch) else self._on_device(batch[0].device).gather(*batch)

    def _on_device(self, device: torch.device) -> WindowSource:
        if self._here is None or self._here[0] != device:
            self._here = (device, self.source if device.type == "cpu" else self.source.to(device))
        return self._here[1]

    _here: tuple[torch.device, WindowSource] | None = None

    def _loader(self, sides: Sequence[str], sampler: Sampler | None) -> DataLoader[Batch]:
        row, scored = (np.concatenate(part) for part in zip(*(self.items(side) for side in sides), strict=True))
        device = torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device
        source = None if fits(self.source, device) else self.source
        items = Items(torch.from_numpy(row), torch.from_numpy(scored), source)
        label = self.table.label[row if row.ndim == 1 else row[:, 0]]
        rank = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        n_items = max(1, self.batch_size // (1 if row.ndim == 1 else self.n_beats))
        return loader(items, Epochs(label, n_items, sampler, self.seed, rank))


def beat_table(store: Store, classes: Sequence[str], window: Window, features: Features, fs_hz: float) -> WindowTable:
    """Label the beats of a store and say where their windows lie.

    Beats of classes that are not asked for get no row, but they are neighbours in the rhythm all the same.
    """
    record = np.repeat(np.arange(len(store.records)), store.n_beats)
    ends = np.cumsum(store.n_beats)
    described = [features.of(store.peak_sample[e - n : e], fs_hz) for e, n in zip(ends, store.n_beats, strict=True)]
    label = np.full(len(record), -1)
    for number, name in enumerate(classes):
        label[np.isin(store.symbol, list(AAMI[name]))] = number
    people = tuple(dict.fromkeys(store.patients))
    person = np.array([people.index(p) for p in store.patients])
    keep = label >= 0
    record = record[keep]
    return WindowTable(
        record=record,
        patient=person[record],
        time_s=store.peak_sample[keep] / fs_hz,
        start=store.peak_sample[keep] - window.n_before,
        first=store.first[record],
        length=store.length[record],
        label=label[keep],
        features=np.concatenate(described)[keep],
        record_names=store.records,
        patient_names=people,
    )
