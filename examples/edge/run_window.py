"""Classify windows by an exported file: `python run_window.py model.int8.onnx windows.npy [features.npy]`.

Needs numpy and onnxruntime, nothing of ecg_lightning and no PyTorch. Everything else it knows is in the file.
windows.npy: (window, lead, time), filtered, in the unit that the file names; features.npy: (window, feature), raw.
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
    feed = {
        name: np.load(file, allow_pickle=False).astype(np.float32) for name, file in zip(names, arrays, strict=True)
    }
    (answer,) = session.run(None, feed)
    for row in called(contract, json.loads(said["outputs"]), answer.astype(np.float64)):
        print(row)


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
