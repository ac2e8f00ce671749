"""Draw what a fair autoencoder would score windows, normal ones and anomalies of three kinds."""

import numpy as np
import pandas as pd

from ecg_lightning.predictions import Predictions

CLASSES = ("normal", "anomaly")
KINDS = {"S": "supraventricular", "V": "ventricular", "F": "fusion"}
FAR = {"S": 0.5, "V": 3.0, "F": 1.5}  # how far from normal ones a kind is scored
NEVER = ("003", "007")  # patients without an anomaly
VAL = ("001", "005", "007")


def draw_anomalies(
    n_rows: int = 900,
    score: tuple[str, ...] = ("mae",),
    n_sd: float | None = 2.0,
    percentile: float | None = None,
    tags: dict[str, str] | None = None,
    seed: int = 0,
) -> Predictions:
    """Predictions of an anomaly run: nine patients, two without an anomaly; a row in twenty is of two kinds at once.

    Args:
        n_rows: of all patients together.
        score: the parts that count, of mae, weighted, latent and rhythm.
        n_sd: of the threshold.
        percentile: of the threshold, where n_sd is None.
        tags: of the run.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.choice([f"{number:03d}" for number in range(1, 10)], n_rows))
    kind = rng.choice(["N", *KINDS, "both"], n_rows, p=[0.7, 0.1, 0.1, 0.05, 0.05])
    kind[np.isin(patient, NEVER)] = "N"
    of_kind = {name: (kind == name) | ((kind == "both") & (name != "F")) for name in KINDS}
    far = np.max([FAR[name] * rows for name, rows in of_kind.items()], axis=0)
    columns = {"row": np.arange(n_rows), "record": patient, "patient": patient, "time_s": 0.8 * np.arange(n_rows)}
    columns |= {"side": np.where(np.isin(patient, VAL), "val", "test"), "fold": np.zeros(n_rows, dtype=np.int16)}
    columns |= {"label": (kind != "N").astype(np.int16)}
    columns |= {f"kind_{name}": rows.astype(np.int8) for name, rows in of_kind.items()}
    for part, unit in (("mae", 0.1), ("weighted", 0.1), ("latent", 1.0), ("rhythm", 1.0)):
        away = np.where(of_kind["S"], 3.0, 0.0) if part == "rhythm" else far
        columns[f"score_{part}"] = (unit * np.exp(0.3 * (rng.normal(size=n_rows) + away))).astype(np.float32)
    return Predictions(
        pd.DataFrame(columns),
        "anomaly",
        "anomaly",
        CLASSES,
        {"normal": "N, L, R, e, j", "anomaly": "any other beat"},
        False,
        tags or {},
        score=score,
        kinds=KINDS,
        n_sd=n_sd,
        percentile=percentile,
    )
