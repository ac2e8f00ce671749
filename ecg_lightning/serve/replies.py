"""What a bundle says of what somebody sent: a table, and the same as plain values for JSON."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import pandas as pd
import torch

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.predict import beats, recordings, segments
from ecg_lightning.predict.answers import ask
from ecg_lightning.serve import payload
from ecg_lightning.structures import PERSON
from ecg_lightning.windowing import Crops, Segments, Window

RESEARCH = "For research. Not a medical device."
ANSWERS = {Window: beats.classify, Crops: recordings.diagnose, Segments: segments.watch}
PER = {Window: "beat", Crops: "recording", Segments: "window"}
DECIMALS = 6
PUBLIC = (  # of a contract; whose records it learned from is nobody's business
    *("task", "problem", "classes", "class_names", "inputs", "leads", "fs_hz", "window", "preprocess", "features"),
    *("mode", "latency_ms", "latency_reason", "aggregation", "decision", "thresholds", "score", "temperature"),
    *("offsets", "data", "tags", "test", "package_version"),
)


def check_servable(bundle: Bundle) -> None:
    """Refuse a network that takes beats in a row.

    Raises:
        ValueError: it does.
    """
    if bundle.network.scope != "window":
        raise ValueError(
            f"network={bundle.contract.network} takes beats in a row: choose a bundle of a network of single beats"
        )


def table(bundle: Bundle, name: str, sent: Mapping[str, Any]) -> pd.DataFrame:
    """Answer what was sent.

    Args:
        bundle: of a network of single windows.
        name: of it, in the table and in refusals.
        sent: a whole recording, as `payload.recording` takes it, or one window, as `payload.window` does.

    Returns:
        The table of `beats.classify`, `recordings.diagnose` or `segments.watch`; a window has no time, no bad_share.

    Raises:
        ValueError: it cannot be answered; `BadPayload` or `BadRecord` where it is no recording and no window.
    """
    kind = type(bundle.contract.window)
    if payload.is_recording(sent):
        return ANSWERS[kind](bundle, payload.recording(name, sent, bundle.contract))
    answer = _of_window(bundle, payload.window(name, sent, bundle.contract))
    if kind is Crops:
        return recordings.said(bundle.contract, answer[0], name)
    about = {"recording": name}
    return (beats if kind is Window else segments).said(bundle.contract, answer, about)


@torch.inference_mode()
def _of_window(bundle: Bundle, fields: dict[str, Any]) -> torch.Tensor:
    answer, window = ask(bundle, fields), bundle.contract.window
    return recordings.together(bundle.contract, window, answer)[None] if isinstance(window, Crops) else answer


def reply(bundle: Bundle, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what was sent in plain values: classes with their names, answers with probabilities, and notes.

    Raises:
        ValueError: as `table`, or the answer is no number.
    """
    contract, found = bundle.contract, table(bundle, name, sent)
    answers = plain(contract, found)
    return {
        "task": contract.task,
        "sent": "recording" if payload.is_recording(sent) else "window",
        "per": PER[type(contract.window)] if payload.is_recording(sent) else "window",
        "classes": {c: contract.class_names.get(c, "") for c in contract.classes},
        "answers": answers,
        "notes": list(_notes(contract, sent, len(answers))),
        "research": RESEARCH,
    }


def plain(contract: Contract, found: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as one entry per beat, recording or window: time_s, class, p by class, thresholds and what is called.

    Raises:
        ValueError: a probability or a score is no number, as samples far beyond any ECG can make it.
    """
    rows = [_rounded(row) for row in found.drop(columns="recording").to_dict("records")]
    if contract.score is not None:
        return [_scored(row) for row in rows]
    if isinstance(contract.window, Crops):
        p, threshold = ({row["class"]: row[key] for row in rows} for key in ("p", "threshold"))
        return [{"p": p, "threshold": threshold, "called": [row["class"] for row in rows if row["called"]]}]
    return [_with_p(contract, row) for row in rows]


def _scored(row: dict[str, Any]) -> dict[str, Any]:
    parts = {key.removeprefix("score_"): row.pop(key) for key in list(row) if key.startswith("score_")}
    return row | {"parts": parts}


def _with_p(contract: Contract, row: dict[str, Any]) -> dict[str, Any]:
    """Probabilities of every class by its name, as in `beats.classify` and in `segments.watch`."""
    if "p" in row:
        p = {contract.classes[0]: round(1 - row["p"], DECIMALS), contract.classes[1]: row["p"]}
    else:
        p = {c: row.pop(f"p_{c}") for c in contract.classes}
    return row | {"p": p}


def _rounded(row: dict[Any, Any]) -> dict[str, Any]:
    if lost := [name for name, x in row.items() if isinstance(x, float) and not math.isfinite(x)]:
        raise ValueError(f"the network's answer has no finite {lost[0]}: look at the unit of what was sent")
    return {str(name): round(x, DECIMALS) if isinstance(x, float) else x for name, x in row.items()}


def _notes(contract: Contract, sent: Mapping[str, Any], n_answers: int) -> list[str]:
    """What a reader of the answer must know of what was sent."""
    todo, names, notes = contract.preprocess, contract.features.names, []
    if not payload.is_recording(sent):
        done = [f"filter={todo.filter}"] * (todo.filter != "none")
        done += [f"scale={todo.scale}"] * (todo.scale in ("record", "running"))
        if done:
            notes.append(
                f"a window is taken as it is: {' and '.join(done)} of the contract must have been done by the caller, "
                f"over the whole record before the window was cut"
            )
    elif "peak_sample" not in sent and isinstance(contract.window, Window):
        notes.append(f"R peaks were not sent: {n_answers} were detected, which looks ahead")
    if unknown := [key for key in PERSON if key in names and payload.is_recording(sent) and key not in sent]:
        notes.append(f"{', '.join(unknown)} not known: the network goes on without")
    if contract.extra_channels:
        notes.append(f"{', '.join(contract.extra_channels)} taken as not recorded")
    if contract.data.get("synthetic"):
        notes.append("the network learned from synthetic data: its answers mean nothing")
    return notes


def public(contract: Contract) -> dict[str, Any]:
    """What of a contract everybody may know: how to ask and how good it is, not whose records it learned from."""
    content = json.loads(contract.to_json())
    network = cast(str, content["network"]["class"]).rpartition(".")[2]
    return {"network": network, "research": RESEARCH} | {name: content[name] for name in PUBLIC}
