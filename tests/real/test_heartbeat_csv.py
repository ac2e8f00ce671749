"""Rows of the published heartbeat csv are made again of the real MIT-BIH records, digit by digit."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets import mitdb
from ecg_lightning.datasets.heartbeat_csv_files import read_rows
from ecg_lightning.datasets.heartbeat_csv_recipe import read_beats

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
FILES = [DATA_DIR / "heartbeat_csv" / f"mitbih_{side}.csv" for side in ("train", "test")]
RECORDS = [record for record in mitdb.RECORDS if (DATA_DIR / "mitdb" / f"{record}.hea").is_file()]
THERE = all(file.is_file() for file in FILES) and set(mitdb.PACED) <= set(RECORDS)
pytestmark = pytest.mark.skipif(not THERE, reason="ECG_DATA_DIR lacks the records")
LABELS = {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"}


def test_published_rows_are_rows_of_the_records_at_hand() -> None:
    """Of 1,000 rows 729 are of the 42 records that a copy without six of them holds."""
    rows, label = (
        np.concatenate(part) for part in zip(*(read_rows(f, 187, 125.0, LABELS) for f in FILES), strict=True)
    )
    found = np.zeros(len(rows), bool)
    for record in RECORDS:
        made = read_beats(DATA_DIR / "mitdb", record)[0]
        nearest = ((made.rows**2).sum(axis=1) - 2 * rows @ made.rows.T).argmin(axis=1)
        same = np.abs(made.rows[nearest] - rows).max(axis=1) < 1e-5
        found |= same & (made.label[nearest] == label)
    assert len(found) == 1000
    assert found.sum() >= 729
    assert found[label == 4].all(), "the paced records are all at hand"
