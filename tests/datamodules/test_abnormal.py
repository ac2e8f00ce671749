"""Beats to normal and abnormal windows: the symbol in the middle or any inside, and what neighbours share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning import prepare
from ecg_lightning.augment import Augment
from ecg_lightning.datamodules.abnormal import AbnormalBeatData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import RandomWindows
from ecg_lightning.windowing import Window
from tests.corpora.beat_data import ByRecord
from tests.corpora.mitdb import write_mitdb

RECORDS = ["100", "102", "114", "201"]
WINDOW = Window(1440, 720)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", RECORDS, seconds=40)
    return folder


def corpus_in(data_dir: Path) -> MITDB:
    return MITDB(data_dir, data_dir, source="local", allow_missing=True, paced=True)


def abnormal_data(data_dir: Path, **settings: Any) -> AbnormalBeatData:
    given: dict[str, Any] = {
        "corpus": corpus_in(data_dir),
        "classes": ("normal", "abnormal"),
        "label": "centre",
        "window": WINDOW,
        "preprocess": Preprocess(("MLII|V5",), 360.0, "diagnostic", "butterworth"),
        "features": Features((), "diagnostic"),
        "split": ByRecord(1, 1),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 64,
        "seed": 0,
        "cache_dir": data_dir / "cache",
        "scope": "window",
    }
    return AbnormalBeatData(**(given | settings))


def test_every_beat_is_a_row_and_normal_is_the_symbol_n_alone(data_dir: Path) -> None:
    data = abnormal_data(data_dir)
    assert len(data.table) == len(data.store.symbol)
    np.testing.assert_array_equal(data.table.label, [symbol != "N" for symbol in data.store.symbol])
    assert {"N", "L"} <= set(data.store.symbol), "a bundle branch block is N to AAMI and abnormal here"


@pytest.mark.parametrize("window", [WINDOW, Window(1440, 1000), Window(180, 108), Window(10, 5)])
def test_any_looks_for_abnormal_beats_inside_the_window(data_dir: Path, window: Window) -> None:
    data = abnormal_data(data_dir, label="any", window=window)
    expected = []
    for name in RECORDS:
        record = corpus_in(data_dir).read(name, ("MLII|V5",))
        for peak in record.peak_sample.tolist():
            places = zip(record.peak_sample.tolist(), record.symbol, strict=True)
            inside = [symbol for at, symbol in places if 0 <= at - (peak - window.n_before) < window.n_samples]
            expected.append(any(symbol != "N" for symbol in inside))
    np.testing.assert_array_equal(data.table.label, expected)


def test_an_abnormal_beat_in_the_middle_is_one_in_the_window_and_not_the_other_way_round(data_dir: Path) -> None:
    centre, inside = (abnormal_data(data_dir, label=label).table.label for label in ("centre", "any"))
    assert (inside >= centre).all()
    assert inside.sum() > centre.sum()


def test_a_record_without_the_first_choice_of_leads_shows_the_second(data_dir: Path) -> None:
    data = abnormal_data(data_dir)
    assert corpus_in(data_dir).read("102", data.preprocess.leads).leads == ("V5",)
    assert data.store.records == tuple(RECORDS)


def test_training_sees_the_windows_that_prepare_gives(data_dir: Path) -> None:
    data = abnormal_data(data_dir)
    for i, name in enumerate(RECORDS):
        prepared = prepare.prepare(
            corpus_in(data_dir).read(name, data.preprocess.leads), data.preprocess, data.features
        )
        row = torch.from_numpy(np.flatnonzero(data.table.record == i))
        batch = data.source.gather(row, torch.ones_like(row, dtype=torch.bool))
        assert torch.equal(batch.ecg, prepare.windows(prepared, data.preprocess, data.window))


def test_windows_beyond_the_ends_of_a_record_repeat_its_edge(data_dir: Path) -> None:
    data = abnormal_data(data_dir, preprocess=Preprocess(("MLII|V5",), 360.0, "diagnostic", "none", scale="none"))
    n_before = int(-data.table.start[0])
    ecg = data.source.gather(torch.tensor([0]), torch.tensor([True])).ecg[0, 0]
    assert n_before > 0
    assert (ecg[:n_before] == ecg[n_before]).all()


def test_facts_count_the_abnormal_rows_of_training_as_the_only_output(data_dir: Path) -> None:
    data = abnormal_data(data_dir)
    label = data.table.label[data.fold.train]
    assert data.facts.positive_counts == (int(label.sum()),)
    assert data.facts.class_counts == tuple(np.bincount(label, minlength=2))
    assert data.facts.n_rows == len(label)


def test_a_split_that_parts_neighbours_is_told_how_much_they_share(data_dir: Path) -> None:
    data = abnormal_data(data_dir, split=RandomWindows(0.1, 0.2, 0))
    between = np.concatenate([np.diff(peaks) for peaks in data.store.peaks_by_record()])
    share = np.mean([max(0, 1440 - step) / 1440 for step in between.tolist()])
    assert data.remarks() == (
        f"windows of neighbouring beats share {share:.0%} of their samples on average: under this split the same "
        f"seconds stand on several sides",
    )
    assert abnormal_data(data_dir).remarks() == ()


def test_an_unknown_label_is_refused_in_words(data_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"task.data.label=all is unknown: choose from centre, any"):
        abnormal_data(data_dir, label="all")
