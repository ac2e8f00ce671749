"""Window by window: seconds of ECG with the glucose reading that they inherit."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from ecg_lightning.augment import Augment
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.readings import Course, Readings, Rule, course
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.dsp import quality
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Sampler
from ecg_lightning.splits import Split
from ecg_lightning.structures import Refused, WindowTable
from ecg_lightning.windowing import Segments

FLAGS = {"flat": quality.FLAT, "clipped": quality.CLIPPED, "noisy": quality.NOISE}  # bits of a second


@runtime_checkable
class Monitored(Corpus, Protocol):
    """A corpus whose patients wear a glucose sensor, or prick their fingers."""

    unit: str

    def glucose(self, patient: str) -> Readings: ...
    def remarks(self, records: Sequence[str]) -> tuple[str, ...]: ...


@dataclass(frozen=True, eq=False)
class Stretch:
    """The windows of one unbroken record that have a label.

    Args:
        start: their first samples.
        reading: the number of the reading that each inherits.
        left_out: how many others there are, by reason; of bad ones also how many have seconds of each flag.
    """

    start: Int[np.ndarray, " window"]
    reading: Int[np.ndarray, " window"]
    left_out: Mapping[str, int]


class GlucoseData(Windowed):
    """Windows one after another through unbroken stretches of ECG: low glucose, or not.

    Args:
        corpus: where records and readings come from.
        classes: two, the negative first.
        label: which reading a window inherits, "following", "preceding" or "nearest".
        tolerance_s: how far from the window it may lie.
        low_mmol_l: below it a reading is low.
        ambiguous_mmol_l: windows whose reading lies between these two are left out, on every side; None for none.
        worst_share: of its seconds that may be flat, clipped or noisy; windows with more are left out.
        window: its length, and the step from one to the next.
        preprocess: what is done to a record first; z-scored by window where the corpus has no unit.
        features: numbers about the window.
        split: who stands on which side.
        sampler: order of a training epoch.
        augment: what chance does to training batches.
        batch_size: windows a batch.
        seed: of the order and the augmentation of training rows.
        cache_dir: where the store lies.
        scope: what the network sees at once: "window".

    Raises:
        ValueError: classes are not two, a setting lies outside its limits, or a split by time is to divide
            windows that overlap.
    """

    window: Segments
    problem = "binary"
    needs = ("patient", "glucose")
    describes = "segment"
    scopes = ("window",)
    modes = ("diagnostic",)

    def __init__(
        self,
        corpus: Monitored,
        classes: Sequence[str],
        label: str,
        tolerance_s: float,
        low_mmol_l: float,
        ambiguous_mmol_l: Sequence[float] | None,
        worst_share: float,
        window: Segments,
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
        if len(classes) != 2:
            raise ValueError(f"task.classes={list(classes)} must be two, the negative first: e.g. [normal, low]")
        if not 0 <= worst_share <= 1:
            raise ValueError(f"task.data.worst_share={worst_share} must lie between 0 and 1")
        if window.hop < window.n_samples and "day" in split.needs:
            raise ValueError(
                f"task.data.window.hop={window.hop} lets windows of {window.n_samples} samples overlap, and a split of "
                f"the same people at other times would put shared samples on two sides: take {window.n_samples}, or "
                f"split=holdout"
            )
        if corpus.unit != "mV":
            scale = "window" if preprocess.scale == "none" else preprocess.scale
            preprocess = replace(preprocess, unit=corpus.unit, scale=scale)
        super().__init__(
            corpus, classes, window, preprocess, features, split, sampler, augment, batch_size, seed, cache_dir
        )
        self.rule = Rule(label, tolerance_s, low_mmol_l, ambiguous_mmol_l)
        self.monitored, self.worst_share, self.scope = corpus, worst_share, scope

    def remarks(self) -> tuple[str, ...]:
        """What the corpus says, how windows were labelled, who never goes low, and which windows were left out."""
        low = np.bincount(self.table.patient, self.table.label, len(self.table.patient_names))
        n_never = int((low == 0).sum())
        said = [self.rule.in_words()]
        said += (
            [f"{n_never} of {len(low)} patients never go low in their windows: they have no AUROC"] if n_never else []
        )
        return (*self.monitored.remarks(self.store.records), *said, *self._left_out())

    def _left_out(self) -> Iterator[str]:
        """How many windows, and why."""
        n: Counter[str] = sum((Counter(stretch.left_out) for stretch in self.stretches), Counter())
        if n["unlabelled"]:
            yield f"{n['unlabelled']:,} windows have no reading within {self.rule.tolerance_s:g} s and are left out"
        if (limits := self.rule.ambiguous_mmol_l) is not None and n["ambiguous"]:
            least, most = limits
            yield f"{n['ambiguous']:,} windows with a reading of {least:g} to {most:g} mmol/L are left out on all sides"
        if n["bad"]:
            why = ", ".join(f"{n[word]:,} have {word} ones" for word in FLAGS if n[word])
            yield f"{n['bad']:,} windows with more than {100 * self.worst_share:g} % of bad seconds are left out: {why}"

    @cached_property
    def courses(self) -> dict[str, Course]:
        """The readings of every patient."""
        found: dict[str, Course] = {}
        first = 0
        for patient in dict.fromkeys(self.store.patients):
            found[patient] = course(self.monitored.glucose(patient), self.rule, first)
            first += len(found[patient].time_s)  # no more episodes than readings: no two patients share a number
        return found

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The windows of every record of the store."""
        store, flags = self.store, self.store.quality_by_record()
        return [
            self._stretch(self.courses[patient], int(length), float(begin_s), flags[i])
            for i, (patient, length, begin_s) in enumerate(
                zip(store.patients, store.length, store.begin_s, strict=True)
            )
        ]

    def _stretch(self, known: Course, length: int, begin_s: float, flags: UInt8[np.ndarray, " second"]) -> Stretch:
        fs_hz, n_samples = self.preprocess.fs_hz, self.window.n_samples
        start = self.window.starts(length)
        reading = self.rule.reading_of(begin_s + start / fs_hz, n_samples / fs_hz, known.time_s)
        found = reading >= 0
        left_out = {"unlabelled": int((~found).sum())}
        start, reading = start[found], reading[found]
        clear = ~self.rule.ambiguous(known.mmol_l[reading])
        left_out["ambiguous"] = int((~clear).sum())
        start, reading = start[clear], reading[clear]
        bad = quality.bad_share(flags, start, n_samples, fs_hz) > self.worst_share
        left_out["bad"] = int(bad.sum())
        for word, bit in FLAGS.items():
            left_out[word] = int((quality.bad_share(flags & bit, start[bad], n_samples, fs_hz) > 0).sum())
        return Stretch(start[~bad], reading[~bad], left_out)

    @cached_property
    def table(self) -> WindowTable:
        """One row per window with a label.

        Raises:
            Refused: there is none.
        """
        store, fs_hz = self.store, self.preprocess.fs_hz
        record = np.repeat(np.arange(len(store.records)), [len(stretch.start) for stretch in self.stretches])
        if not len(record):
            raise Refused(
                f"no window inherits a reading ({'; '.join(self._left_out())}): compare the clocks of ECG and glucose, "
                f"or raise task.data.tolerance_s"
            )
        people = tuple(dict.fromkeys(store.patients[i] for i in record.tolist()))
        number = {name: i for i, name in enumerate(people)}
        start = np.concatenate([stretch.start for stretch in self.stretches])
        return WindowTable(
            record=record,
            patient=np.array([number[store.patients[i]] for i in record.tolist()]),
            time_s=start / fs_hz,
            start=start,
            first=store.first[record],
            length=store.length[record],
            label=self._inherited("label"),
            features=self._described(),
            record_names=store.records,
            patient_names=people,
            day=self._inherited("day"),
            episode=self._inherited("episode"),
            measured={"glucose_mmol_l": self._inherited("mmol_l"), "clock_s": store.begin_s[record] + start / fs_hz},
        )

    def _inherited(self, column: str) -> np.ndarray:
        """What the reading of each window says."""
        whose = zip(self.store.patients, self.stretches, strict=True)
        return np.concatenate([getattr(self.courses[name], column)[stretch.reading] for name, stretch in whose])

    def _described(self) -> Float[np.ndarray, "window feature"]:
        store, n_leads = self.store, len(self.preprocess.leads)
        return np.concatenate(
            [
                self.features.of_segments(
                    store.record(name, n_leads),
                    peak_sample,
                    stretch.start,
                    self.window.n_samples,
                    self.preprocess.fs_hz,
                    float(begin_s),
                )
                for name, peak_sample, stretch, begin_s in zip(
                    store.records, store.peaks_by_record(), self.stretches, store.begin_s, strict=True
                )
            ]
        )
