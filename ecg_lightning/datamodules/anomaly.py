"""Normal windows to learn from, and all windows to judge: beats, rows of a csv, or whole recordings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Bool

from ecg_lightning.augment import Augment
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.beats import beat_table
from ecg_lightning.datamodules.records import Labelled, listed, record_table
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split, check_known
from ecg_lightning.structures import AAMI, Fold, Refused, WindowTable
from ecg_lightning.windowing import Crops, Window

MIN_NORMALS = 2  # of either side: fewer do not say how much they vary
STATEMENTS = "super"  # kind of labels of a corpus of whole recordings


@runtime_checkable
class Cut(Corpus, Protocol):
    """A corpus whose beats were cut out before: a record is rows one after another, each from its first sample on."""

    unit: str
    fs_hz: float
    labels: Mapping[int, str]  # what the symbols, all of them numbers, stand for

    def patient_known(self, name: str) -> bool: ...
    def official_fold(self, name: str) -> int: ...
    def remarks(self, records: Sequence[str]) -> tuple[str, ...]: ...


class AnomalyData(Windowed):
    """Windows of a corpus; those that are normal alone are learned from.

    Args:
        corpus: where records come from; it says what is normal by beats or by statements about recordings.
        classes: the word for normal first.
        kinds: of windows, and what they mean; the normal one first. A beat is of the kind of its very symbol, else of
            that of its AAMI class, else left out; recordings carry statements, and are normal by the first alone.
        window: round each R peak, or the crops of a whole recording.
        preprocess: what is done to a record first.
        features: numbers of the rhythm, which join the score; none for whole recordings.
        split: who stands on which side.
        sampler: order of a training epoch.
        augment: what chance does to training batches.
        batch_size: windows a batch.
        seed: of the order and the augmentation of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once: "window".

    Raises:
        ValueError: there is no kind beside the normal one.
        Refused: the corpus has no rhythm, but features of it are asked for; or windows do not fit its rows.
    """

    window: Window | Crops
    problem = "anomaly"
    needs = ("normals",)
    describes = "beat"
    scopes = ("window",)
    modes = ("diagnostic", "real_time")

    def __init__(
        self,
        corpus: Corpus,
        classes: Sequence[str],
        kinds: Mapping[str, str],
        window: Window | Crops,
        preprocess: Preprocess,
        features: Features,
        split: Split,
        sampler: Sampler,
        augment: Augment,
        batch_size: int,
        seed: int,
        cache_dir: str | Path,
        scope: str,
    ) -> None:
        if len(kinds) < 2:
            raise ValueError(f"task.kinds={dict(kinds)} must name the normal kind first, and at least one other")
        if isinstance(window, Crops) != isinstance(corpus, Labelled):
            rows = "whole recordings" if isinstance(corpus, Labelled) else "single beats"
            raise Refused(
                f"task.data.window is a {type(window).__name__}, but rows of dataset {corpus.name} are {rows}: "
                f"leave it as the dataset has it"
            )
        if isinstance(corpus, Labelled) and corpus.unit != "mV":
            scale = "record" if preprocess.scale == "none" else preprocess.scale
            preprocess = replace(preprocess, unit=corpus.unit, scale=scale)
        if isinstance(corpus, Cut):
            preprocess = _left_alone(corpus, preprocess, kinds)
        if features.names and isinstance(corpus, Labelled | Cut):
            raise Refused(
                f"features {', '.join(features.names)} take the beats of a recording one after another, which dataset "
                f"{corpus.name} does not mark: features=none"
            )
        super().__init__(
            corpus, classes, window, preprocess, features, split, sampler, augment, batch_size, seed, cache_dir
        )
        self.normal, *_ = self.every_kind = tuple(kinds)
        self.kinds = {name: meaning for name, meaning in kinds.items() if name != self.normal}
        self.scope = scope

    def as_used(self, fold: Fold) -> Fold:
        """A fold whose training rows are normal.

        Raises:
            Refused: it leaves too few normal rows.
        """
        train, val = (rows[self.table.label[rows] == 0] for rows in (fold.train, fold.val))
        for side, normal in (("train", train), ("val", val)):
            if len(normal) < MIN_NORMALS:
                raise Refused(
                    f"the split leaves {len(normal)} normal rows for {side}, of which it takes at least {MIN_NORMALS}: "
                    f"use more patients or another split"
                )
        return replace(fold, train=train)

    @cached_property
    def table(self) -> WindowTable:
        """One row per window of a known kind."""
        if isinstance(self.corpus, Labelled):
            return self._of_recordings(self.corpus)
        if isinstance(self.corpus, Cut):
            return self._of_rows(self.corpus)
        return self._of_beats(self.store.symbol)

    def _of_beats(self, symbol: np.ndarray) -> WindowTable:
        """A row for every beat whose symbol is of a kind."""
        of_kind = _of_kind(symbol, self.every_kind)
        label = np.where(of_kind[self.normal], 0, 1)
        label[~np.any(list(of_kind.values()), axis=0)] = -1
        table = beat_table(self.store, label, cast(Window, self.window), self.features, self.preprocess.fs_hz)
        return replace(table, kinds={name: of_kind[name][label >= 0] for name in self.kinds})

    def _of_rows(self, corpus: Cut) -> WindowTable:
        """A row for every row of the files, with what is known of their origin."""
        self._check_length()
        known, fold = (
            np.array([ask(name) for name in self.store.records]) for ask in (corpus.patient_known, corpus.official_fold)
        )
        if "patient" in self.split.needs and not known.all():
            raise Refused(
                f"nobody knows whose the rows of {self.store.records[known.argmin()]}.csv are, so no split by patients "
                f"keeps them apart: put their patients beside, as `python -m ecg_lightning.datasets.heartbeat_csv` "
                f"does, or take split=files or split=random_windows, which are called leaky"
            )
        table = self._of_beats(np.array([corpus.labels[int(number)] for number in self.store.symbol]))
        return replace(table, patient_known=known[table.record], official_fold=fold[table.record])

    def remarks(self) -> tuple[str, ...]:
        """What the corpus says of itself, how many beats are of no kind, and which kinds have no row."""
        said = list(self.corpus.remarks(self.store.records)) if isinstance(self.corpus, Labelled | Cut) else []
        if not isinstance(self.corpus, Labelled) and (n_left_out := len(self.store.symbol) - len(self.table)):
            said.append(f"{n_left_out:,} beats are of none of the kinds {', '.join(self.every_kind)} and are left out")
        if nowhere := [name for name, own in self.table.kinds.items() if not own.any()]:
            said.append(f"no row is of kind {', '.join(nowhere)}")
        return tuple(said)

    def _check_length(self) -> None:
        """Refuse windows that are not as long as the rows that were cut before."""
        found = np.unique(np.concatenate([np.diff(row) for row in self.store.peaks_by_record()]))
        if wrong := [n for n in found.tolist() if n != self.window.n_samples]:
            raise Refused(
                f"rows of dataset {self.corpus.name} have {wrong[0]} samples, but windows {self.window.n_samples}: "
                f"task.signal.window_s={wrong[0]}/{self.preprocess.fs_hz:g}"
            )

    def _of_recordings(self, corpus: Labelled) -> WindowTable:
        check_known(self.split, corpus.sheet().patient_known)  # before anything is prepared
        stated = corpus.labels(STATEMENTS, 0)[listed(corpus, self.store)] == 1
        if stated.shape[1] != len(self.every_kind):
            raise Refused(
                f"task.kinds={list(self.every_kind)} must be the {stated.shape[1]} that recordings state: leave it so"
            )
        keep = np.flatnonzero(stated.any(axis=1))
        other = stated[keep, 1:]
        table = record_table(corpus, self.store, keep, other.any(axis=1).astype(np.int64), self.features)
        return replace(table, kinds=dict(zip(self.kinds, other.T, strict=True)))


def _left_alone(corpus: Cut, preprocess: Preprocess, kinds: Collection[str]) -> Preprocess:
    """The preprocessing of rows that were cut before, which lets nothing run from one to the next.

    Raises:
        Refused: it would, or rows would be resampled; or a label stands for what is no kind.
    """
    if strange := sorted(set(corpus.labels.values()) - set(kinds)):
        raise Refused(
            f"dataset.labels={dict(corpus.labels)} names {', '.join(strange)}, which task.kinds={list(kinds)} does not "
            f"hold: name kinds, or add one, e.g. +task.kinds.{strange[0]}=meaning"
        )
    if corpus.fs_hz != preprocess.fs_hz:
        raise Refused(
            f"dataset.fs_hz={corpus.fs_hz:g} differs from task.signal.fs_hz={preprocess.fs_hz:g}, and cut rows "
            f"cannot be resampled: set task.signal.fs_hz alone"
        )
    if preprocess.filter != "none" or preprocess.scale not in ("none", "window"):
        raise Refused(
            f"preprocess.filter={preprocess.filter} with scale={preprocess.scale} would run from beat to beat in "
            f"dataset {corpus.name}, whose beats are cut already: preprocess=raw, with preprocess.scale=none or window"
        )
    return replace(preprocess, unit=corpus.unit)


def _of_kind(symbol: np.ndarray, kinds: Sequence[str]) -> dict[str, Bool[np.ndarray, " beat"]]:
    """Which beats are of each kind: that of their very symbol, else that of their AAMI class."""
    kind_of = {one: name for name in kinds for one in AAMI.get(name, "")} | {name: name for name in kinds}
    return {name: np.isin(symbol, [one for one, kind in kind_of.items() if kind == name]) for name in kinds}
