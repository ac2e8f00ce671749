"""Rows of the published heartbeat csv are made again of the real MIT-BIH records, digit by digit."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.heartbeat_csv_files import read_rows
from ecg_lightning.datasets.heartbeat_csv_recipe import read_beats
from ecg_lightning.datasets.mitdb import PACED

DATA_DIR = Path(os.environ.get("ECG_DATA_DIR", "/nowhere")).absolute()
FILES = [DATA_DIR / "heartbeat_csv" / f"mitbih_{side}.csv" for side in ("train", "test")]
NEEDED = [*FILES, *(DATA_DIR / "mitdb" / f"{record}.hea" for record in (*PACED, "203"))]
pytestmark = pytest.mark.skipif(not all(file.is_file() for file in NEEDED), reason="ECG_DATA_DIR lacks the records")
LABELS = {0: "N", 1: "S", 2: "V", 3: "F", 4: "Q"}
Q = 4


def test_published_rows_of_paced_beats_are_rows_of_the_paced_records() -> None:
    made = [read_beats(DATA_DIR / "mitdb", record)[0] for record in (*PACED, "203")]
    own = {row.round(4).tobytes() for beats in made for row in beats.rows[beats.label == Q]}
    read = [read_rows(file, 187, 125.0, LABELS) for file in FILES]
    published = np.concatenate([rows[label == Q] for rows, label in read])
    found = [row.round(4).tobytes() in own for row in published]
    assert len(found) >= 200
    assert np.mean(found) > 0.95  # the others are of the 21 Q beats of other records
