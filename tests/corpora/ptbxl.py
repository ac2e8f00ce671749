"""Tiny fake PTB-XL records in the official layout: no heart, only what a reader must cope with."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ecg_lightning.scp import STATEMENTS

LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
COLUMNS = ("ecg_id", "patient_id", "age", "sex", "report", "scp_codes", "strat_fold", "filename_lr", "filename_hr")
# one per fold in turn; 15709 has two records, as some people do
ROWS = (
    {"patient_id": "15709.0", "age": "56.0", "sex": "1", "scp_codes": "{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 0.0}"},
    {"patient_id": "13243.0", "age": "19.0", "sex": "0", "scp_codes": "{'IMI': 35.0, 'LAFB': 100.0, 'AFIB': 0.0}"},
    {"patient_id": "15709.0", "age": "300.0", "sex": "1", "scp_codes": "{'LVH': 100.0, 'NDT': 50.0, 'SR': 0.0}"},
    {"patient_id": "", "age": "", "sex": "", "scp_codes": "{'PVC': 100.0, 'SR': 0.0}"},
)


def write_ptbxl(
    folder: Path, rows: Sequence[Mapping[str, str]] = ROWS, fs_hz: int = 100, comments: Sequence[str] = ()
) -> None:
    """Write both tables and the signals at one rate.

    Args:
        folder: of the corpus.
        rows: cells by column; ecg_id counts from 1 and strat_fold from 1 to 10 where they are not given.
        fs_hz: 100 or 500.
        comments: of every header.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells = [
        {"ecg_id": str(place), "strat_fold": str((place - 1) % 10 + 1), "report": "sinus rhythm,\nnormal"} | dict(row)
        for place, row in enumerate(rows, start=1)
    ]
    _write_table(folder / "ptbxl_database.csv", COLUMNS, cells)
    write_statements(folder)
    for row in cells:
        if row["ecg_id"].isdecimal():
            write_record(folder, int(row["ecg_id"]), fs_hz, comments=comments)


def write_statements(folder: Path) -> None:
    """Write scp_statements.csv, "1.0" where the corpus says yes and nothing where it says no."""
    columns = ("", "description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass")
    rows = [
        {
            "": code,
            "description": one.name,
            "diagnostic": "1.0" if one.superclass else "",
            "form": "1.0" if one.form else "",
            "rhythm": "1.0" if one.rhythm else "",
            "diagnostic_class": one.superclass or "",
            "diagnostic_subclass": one.subclass or "",
        }
        for code, one in STATEMENTS.items()
    ]
    _write_table(folder / "scp_statements.csv", columns, rows)


def write_record(
    folder: Path, ecg_id: int, fs_hz: int = 100, unit: str = "mV", gain: float = 1000.0, comments: Sequence[str] = ()
) -> None:
    """Write ten seconds of noise in twelve leads, as `wfdb.wrsamp` would, only faster."""
    rate, suffix = {100: ("records100", "lr"), 500: ("records500", "hr")}[fs_hz]
    where = folder / rate / f"{ecg_id // 1000 * 1000:05d}"
    where.mkdir(parents=True, exist_ok=True)
    name = f"{ecg_id:05d}_{suffix}"
    write_signals(where, name, np.random.default_rng(ecg_id).integers(-500, 500, (10 * fs_hz, 12)), fs_hz, unit, gain)
    with (where / f"{name}.hea").open("a") as file:
        file.writelines(f"# {comment}\n" for comment in comments)


def write_signals(where: Path, name: str, digital: np.ndarray, fs_hz: int, unit: str, gain: float) -> None:
    """Write `<where>/<name>.hea .dat` in format 16 from (time, lead) values."""
    (where / f"{name}.dat").write_bytes(digital.astype("<i2").tobytes())
    lines = [f"{name} {digital.shape[1]} {fs_hz} {len(digital)}"]
    for lead, values in zip(LEADS, digital.T, strict=False):
        lines.append(f"{name}.dat 16 {gain}(0)/{unit} 16 0 {values[0]} {values.sum() % 65536} 0 {lead}")
    (where / f"{name}.hea").write_text("\n".join((*lines, "")))


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
