"""What a reader must know before believing a number; stands on top of the page."""

from collections.abc import Collection, Mapping
from typing import Any

from ecg_lightning.predictions import Predictions
from ecg_lightning.report.contents import Contents
from ecg_lightning.report.sentences import few_positives, first, one_class

TAGS = {
    "leaky_split": "Leaky split: patients stand on both sides. These numbers say nothing about new patients.",
    "same_patients": "Patients stand on both sides, at other times: these numbers hold for people whom the network has "
    "seen before.",
    "unknown_patients": "{value} records or rows name no patient: a record of PTB-XL then counts as a patient of its "
    "own, and all rows of csv files as one.",
    "unit": "The samples have no unit ({value}): their amplitude is lost.",
    "missing_records": "Records that are not at hand: {value}.",
    "skipped_records": "Records that were skipped: {value}.",
    "beside_published": "Records that the published split leaves out stand on its sides: {value}.",
    "shared_patient": "One person stands on both sides of this published split: records {value}.",
}
SAID_ELSEWHERE = ("synthetic", "missing_records", "skipped_records")
SAID_IN_REMARKS = ("unknown_patients", "unit")
FEW_PATIENTS = 10  # below this an interval over patients is a rough guess
FEW_NORMALS = 30  # below this so is a threshold, which the spread of their scores sets


def notices(contents: Contents) -> list[str]:
    """Warnings in words, the gravest first."""
    said = []
    if contents.predictions.synthetic:
        said.append("Synthetic data: the heartbeats were made up. These numbers say nothing about patients.")
    state, reason = contents.status.get("state", "finished"), contents.status.get("reason")
    if state in ("failed", "interrupted"):
        said.append(f"The run did not finish ({state}){f': {reason}' if reason else ''}.")
    if (n_folds := contents.predictions.table["fold"].nunique()) > 1:
        said.append(
            f"{n_folds} folds together; curves and examples of each: python -m ecg_lightning.report of its folder."
        )
    tags = {name: value for name, value in contents.predictions.tags.items() if name not in SAID_ELSEWHERE}
    known = remarks(contents.card)
    alone = [one_class(contents.predictions), few_positives(contents.predictions)]
    few = [*_few_patients(contents), *filter(None, alone), *_few_normals(contents.predictions)]
    return [*said, *in_words(tags, known), *_lost_records(contents), *few, *known]


def in_words(tags: Mapping[str, str], known: Collection[str]) -> list[str]:
    """What the tags of a run mean to a reader of its numbers.

    Args:
        tags: of the predictions; one that says no or none is left out.
        known: remarks of the corpus, which say some of it already.
    """
    return [
        TAGS.get(name, f"{name} = {{value}}").replace("{value}", value.replace(",", ", "))
        for name, value in tags.items()
        if value not in ("false", "0") and not (known and name in SAID_IN_REMARKS)
    ]


def remarks(card: Mapping[str, Any]) -> list[str]:
    """What the corpus says of itself."""
    return [str(remark) for remark in card.get("remarks") or []]


def _lost_records(contents: Contents) -> list[str]:
    missing, skipped = contents.card.get("missing") or [], contents.card.get("skipped") or {}
    said = [f"{_records(missing)} not at hand: {first(missing)}."] if missing else []
    reasons = first([f"{name} ({reason})" for name, reason in skipped.items()])
    return [*said, f"{_records(skipped)} skipped: {reasons}."] if skipped else said


def _few_patients(contents: Contents) -> list[str]:
    table = contents.predictions.table
    n = table.loc[table["side"] == "test", "patient"].nunique()
    if n == 1 and contents.predictions.tags.get("unknown_patients", "0") != "0":
        return ["Nobody knows how many patients the test numbers come from: they have no interval."]
    if n == 1:
        return ["The test numbers come from a single patient: they have no interval."]
    return [f"The test numbers come from {n} patients: their intervals are rough."] if 0 < n < FEW_PATIENTS else []


def _few_normals(about: Predictions) -> list[str]:
    """Of several folds the one with the fewest."""
    if about.problem != "anomaly":
        return []
    sizes = [int((about.label[rows] == 0).sum()) for rows in about.fitted_on().values()]
    of = " of a fold" if len(sizes) > 1 else ""
    said = f"The threshold{of} comes from {min(sizes)} normal validation rows: it is rough."
    return [said] if min(sizes) < FEW_NORMALS else []


def _records(names: Collection[str]) -> str:
    return "1 record was" if len(names) == 1 else f"{len(names):,} records were"
