"""Tiny fake recordings in D1NAMO's own folders and tables: no heart, only what a reader must cope with."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

ECG, SENSORS = "diabetes_subset_ecg_data", "diabetes_subset_sensor_data"
GLUCOSE = "diabetes_subset_pictures-glucose-food-insulin"
BEGIN = datetime(2014, 10, 1, 10, 9, 39, 417_000)
GLUCOSE_ROWS = ("2014-10-01,10:05:00,5.1,cgm,", "2014-10-01,10:10:00,4.2,cgm,", "2014-10-01,10:15:00,3.6,cgm,")
SUMMARY_COLUMNS = ("Time", "HR", "BR", "SkinTemp", "Posture", "Activity", "PeakAccel")


def write_d1namo(
    folder: Path,
    patients: Sequence[str] = ("001", "002"),
    doubled: bool = False,
    glucose_rows: Sequence[str] = GLUCOSE_ROWS,
) -> None:
    """Write one recording of 20 s of every patient, and a table of glucose.

    Args:
        folder: of the corpus.
        patients: three digits each.
        doubled: hold every top folder twice (X/X), as one copy of the database does.
        glucose_rows: below the header.
    """
    for name in (ECG, SENSORS, GLUCOSE):
        (folder / name / name if doubled else folder / name).mkdir(parents=True, exist_ok=True)
    for patient in patients:
        write_session(folder, patient)
        write_glucose(folder, patient, glucose_rows)


def write_session(folder: Path, patient: str, begin: datetime = BEGIN, n_samples: int = 5000) -> Path:
    """Write ECG, breathing and summary of an unbroken recording; returns its ECG file."""
    name = f"{begin:%Y_%m_%d-%H_%M_%S}"
    sensors = session_folder(folder, SENSORS, patient, name)
    times = row_times(begin, n_samples // 10, 40)
    write_rows(sensors / f"{name}_Breathing.csv", "Time,BreathingWaveform", times, range(len(times)))
    times = row_times(begin, n_samples // 250, 1000)
    cells = [f"80,15.2,-3276.8,-5,{row / 100:g},0.2" for row in range(len(times))]
    write_rows(sensors / f"{name}_Summary.csv", ",".join(SUMMARY_COLUMNS), times, cells)
    ecg = session_folder(folder, ECG, patient, name) / f"{name}_ECG.csv"
    write_rows(ecg, "Time,EcgWaveform", row_times(begin, n_samples, 4), ecg_values(n_samples, int(patient)))
    return ecg


def session_folder(folder: Path, top: str, patient: str, name: str) -> Path:
    """The folder of a recording, made where it is not there."""
    doubled = folder / top / top
    made = (doubled if doubled.is_dir() else folder / top) / patient / "sensor_data" / name
    made.mkdir(parents=True, exist_ok=True)
    return made


def ecg_values(n_samples: int, seed: int = 1) -> list[int]:
    """Digital steps of 12 bits."""
    return np.random.default_rng(seed).integers(0, 4096, n_samples).tolist()


def row_times(begin: datetime, n_rows: int, period_ms: float) -> list[datetime]:
    """Of rows without a gap."""
    return [begin + timedelta(milliseconds=round(row * period_ms)) for row in range(n_rows)]


def write_rows(path: Path, header: str, times: Sequence[datetime], cells: Sequence[object]) -> None:
    """Write a csv file as the belt's software does."""
    lines = [
        f"{time:%d/%m/%Y %H:%M:%S}.{time.microsecond // 1000:03d},{cell}"
        for time, cell in zip(times, cells, strict=True)
    ]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="ascii")


def write_glucose(folder: Path, patient: str, rows: Sequence[str] = GLUCOSE_ROWS) -> Path:
    """Write the table of one patient's glucose."""
    doubled = folder / GLUCOSE / GLUCOSE
    path = (doubled if doubled.is_dir() else folder / GLUCOSE) / patient / "glucose.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["date,time,glucose,type,comments", *rows]) + "\n", encoding="utf-8")
    return path
