"""Stretches of ECG to windows that inherit glucose readings: who is low, what is left out, what stays together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning import prepare
from ecg_lightning.datamodules.glucose import GlucoseData
from ecg_lightning.datasets import d1namo_twin
from ecg_lightning.datasets.d1namo import D1NAMO
from ecg_lightning.dsp.quality import bad_share
from ecg_lightning.features import Features
from ecg_lightning.splits import Holdout
from ecg_lightning.structures import Refused
from ecg_lightning.time_splits import Day, FirstPart
from ecg_lightning.windowing import Segments
from tests.corpora.glucose_data import EVERY_S, FS_HZ, NOON_S, Belt, every_five_minutes, glucose_data, preprocess_of

READINGS = {
    "001": every_five_minutes(5.0, 3.8, 3.5, 4.2, 6.0),
    "002": every_five_minutes(5.0, 6.0, 7.0, 4.0, 6.0),
    "003": every_five_minutes(3.0, 5.0, 3.8, 3.7, 6.0),
}
STRETCHES = {"001": [(-60.0, 400), (500.0, 315)], "002": [(0.0, 600)], "003": [(0.0, 900), (5000.0, 100)]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("belt")


def data_in(folder: Path, **settings: Any) -> GlucoseData:
    return glucose_data(Belt(READINGS, STRETCHES), folder, **settings)


def test_every_window_with_a_reading_is_a_row_in_order(folder: Path) -> None:
    table = data_in(folder).table
    names = [table.record_names[i] for i in table.record]
    assert table.record_names == ("001/walk#1", "001/walk#2", "002/walk#1", "003/walk#1", "003/walk#2")
    assert [names.count(name) for name in table.record_names] == [40, 31, 60, 90, 0]
    assert table.patient_names == ("001", "002", "003")
    assert [table.patient_names[i] for i in table.patient] == [name[:3] for name in names]
    second = table.record == 1
    np.testing.assert_array_equal(table.start[second], 2500 * np.arange(31))
    np.testing.assert_array_equal(table.time_s[second], 10.0 * np.arange(31))
    np.testing.assert_array_equal(table.measured["clock_s"][second], NOON_S + 500 + 10.0 * np.arange(31))
    np.testing.assert_array_equal(table.length[second], 315 * FS_HZ)


@pytest.mark.parametrize("label", ["following", "preceding", "nearest"])
def test_a_window_is_low_where_its_reading_is(folder: Path, label: str) -> None:
    table = data_in(folder, label=label).table
    np.testing.assert_array_equal(table.label, table.measured["glucose_mmol_l"] < 3.9)
    assert 0 < table.label.mean() < 1


def test_the_first_window_after_a_reading_inherits_the_next_one(folder: Path) -> None:
    table = data_in(folder).table
    first = table.record == table.record_names.index("002/walk#1")
    expected = np.repeat([6.0, 7.0], 30)
    np.testing.assert_array_equal(table.measured["glucose_mmol_l"][first], expected)


def test_windows_of_one_episode_or_of_one_reading_share_a_number(folder: Path) -> None:
    table = data_in(folder).table
    assert table.episode is not None
    for patient in range(3):
        rows = table.patient == patient
        mmol_l, low = table.measured["glucose_mmol_l"][rows], table.label[rows]
        pairs = sorted(set(zip(table.episode[rows].tolist(), mmol_l.tolist(), strict=True)))
        n_low = {"001": 1, "002": 0, "003": 1}[table.patient_names[patient]]
        assert len({number for number, value in pairs if value < 3.9}) == n_low
        assert len({number for number, _ in pairs}) == n_low + len(set(mmol_l[low == 0].tolist()))
    owners = {(number, person) for number, person in zip(table.episode, table.patient, strict=True)}
    assert len(owners) == len({number for number, _ in owners}), "no two patients share an episode"


def test_an_episode_that_outlasts_midnight_has_one_day(tmp_path: Path) -> None:
    night = {"001": every_five_minutes(5.0, 3.5, 3.4, 3.3, 5.0, begin_s=NOON_S + 43_200 - 450)}
    data = glucose_data(Belt(night, {"001": [(43_200 - 450.0, 1200)]}), tmp_path)
    table = data.table
    assert table.day is not None
    today = int(NOON_S // 86_400)
    assert set(table.day[table.label == 1].tolist()) == {today}
    assert set(table.day[table.label == 0].tolist()) == {today + 1}


def test_ambiguous_windows_are_left_out_on_all_sides_and_said(folder: Path) -> None:
    data = data_in(folder, ambiguous_mmol_l=[3.9, 4.5])
    mmol_l = data.table.measured["glucose_mmol_l"]
    assert not ((mmol_l >= 3.9) & (mmol_l <= 4.5)).any()
    lost = len(data_in(folder).table) - len(data.table)
    said = f"{lost} windows with a reading of 3.9 to 4.5 mmol/L are left out on all sides"
    assert lost > 0
    assert said in data.remarks()


def test_the_reader_is_told_the_rule_who_never_goes_low_and_what_was_left_out(folder: Path) -> None:
    assert data_in(folder).remarks() == (
        "made up",
        "a window is low where the first reading within 300 s after its end is below 3.9 mmol/L",
        "1 of 3 patients never go low in their windows: they have no AUROC",
        "10 windows have no reading within 300 s and are left out",
    )


def judged(data: GlucoseData, flags: dict[str, list[tuple[int, int, int]]]) -> GlucoseData:
    """The same data with flags in some seconds: of each record (first, last, bits)."""
    store = data.store
    quality = np.zeros(int((store.length // FS_HZ).sum()), np.uint8)
    begin = np.cumsum(store.length // FS_HZ) - store.length // FS_HZ
    for record, stretches in flags.items():
        for first, last, bits in stretches:
            offset = begin[store.records.index(record)]
            quality[offset + first : offset + last] |= bits
    data.store = replace(store, quality=quality, n_seconds=store.length // FS_HZ)  # type: ignore[misc]
    return data


def test_windows_with_too_many_bad_seconds_are_left_out_and_counted_by_reason(folder: Path) -> None:
    flags = {"002/walk#1": [(0, 20, 1), (40, 42, 4), (50, 53, 2), (52, 53, 4)]}
    data = judged(data_in(folder), flags)
    there = data.table.start[data.table.record == 2]
    np.testing.assert_array_equal(np.setdiff1d(2500 * np.arange(60), there), [0, 2500, 12_500])  # 2 of 10 may be bad
    said = "3 windows with more than 20 % of bad seconds are left out: 2 have flat ones, 1 have clipped ones, "
    said += "1 have noisy ones"
    assert said in data.remarks()
    assert len(judged(data_in(folder, worst_share=1.0), flags).table) == len(data_in(folder).table)
    assert len(judged(data_in(folder, worst_share=0.0), flags).table) == len(data_in(folder).table) - 4


def test_the_share_of_bad_seconds_counts_every_second_that_a_window_touches() -> None:
    quality = np.array([0, 1, 0, 4, 0], np.uint8)
    share = bad_share(quality, np.array([0, 125, 250, 1000]), 500, 250.0)
    np.testing.assert_allclose(share, [1 / 2, 1 / 3, 1 / 2, 0])
    assert bad_share(np.zeros(0, np.uint8), np.array([0]), 500, 250.0)[0] == 0, "nobody has judged"


def test_overlapping_windows_are_as_far_apart_as_asked(folder: Path) -> None:
    table = data_in(folder, window=Segments(2500, 1250)).table
    np.testing.assert_array_equal(table.start[table.record == 2], 1250 * np.arange(119))


def test_training_sees_the_windows_that_prepare_gives(folder: Path) -> None:
    data = data_in(folder)
    rows = np.flatnonzero(data.table.record == 1)[[0, 7, 30]]
    batch = data.source.gather(torch.from_numpy(rows), torch.ones(3, dtype=torch.bool))
    assert batch.ecg.shape == (3, 1, 2500)
    assert batch.label.tolist() == data.table.label[rows].tolist()
    whole = data.preprocess.apply(data.corpus.read("001/walk", ["ECG"])[1].ecg_mv, FS_HZ)
    for row, ecg in zip(rows, batch.ecg, strict=True):
        begin = data.table.start[row]
        cut = torch.from_numpy(whole[:, begin : begin + 2500].copy())[None]
        torch.testing.assert_close(ecg[None], prepare.scale_windows(cut, "window"))


def test_facts_count_low_windows_as_positives(folder: Path) -> None:
    data = data_in(folder)
    train = data.table.label[data.fold.train]
    assert data.facts.positive_counts == (int(train.sum()),)
    assert data.facts.class_counts == (int((train == 0).sum()), int(train.sum()))


@pytest.mark.parametrize("split", [Day(0.3, 0.3, seed=0), Holdout(0.3, 0.3, seed=0)])
def test_days_and_patients_divide_windows_without_cutting_an_episode(tmp_path: Path, split: Any) -> None:
    day_s = 86_400.0
    course = np.concatenate([NOON_S + day * day_s + EVERY_S * np.arange(4) for day in range(4)])
    mmol_l = np.tile([5.0, 3.5, 3.4, 5.0], 4)
    readings = {f"{i:03d}": replace(every_five_minutes(5.0), time_s=course, mmol_l=mmol_l) for i in range(4)}
    stretches = {name: [(day * day_s, 900) for day in range(4)] for name in readings}
    data = glucose_data(Belt(readings, stretches), tmp_path, split=split)
    assert data.table.episode is not None
    sides = [set(data.table.episode[rows].tolist()) for rows in (data.fold.train, data.fold.val, data.fold.test)]
    assert not (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2])
    assert all(len(np.unique(data.table.label[rows])) == 2 for rows in (data.fold.val, data.fold.test))


def test_samples_without_a_unit_are_z_scored_by_window(folder: Path) -> None:
    data = data_in(folder, preprocess=preprocess_of(scale="none"))
    assert (data.preprocess.unit, data.preprocess.scale) == ("NU", "window")
    assert data_in(folder, preprocess=preprocess_of(scale="record")).preprocess.scale == "record"


def test_a_corpus_in_millivolts_keeps_its_scale(tmp_path: Path) -> None:
    data = glucose_data(Belt(READINGS, STRETCHES, unit="mV"), tmp_path, preprocess=preprocess_of(scale="none"))
    assert (data.preprocess.unit, data.preprocess.scale) == ("mV", "none")


def test_readings_that_no_window_meets_are_refused_in_words(tmp_path: Path) -> None:
    elsewhen = {name: replace(readings, time_s=readings.time_s + 1e7) for name, readings in READINGS.items()}
    data = glucose_data(Belt(elsewhen, STRETCHES), tmp_path)
    said = r"no window inherits a reading \(231 windows have no reading within 300 s and are left out\): compare the"
    with pytest.raises(Refused, match=said):
        _ = data.table


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"classes": ["normal"]}, r"task.classes=\['normal'\] must be two, the negative first"),
        ({"worst_share": 1.5}, "task.data.worst_share=1.5 must lie between 0 and 1"),
        ({"label": "next"}, "task.data.label=next is unknown"),
    ],
)
def test_impossible_settings_are_refused_in_words(folder: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        data_in(folder, **wrong)


@pytest.mark.parametrize("split", [Day(0.3, 0.3, seed=0), FirstPart("001", 0.4, 0.2)])
def test_windows_that_overlap_are_refused_where_the_same_people_stand_on_all_sides(tmp_path: Path, split: Any) -> None:
    said = r"task.data.window.hop=2499 lets windows of 2500 samples overlap, .* on two sides: take 2500, or split=h"
    with pytest.raises(ValueError, match=said):
        data_in(tmp_path, window=Segments(2500, 2499), split=split)
    assert not list(tmp_path.iterdir()), "nothing is prepared"
    data_in(tmp_path, window=Segments(2500, 2500), split=split)
    data_in(tmp_path, window=Segments(2500, 1250), split=Holdout(0.3, 0.3, seed=0))


def test_features_are_those_of_each_window(folder: Path) -> None:
    data = data_in(folder, features=Features(("hour_sin", "hour_cos"), "diagnostic"))
    hour = 2 * np.pi * (data.table.measured["clock_s"] % 86_400) / 86_400
    np.testing.assert_allclose(data.table.features, np.stack([np.sin(hour), np.cos(hour)], axis=1), atol=2e-3)


def test_the_twin_of_d1namo_becomes_windows_of_both_classes(tmp_path: Path) -> None:
    (tmp_path / "d1namo").mkdir()
    d1namo_twin.write(tmp_path / "d1namo", seed=0, n_patients=9, n_days=1, minutes=10)
    corpus = D1NAMO(tmp_path, tmp_path, source="local")
    names = ("hr_bpm", "sdnn_s", "hour_sin")
    data = glucose_data(
        corpus, tmp_path, preprocess=preprocess_of("detected"), features=Features(names, "diagnostic"), label="nearest"
    )
    table = data.table
    assert len(table.patient_names) >= 8  # a sensor may have been off
    assert 0 < table.label.mean() < 0.5
    assert data.store.synthetic
    assert data.store.n_seconds.all(), "every stretch is judged"
    heart_rate = table.features[:, 0]
    assert np.nanmin(heart_rate) > 30
    assert np.nanmax(heart_rate) < 200
    assert np.isnan(heart_rate).mean() < 0.1
    corpus_says, *ours = data.remarks()
    assert "no unit" in corpus_says
    assert any("never go low" in sentence for sentence in ours)
