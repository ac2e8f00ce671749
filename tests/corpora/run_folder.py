"""Write the folder of a finished run that never took place, with believable answers."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_lightning.evaluation import evaluate
from ecg_lightning.predictions import Predictions
from tests.corpora.multilabel import SUPER, draw_multilabel

CLASSES = ("N", "S", "V", "F", "Q")
CLASS_NAMES = {
    "N": "normal or bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion of ventricular and normal",
    "Q": "paced or unclassifiable",
}
VAL = ("101", "124", "205", "223")
TEST = ("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212", "213", "228", "231", "232")
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
FS_HZ = 360.0
N_BEFORE = 140
WIDTH_S = {"N": 0.02, "S": 0.02, "V": 0.06, "F": 0.04, "Q": 0.08}
CONFIG = """\
task:
  name: arrhythmia
  classes: [N, S, V, F, Q]
  monitor: {metric: val/macro_f1_nsvf, mode: max}
model: {_target_: ecg_lightning.models.hybrid_cnn.HybridCNN, dropout: 0.3}
seed: 0
"""


def write_run_folder(folder: Path, n_rows: int = 1500, synthetic: bool = False, strange_name: str = "232") -> Path:
    """Write everything that train leaves but its report.

    Args:
        folder: may exist.
        n_rows: test rows; validation has a fifth of that.
        synthetic: as the files shall say of themselves.
        strange_name: of the last test record and patient.
    """
    folder.mkdir(parents=True, exist_ok=True)
    predictions = draw_predictions(n_rows, synthetic, (*TEST[:-1], strange_name))
    predictions.write(folder / "predictions.parquet")
    numbers = evaluate(predictions, n_boot=200)
    _write_json(folder / "metrics.json", evaluate(predictions).metrics | {"fit/seconds": 61.5, "fit/epochs": 12})
    _write_json(folder / "model" / "contract.json", {"contract": 1, "temperature": numbers.temperatures[0]})
    _write_json(folder / "data.json", _data_card(predictions, strange_name))
    status = {"state": "finished", "reason": None, "mlflow_run_id": None, "tracking_uri": None, "finished_folds": [0]}
    choices = {"task": "arrhythmia", "model": "hybrid_cnn", "split": "inter_patient"}
    _write_json(folder / "status.json", status | {"choices": choices, "overrides": ["model=hybrid_cnn", "seed=0"]})
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    _history().to_csv(folder / "history.csv", index=False)
    np.savez(folder / "examples.npz", **_examples(predictions))
    return folder


def write_multilabel_run_folder(
    folder: Path, n_rows: int = 256, classes: Sequence[str] = SUPER, unit: str = "mV", synthetic: bool = False
) -> Path:
    """Write everything that train leaves of a run on whole records but its report.

    Args:
        folder: may exist.
        n_rows: test rows, and as many of validation.
        classes: see `draw_multilabel`.
        unit: of the records that are kept, "mV" or "NU".
        synthetic: as the files shall say of themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    predictions = draw_multilabel(n_rows, classes, synthetic=synthetic)
    predictions.write(folder / "predictions.parquet")
    found = evaluate(predictions, n_boot=50)
    _write_json(folder / "metrics.json", found.metrics | {"fit/seconds": 300.0, "fit/epochs": 12})
    _write_json(folder / "data.json", _card_of_records(predictions))
    choices = {"task": "ptbxl", "model": "resnet_bilstm_attention", "split": "official"}
    _write_json(folder / "status.json", {"state": "finished", "choices": choices, "overrides": ["task=ptbxl"]})
    (folder / "config.yaml").write_text("task:\n  monitor: {metric: val/macro_auroc, mode: max}\n", encoding="utf-8")
    history = _history().rename(columns={"val/macro_f1_nsvf": "val/macro_auroc"})
    history.to_csv(folder / "history.csv", index=False)
    np.savez(folder / "examples.npz", **_examples_of_records(predictions, unit))
    return folder


