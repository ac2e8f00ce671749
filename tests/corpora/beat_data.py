"""Data modules over fake records, with sides named by record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.structures import Fold, WindowTable
from ecg_lightning.windowing import Window


@dataclass(frozen=True)
class ByRecord:
    """The first records to choose by, the last ones to report on, as many as said; the others to learn from."""

    n_val: int
    n_test: int
    needs: tuple[str, ...] = ()

    def divide(self, table: WindowTable) -> Iterator[Fold]:
        val = table.record < self.n_val
        test = table.record >= len(table.record_names) - self.n_test
        yield Fold(np.flatnonzero(~val & ~test), np.flatnonzero(val), np.flatnonzero(test))


def beat_data(data_dir: Path, classes: Sequence[str] = ("N", "S", "V", "F", "Q"), **settings: Any) -> BeatData:
    """Beats of the records in `<data_dir>/mitdb`; settings replace arguments of BeatData."""
    mode = str(settings.get("mode", "diagnostic"))
    phase, names = ("zero", ("pre_rr_s", "post_over_pre")) if mode == "diagnostic" else ("causal", ("pre_rr_s",))
    given: dict[str, Any] = {
        "corpus": MITDB(data_dir, data_dir, source="local", allow_missing=True),
        "window": Window(280, 140),
        "preprocess": Preprocess(("MLII",), 360.0, mode, "butterworth", phase),
        "features": Features(names, mode),
        "split": ByRecord(1, 1),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 64,
        "n_beats": 30,
        "context": 5,
        "mode": mode,
        "seed": 0,
        "cache_dir": data_dir / "cache",
        "scope": "window",
    }
    return BeatData(classes=classes, **(given | settings))
