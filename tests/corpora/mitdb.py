"""Tiny fake MIT-BIH records, written as WFDB: no heart, only what a reader must cope with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import wfdb

FS_HZ = 360
SYMBOLS = ("N", "N", "V", "N", "A", "N", "+", "F", "|", "L", "R", "Q")  # "+" and "|" are no beats


def write_mitdb(
    folder: Path, records: Sequence[str], seconds: float = 12.0, comments: Sequence[str] = ("69 M 1085 1629 x1",)
) -> None:
    """Write `<folder>/<record>.hea .dat .atr`, one annotation per second, leads as in the real records."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in records:
        write_record(folder, record, lead_names(record), seconds, comments)
    (folder / "RECORDS").write_text("".join(f"{record}\n" for record in records))


def lead_names(record: str) -> tuple[str, str]:
    """114 has its leads swapped; 102 and 104 have no MLII."""
    return {"114": ("V5", "MLII"), "102": ("V5", "V2"), "104": ("V5", "V2")}.get(record, ("MLII", "V1"))


def write_record(
    folder: Path, record: str, leads: tuple[str, str], seconds: float, comments: Sequence[str] = ()
) -> None:
    """Write one record: a bump per annotation, noise that differs from record to record."""
    n_samples = round(seconds * FS_HZ)
    peak_sample = np.arange(FS_HZ // 2, n_samples, FS_HZ)
    random = np.random.default_rng(int(record))
    digital = 1024 + random.integers(-20, 21, (n_samples, 2))
    digital[peak_sample] += 200  # 1 mV
    wfdb.wrsamp(
        record,
        fs=FS_HZ,
        units=["mV", "mV"],
        sig_name=list(leads),
        d_signal=digital,
        fmt=["212", "212"],
        adc_gain=[200.0, 200.0],
        baseline=[1024, 1024],
        comments=list(comments),
        write_dir=str(folder),
    )
    symbol = [SYMBOLS[beat % len(SYMBOLS)] for beat in range(len(peak_sample))]
    wfdb.wrann(record, "atr", peak_sample, symbol=symbol, write_dir=str(folder))