def _card_of_records(predictions: Predictions) -> dict[str, object]:
    table, label = predictions.table, predictions.label
    sides = {side: (table["side"] == side).to_numpy() for side in ("val", "test")}
    people = [
        {"patient": patient, "side": side, **dict(zip(predictions.classes, own.tolist(), strict=True))}
        for patient, side, own in zip(table["patient"], table["side"], label, strict=True)
    ]
    return {
        "corpus": "ptbxl",
        "source": "local",
        "synthetic": predictions.synthetic,
        "licence": "CC BY 4.0",
        "records": table["record"].tolist(),
        "missing": [],
        "skipped": {},
        "split": "official",
        "remarks": ["2,127 of the 21,799 records are at hand.", "The amplitudes of this copy are lost (NU)."],
        "rows": {side: int(rows.sum()) for side, rows in sides.items()},
        "counts": {
            side: dict(zip(predictions.classes, label[rows].sum(axis=0).tolist(), strict=True))
            for side, rows in sides.items()
        },
        "patients": {side: sorted(set(table["patient"][rows])) for side, rows in sides.items()},
        "per_patient": people,
    }


def _examples_of_records(predictions: Predictions, unit: str) -> dict[str, np.ndarray]:
    """Twelve leads of ten seconds at 100 Hz of the first test rows, and where a network might have looked."""
    rng = np.random.default_rng(2)
    rows = predictions.table.loc[predictions.table["side"] == "test", "row"].to_numpy()[:30]
    long = np.arange(1000) / 100.0
    lead = sum(_beat(long - at, "N") for at in np.arange(0.4, 10, 0.8))
    tall = rng.uniform(-1.2, 1.5, (len(rows), 12, 1))
    ecg = tall * lead + 0.02 * rng.normal(size=(len(rows), 12, 1000))
    weight = rng.gamma(0.5, size=(len(rows), 250))
    return {
        "strip_raw_mv": ecg[0, 1].astype(np.float32),
        "strip_filtered": (ecg[0, 1] / ecg[0, 1].std()).astype(np.float32),
        "strip_fs_hz": np.array(100.0),
        "strip_start_s": np.array(0.0),
        "strip_record": np.array("00317"),
        "strip_lead": np.array("I"),
        "strip_unit": np.array([unit, "SD"]),
        "records_ecg": ecg.astype(np.float32),
        "records_row": rows,
        "records_fs_hz": np.array(100.0),
        "records_leads": np.array(LEADS),
        "records_unit": np.array(unit),
        "records_attention": (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32),
    }


