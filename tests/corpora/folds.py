"""Write the folders of folds that never took place, with believable answers of a network."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import Status
from tests.corpora.binary import draw_binary
from tests.corpora.sweep import SETTINGS

N_FOLDS = 3


def folds_of(n_rows: int = 900) -> list[Predictions]:
    """One table per fold: nine patients, three of them reported on and two more to choose by in each."""
    whole = draw_binary(n_rows, seed=1)
    place = pd.factorize(whole.table["patient"])[0]
    parts = []
    for fold in range(N_FOLDS):
        side = np.select(
            [place % N_FOLDS == fold, np.isin(place, ((fold + 1) % 9, (fold + 4) % 9))], ["test", "val"], ""
        )
        table = whole.table.assign(side=side, fold=np.int16(fold))
        table["logit_low"] = table["logit_low"] * (1 + fold) + fold  # each network speaks on a scale of its own
        parts.append(replace(whole, table=table[table["side"] != ""].reset_index(drop=True)))
    return parts


def write_fold(folder: Path, predictions: Predictions, overrides: Sequence[str] = ()) -> None:
    """Write what a fold leaves, as far as pooling reads it."""
    folder.mkdir(parents=True)
    predictions.write(folder / "predictions.parquet")
    table, fold = predictions.table, int(predictions.table["fold"][0])
    choices: dict[str, str | None] = {"model": "cnn", "split": "kfold"}
    Status("finished", finished_folds=[fold], choices=choices, overrides=[*overrides]).write(folder)
    numbers = {"fit/epochs": 2 + fold, "fit/seconds": 10.0, "fit/windows_per_second": 100.0, "model/parameters": 12}
    (folder / "metrics.json").write_text(json.dumps(numbers | {"test/auroc": 0.5 + 0.1 * fold}), encoding="utf-8")
    sides = {side: table[table["side"] == side] for side in ("train", "val", "test")}
    card = {
        **{"corpus": "d1namo", "source": "local", "synthetic": False, "licence": "", "citation": "", "records": []},
        **{"missing": [], "fingerprint": "f" * 64, "split": "kfold", "split_hash": f"{fold}" * 16},
        **{"skipped": {}, "tags": {f"tag_{fold}": "true"}, "remarks": ["low is below 3.9"]},
        "rows": {side: len(rows) for side, rows in sides.items()},
        "counts": {side: {"low": int(rows["label"].sum())} for side, rows in sides.items()},
        "patients": {side: sorted(rows["patient"].unique()) for side, rows in sides.items()},
        "per_patient": [{"patient": name, "side": "test", "low": 1} for name in sides["test"]["patient"].unique()],
    }
    (folder / "data.json").write_text(json.dumps(card), encoding="utf-8")
    config = {**SETTINGS, "split": {"fold": fold}, "resume": None, "plugins": []}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "history.csv").write_text(f"epoch,val/auroc\n0,0.{5 + fold}\n1,0.4\n", encoding="utf-8")
