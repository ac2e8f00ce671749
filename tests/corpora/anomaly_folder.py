"""Write the folder of a finished run that looked for anomalies and never took place."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_lightning.predictions import Predictions
from tests.corpora.anomalies import draw_anomalies

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
BEATS, RECORDS = (280, 140, 360.0), (1000, 0, 100.0)  # samples, of these before the R peak, and rate
WIDTH_S = {"normal": 0.02, "S": 0.022, "V": 0.07, "F": 0.04}
LATENT_SIZE = 8
CONFIG = "task:\n  monitor: {metric: val/error_auroc, mode: max}\n"


def write_anomaly_run_folder(
    folder: Path, leads: Sequence[str] = ("MLII",), unit: str = "SD", score: tuple[str, ...] = ("mae",)
) -> Path:
    """Write what train leaves but its report, its numbers and its model.

    Args:
        folder: may exist.
        leads: of the windows that are kept: whole recordings where there are twelve, else beats.
        unit: of their samples.
        score: see `draw_anomalies`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    predictions = draw_anomalies(score=score)
    predictions.write(folder / "predictions.parquet")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    counts = {"train": {"normal": 9000, "anomaly": 0}, "test": {"normal": 900, "anomaly": 300}}
    (folder / "data.json").write_text(json.dumps({"counts": counts}), encoding="utf-8")
    falling = np.exp(-np.arange(10) / 3)
    history = {"epoch": np.arange(10), "train/loss": 0.1 + falling, "val/loss": 0.15 + falling}
    pd.DataFrame(history | {"val/error_auroc": 0.9 - 0.3 * falling}).to_csv(folder / "history.csv", index=False)
    np.savez(folder / "examples.npz", allow_pickle=False, **kept(predictions, leads, unit))
    return folder


def kept(predictions: Predictions, leads: Sequence[str], unit: str) -> dict[str, np.ndarray]:
    """Windows of every kind, small scores and large ones, and latent vectors of all test rows."""
    rng = np.random.default_rng(0)
    table = predictions.table[predictions.table["side"] == "test"].sort_values("score_mae")
    rows, kinds = [], []
    for kind in ("normal", *predictions.kinds):
        own = table[table["label"] == 0] if kind == "normal" else table[table[f"kind_{kind}"] == 1]
        rows += [own["row"].to_numpy()[[0, 1, -2, -1]]]
        kinds += [kind] * 4
    n_samples, n_before, fs_hz = RECORDS if len(leads) == len(TWELVE) else BEATS
    seconds = (np.arange(n_samples) - n_before) / fs_hz
    made = np.stack([_beats(seconds, n_before > 0, "normal") for _ in kinds])
    ecg = np.stack([_beats(seconds, n_before > 0, kind) for kind in kinds])
    tall = np.linspace(1, -0.5, len(leads))[:, None]
    place = 0.5 * rng.normal(size=(len(table), LATENT_SIZE)) * np.arange(LATENT_SIZE, 0, -1)
    place[:, 0] += 3 * table["kind_V"].to_numpy()
    return {
        "made_ecg": (ecg[:, None] * tall + 0.05 * rng.normal(size=(len(kinds), len(leads), n_samples))).astype("f4"),
        "made_reconstruction": (made[:, None] * tall).astype("f4"),
        "made_row": np.concatenate(rows),
        "made_kind": np.array(kinds),
        "made_n_crops": np.array(1),
        "made_fs_hz": np.array(fs_hz),
        "made_n_before": np.array(n_before),
        "made_leads": np.array(leads),
        "made_unit": np.array(unit),
        "latent_row": table["row"].to_numpy(),
        "latent_vector": place.astype("f4"),
    }


def _beats(seconds: np.ndarray, one: bool, kind: str) -> np.ndarray:
    """R and T waves round 0, or every 0.8 s."""
    away = seconds - (np.zeros(1) if one else np.arange(0.4, seconds[-1], 0.8))[:, None]
    return (4 * np.exp(-((away / WIDTH_S[kind]) ** 2)) + 0.8 * np.exp(-(((away - 0.25) / 0.05) ** 2))).sum(axis=0)