def draw_predictions(n_rows: int, synthetic: bool = False, test: tuple[str, ...] = TEST) -> Predictions:
    """Answers of a fair network: N is easy, S hangs on the patient, F is called V, Q is rare."""
    rng = np.random.default_rng(0)
    patient = np.concatenate([rng.choice(VAL, n_rows // 5), rng.choice(test, n_rows)])
    ease = dict(zip((*VAL, *test), rng.uniform(0.3, 2.0, len(VAL) + len(test)), strict=True))
    often_s = np.isin(patient, (VAL[3], test[-1]))
    label = np.where(often_s & (rng.random(len(patient)) < 0.5), 1, 0)
    other = rng.random(len(patient))
    label = np.select([other < 0.07, other < 0.08, other < 0.081], [2, 3, 4], label)
    logits = rng.normal(size=(len(patient), 5)) + np.array([2.5, 0.0, 0.0, -1.0, -2.0])
    logits[np.arange(len(label)), label] += 3.0 * np.array([ease[name] for name in patient])
    logits[label == 3, 2] += 2.5
    table = pd.DataFrame({"row": np.arange(len(label)), "record": patient, "patient": patient})
    side = np.where(np.arange(len(label)) < n_rows // 5, "val", "test")
    table = table.assign(time_s=rng.uniform(0, 1800, len(label)), side=side, fold=np.int16(0), label=label)
    scores = {f"logit_{name}": logits[:, index].astype(np.float32) for index, name in enumerate(CLASSES)}
    tags = {"shared_patient": "201,202", "missing_records": "214,219"}
    table = table.assign(label=label.astype(np.int16), **scores)
    without = ("202", test[-1])
    return Predictions(table, "arrhythmia", "multiclass", CLASSES, CLASS_NAMES, synthetic, tags, CLASSES[:4], without)


def _data_card(predictions: Predictions, strange_name: str) -> dict[str, object]:
    counts = pd.crosstab([predictions.table["side"], predictions.table["patient"]], predictions.table["label"])
    counts = counts.reindex(columns=range(5), fill_value=0).set_axis(list(CLASSES), axis=1)
    people = [{"patient": name, "side": side, **row} for (side, name), row in counts.to_dict("index").items()]
    people += [
        {"patient": name, "side": "train", "N": 1800, "S": 20, "V": 90, "F": 3, "Q": 0} for name in ("106", "208")
    ]
    sides = {
        side: {name: sum(one[name] for one in people if one["side"] == side) for name in CLASSES}
        for side in ("train", "val", "test")
    }
    return {
        "corpus": "mitdb",
        "source": "synthetic" if predictions.synthetic else "local",
        "synthetic": predictions.synthetic,
        "licence": "ODC-BY 1.0",
        "citation": "Moody & Mark, IEEE Eng Med Biol 20:45-50 (2001)",
        "records": ["106", "208", *VAL, *TEST[:-1], strange_name],
        "missing": ["214", "219"],
        "skipped": {"207": "MLII is flat from 0 s to 12 s"},
        "fingerprint": "9f" * 32,
        "split": "inter_patient",
        "tags": predictions.tags,
        "counts": sides,
        "patients": {side: [one["patient"] for one in people if one["side"] == side] for side in sides},
        "per_patient": people,
    }


def _history() -> pd.DataFrame:
    epoch = np.arange(12)
    falling = np.exp(-epoch / 3)
    numbers = {"train/loss": 0.2 + falling, "val/loss": 0.45 + 0.7 * falling + 0.012 * epoch}
    numbers |= {"val/macro_f1_nsvf": 0.68 - 0.4 * falling - 0.002 * epoch, "val/accuracy": 0.93 - 0.3 * falling}
    return pd.DataFrame({"epoch": epoch, **numbers, "lr": np.where(epoch < 8, 1e-3, 1e-4)})


def _examples(predictions: Predictions) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    test = predictions.table[predictions.table["side"] == "test"]
    right = test["label"].to_numpy() == predictions.logits[test.index].argmax(axis=1)
    groups = [test[(test["label"] == label) & (right == was)] for label in range(5) for was in (True, False)]
    chosen = pd.concat([group.head(5) for group in groups])
    t = (np.arange(280) - N_BEFORE) / FS_HZ
    ecg_mv = np.stack([_beat(t, CLASSES[label]) for label in chosen["label"]])
    long = np.arange(round(10 * FS_HZ)) / FS_HZ
    strip = sum(_beat(long - at, "V" if number == 5 else "N") for number, at in enumerate(np.arange(0.4, 10, 0.8)))
    wander = 0.3 * np.sin(2 * np.pi * 0.2 * long) + 0.03 * rng.normal(size=len(long))
    return {
        "strip_raw_mv": (strip + wander).astype(np.float32),
        "strip_filtered": strip.astype(np.float32),
        "strip_fs_hz": np.array(FS_HZ),
        "strip_start_s": np.array(300.0),
        "strip_record": np.array("100"),
        "strip_lead": np.array("MLII"),
        "beats_ecg_mv": (ecg_mv[:, None] + 0.02 * rng.normal(size=(len(chosen), 1, 280))).astype(np.float32),
        "beats_row": chosen["row"].to_numpy(),
        "beats_fs_hz": np.array(FS_HZ),
        "beats_n_before": np.array(N_BEFORE),
        "beats_leads": np.array(["MLII"]),
    }


def _beat(t: np.ndarray, name: str) -> np.ndarray:
    """P wave (not before a V or Q beat), QRS of its class's width, T wave; in millivolts."""
    p_wave = 0.12 * np.exp(-(((t + 0.17) / 0.025) ** 2)) * (name not in "VQ")
    t_wave = 0.25 * np.exp(-(((t - 0.25) / 0.05) ** 2)) * (-1 if name == "V" else 1)
    return p_wave + 1.1 * np.exp(-((t / WIDTH_S[name]) ** 2)) + t_wave


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
