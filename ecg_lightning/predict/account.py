"""What was found in one recording as plain values: what `summary.json` and `--json` hold, and all words are made of."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from ecg_lightning.contract import Contract
from ecg_lightning.predict import rhythm, trust
from ecg_lightning.predict.findings import Findings
from ecg_lightning.predict.long_recordings import stretch_s
from ecg_lightning.windowing import Crops, Segments


def account(contract: Contract, found: Findings) -> dict[str, Any]:
    """Count what a bundle found.

    Beats in refused seconds, and intervals that touch one, count nowhere but among the refused.

    Args:
        contract: of the bundle.
        found: in one recording.
    """
    time_s, trusted = found.time_s, found.trusted
    rr_s = rhythm.intervals(time_s, found.flags)
    rate, pause, gap = rhythm.heart_rate(time_s, rr_s), rhythm.longest_pause(time_s, rr_s), rhythm.gap(time_s, rr_s)
    refused = trust.stretches(found.flags)
    refused_s = sum(one.stop_s - one.start_s for one in refused)
    return {
        "leads": list(found.record.leads),
        "fs_hz": found.record.fs_hz,
        "unit": found.record.unit,
        "synthetic": found.record.synthetic,
        "duration_s": found.duration_s,
        "analysed_s": found.duration_s - refused_s,
        "notes": list(found.notes),
        "beats": {"how": found.how, "n": len(time_s), "n_refused": int((~trusted).sum())},
        "heart_rate": None if rate is None else asdict(rate),
        "longest_pause": None if pause is None else _with_care(pause, pause.at_s + pause.rr_s, found),
        "longest_gap": None if gap is None else asdict(gap),
        "n_pauses": int((rr_s >= rhythm.PAUSE_S).sum()),
        "refused_s": refused_s,
        "refused": [asdict(one) for one in refused],
        "found": _answers(contract, found, trusted, rr_s),
    }


def _with_care(one: rhythm.Pause | rhythm.Run, stop_s: float, found: Findings) -> dict[str, Any]:
    """With whether it borders on refused seconds, where an artefact may have made it."""
    return asdict(one) | {"beside_refused": trust.beside(one.at_s, stop_s, trust.stretches(found.flags))}


def _answers(
    contract: Contract, found: Findings, trusted: Bool[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]
) -> dict[str, Any]:
    if isinstance(contract.window, Segments):
        return _windows(contract, contract.window, found.answers)
    if isinstance(contract.window, Crops):
        return _labels(contract, found.answers)
    return _beats(contract, found, trusted, rr_s)


def _beats(
    contract: Contract, found: Findings, trusted: Bool[np.ndarray, " beat"], rr_s: Float[np.ndarray, " beat"]
) -> dict[str, Any]:
    """Of each class how many, which share of the trusted beats, and how they follow one another."""
    called = found.answers["class"].to_numpy()
    n_trusted = int(trusted.sum())
    classes = {}
    for number, name in enumerate(contract.classes):
        n = int(((called == name) & trusted).sum())
        runs = rhythm.rows_of(called.tolist(), name, found.time_s, rr_s) if number else []
        longest = max(runs, key=lambda run: run.n_beats, default=None)
        classes[name] = {
            "name": contract.class_names.get(name, name),
            "n": n,
            "share": n / n_trusted if n_trusted else None,
            "n_couplets": sum(run.n_beats < rhythm.RUN for run in runs),
            "n_runs": sum(run.n_beats >= rhythm.RUN for run in runs),
            "longest": None if longest is None else _with_care(longest, longest.stop_s, found),
        }
    said: dict[str, Any] = {"kind": "beats", "usual": contract.classes[0], "classes": classes}
    if contract.score is not None:
        said["score"] = _score(contract, found.answers[trusted], "time_s")
    return said


def _score(contract: Contract, answers: pd.DataFrame, time: str) -> dict[str, Any]:
    """What a score is, from where on it calls, and where it is highest."""
    (threshold,) = contract.thresholds or ()
    said = {"parts": list(contract.score.parts) if contract.score else [], "threshold": threshold, "highest": None}
    if len(answers):
        highest = answers.iloc[int(answers["score"].argmax())]
        said["highest"] = {"score": float(highest["score"]), "at_s": float(highest[time])}
    return said


def _windows(contract: Contract, window: Segments, answers: pd.DataFrame) -> dict[str, Any]:
    """How many windows are called, where it is likeliest, and the longest row of called ones."""
    kept = answers[~answers["refused"]]
    hop_s, window_s = (n / contract.preprocess.fs_hz for n in (window.hop, window.n_samples))
    name, (threshold,) = contract.classes[1], contract.thresholds or ()
    said: dict[str, Any] = {
        "kind": "windows",
        "class": name,
        "name": contract.class_names.get(name, name),
        "window_s": window_s,
        "hop_s": hop_s,
        "n": len(answers),
        "n_refused": len(answers) - len(kept),
        "n_called": int(kept["called"].sum()),
        "share": float(kept["called"].mean()) if len(kept) else None,
        "threshold": threshold,
        "highest": None,
        "longest": None,
    }
    if len(kept):
        highest = kept.iloc[int(kept["p"].argmax())]
        said["highest"] = {"p": float(highest["p"]), "at_s": float(highest["time_s"])}
    called = (answers["called"] & ~answers["refused"]).to_numpy(dtype=bool)
    begin_s = answers["time_s"].to_numpy(np.float64)
    spans = [
        {"start_s": float(begin_s[first]), "stop_s": float(begin_s[last - 1]) + window_s}
        for first, last in rhythm.in_a_row(called)
    ]
    said["longest"] = max(spans, key=lambda span: span["stop_s"] - span["start_s"], default=None)
    return said


def _labels(contract: Contract, answers: pd.DataFrame) -> dict[str, Any]:
    """Of each label how likely it is, in the stretch where it is likeliest, and in how many it is called."""
    kept = answers[~answers["refused"]]
    n_stretches = kept["start_s"].nunique()
    said: dict[str, Any] = {
        "kind": "recordings",
        "n_stretches": n_stretches,
        "n_refused": answers["start_s"].nunique() - n_stretches,
        "stretch_s": stretch_s(contract),
    }
    if contract.score is not None:
        said["n_called"] = int((kept["class"] == contract.classes[1]).sum())
        return said | {"class": contract.classes[1], "score": _score(contract, kept, "start_s")}
    labels = {}
    for name, rows in kept.groupby("class", sort=False):
        likeliest = rows.iloc[int(rows["p"].argmax())]
        labels[str(name)] = {
            "name": contract.class_names.get(str(name), str(name)),
            "p": float(likeliest["p"]),
            "at_s": float(likeliest["start_s"]),
            "threshold": float(likeliest["threshold"]),
            "n_called": int(rows["called"].sum()),
        }
    return said | {"labels": labels}
