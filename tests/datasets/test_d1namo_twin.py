"""The twin of D1NAMO has the original's folders, columns and clocks, says that it is none, and goes low as planned."""

import csv
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets import d1namo_twin

ECG, SENSORS = "diabetes_subset_ecg_data", "diabetes_subset_sensor_data"
GLUCOSE = "diabetes_subset_pictures-glucose-food-insulin"
MINUTES = 2.5
CLOCK = "%d/%m/%Y %H:%M:%S.%f"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    d1namo_twin.write(folder, seed=6, n_patients=4, n_days=2, minutes=MINUTES)
    return folder


def heard(seed: int) -> dict[int, list[np.ndarray]]:
    """Glucose in every second of the recordings of a twin of the usual size, by patient."""
    plans = {number: d1namo_twin.new_plan(seed, number, n_days=4, minutes=30) for number in range(1, 10)}
    return {number: [plan.glucose_of_day(day) for day in range(4)] for number, plan in plans.items()}


def recordings(root: Path, part: str, ending: str) -> list[Path]:
    return sorted((root / part).glob(f"*/sensor_data/*/*_{ending}.csv"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="ascii") as file:
        return list(csv.DictReader(file))


def times_s(path: Path) -> np.ndarray:
    """Time of day of every row."""
    clocks = [row["Time"][11:].split(":") for row in rows(path)]
    return np.array(clocks, dtype=float) @ np.array([3600, 60, 1])


def content(folder: Path, seed: int, n_patients: int = 1) -> dict[str, bytes]:
    folder.mkdir()
    d1namo_twin.write(folder, seed, n_patients=n_patients, n_days=1, minutes=1)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_recording_lies_in_the_folders_of_the_original(root: Path) -> None:
    ecg = recordings(root, ECG, "ECG")
    assert [path.parts[-4] for path in ecg] == ["001", "001", "002", "002", "003", "003", "004", "004"]
    for path in ecg:
        name = path.parent.name
        begin = datetime.strptime(name, "%Y_%m_%d-%H_%M_%S")
        assert path.name == f"{name}_ECG.csv"
        sensors = root / SENSORS / path.parts[-4] / "sensor_data" / name
        assert sorted(found.name for found in sensors.iterdir()) == [f"{name}_Breathing.csv", f"{name}_Summary.csv"]
        first = datetime.strptime(path.read_text(encoding="ascii").split("\n")[1].split(",")[0], CLOCK)
        assert 0 <= (first - begin).total_seconds() < 1
    assert len({path.parent.name for path in ecg}) == 8


@pytest.mark.parametrize(
    ("part", "ending", "columns", "fs_hz"),
    [
        (ECG, "ECG", ["Time", "EcgWaveform"], 250),
        (SENSORS, "Breathing", ["Time", "BreathingWaveform"], 25),
        (SENSORS, "Summary", ["Time", "HR", "BR", "Posture", "Activity"], 1),
    ],
)
def test_signals_have_the_original_columns_rates_and_clock(
    root: Path, part: str, ending: str, columns: list[str], fs_hz: int
) -> None:
    path = recordings(root, part, ending)[2]
    found = rows(path)
    assert list(found[0]) == columns
    assert len(found) == MINUTES * 60 * fs_hz
    np.testing.assert_allclose(np.diff(times_s(path)), 1 / fs_hz, atol=1e-6)
    if ending != "Summary":
        assert all(0 <= int(row[columns[1]]) <= 4095 for row in found)


def test_the_belt_is_off_once_in_two_recordings(root: Path) -> None:
    for part, ending, fs_hz in ((ECG, "ECG", 250), (SENSORS, "Breathing", 25), (SENSORS, "Summary", 1)):
        gaps = [np.diff(times_s(path)) for path in recordings(root, part, ending)]
        assert [int((gap > 1.5 / fs_hz).sum()) for gap in gaps] == [1, 0, 0, 0, 0, 0, 0, 1]
        assert abs(gaps[0].max() - MINUTES * 60 / 12) < 1.1


def test_glucose_has_a_reading_every_five_minutes_or_so_and_a_few_from_a_finger(root: Path) -> None:
    for path in sorted((root / GLUCOSE).glob("*/glucose.csv")):
        found = rows(path)
        assert list(found[0]) == ["date", "time", "glucose", "type", "comments"]
        assert {row["comments"] for row in found} == {"synthetic"}
        at = [datetime.strptime(f"{row['date']} {row['time']}", "%Y-%m-%d %H:%M:%S") for row in found]
        assert at == sorted(at)
        sensor = np.diff([time.timestamp() for time, row in zip(at, found, strict=True) if row["type"] == "cgm"])
        assert 285 < np.median(sensor) < 315
        assert len(set(sensor)) > 10
        assert 5 <= sum(row["type"] == "manual" for row in found) <= 15
        assert all(2 < float(row["glucose"]) < 30 for row in found)


def test_readings_follow_whoever_goes_low(root: Path) -> None:
    low = {
        path.parent.name: sum(float(row["glucose"]) < 3.9 for row in rows(path))
        for path in (root / GLUCOSE).glob("*/glucose.csv")
    }
    assert low["003"] == 0
    assert min(low["001"], low["002"], low["004"]) >= 1


def test_the_folder_says_that_it_is_synthetic(root: Path) -> None:
    said = (root / "README.txt").read_text(encoding="ascii")
    assert said.startswith("This folder is synthetic: written by ecg_lightning, seed 6. It holds no patient.")


@pytest.mark.parametrize("seed", range(3))
def test_six_of_nine_go_low_on_three_of_four_days(seed: int) -> None:
    n_low_days = {number: sum(bool((day < 3.9).any()) for day in days) for number, days in heard(seed).items()}
    assert n_low_days == {number: 3 if number % 3 else 0 for number in range(1, 10)}


@pytest.mark.parametrize("seed", range(3))
def test_low_glucose_begins_and_ends_within_recordings(seed: int) -> None:
    low = [day < 3.9 for days in heard(seed).values() for day in days]
    assert 0.10 < np.mean(low) < 0.20
    episodes = [day for day in low if day.any()]
    assert all(np.diff(day.astype(int)).tolist().count(1) == 1 for day in episodes)
    assert np.mean([not day[0] and not day[-1] for day in episodes]) > 0.9
    minutes = np.array([day.sum() / 60 for day in episodes])
    assert minutes.min() > 4
    assert minutes.max() < 25


def test_every_third_patient_goes_low_by_night_alone() -> None:
    for number in (1, 4, 7):
        plan = d1namo_twin.new_plan(0, number, n_days=4, minutes=30)
        low = [bool((plan.glucose_of_day(day) < 3.9).any()) for day in range(4)]
        assert (plan.begin_s % 86400 < 6 * 3600).tolist() == low


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    first, again, other = (content(tmp_path / str(i), seed) for i, seed in enumerate((0, 0, 1)))
    assert first == again
    assert len(first) == 5
    assert set(first.values()).isdisjoint(other.values())


def test_more_patients_leave_the_first_as_they_are(tmp_path: Path) -> None:
    alone, two = (content(tmp_path / str(n), 0, n) for n in (1, 2))
    assert len(two) == 9
    assert all(two[path] == alone[path] for path in alone)


def test_samples_below_a_thousand_have_fewer_digits(root: Path) -> None:
    texts = [path.read_text(encoding="ascii") for path in recordings(root, ECG, "ECG")]
    assert any(re.search(r",\d\n", text) for text in texts)
    assert not any(re.search(r",0\d", text) or "\0" in text for text in texts)


@pytest.mark.parametrize(("n_patients", "n_days", "minutes"), [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.5), (1, 1, 241.0)])
def test_impossible_sizes_are_refused_in_words(tmp_path: Path, n_patients: int, n_days: int, minutes: float) -> None:
    with pytest.raises(ValueError, match=rf"minutes={minutes} must be at least 1, and minutes at most 240: ask for"):
        d1namo_twin.write(tmp_path, 0, n_patients, n_days, minutes)


def test_writing_is_quiet_where_nobody_watches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content(tmp_path / "twin", 0)
    assert "".join(capsys.readouterr()) == ""
