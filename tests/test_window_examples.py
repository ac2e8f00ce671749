"""The examples of runs on two classes: windows with their beats, or seconds with all that the network was given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from ecg_lightning import examples
from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.abnormal import AbnormalBeatData
from ecg_lightning.datamodules.glucose import GlucoseData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.predictions import Predictions
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.structures import Record, Signal
from ecg_lightning.windowing import Window
from tests.corpora.beat_data import ByRecord, beat_data
from tests.corpora.glucose_data import Belt, every_five_minutes, glucose_data
from tests.corpora.mitdb import write_mitdb

READINGS = {name: every_five_minutes(5.0, 3.5, 6.0, 3.6) for name in ("001", "002")}
STRETCHES = {name: [(0.0, 300), (320.0, 400)] for name in READINGS}
BREATHS_HZ = 25.0


class Breathing(Belt):
    """People who breathe."""

    extra_signals = ("breathing",)
    extra = ("breathing",)

    def read(self, record: str, leads: object) -> tuple[Record, ...]:
        return tuple(
            replace(one, extra={"breathing": Signal(np.arange(one.ecg_mv.shape[1] / 10.0)[None] % 100, BREATHS_HZ)})
            for one in super().read(record, leads)  # type: ignore[arg-type]
        )


class Listens(nn.Module):
    """Looks where somebody breathes deeply."""

    takes = ("ecg", "extra")

    def attention(self, ecg: Tensor, extra: dict[str, Tensor]) -> Tensor:
        return extra["breathing"][:, 0].reshape(len(ecg), 10, -1).mean(dim=2).softmax(dim=1)


@pytest.fixture(scope="module")
def beats(tmp_path_factory: pytest.TempPathFactory) -> AbnormalBeatData:
    """Forty seconds of four records, a beat every second."""
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", ["100", "102", "114", "201"], seconds=40)
    return AbnormalBeatData(
        corpus=MITDB(folder, folder, source="local", allow_missing=True, paced=True),
        classes=("normal", "abnormal"),
        label="centre",
        window=Window(1440, 720),
        preprocess=Preprocess(("MLII|V5",), 360.0, "diagnostic", "butterworth", scale="window"),
        features=Features((), "diagnostic"),
        split=ByRecord(1, 2),
        sampler=Shuffle(),
        augment=Augment({}),
        batch_size=64,
        seed=0,
        cache_dir=folder / "cache",
        scope="window",
    )


@pytest.fixture(scope="module")
def belt(tmp_path_factory: pytest.TempPathFactory) -> GlucoseData:
    return glucose_data(Breathing(READINGS, STRETCHES), tmp_path_factory.mktemp("belt"))


def answered(data: AbnormalBeatData | GlucoseData) -> Predictions:
    """What a network that is wrong now and then said of the validation and test rows."""
    rows = np.concatenate([data.fold.val, data.fold.test])
    label, second = data.table.label[rows], data.classes[1]
    names = np.array(data.table.record_names)[data.table.record[rows]]
    table = pd.DataFrame({"row": rows, "record": names, "patient": names, "time_s": data.table.time_s[rows]})
    side = np.repeat(["val", "test"], [len(data.fold.val), len(data.fold.test)])
    noise = np.random.default_rng(0).normal(size=len(rows))
    table = table.assign(side=side, fold=np.int16(0), label=label, **{f"logit_{second}": 1.5 * label - 0.75 + noise})
    return Predictions(table, "task", "binary", data.classes, {}, synthetic=True)


def test_windows_of_beats_are_answered_right_and_wrong_as_the_report_will_say(beats: AbnormalBeatData) -> None:
    predictions = answered(beats)
    found = examples.examples(beats, predictions, nn.Linear(1, 1))
    table = predictions.table.assign(called=examples.answers(predictions)).set_index("row")
    shown = table.loc[found["beats_row"]]
    assert set(shown["side"]) == {"test"}
    assert set(zip(shown["label"], shown["called"], strict=True)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert found["beats_ecg_mv"].shape == (len(shown), 1, 1440)


def test_a_stretch_is_the_corpuss_own_with_every_beat_at_its_place(beats: AbnormalBeatData) -> None:
    found = examples.examples(beats, answered(beats), nn.Linear(1, 1))
    name = str(found["stretch_record"])
    record = beats.corpus.read(name, ("MLII|V5",))
    assert isinstance(record, Record)
    begin = round(float(found["stretch_start_s"]) * 360)
    np.testing.assert_array_equal(found["stretch_ecg"], record.ecg_mv[:, begin : begin + 3600])
    assert tuple(found["stretch_leads"]) == record.leads, "as the record names it, not as the pattern does"
    here = (record.peak_sample >= begin) & (record.peak_sample < begin + 3600)
    np.testing.assert_allclose(found["stretch_beat_s"], (record.peak_sample[here] - begin) / 360)
    assert found["stretch_symbol"].tolist() == [s for s, inside in zip(record.symbol, here, strict=True) if inside]
    assert set(found["stretch_symbol"]) - {"N"}, "round an abnormal beat"
    np.testing.assert_allclose(
        beats.table.time_s[found["stretch_row"]], found["stretch_beat_s"] + found["stretch_start_s"]
    )


def test_single_beats_are_of_different_abnormal_symbols(beats: AbnormalBeatData) -> None:
    found = examples.examples(beats, answered(beats), nn.Linear(1, 1))
    symbols = found["around_symbol"].tolist()
    assert len(symbols) == len(set(symbols)) == examples.MAX_SYMBOLS
    assert "N" not in symbols
    assert (beats.table.label[found["around_row"]] == 1).all()
    every = dict(zip(range(len(beats.table)), beats.store.symbol, strict=True))
    assert symbols == [every[row] for row in found["around_row"].tolist()]


def test_what_the_network_hears_is_scaled_and_one_of_each_class(beats: AbnormalBeatData) -> None:
    found = examples.examples(beats, answered(beats), nn.Linear(1, 1))
    assert beats.table.label[found["heard_row"]].tolist() == [0, 1]
    np.testing.assert_allclose(found["heard_ecg"].std(axis=2), 1, rtol=1e-4)
    assert str(found["heard_unit"]) == "SD"


def test_without_an_abnormal_beat_a_stretch_is_drawn_all_the_same(beats: AbnormalBeatData) -> None:
    normal = np.flatnonzero(beats.table.label == 0)
    found = examples.abnormal_beats(beats, beats.window, normal, beats.table.label[normal])
    assert len(found["around_row"]) == 0
    assert found["heard_row"].shape == (1,)
    assert found["stretch_ecg"].shape == (1, 3600)


def test_of_a_record_that_is_short_all_is_the_stretch(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "101", "103"], seconds=6)
    data = beat_data(tmp_path, window=Window(280, 140))
    found = examples.stretch(data, data.window, 0)
    assert found["stretch_ecg"].shape == (1, 6 * 360)
    assert (found["stretch_row"] == -1).sum() == 0


def test_segments_come_as_the_network_sees_them_with_what_else_it_was_given(belt: GlucoseData) -> None:
    predictions = answered(belt)
    found = examples.examples(belt, predictions, Listens())
    rows = found["segments_row"]
    assert set(predictions.table.set_index("row").loc[rows, "side"]) == {"test"}
    batch = belt.source.gather(torch.from_numpy(rows), torch.ones(len(rows), dtype=torch.bool))
    np.testing.assert_array_equal(found["segments_ecg"], batch.ecg)
    np.testing.assert_array_equal(found["segments_extra_breathing"], batch.extra["breathing"])
    np.testing.assert_allclose(found["segments_attention"], Listens().attention(batch.ecg, batch.extra), rtol=1e-5)
    assert (str(found["segments_unit"]), float(found["segments_fs_hz"])) == ("SD", 250.0)


def test_the_strip_of_an_unbroken_part_of_a_record_is_its_own(belt: GlucoseData) -> None:
    found = examples.strip(belt, "002/walk#2")
    own = belt.corpus.read("002/walk", ("ECG",))
    assert isinstance(own, tuple)
    np.testing.assert_array_equal(found["strip_raw_mv"], own[1].ecg_mv[0, 48750:51250])
    assert str(found["strip_record"]) == "002/walk#2"


def test_a_network_that_cannot_say_where_it_looked_is_not_asked(belt: GlucoseData) -> None:
    assert "segments_attention" not in examples.segments(belt, belt.fold.test[:3], nn.Linear(1, 1))
