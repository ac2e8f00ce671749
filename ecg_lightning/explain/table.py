"""What an explanation says in numbers and sentences."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from ecg_lightning.explain.findings import METHODS, Explained, OfClass
from ecg_lightning.explain.intervals import Mean
from ecg_lightning.explain.pictures import MADE_OF, first_method
from ecg_lightning.explain.shares import sentence


def waves(found: Explained) -> pd.DataFrame:
    """One row per class, method and wave: shares with their intervals."""
    rows = []
    for one in found.classes:
        for method, shares in one.shares.items():
            for share in shares:
                rows.append(
                    {"class": found.predictions.classes[one.label], "method": method, "wave": share.wave}
                    | {name: value for of in ("map", "time", "size") for name, value in _mean(of, getattr(share, of))}
                    | {"n_rows": len(one.cases.ecg), "n_patients": len(set(one.cases.patients))}
                )
    return pd.DataFrame(rows)


def faithfulness(found: Explained) -> pd.DataFrame:
    """One row per class and method: how much better than chance deletion and insertion are, and that in words."""
    rows = []
    for one in found.classes:
        for method, gain in one.gains.items():
            areas = one.curves[method].areas()
            rows.append(
                {"class": found.predictions.classes[one.label], "method": method}
                | {"deletion_area": float(areas[0].mean()), "insertion_area": float(areas[1].mean())}
                | dict(_mean("deletion_gain", gain.deletion)) | dict(_mean("insertion_gain", gain.insertion))
                | {"verdict": gain.verdict, "n_patients": gain.deletion.n_patients}
            )  # fmt: skip
    return pd.DataFrame(rows)


def sentences(found: Explained) -> list[str]:
    """Where each class is seen, and how sure its waves are."""
    method, said = first_method(found), []
    for one in found.classes:
        name = found.predictions.classes[one.label]
        said.append(sentence(name, one.shares[method], MADE_OF.get(method, "attribution")))
    return said


def doubts(found: Explained) -> list[str]:
    """What stands between these numbers and the truth, class by class."""
    return [_doubt(found, one) for one in found.classes]


def _doubt(found: Explained, one: OfClass) -> str:
    name = found.predictions.classes[one.label]
    sure = np.concatenate([np.zeros(0, bool), *one.cases.delineated])
    n_rows, n_patients = len(one.cases.ecg), len(set(one.cases.patients))
    words = [f"{name}: {n_rows} row{'s' * (n_rows != 1)} of {n_patients} patient{'s' * (n_patients != 1)}"]
    if len(sure):
        more = " (a row may hold more than one)" if len(sure) > n_rows else ""
        found_by = "were delineated, the others lie by timing round R"
        words.append(f"{sure.sum()} of {len(sure)} QRS complexes{more} {found_by}")
    if one.worst_error is not None:
        words.append(f"maps miss their sum by {100 * one.worst_error:.1f} % of the change at most")
    if one.n_left_out:
        words.append(f"{one.n_left_out} rows did not converge and are left out")
    if "random" in one.curves:
        whole, nothing = one.curves["random"].deletion[:, 0].mean(), one.curves["random"].insertion[:, 0].mean()
        words.append(f"p({name}) is {whole:.2f} on average, and {nothing:.2f} where the ECG is the baseline")
    return "; ".join(words) + "."


def beside(found: Explained) -> dict[str, dict[str, float]]:
    """The share of the absolute attribution that each input has, and each feature, by class."""
    return {
        found.predictions.classes[one.label]: {name: float(share.mean()) for name, share in one.beside.items()}
        for one in found.classes
        if one.beside
    }


def as_json(found: Explained) -> str:
    """Everything in numbers."""
    wanted = asdict(found.wanted) | {"data_dir": None}
    del wanted["data_dir"]
    content: Mapping[str, Any] = {
        "task": found.predictions.task,
        "network": found.contract.network,
        "synthetic": found.predictions.synthetic,
        "asked": wanted,
        "methods": {name: METHODS[name] for name in found.wanted.methods},
        "sentences": sentences(found),
        "doubts": doubts(found),
        "convergence": {found.predictions.classes[one.label]: _convergence(one) for one in found.classes},
        "waves": waves(found).to_dict("records"),
        "faithfulness": faithfulness(found).to_dict("records"),
        "inputs": beside(found),
        "random_weights": [asdict(stage) for stage in found.stages],
    }
    return json.dumps(content, indent=1)


def _convergence(one: OfClass) -> dict[str, Any]:
    return {"rows": len(one.cases.ecg), "left_out": one.n_left_out, "largest_error": one.worst_error}


def _mean(name: str, mean: Mean) -> Iterator[tuple[str, float | None]]:
    yield name, mean.value
    yield f"{name}_low", mean.low
    yield f"{name}_high", mean.high
