"""Compute every number of a run again from its predictions alone: `python -m ecg_lightning.evaluate RUN`."""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_lightning.evaluation import Evaluation
    from ecg_lightning.predictions import Predictions

TOLERANCE = 1e-6  # another machine adds up in another order
RECOMPUTED = ("train/", "val/", "test/", "calibration/")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where the numbers agree with those that the run recorded, 1 where they differ, 2 where none can be had.
    """
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder, e.g. outputs/arrhythmia/<time>")
    parser.add_argument("--patients", action="store_true", help="also print one row per patient")
    asked = parser.parse_args(arguments)

    from ecg_lightning.evaluation import evaluate  # pandas and scipy take a second to import: only after --help
    from ecg_lightning.predictions import Predictions
    from ecg_lightning.report.contents import read_json
    from ecg_lightning.report.notices import remarks
    from ecg_lightning.report.terminal import show

    try:
        predictions = Predictions.read(asked.run / "predictions.parquet")
        recorded = read_json(asked.run / "metrics.json")
        contract = read_json(asked.run / "model" / "contract.json")
        card = read_json(asked.run / "data.json")
        found = evaluate(predictions)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    show(predictions, found, asked.patients, remarks(card or {}), recorded)
    return _compare(predictions, found, recorded, contract)


def differences(found: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """List, in words, where the recorded numbers are not those that the predictions give."""
    recorded = {name: value for name, value in recorded.items() if name.startswith(RECOMPUTED)}
    lines = []
    for name in [*found, *(name for name in recorded if name not in found)]:
        if name not in recorded:
            lines.append(f"{name}: {found[name]:.6g} here, nothing recorded")
        elif name not in found:
            lines.append(f"{name}: {recorded[name]:.6g} recorded, which the predictions do not give")
        elif not math.isclose(found[name], recorded[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            lines.append(f"{name}: {found[name]:.6g} here, {recorded[name]:.6g} recorded")
    return lines


def _compare(
    predictions: "Predictions", found: "Evaluation", recorded: dict[str, Any] | None, contract: dict[str, Any] | None
) -> int:
    if recorded is None:
        print("not compared: the run has no metrics.json")
        return 0
    lines = differences(found.metrics, recorded)
    if contract is not None and len(found.temperatures) == 1:
        lines += [f"model/contract.json: {line}" for line in _contract_differences(predictions, found, contract)]
    if lines:
        print("differ:", *lines, sep="\n  ")
        return 1
    scale = "the standard of the score" if found.standards else "the temperature"
    fitted = [scale, *["the offsets"] * bool(found.offsets), *["the thresholds"] * bool(found.thresholds)]
    and_model = "" if contract is None else f", and {' and '.join(fitted)} of the model"
    print(f"agree: {len(found.metrics)} numbers{and_model}")
    return 0


def _contract_differences(predictions: "Predictions", found: "Evaluation", contract: dict[str, Any]) -> list[str]:
    """List where the model would decide otherwise than the numbers say; an older contract names no problem."""
    from ecg_lightning.evaluation import stated_calibration

    problem = contract.get("problem", predictions.problem)
    if problem != predictions.problem:
        return [f"problem: {predictions.problem} here, {problem} recorded"]
    score = contract.get("score") or {"parts": list(predictions.score), "mean": (), "sd": ()}
    if score["parts"] != list(predictions.score):
        return [f"score: {list(predictions.score)} here, {score['parts']} recorded"]
    stated = stated_calibration(
        predictions,
        contract.get("temperature", math.nan),
        tuple(contract.get("thresholds") or ()),
        tuple(contract.get("offsets") or ()),
        tuple(zip(score["mean"], score["sd"], strict=True)),
    )
    here = {name: value for name, value in found.metrics.items() if name.startswith("calibration/")}
    return differences(here, stated)


if __name__ == "__main__":
    sys.exit(main())
