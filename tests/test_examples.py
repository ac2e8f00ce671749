"""The examples of a run over recordings: as the corpus gives them, of every class, with what the network looked at."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecg_lightning import bundle, config, examples
from ecg_lightning.datamodules.records import RecordData
from ecg_lightning.predictions import Predictions
from ecg_lightning.windowing import Crops
from tests.conftest import RecordRun
from tests.corpora.compose import composed
from tests.corpora.ptbxl import write_record
from tests.corpora.record_data import LEADS, SUPER, corpus_in, preprocess_of, record_data, write_records


@pytest.fixture(scope="module")
def shown(finished_record_run: RecordRun) -> dict[str, np.ndarray]:
    with np.load(finished_record_run.folder / "examples.npz") as arrays:
        return dict(arrays)


def test_recordings_are_test_rows_as_the_corpus_gives_them(
    finished_record_run: RecordRun, shown: dict[str, np.ndarray]
) -> None:
    table = Predictions.read(finished_record_run.folder / "predictions.parquet").table.set_index("row")
    corpus, rows = corpus_in(finished_record_run.data_dir), shown["records_row"]
    assert len(set(rows.tolist())) == len(rows) <= examples.MAX_RECORDINGS
    assert set(table.loc[rows, "side"]) == {"test"}
    assert shown["records_ecg"].dtype == np.float32
    for row, ecg in zip(rows, shown["records_ecg"], strict=True):
        np.testing.assert_array_equal(ecg, corpus.read(table.loc[row, "record"], LEADS).ecg_mv)
    assert tuple(shown["records_leads"]) == LEADS
    assert (shown["records_fs_hz"], str(shown["records_unit"])) == (100, "mV")


def test_every_class_of_the_test_rows_is_shown(finished_record_run: RecordRun, shown: dict[str, np.ndarray]) -> None:
    predictions = Predictions.read(finished_record_run.folder / "predictions.parquet")
    test = predictions.table["side"].to_numpy() == "test"
    seen = predictions.table.set_index("row").loc[shown["records_row"], [f"label_{c}" for c in SUPER]]
    np.testing.assert_array_equal(seen.any(axis=0), predictions.label[test].any(axis=0))


def test_attention_is_that_of_the_bundles_network(finished_record_run: RecordRun, shown: dict[str, np.ndarray]) -> None:
    attended = shown["records_attention"]
    assert attended.shape == (len(shown["records_row"]), 125)
    assert (attended >= 0).all()
    np.testing.assert_allclose(attended.sum(axis=1), 1, rtol=1e-5)
    made = bundle.read(finished_record_run.folder / "model")
    ecg = torch.from_numpy(shown["records_ecg"])
    with torch.no_grad():
        expected: Any = made.network
        expected = expected.attention(ecg, torch.zeros(len(ecg), 2)).numpy()
    np.testing.assert_allclose(attended, expected, rtol=1e-4, atol=1e-6)


class Looks(nn.Module):
    """Looks at the ECG alone, in ten steps."""

    takes = ("ecg",)

    def attention(self, ecg: Tensor) -> Tensor:
        return ecg[:, 0].reshape(len(ecg), 10, -1).square().mean(dim=2).softmax(dim=1)


def test_a_network_of_the_ecg_alone_may_look_as_well(tmp_path: Path) -> None:
    write_records(tmp_path, 20)
    data, rows = record_data(tmp_path), np.array([0, 3])
    found = examples.attention(data, rows, Looks())
    assert found is not None
    ecg = torch.stack([torch.from_numpy(data.corpus.read(name, LEADS).ecg_mv) for name in ("00001", "00005")])
    np.testing.assert_allclose(found, Looks().attention(ecg), rtol=1e-5)


def test_attention_is_not_asked_for_crops_nor_of_networks_that_cannot_say(tmp_path: Path) -> None:
    write_records(tmp_path, 20)
    rows = np.array([0, 3])
    assert examples.attention(record_data(tmp_path, window=Crops(250, 125, "mean")), rows, Looks()) is None
    assert examples.attention(record_data(tmp_path), rows, nn.Linear(1, 1)) is None


def without_amplitude(folder: Path) -> RecordData:
    write_records(folder, 20)
    for ecg_id in range(1, 21):
        write_record(folder / "ptbxl", ecg_id, unit="NU")
    return record_data(folder, preprocess=preprocess_of())


def test_the_unit_of_the_pictures_is_that_of_the_records(tmp_path: Path) -> None:
    data = without_amplitude(tmp_path)
    strip = examples.strip(data, "00005")
    assert strip["strip_unit"].tolist() == ["NU", "SD"]
    assert strip["strip_raw_mv"].shape == strip["strip_filtered"].shape == (1000,)
    assert abs(strip["strip_filtered"].std() - 1) < 1e-3
    row = data.fold.test
    found = examples.recordings(data, row, data.table.label[row], nn.Linear(1, 1))
    assert str(found["records_unit"]) == "NU"
    raw = corpus_in(tmp_path).read(data.table.record_names[data.table.record[found["records_row"][0]]], LEADS)
    np.testing.assert_array_equal(found["records_ecg"][0], raw.ecg_mv)


def test_recordings_are_shown_at_the_rate_of_the_task(tmp_path: Path) -> None:
    write_records(tmp_path, 10, fs_hz=500)
    places = (f"data_dir={tmp_path}", f"cache_dir={tmp_path / 'cache'}", "dataset.source=local", "dataset.fs_hz=500")
    cfg = composed("task=ptbxl", *places)
    data = config.constructed(cfg.task.data, corpus=config.constructed(cfg.dataset), scope="window")
    found = examples.recordings(data, data.fold.test, data.table.label[data.fold.test], nn.Linear(1, 1))
    assert found["records_ecg"].shape == (1, 12, 1000)
