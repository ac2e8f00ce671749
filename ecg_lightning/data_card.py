"""What a run says of its data: who stood where, and how many of what."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.windows import WindowSource
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.report.notices import in_words
from ecg_lightning.splits import by_class
from ecg_lightning.store import Store
from ecg_lightning.structures import Fold, WindowTable
from ecg_lightning.windowing import Crops, Segments, Window

SIDES = ("train", "val", "test")
OF_SPLIT = ("leaky_split", "same_patients")  # tags that nothing else says before training
MAX_NAMED = 50  # records in a tag; the card has them all


@runtime_checkable
class Described(Protocol):
    """A corpus that can say where it comes from."""

    name: str
    licence: str
    citation: str
    source: str
    missing: tuple[str, ...]


@runtime_checkable
class Data(Protocol):
    """What a data module shows of itself."""

    store: Store
    table: WindowTable
    fold: Fold
    source: WindowSource
    window: Window | Crops | Segments
    preprocess: Preprocess
    corpus: Corpus
    classes: tuple[str, ...]

    def remarks(self) -> tuple[str, ...]: ...


def data_card(data: Data, corpus: Described, split: str) -> dict[str, Any]:
    """Source, counts per side, class and patient, and what was left out."""
    table, classes = data.table, data.classes
    columns = by_class(table.label, len(classes))
    counts, patients, per_patient = {}, {}, []
    for side in SIDES:
        rows = getattr(data.fold, side)
        counts[side] = dict(zip(classes, columns[rows].sum(axis=0).tolist(), strict=True))
        people, place = np.unique(table.patient[rows], return_inverse=True)
        patients[side] = [table.patient_names[i] for i in people]
        own = np.zeros((len(people), len(classes)), np.int64)
        np.add.at(own, place, columns[rows])
        for person, of_person in zip(patients[side], own.tolist(), strict=True):
            per_patient.append({"patient": person, "side": side, **dict(zip(classes, of_person, strict=True))})
    return {
        "corpus": corpus.name,
        "source": corpus.source,
        "synthetic": data.store.synthetic,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "records": list(data.store.records),
        "missing": list(corpus.missing),
        "skipped": data.store.skipped,
        "fingerprint": data.store.fingerprint,
        "split": split,
        "split_hash": split_hash(data),
        "tags": data_tags(data, corpus),
        "remarks": list(data.remarks()),
        "rows": {side: len(getattr(data.fold, side)) for side in SIDES},
        "counts": counts,
        "patients": patients,
        "per_patient": per_patient,
    }


def notes(card: Mapping[str, Any], features: Features, taken: Features) -> Iterator[str]:
    """What is to be known before training begins, in sentences.

    Args:
        card: of the data.
        features: that were asked for.
        taken: those of them that the network looks at.
    """
    yield from in_words({name: value for name, value in card["tags"].items() if name in OF_SPLIT}, ())
    yield from card["remarks"]
    if unused := [name for name in features.names if name not in taken.names]:
        yield f"the network does not look at {', '.join(unused)}: features=none says so"


def data_tags(data: Data, corpus: Described) -> dict[str, str]:
    """What a reader of the numbers must know of the data, on every page and run."""
    tags = dict(data.fold.tags)
    if data.store.synthetic:
        tags["synthetic"] = "true"
    if corpus.missing:
        tags["missing_records"] = _named(corpus.missing)
    if data.store.skipped:
        tags["skipped_records"] = _named(tuple(data.store.skipped))
    if data.table.patient_known is not None and not data.table.patient_known.all():
        tags["unknown_patients"] = str(int((~data.table.patient_known).sum()))
    if data.preprocess.unit != "mV":
        tags["unit"] = data.preprocess.unit
    return tags


def _named(records: tuple[str, ...]) -> str:
    more = [f"and {len(records) - MAX_NAMED:,} more"] if len(records) > MAX_NAMED else []
    return ",".join([*records[:MAX_NAMED], *more])


def split_hash(data: Data) -> str:
    """Same rows with the same labels and features on the same sides, same hash."""
    digest = hashlib.sha256()
    names = np.array(data.table.record_names)
    for side in SIDES:
        rows = getattr(data.fold, side)
        digest.update(side.encode() + "".join(names[data.table.record[rows]]).encode())
        for column in (data.table.start, data.table.label, data.table.features):
            digest.update(np.ascontiguousarray(column[rows]).tobytes())
    return digest.hexdigest()[:16]
