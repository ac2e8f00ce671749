"""Draw what a fair network would say of ECGs with several diagnoses each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecg_lightning.predictions import Predictions

SUPER = ("NORM", "MI", "STTC", "CD", "HYP")
SUPER_NAMES = {
    "NORM": "normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST/T change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}
SHARE = (0.44, 0.25, 0.24, 0.22, 0.12)  # roughly, of the rows, per class of SUPER
AGES = ("under 40", "40-59", "60-79", "80 and over", "unknown")
OVERCONFIDENT = 1.6  # what the logits are multiplied by; the temperature to be found


def draw_multilabel(
    n_rows: int = 400, classes: Sequence[str] = SUPER, n_val: int | None = None, synthetic: bool = False, seed: int = 0
) -> Predictions:
    """Predictions of PTB-XL's kind: one row per record, few patients with two, groups by sex and age.

    Args:
        n_rows: test rows.
        classes: those of SUPER come as often as they do there, others ever more rarely.
        n_val: validation rows; None is as many as test rows.
        synthetic: as the table shall say of itself.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    n_val = n_rows if n_val is None else n_val
    n = n_val + n_rows
    share = np.array([SHARE[SUPER.index(c)] if c in SUPER else 0.3 / (k + 1) for k, c in enumerate(classes)])
    truth = np.log(share / (1 - share)) + 2.0 * rng.normal(size=(n, len(classes)))
    p = 1 / (1 + np.exp(-truth))
    label = rng.random(truth.shape) < p
    if "NORM" in classes:  # a normal ECG is one that shows nothing else
        normal = list(classes).index("NORM")
        healthy = np.delete(1 - p, normal, axis=1).prod(axis=1)
        truth[:, normal] = np.log(healthy / (1 - healthy))
        label[:, normal] = ~np.delete(label, normal, axis=1).any(axis=1)
    record = [f"{17 + 3 * row:05d}" for row in range(n)]
    side = np.where(np.arange(n) < n_val, "val", "test")
    patient = np.arange(n) - (np.arange(n) % 10 == 9) * (np.arange(n) != n_val)  # every tenth comes twice
    columns = {"row": np.arange(n), "record": record, "patient": patient.astype(str), "time_s": np.zeros(n)}
    columns |= {"side": side, "fold": np.zeros(n, dtype=np.int16)}
    columns |= {f"label_{name}": label[:, k].astype(np.int8) for k, name in enumerate(classes)}
    columns |= {f"logit_{name}": (OVERCONFIDENT * truth[:, k]).astype(np.float32) for k, name in enumerate(classes)}
    columns["group_sex"] = rng.choice(["female", "male"], n)
    columns["group_age"] = rng.choice(AGES, n, p=(0.15, 0.29, 0.4, 0.15, 0.01))
    names = {name: SUPER_NAMES.get(name, name) for name in classes}
    tags = {"unknown_patients": "0"}
    return Predictions(
        pd.DataFrame(columns), "ptbxl", "multilabel", tuple(classes), names, synthetic, tags, groups=("sex", "age")
    )
