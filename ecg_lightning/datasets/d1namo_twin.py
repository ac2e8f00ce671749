"""A synthetic twin of D1NAMO: its folders, tables, rates and clock format, and no patient."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.random import Generator, default_rng
from rich.console import Console
from rich.progress import track

from ecg_lightning.datasets import synthetic_glucose
from ecg_lightning.datasets.d1namo_folders import ECG, GLUCOSE, SENSORS
from ecg_lightning.datasets.synthetic_chest import BREATHING_HZ, FS_HZ
from ecg_lightning.datasets.synthetic_glucose import Performance, Signs

FIRST_DAY = datetime(2014, 10, 1)
GAPS = ((1, 0), (4, 1))  # (patient, day) whose belt was off for a twelfth of the recording
MINUTES_A_DAY = 1440
# One patient in whom every sign is as usual; in the others who go low, one is missing or reversed.
CAST = {
    2: {"heart_rate_share": 0.0},
    4: {"t_share": -0.6},
    5: {"variability_share": 0.0},
    7: {"qtc_s": 0.0},
    8: {"t_share": 0.0},
}
LONGEST_MINUTES = 240.0
README = """This folder is synthetic: written by ecg_lightning, seed {seed}. It holds no patient.
It has the layout of D1NAMO (Zenodo 5651217), and numbers from it say nothing about people.
"""


@dataclass(frozen=True, eq=False)
class Plan:
    """When one patient is recorded, and the glucose of all days.

    Args:
        begin_s: of every recording, since the first midnight.
        n_seconds: of every recording.
        glucose_mmol_l: in every minute since then.
    """

    begin_s: Int[np.ndarray, " day"]
    n_seconds: int
    glucose_mmol_l: Float[np.ndarray, " minute"]

    def glucose_of_day(self, day: int) -> Float[np.ndarray, " second"]:
        """Glucose in every second of one recording."""
        at_minute = (self.begin_s[day] + np.arange(self.n_seconds)) / 60
        return np.interp(at_minute, np.arange(len(self.glucose_mmol_l)), self.glucose_mmol_l)


def write(root: Path, seed: int, n_patients: int = 9, n_days: int = 4, minutes: float = 30) -> None:
    """Write one recording a day of every patient, and glucose of all days.

    Patients 003, 006 and so on never go low; the others do on three days of four, and 001, 004 and so on by night.
    In a 9 x 4 x 30 minutes twin 15 to 20 % of the time is low. The patients after the ninth repeat the cast.

    Args:
        root: an existing, empty folder.
        seed: the same seed gives the same bytes.
        n_patients: named 001 and so on; more patients leave the first ones as they are.
        n_days: of every patient.
        minutes: length of a recording. Under 20 its end may come before that of the dip.

    Raises:
        ValueError: a number is below 1, or a recording would reach into the next.
    """
    if n_patients < 1 or n_days < 1 or not 1 <= minutes <= LONGEST_MINUTES:
        raise ValueError(
            f"n_patients={n_patients}, n_days={n_days} and minutes={minutes} must be at least 1, and minutes "
            f"at most {LONGEST_MINUTES:.0f}: ask for more days"
        )
    (root / "README.txt").write_text(README.format(seed=seed), encoding="ascii")
    numbers = range(1, n_patients + 1)
    for number in track(numbers, "writing the synthetic twin of D1NAMO", disable=not Console().is_terminal):
        person = synthetic_glucose.new_person(default_rng([seed, number, 0]), _answers(number))
        plan = new_plan(seed, number, n_days, minutes)
        _write_glucose(root / GLUCOSE / f"{number:03d}", plan, default_rng([seed, number, 1]))
        for day, begin_s in enumerate(plan.begin_s.tolist()):
            rng, glucose = default_rng([seed, number, 2, day]), plan.glucose_of_day(day)
            asleep = begin_s % 86400 < 6 * 3600
            performance = synthetic_glucose.perform(synthetic_glucose.of_day(person, rng), glucose, asleep, rng)
            _write_recording(root, number, begin_s, performance, _worn(number, day, len(glucose)))


def _answers(number: int) -> Signs:
    return replace(Signs(1, 1, 1, 1), **CAST.get((number - 1) % 9 + 1, {}))


def new_plan(seed: int, number: int, n_days: int, minutes: float) -> Plan:
    """Place recordings and dips of one patient; who goes low, when and how often, see `write`."""
    rng = default_rng([seed, number, 3])
    low = (number % 3 != 0) & (rng.permutation(n_days) % 4 != 3)
    night = low if number % 3 == 1 else rng.random(n_days) < 0.35
    hour = np.where(night, rng.uniform(0.5, 4.5, n_days), rng.uniform(7.5, 19.5, n_days))
    begin_s = np.rint((24 * np.arange(n_days) + hour) * 3600).astype(np.int64)
    wide = 0.36 * max(minutes, 20.0)
    middle = begin_s / 60 + rng.uniform(0.2, 0.4, n_days) * minutes + wide / 2
    lowest = np.where(low, rng.uniform(2.8, 3.5, n_days), rng.uniform(4.4, 5.5, n_days))
    n_minutes = n_days * MINUTES_A_DAY + round(LONGEST_MINUTES)
    return Plan(begin_s, round(60 * minutes), synthetic_glucose.glucose_curve(rng, n_minutes, middle, lowest, wide))


def _worn(number: int, day: int, n_seconds: int) -> Bool[np.ndarray, " second"]:
    """Seconds in which the belt records."""
    since_s = np.arange(n_seconds) - n_seconds // 4
    off = (since_s >= 0) & (since_s < n_seconds // 12)
    return ~off if (number, day) in GAPS else np.full(n_seconds, True)


def _write_recording(
    root: Path, number: int, begin_s: int, performance: Performance, worn: Bool[np.ndarray, " second"]
) -> None:
    begin = FIRST_DAY + timedelta(seconds=begin_s)
    name = f"{begin:%Y_%m_%d-%H_%M_%S}"
    ecg, sensors = (root / part / f"{number:03d}" / "sensor_data" / name for part in (ECG, SENSORS))
    for folder in (ecg, sensors):
        folder.mkdir(parents=True)
    late_ms = (begin_s * 7) % 250 * 4  # a belt's clock is not at a whole second when it starts
    for path, header, waveform, fs_hz in (
        (ecg / f"{name}_ECG.csv", "Time,EcgWaveform", performance.ecg, FS_HZ),
        (sensors / f"{name}_Breathing.csv", "Time,BreathingWaveform", performance.breathing, BREATHING_HZ),
    ):
        at_ms = np.arange(len(waveform)) * (1000 // fs_hz)
        kept = worn[at_ms // 1000]
        path.write_bytes(f"{header}\n".encode() + _lines(begin, late_ms + at_ms[kept], waveform[kept]))
    _write_summary(sensors / f"{name}_Summary.csv", begin + timedelta(milliseconds=late_ms), performance, worn)


def _lines(begin: datetime, at_ms: Int[np.ndarray, " sample"], waveform: Int[np.ndarray, " sample"]) -> bytes:
    """Write `time,integer` lines, all at once: one byte per cell, and zero bytes taken out at the end."""
    seconds = [f"{begin + timedelta(seconds=second):%d/%m/%Y %H:%M:%S}" for second in range(at_ms[-1] // 1000 + 1)]
    lines = np.empty((len(at_ms), 29), np.uint8)
    lines[:, :19] = _cells(seconds)[at_ms // 1000]
    lines[:, 19:24] = _cells([f".{ms:03d}," for ms in range(1000)])[at_ms % 1000]
    lines[:, 24:28] = _cells([f"{value:d}".rjust(4, "\0") for value in range(4096)])[waveform]
    lines[:, 28] = ord("\n")
    return lines.tobytes() if waveform.min() >= 1000 else lines[lines != 0].tobytes()


def _cells(words: list[str]) -> UInt8[np.ndarray, "word letter"]:
    """Letters of words of one length."""
    return np.frombuffer("".join(words).encode("ascii"), np.uint8).reshape(len(words), -1)


def _write_summary(path: Path, begin: datetime, performance: Performance, worn: Bool[np.ndarray, " second"]) -> None:
    body = performance.body
    rows = zip(
        worn.tolist(),
        performance.heart_rate_bpm.tolist(),
        body.breaths_per_minute.tolist(),
        body.posture_deg.tolist(),
        body.activity_g.tolist(),
        strict=True,
    )
    lines = ["Time,HR,BR,Posture,Activity"]
    for second, (is_worn, bpm, breaths, posture, activity) in enumerate(rows):
        if is_worn:
            time = f"{begin + timedelta(seconds=second):%d/%m/%Y %H:%M:%S.%f}"[:-3]
            lines.append(f"{time},{bpm:.0f},{breaths:.1f},{posture},{activity:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _write_glucose(folder: Path, plan: Plan, rng: Generator) -> None:
    folder.mkdir(parents=True)
    lines = [
        f"{FIRST_DAY + timedelta(seconds=at_s):%Y-%m-%d,%H:%M:%S},{mmol_l:.1f},{kind},synthetic"
        for at_s, mmol_l, kind in sorted(_readings(plan, rng))
    ]
    (folder / "glucose.csv").write_text("\n".join(["date,time,glucose,type,comments", *lines]) + "\n", encoding="ascii")


def _readings(plan: Plan, rng: Generator) -> Iterator[tuple[int, float, str]]:
    """Yield (second, mmol/L, kind): a sensor every five minutes or so, with holes, and five drops of blood a day."""
    n_minutes = len(plan.glucose_mmol_l)
    sensor = np.arange(60 * n_minutes // 300) * 300 + rng.integers(0, 12, 60 * n_minutes // 300)
    sensor = sensor[rng.random(len(sensor)) > 0.02]
    blood = np.sort(rng.integers(0, 60 * n_minutes, 5 * n_minutes // MINUTES_A_DAY))
    for kind, at_s in (("cgm", sensor), ("manual", blood)):
        error = (0.1 * rng.standard_normal(len(at_s))).clip(-0.25, 0.25)
        mmol_l = np.interp(at_s / 60, np.arange(n_minutes), plan.glucose_mmol_l) + error
        yield from zip(at_s.tolist(), mmol_l.tolist(), [kind] * len(at_s), strict=True)
