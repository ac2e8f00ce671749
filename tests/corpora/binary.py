"""Draw what a fair network would say of windows of two kinds, from patients some of whom have but one."""

import numpy as np
import pandas as pd

from ecg_lightning.predictions import Predictions

CLASSES = ("normal", "low")
NEVER = ("003", "007")  # patients whose glucose never goes low
VAL = ("001", "005", "007")
OVERCONFIDENT = 1.6  # what the logits are multiplied by; the temperature to be found


def draw_binary(
    n_rows: int = 900,
    least_specificity: float | None = None,
    score_train: bool = False,
    synthetic: bool = False,
    tags: dict[str, str] | None = None,
    seed: int = 0,
) -> Predictions:
    """Predictions of a hypoglycaemia run: nine patients, a window in seven low, two patients never.

    Args:
        n_rows: of all patients together.
        least_specificity: of the threshold; None is that of the best F1.
        score_train: two more patients stand there whom the network has learned from.
        synthetic: as the table shall say of itself.
        tags: of the run.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    patients = np.array([f"{number:03d}" for number in range(1, 12 if score_train else 10)])
    patient = np.sort(rng.choice(patients, n_rows))
    never = np.isin(patient, NEVER)
    truth = np.where(never, -5.0, -2.2) + 2.0 * rng.normal(size=n_rows)
    label = (rng.random(n_rows) < 1 / (1 + np.exp(-truth))) & ~never
    side = np.select([np.isin(patient, VAL), patient > "009"], ["val", "train"], "test")
    columns = {"row": np.arange(n_rows), "record": patient + "/a#1", "patient": patient}
    columns |= {"time_s": 10.0 * np.arange(n_rows), "side": side, "fold": np.zeros(n_rows, dtype=np.int16)}
    columns |= {"label": label.astype(np.int16), "logit_low": (OVERCONFIDENT * truth).astype(np.float32)}
    columns["measured_glucose_mmol_l"] = np.where(label, 3.2, 6.5) + 0.3 * rng.random(n_rows)
    columns["measured_clock_s"] = 1.4e9 + columns["time_s"]
    names = {"normal": "3.9 mmol/L or more", "low": "glucose below 3.9 mmol/L"}
    return Predictions(
        pd.DataFrame(columns),
        "hypoglycemia",
        "binary",
        CLASSES,
        names,
        synthetic,
        tags or {},
        least_specificity=least_specificity,
    )
