"""Classify windows by an exported file: `python run_window.py model.int8.onnx windows.npy [features.npy]`.

Needs numpy and onnxruntime, nothing of ecg_lightning and no PyTorch. Everything else it knows is in the file.
windows.npy: (rows, leads, samples), filtered, in the unit that the file names; features.npy: (rows, features), raw.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def main(model: str, *arrays: str) -> None:
    """Print the answer to every window."""
    session = onnxruntime.InferenceSession(Path(model).read_bytes(), providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    contract, names = json.loads(said["contract"]), [one.name for one in session.get_inputs()]
    if len(arrays) != len(names):
        sys.exit(f"error: {model} takes {len(names)} arrays, in this order: {', '.join(names)}; {said['usage']}")
    shapes = {one.name: one.shape[1:] for one in session.get_inputs()}
    feed = {name: array_of(file, name, shapes[name]) for name, file in zip(names, arrays, strict=True)}
    if len(rows := {len(one) for one in feed.values()}) > 1:
        sys.exit(f"error: the arrays have {' and '.join(map(str, sorted(rows)))} rows: give one per window in each")
    (answer,) = session.run(None, feed)
    for row in called(contract, json.loads(said["outputs"]), answer.astype(np.float64)):
        print(row)


def array_of(file: str, name: str, row: list) -> np.ndarray:
    """The rows of a .npy file, of the shape that the network takes."""
    shape = f"(rows, {', '.join(map(str, row))})"
    try:
        found = np.load(file, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, AttributeError, EOFError) as error:
        reason = str(error).partition("\n")[0] if isinstance(error, FileNotFoundError) else "no .npy file of numbers"
        sys.exit(f"error: {name}={file} cannot be read ({reason}): save an array of shape {shape} with numpy.save")
    fixed = [n if isinstance(n, int) else m for n, m in zip(row, found.shape[1:], strict=False)]
    if found.ndim != len(row) + 1 or not len(found) or list(found.shape[1:]) != fixed:
        sys.exit(f"error: {name}={file} has shape {found.shape}, but the network takes {shape}: give it so")
    return found


def called(contract: dict, outputs: list[str], answer: np.ndarray) -> list[str]:
    """One line per window: its class and probabilities, or its score."""
    if contract["score"] is not None:
        part = answer[:, [outputs.index(name) for name in contract["score"]["parts"]]]
        if part.shape[1] > 1:
            part = (part - contract["score"]["mean"]) / contract["score"]["sd"]
        score = part.mean(axis=1)
        return [f"{contract['classes'][int(x >= contract['thresholds'][0])]} score={x:.4f}" for x in score]
    logits = answer / contract["temperature"]
    if contract["problem"] == "multiclass":
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        words = [contract["classes"][k] for k in p.argmax(axis=1)]
    else:
        p = 1 / (1 + np.exp(-(logits + (contract["offsets"] or 0.0))))
        reached = p >= np.array(contract["thresholds"])
        none = contract["classes"][0] if contract["problem"] == "binary" else "-"
        words = ["+".join(name for name, yes in zip(outputs, row, strict=True) if yes) or none for row in reached]
    told = ["  ".join(f"p({name})={x:.4f}" for name, x in zip(outputs, row, strict=True)) for row in p]
    return [f"{word}  {probabilities}" for word, probabilities in zip(words, told, strict=True)]


if __name__ == "__main__":
    main(*sys.argv[1:])
