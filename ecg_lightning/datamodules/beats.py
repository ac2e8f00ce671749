"""Beat by beat: every annotated beat with its AAMI class."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from ecg_lightning.augment import Augment
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.records import groups
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.datamodules.windows import beats_in_a_row
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split
from ecg_lightning.store import Store
from ecg_lightning.structures import AAMI, WindowTable
from ecg_lightning.windowing import Window


@runtime_checkable
class KnowsPersons(Protocol):
    """A corpus that says how old the people of its records were, and of which sex; NaN is not known."""

    def persons(self, records: Sequence[str]) -> Mapping[str, Float[np.ndarray, " record"]]: ...


class BeatData(Windowed):
    """Windows round the R peaks of a corpus, their rhythm features and their AAMI classes.

    Args:
        corpus: where records come from.
        classes: AAMI letters, in the order of the network's outputs.
        window: what is cut round each R peak.
        preprocess: what is done to a record first.
        features: numbers of the rhythm.
        split: who stands on which side.
        sampler: order of a training epoch.
        augment: what chance does to training batches.
        batch_size: windows a batch; sequences count with all their beats.
        n_beats: beats in a row, where scope is "sequence".
        context: unscored beats on either side of these; in real time all of them before.
        mode: "diagnostic" or "real_time".
        seed: of the order of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once, "window" or "sequence".
    """

    window: Window
    problem = "multiclass"
    needs = ("beats",)
    describes = "beat"
    scopes = ("window", "sequence")
    modes = ("diagnostic", "real_time")

    def __init__(
        self,
        corpus: Corpus,
        classes: Sequence[str],
        window: Window,
        preprocess: Preprocess,
        features: Features,
        split: Split,
        sampler: Sampler,
        augment: Augment,
        batch_size: int,
        n_beats: int,
        context: int,
        mode: str,
        seed: int,
        cache_dir: str | Path,
        scope: str,
    ) -> None:
        if unknown := [c for c in classes if c not in AAMI]:
            raise ValueError(f"task.classes holds {unknown}: choose from {', '.join(AAMI)}")
        super().__init__(
            corpus, classes, window, preprocess, features, split, sampler, augment, batch_size, seed, cache_dir
        )
        self.n_beats, self.scope = n_beats, scope
        self.before, self.after = (context, context) if mode == "diagnostic" else (2 * context, 0)

    @cached_property
    def table(self) -> WindowTable:
        """One row per beat of a class that the task knows."""
        label = aami_label(self.store.symbol, self.classes)
        table = beat_table(self.store, label, self.window, self.features, self.preprocess.fs_hz)
        return replace(table, groups=groups_of(self.corpus, table))

    def items(self, side: str) -> tuple[Int[np.ndarray, "item *beat"], Bool[np.ndarray, "item *beat"]]:
        """Rows of one side as the network takes them, and which of them count."""
        if self.scope == "window":
            return super().items(side)
        return beats_in_a_row(getattr(self.fold, side), self.table, self.n_beats, self.before, self.after)


def groups_of(corpus: Corpus, table: WindowTable) -> dict[str, np.ndarray]:
    """Sex and age group of each row in a word; none where the corpus knows of nobody."""
    if not isinstance(corpus, KnowsPersons):
        return {}
    person = {name: value[table.record] for name, value in corpus.persons(table.record_names).items()}
    return {} if all(np.isnan(value).all() for value in person.values()) else groups(person)


def aami_label(symbol: np.ndarray, classes: Sequence[str]) -> Int[np.ndarray, " beat"]:
    """Number of the AAMI class of each beat; -1 where its class is not asked for."""
    label = np.full(len(symbol), -1)
    for number, name in enumerate(classes):
        label[np.isin(symbol, list(AAMI[name]))] = number
    return label


def beat_table(
    store: Store, label: Int[np.ndarray, " beat"], window: Window, features: Features, fs_hz: float
) -> WindowTable:
    """Say where the windows round the beats of a store lie, and whose they are.

    Beats without a label get no row, but they are neighbours in the rhythm all the same.

    Args:
        store: of preprocessed records.
        label: class index of every beat of the store; -1 for none.
        window: what is cut round each R peak.
        features: numbers of the rhythm.
        fs_hz: sampling rate of the store.
    """
    record = np.repeat(np.arange(len(store.records)), store.n_beats)
    described = [features.of(peak_sample, fs_hz) for peak_sample in store.peaks_by_record()]
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
