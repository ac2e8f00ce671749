"""Write records, in MIT-BIH's format, whose labels a network can learn: narrow beats and wide ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wfdb

FS_HZ = 360


def write_learnable(folder: Path, records: Sequence[str], n_beats: int, behind: int = 0) -> None:
    """Write `<folder>/mitdb/<record>.hea .dat .atr`, one lead, MLII, a beat every 0.7 s.

    Args:
        folder: the data folder.
        records: names, numbers in words.
        n_beats: of every record.
        behind: a beat is called V if the beat so many places before it is wide; 0 is the beat itself, -1 the next.
    """
    (folder / "mitdb").mkdir(parents=True, exist_ok=True)
    for record in records:
        random = np.random.default_rng(int(record))
        wide = random.random(n_beats) < 0.5
        peak_sample = 252 * np.arange(1, n_beats + 1)
        time = np.arange(252 * (n_beats + 1))
        width = np.where(wide, 25.0, 6.0)
        nearest = np.clip(np.round(time / 252).astype(int) - 1, 0, n_beats - 1)
        ecg_mv = np.exp(-(((time - peak_sample[nearest]) / width[nearest]) ** 2)) + random.normal(0, 0.02, len(time))
        symbol = np.where(np.roll(wide, behind), "V", "N")
        wfdb.wrsamp(
            record,
            fs=FS_HZ,
            units=["mV"],
            sig_name=["MLII"],
            d_signal=np.round(1024 + 200 * ecg_mv).astype(int)[:, None],
            fmt=["212"],
            adc_gain=[200.0],
            baseline=[1024],
            write_dir=str(folder / "mitdb"),
        )
        wfdb.wrann(record, "atr", peak_sample, symbol=symbol.tolist(), write_dir=str(folder / "mitdb"))
