"""Write the folders of finished runs on two classes that never took place: beats, and hours with a glucose sensor."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_lightning.predictions import Predictions

FS_HZ = {"abnormal_beat": 360.0, "hypoglycemia": 250.0}
CLASSES = {"abnormal_beat": ("normal", "abnormal"), "hypoglycemia": ("normal", "low")}
SYMBOLS = ("V", "A", "L", "F", "/")
CONFIG = """\
task:
  monitor: {metric: val/auroc, mode: max}
  data: {low_mmol_l: 3.9}
model: {n_window: 64, hop: 32}
"""


def write_binary_run_folder(folder: Path, task: str = "hypoglycemia", n_rows: int = 400, seen: bool = True) -> Path:
    """Write everything that train leaves but its report, its numbers and its model.

    Args:
        folder: may exist.
        task: "hypoglycemia" or "abnormal_beat".
        n_rows: test rows; validation has half of that.
        seen: the network could say where it looked, and was given breathing.
    """
    (folder / "pretrain").mkdir(parents=True, exist_ok=True)
    predictions = draw_binary(task, n_rows)
    predictions.write(folder / "predictions.parquet")
    counts = {"train": {"normal": 8200, CLASSES[task][1]: 700}, "test": {"normal": 990, CLASSES[task][1]: 90}}
    (folder / "data.json").write_text(json.dumps({"counts": counts}), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    history = _history()
    history.to_csv(folder / "history.csv", index=False)
    history[["epoch", "train/loss", "val/loss"]].to_csv(folder / "pretrain" / "history.csv", index=False)
    kept = _of_beats(predictions) if task == "abnormal_beat" else _of_segments(predictions, seen)
    np.savez(folder / "examples.npz", **_strip(FS_HZ[task]), **kept)
    return folder


def draw_binary(task: str, n_rows: int = 400, synthetic: bool = False) -> Predictions:
    """Answers of a fair network about six patients, of whom two have windows of the first class alone."""
    rng = np.random.default_rng(0)
    number = np.arange(n_rows + n_rows // 2)
    patient = np.where(number < n_rows // 2, np.array(["007", "008"])[number % 2], _test_patients(number))
    time_s = 30.0 * number
    glucose = 6.0 + 3.0 * np.sin(number / 25.0 + (patient.astype(int) % 3)) + 2.0 * np.isin(patient, ["003", "004"])
    label = (glucose < 3.9).astype(np.int16)
    table = pd.DataFrame({"row": number, "record": patient, "patient": patient, "time_s": time_s})
    table = table.assign(side=np.where(number < n_rows // 2, "val", "test"), fold=np.int16(0), label=label)
    second = CLASSES[task][1]
    table[f"logit_{second}"] = (2.2 * label - 1.6 + rng.normal(size=len(number))).astype(np.float32)
    if task == "hypoglycemia":
        clock_s = 1412121600.0 + time_s + 7200.0 * (number % 7 == 0)
        table = table.assign(measured_glucose_mmol_l=glucose, measured_clock_s=clock_s)
    return Predictions(table, task, "binary", CLASSES[task], {}, synthetic)


def _test_patients(number: np.ndarray) -> np.ndarray:
    return np.array(["001", "002", "003", "004", "005", "006"])[number // 17 % 6]


def _history() -> pd.DataFrame:
    epoch = np.arange(10)
    falling = np.exp(-epoch / 3)
    numbers = {"train/loss": 0.3 + falling, "val/loss": 0.5 + 0.6 * falling + 0.02 * epoch}
    numbers |= {"train/accuracy": 0.99 - 0.3 * falling, "val/accuracy": 0.9 - 0.2 * falling}
    return pd.DataFrame({"epoch": epoch, **numbers, "val/auroc": 0.93 - 0.3 * falling - 0.004 * epoch})


def _strip(fs_hz: float) -> dict[str, np.ndarray]:
    ecg = _ecg(np.arange(0.4, 10, 0.8), 10.0, fs_hz)
    return {
        "strip_raw_mv": ecg,
        "strip_filtered": ecg,
        "strip_fs_hz": np.array(fs_hz),
        "strip_start_s": np.array(300.0),
        "strip_record": np.array("001"),
        "strip_lead": np.array("MLII"),
    }


def _of_beats(predictions: Predictions) -> dict[str, np.ndarray]:
    """Windows of four seconds, a stretch of ten, and beats of several symbols."""
    fs_hz, rows = FS_HZ["abnormal_beat"], _rows(predictions)
    window = _ecg(np.arange(0.4, 4, 0.8), 4.0, fs_hz)
    own = np.arange(0.4, 10, 0.8)
    test = predictions.table.loc[predictions.table["side"] == "test", "row"].to_numpy()
    return {
        "beats_ecg_mv": np.tile(window, (len(rows), 2, 1)),
        "beats_row": rows,
        "beats_fs_hz": np.array(fs_hz),
        "beats_n_before": np.array(720),
        "beats_leads": np.array(["MLII", "V1"]),
        "around_ecg": np.tile(window, (4, 2, 1)),
        "around_row": test[:4],
        "around_symbol": np.array(SYMBOLS[:4]),
        "heard_ecg": np.tile(window, (2, 2, 1)),
        "heard_row": rows[[0, -1]],
        "heard_unit": np.array("SD"),
        "stretch_ecg": np.tile(_ecg(own, 10.0, fs_hz), (2, 1)),
        "stretch_fs_hz": np.array(fs_hz),
        "stretch_start_s": np.array(812.4),
        "stretch_record": np.array("208"),
        "stretch_leads": np.array(["MLII", "V1"]),
        "stretch_unit": np.array("mV"),
        "stretch_beat_s": own,
        "stretch_symbol": np.array(["N", "V", "N"] * len(own))[: len(own)],
        "stretch_row": np.append(test[: len(own) - 1], -1),
    }


def _of_segments(predictions: Predictions, seen: bool) -> dict[str, np.ndarray]:
    """Windows of ten seconds, where a network might have looked, and how the patient breathed."""
    rng = np.random.default_rng(1)
    fs_hz, rows = FS_HZ["hypoglycemia"], _rows(predictions)
    weight = rng.gamma(0.5, size=(len(rows), 78))
    found = {
        "segments_ecg": np.tile(_ecg(np.arange(0.3, 10, 0.7), 10.0, fs_hz), (len(rows), 1, 1)),
        "segments_row": rows,
        "segments_fs_hz": np.array(fs_hz),
        "segments_leads": np.array(["ECG"]),
        "segments_unit": np.array("SD"),
    }
    if not seen:
        return found
    breathing = np.tile(np.sin(np.arange(250) / 12).astype(np.float32), (len(rows), 1, 1))
    attention = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return found | {"segments_attention": attention, "segments_extra_breathing": breathing}


def _rows(predictions: Predictions) -> np.ndarray:
    """Test rows of both classes, with large and small logits."""
    table = predictions.table[predictions.table["side"] == "test"].sort_values(predictions.table.columns[7])
    groups = [table[table["label"] == label] for label in (0, 1)]
    return pd.concat([part for own in groups for part in (own.head(3), own.tail(3))])["row"].to_numpy()


def _ecg(peak_s: np.ndarray, seconds: float, fs_hz: float) -> np.ndarray:
    """R and T waves at these times, in millivolts, with a little noise."""
    time = np.arange(round(seconds * fs_hz)) / fs_hz
    away = time - peak_s[:, None]
    ecg = 1.1 * np.exp(-((away / 0.02) ** 2)) + 0.25 * np.exp(-(((away - 0.25) / 0.05) ** 2))
    return (ecg.sum(axis=0) + 0.02 * np.random.default_rng(0).normal(size=len(time))).astype(np.float32)
