"""Data modules over fake recordings of PTB-XL's kind, and the networks and runs that tests put on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg_lightning import scp
from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.records import RecordData
from ecg_lightning.datasets.ptbxl import PTBXL
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import Official
from ecg_lightning.windowing import Crops
from tests.corpora.ptbxl import LEADS as CHANNELS
from tests.corpora.ptbxl import write_ptbxl, write_signals

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SUPER = scp.classes("super")
CODES = ("NORM", "IMI", "NDT", "LAFB", "LVH")  # one of every superclass, in their order
FS_HZ = 100


def rows_of(n: int) -> list[Mapping[str, str]]:
    """Rows of the table, so many: one or two superclasses each, some persons unknown, every tenth without a diagnosis.

    The second row of every ten carries no more than a rhythm. Folds run from 1 to 10 and begin again.
    """
    random = np.random.default_rng(0)
    rows = []
    for i in range(n):
        chosen = random.permutation(5)[: 1 + i % 2]
        codes = {CODES[k]: 100.0 for k in chosen} if i % 10 != 1 else {"AFIB": 0.0}
        known = {"patient_id": f"{500 + i}.0", "age": f"{30 + i % 65}.0", "sex": str(i % 2)}
        rows.append(
            {"scp_codes": str({**codes, "SR": 0.0}), **(known if i % 7 else {"patient_id": "", "age": "", "sex": ""})}
        )
    return rows


def write_records(folder: Path, n: int = 40, fs_hz: int = FS_HZ) -> None:
    """Write `<folder>/ptbxl`: noise."""
    write_ptbxl(folder / "ptbxl", rows_of(n), fs_hz)


def write_learnable_records(folder: Path, n: int, fs_hz: int = FS_HZ) -> None:
    """Write records whose superclasses a network can see: one wave of its own pitch for each, in every lead."""
    rows = rows_of(n)
    write_ptbxl(folder / "ptbxl", rows, fs_hz)
    time_s = np.arange(10 * fs_hz) / fs_hz
    random = np.random.default_rng(1)
    for i, row in enumerate(rows, start=1):
        pitch_hz = [3 + 4 * k for k, code in enumerate(CODES) if f"'{code}'" in row["scp_codes"]]
        waves = sum((np.sin(2 * np.pi * (f * time_s + random.random())) for f in pitch_hz), np.zeros_like(time_s))
        digital = np.round(300 * waves[:, None] + random.normal(0, 50, (len(time_s), len(CHANNELS))))
        where = folder / "ptbxl" / ("records100" if fs_hz == 100 else "records500") / "00000"
        write_signals(where, f"{i:05d}_{'lr' if fs_hz == 100 else 'hr'}", digital.astype(int), fs_hz, "mV", 1000.0)


def corpus_in(folder: Path, fs_hz: int = FS_HZ) -> PTBXL:
    """The records below `<folder>/ptbxl`."""
    return PTBXL(folder, folder, fs_hz, source="local")


def preprocess_of(fs_hz: float = FS_HZ, scale: str = "none") -> Preprocess:
    """As `task=ptbxl` has it."""
    return Preprocess(LEADS, fs_hz, "diagnostic", "none", scale=scale)


def record_data(folder: Path, **settings: Any) -> RecordData:
    """Recordings in `<folder>/ptbxl`, whole, with age and sex; settings replace arguments of RecordData."""
    given: dict[str, Any] = {
        "classes": SUPER,
        "labels": "super",
        "least_percent": 0.0,
        "window": Crops(1000, 500, "mean"),
        "preprocess": preprocess_of(),
        "features": Features(("age_years", "sex_female"), "diagnostic"),
        "split": Official(9, 10),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 16,
        "seed": 0,
        "cache_dir": folder / "cache",
        "scope": "window",
    } | settings
    corpus = given.pop("corpus", None) or corpus_in(folder)
    return RecordData(corpus, **given)
