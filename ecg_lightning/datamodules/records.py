"""Whole recordings, each with all of its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.augment import Augment
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split, check_known
from ecg_lightning.store import Store
from ecg_lightning.structures import Refused, Sheet, WindowTable
from ecg_lightning.windowing import Crops

AGES = {"under 40": 0, "40-59": 40, "60-79": 60, "80 and over": 80}  # years, from which each group begins


@runtime_checkable
class Labelled(Corpus, Protocol):
    """A corpus whose records carry statements as a whole."""

    unit: str

    def sheet(self) -> Sheet: ...
    def labels(self, kind: str, least_percent: float) -> Int[np.ndarray, "record class"]: ...
    def remarks(self, records: Sequence[str]) -> tuple[str, ...]: ...


class RecordData(Windowed):
    """Recordings of one length with their statements, and what is known of the persons.

    One row per recording: a random crop of it in training, all overlapping crops when it is scored.

    Args:
        corpus: where records come from.
        classes: in the order of the network's outputs, as the corpus orders this kind of labels.
        labels: the kind of labels, e.g. "super".
        least_percent: likelihood from which a diagnostic statement counts; 0 lets all of them.
        window: crops, or one window as long as the recordings.
        preprocess: what is done to a record first; z-scored by record where the corpus has lost its amplitudes.
        features: numbers about the person.
        split: who stands on which side.
        sampler: order of a training epoch; of several labels the rarest decides.
        augment: what chance does to training batches.
        batch_size: recordings a batch.
        seed: of the order, the crops and the augmentation of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once: "window".

    Raises:
        ValueError: least_percent lies outside 0 to 100.
    """

    problem = "multilabel"
    needs = ("statements", "person")
    describes = "person"
    scopes = ("window",)
    modes = ("diagnostic",)

    def __init__(
        self,
        corpus: Labelled,
        classes: Sequence[str],
        labels: str,
        least_percent: float,
        window: Crops,
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
        if not 0 <= least_percent <= 100:
            raise ValueError(f"task.data.least_percent={least_percent} must lie between 0 and 100")
        if corpus.unit != "mV":
            scale = "record" if preprocess.scale == "none" else preprocess.scale
            preprocess = replace(preprocess, unit=corpus.unit, scale=scale)
        super().__init__(
            corpus, classes, window, preprocess, features, split, sampler, augment, batch_size, seed, cache_dir
        )
        self.scope = scope
        self.labelled, self.labels, self.least_percent = corpus, labels, least_percent

    def remarks(self) -> tuple[str, ...]:
        """What the corpus says, and how many recordings have no label."""
        left_out = len(self.store.records) - len(self.table)
        words = (
            f"{left_out:,} of {len(self.store.records):,} records have no label of kind {self.labels} and are left out"
        )
        return (*self.labelled.remarks(self.store.records), *([words] if left_out else []))

    @cached_property
    def table(self) -> WindowTable:
        """One row per recording that has a label.

        Raises:
            Refused: the corpus orders other classes, or no recording has a label.
        """
        check_known(self.split, self.labelled.sheet().patient_known)  # before anything is prepared
        label = self.labelled.labels(self.labels, self.least_percent)[listed(self.labelled, self.store)]
        if label.shape[1] != len(self.classes):
            raise Refused(
                f"task.classes holds {len(self.classes)} classes, but labels of kind {self.labels} have "
                f"{label.shape[1]}: leave task.classes as task.labels gives it"
            )
        keep = np.flatnonzero(label.any(axis=1))
        if not len(keep):
            raise Refused(
                f"no record has a label of kind {self.labels} with a likelihood of {self.least_percent:g} % or more: "
                f"lower task.data.least_percent"
            )
        return record_table(self.labelled, self.store, keep, label[keep], self.features)


def listed(corpus: Labelled, store: Store) -> Int[np.ndarray, " record"]:
    """Where the records of a store stand among those of its corpus: the store may have skipped some."""
    place = {name: number for number, name in enumerate(corpus.records())}
    return np.array([place[name] for name in store.records])


def record_table(
    corpus: Labelled,
    store: Store,
    keep: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"] | Int[np.ndarray, "row class"],
    features: Features,
) -> WindowTable:
    """Say whose the recordings of a store are, and what is known of these persons.

    Args:
        corpus: of the store.
        store: of preprocessed records.
        keep: the records that get a row.
        label: of each of these.
        features: numbers about the person.
    """
    sheet, place = corpus.sheet(), listed(corpus, store)[keep]
    people = tuple(dict.fromkeys(store.patients[i] for i in keep))
    number = {name: i for i, name in enumerate(people)}
    person = {name: values[place] for name, values in sheet.person.items()}
    return WindowTable(
        record=keep,
        patient=np.array([number[store.patients[i]] for i in keep]),
        time_s=np.zeros(len(keep)),
        start=np.zeros(len(keep), np.int64),
        first=store.first[keep],
        length=store.length[keep],
        label=label,
        features=features.of_persons(person),
        record_names=store.records,
        patient_names=people,
        official_fold=sheet.official_fold[place],
        patient_known=sheet.patient_known[place],
        groups=groups(person),
    )


def groups(person: Mapping[str, Float[np.ndarray, " record"]]) -> dict[str, np.ndarray]:
    """Sex and age group of each recording in a word; "unknown" where the corpus does not say."""
    female, age_years = person["sex_female"], person["age_years"]
    sex = np.select([female == 1, female == 0], ["female", "male"], "unknown")
    begins = np.array(list(AGES.values()))
    age = np.array(list(AGES))[np.searchsorted(begins, np.nan_to_num(age_years), side="right") - 1]
    return {"sex": sex, "age": np.where(np.isnan(age_years), "unknown", age)}
