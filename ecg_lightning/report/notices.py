"""What a reader must know before believing a number; stands on top of the page."""

from collections.abc import Collection

from ecg_lightning.report.contents import Contents

TAGS = {
    "leaky_split": "Leaky split: patients stand on both sides. These numbers say nothing about new patients.",
    "same_patients": "Patients stand on both sides: these numbers hold for people the network has seen before.",
    "shared_patient": "One person stands on both sides of this published split: records {value}.",
}
SAID_ELSEWHERE = ("synthetic", "missing_records", "skipped_records")
FEW_PATIENTS = 10  # below this an interval over patients is a rough guess


def notices(contents: Contents) -> list[str]:
    """Warnings in words, the gravest first."""
    said = []
    if contents.predictions.synthetic:
        said.append("Synthetic data: the heartbeats were made up. These numbers say nothing about patients.")
    state, reason = contents.status.get("state", "finished"), contents.status.get("reason")
    if state in ("failed", "interrupted"):
        said.append(f"The run did not finish ({state}){f': {reason}' if reason else ''}.")
    for name, value in contents.predictions.tags.items():
        if name not in SAID_ELSEWHERE and value != "false":
            said.append(TAGS.get(name, f"{name} = {{value}}").replace("{value}", value.replace(",", ", ")))
    return [*said, *_lost_records(contents), *_few_patients(contents)]


def _lost_records(contents: Contents) -> list[str]:
    missing, skipped = contents.card.get("missing") or [], contents.card.get("skipped") or {}
    said = [f"{_records(missing)} not at hand: {', '.join(missing)}."] if missing else []
    reasons = "; ".join(f"{name} ({reason})" for name, reason in skipped.items())
    return [*said, f"{_records(skipped)} skipped: {reasons}."] if skipped else said


def _few_patients(contents: Contents) -> list[str]:
    table = contents.predictions.table
    n = table.loc[table["side"] == "test", "patient"].nunique()
    if n == 1:
        return ["The test numbers come from a single patient: they have no interval."]
    return [f"The test numbers come from {n} patients: their intervals are rough."] if 0 < n < FEW_PATIENTS else []


def _records(names: Collection[str]) -> str:
    return "1 record was" if len(names) == 1 else f"{len(names)} records were"
