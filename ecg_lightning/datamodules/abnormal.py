"""Normal or not: seconds round every annotated beat, told apart by its symbol or by those of all beats in them."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ecg_lightning.augment import Augment
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.beats import beat_table
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split
from ecg_lightning.store import Store
from ecg_lightning.structures import WindowTable
from ecg_lightning.windowing import Window

NORMAL = "N"  # symbol of WFDB; every other beat is abnormal, also a bundle branch block, which is "N" to AAMI
LABELS = ("centre", "any")


class AbnormalBeatData(Windowed):
    """Windows round the R peaks of a corpus, and whether they are abnormal.

    Args:
        corpus: where records come from.
        classes: the word for normal first.
        label: "centre" asks whether the beat round which a window lies is abnormal, "any" whether one in the window is.
        window: what is cut round each R peak.
        preprocess: what is done to a record first.
        features: numbers of the rhythm.
        split: who stands on which side.
        sampler: order of a training epoch.
        augment: what chance does to training batches.
        batch_size: windows a batch.
        seed: of the order and the augmentation of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once: "window".

    Raises:
        ValueError: label is another word.
    """

    window: Window
    problem = "binary"
    needs = ("beats",)
    describes = "beat"
    scopes = ("window",)
    modes = ("diagnostic", "real_time")

    def __init__(
        self,
        corpus: Corpus,
        classes: Sequence[str],
        label: str,
        window: Window,
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
        if label not in LABELS:
            raise ValueError(f"task.data.label={label} is unknown: choose from {', '.join(LABELS)}")
        super().__init__(
            corpus, classes, window, preprocess, features, split, sampler, augment, batch_size, seed, cache_dir
        )
        self.label, self.scope = label, scope

    def remarks(self) -> tuple[str, ...]:
        """How much neighbouring windows share, where a split may put neighbours on two sides."""
        if not self.fold.shares_patients:
            return ()
        between = [np.diff(peak_sample) for peak_sample in self.store.peaks_by_record()]
        shared = 1 - np.minimum(np.concatenate(between) / self.window.n_samples, 1).mean()
        return (
            f"windows of neighbouring beats share {shared:.0%} of their samples on average: under this split the same "
            f"seconds stand on several sides",
        )

    @cached_property
    def table(self) -> WindowTable:
        """One row per annotated beat."""
        abnormal = self.store.symbol != NORMAL
        if self.label == "any":
            abnormal = any_inside(abnormal, self.store, self.window)
        return beat_table(self.store, abnormal.astype(np.int64), self.window, self.features, self.preprocess.fs_hz)


def any_inside(marked: Bool[np.ndarray, " beat"], store: Store, window: Window) -> Bool[np.ndarray, " beat"]:
    """Whether one of the beats in the window round each beat is marked.

    Args:
        marked: of all beats of the store.
        store: its R peaks ascend within each record.
        window: a beat lies in it when its R peak does.
    """
    n_marked = np.append(0, np.cumsum(marked))  # before each beat of the store
    inside, begin = [], 0
    for peak_sample in store.peaks_by_record():
        first = peak_sample - window.n_before
        low, high = (np.searchsorted(peak_sample, edge) for edge in (first, first + window.n_samples))
        inside.append(n_marked[begin + high] > n_marked[begin + low])
        begin += len(peak_sample)
    return np.concatenate(inside)
