"""The examples of a run that looks for anomalies: windows as the network sees them, and what it makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from ecg_lightning import anomaly_examples, examples
from ecg_lightning.augment import Augment
from ecg_lightning.calibration import Decisions
from ecg_lightning.datamodules.anomaly import AnomalyData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.predictions import Predictions
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Shuffle
from ecg_lightning.splits import Official
from ecg_lightning.windowing import Crops, Window
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.beat_data import ByRecord
from tests.corpora.mitdb import write_mitdb
from tests.corpora.record_data import SUPER, corpus_in, preprocess_of, write_records


class Halves(nn.Module):
    """Makes half of a window, by way of the means of its leads and of their squares."""

    def encode(self, ecg: Tensor) -> Tensor:
        return torch.cat([ecg.mean(dim=2), ecg.square().mean(dim=2)], dim=1)

    def forward(self, ecg: Tensor) -> Tensor:
        return 0.5 * ecg


def data_of(folder: Path, **settings: Any) -> AnomalyData:
    given: dict[str, Any] = {
        "corpus": MITDB(folder, folder, source="local", allow_missing=True),
        "classes": ("normal", "anomaly"),
        "kinds": {"N": "normal", "S": "supraventricular", "V": "ventricular"},
        "window": Window(280, 140),
        "preprocess": Preprocess(("MLII",), 360.0, "diagnostic", "butterworth", scale="window"),
        "features": Features((), "diagnostic"),
        "split": ByRecord(1, 2),
        "sampler": Shuffle(),
        "augment": Augment({}),
        "batch_size": 64,
        "seed": 0,
        "cache_dir": folder / "cache",
        "scope": "window",
    }
    return AnomalyData(**(given | settings))


@pytest.fixture(scope="module")
def beats(tmp_path_factory: pytest.TempPathFactory) -> AnomalyData:
    """Forty seconds of four records."""
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", ["100", "101", "103", "114"], seconds=40)
    return data_of(folder)


def answered(data: AnomalyData) -> Predictions:
    """What a network that is wrong now and then said of the validation and test rows."""
    rows = np.concatenate([data.fold.val, data.fold.test])
    label = data.table.label[rows]
    names = np.array(data.table.record_names)[data.table.record[rows]]
    table = pd.DataFrame({"row": rows, "record": names, "patient": names, "time_s": data.table.time_s[rows]})
    side = np.repeat(["val", "test"], [len(data.fold.val), len(data.fold.test)])
    kinds = {f"kind_{name}": own[rows].astype(np.int8) for name, own in data.table.kinds.items()}
    score = 2.0 * label + np.random.default_rng(0).normal(size=len(rows))
    table = table.assign(side=side, fold=np.int16(0), label=label, **kinds, score_mae=score)
    given = {"score": ("mae",), "kinds": data.kinds, "n_sd": 1.0}
    return Predictions(table, "anomaly", "anomaly", data.classes, {}, True, **given)


def test_windows_are_test_rows_as_the_network_sees_them_with_what_it_makes_of_them(beats: AnomalyData) -> None:
    predictions = answered(beats)
    found = examples.examples(beats, predictions, Halves())
    rows = found["made_row"]
    assert set(predictions.table.set_index("row").loc[rows, "side"]) == {"test"}
    expected = beats.source.gather(torch.from_numpy(rows), torch.ones(len(rows), dtype=torch.bool)).ecg.numpy()
    np.testing.assert_array_equal(found["made_ecg"], expected)
    np.testing.assert_array_equal(found["made_reconstruction"], 0.5 * expected)
    assert (float(found["made_fs_hz"]), int(found["made_n_before"]), int(found["made_n_crops"])) == (360.0, 140, 1)
    assert (found["made_leads"].tolist(), str(found["made_unit"])) == (["MLII"], "SD")
    assert found["strip_raw_mv"].shape == (3600,)


def test_every_kind_is_shown_called_right_and_wrong_as_the_report_will_say(beats: AnomalyData) -> None:
    predictions = answered(beats)
    found = examples.examples(beats, predictions, Halves())
    table = predictions.table.assign(called=examples.answers(predictions)).set_index("row").loc[found["made_row"]]
    for kind in ("normal", "S", "V"):
        own = table[found["made_kind"] == kind]
        assert (own["label"] == (kind != "normal")).all()
        assert kind == "normal" or (own[f"kind_{kind}"] == 1).all()
        assert set(own["called"]) == {0, 1}
        assert own.groupby("called").size().max() <= anomaly_examples.PER_KIND


def test_right_ones_are_drawn_before_wrong_ones_of_every_kind() -> None:
    about = draw_anomalies(600)
    called = about.label.copy()
    wrong = np.concatenate([np.flatnonzero(about.label == 0)[:2], np.flatnonzero(about.table["kind_V"] == 1)[:1]])
    called[wrong] = 1 - called[wrong]
    place, kind = anomaly_examples.drawn(Decisions(about, np.zeros((600, 1)), called))
    right = called[place] == about.label[place]
    assert right[kind == "normal"].tolist() == [True] * anomaly_examples.PER_KIND + [False] * 2
    assert right[kind == "V"].tolist() == [True] * anomaly_examples.PER_KIND + [False]
    assert set(place[~right]) == set(wrong)


def test_latent_vectors_are_those_of_their_rows(beats: AnomalyData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomaly_examples, "AT_ONCE", 7)
    found = examples.examples(beats, answered(beats), Halves())
    rows = torch.from_numpy(found["latent_row"])
    assert sorted(rows.tolist()) == sorted(beats.fold.test.tolist()), "there are fewer than may be kept"
    ecg = beats.source.gather(rows, torch.ones(len(rows), dtype=torch.bool)).ecg
    np.testing.assert_allclose(found["latent_vector"], Halves().encode(ecg), rtol=1e-5, atol=1e-6)


def test_of_a_recording_the_first_crop_is_shown_and_its_latent_vector_is_the_mean_of_all(tmp_path: Path) -> None:
    write_records(tmp_path, 100)
    settings = {"corpus": corpus_in(tmp_path), "kinds": dict.fromkeys(SUPER, "a meaning"), "split": Official(3, 10)}
    data = data_of(tmp_path, window=Crops(250, 125, "mean"), preprocess=preprocess_of(), **settings)
    about = answered(data)
    shown = Decisions(about, np.zeros((len(about.table), 1)), np.zeros(len(about.table), np.int64))
    found = anomaly_examples.anomalies(data, shown, Halves())
    assert int(found["made_n_crops"]) == 7
    assert found["made_ecg"].shape[1:] == (12, 250)
    assert int(found["made_n_before"]) == 0
    rows = torch.from_numpy(found["made_row"])
    crops = data.source.gather(rows, torch.ones(len(rows), dtype=torch.bool)).ecg
    np.testing.assert_array_equal(found["made_ecg"], crops[:, 0])
    one = int(np.flatnonzero(found["latent_row"] == found["made_row"][0])[0])
    np.testing.assert_allclose(found["latent_vector"][one], Halves().encode(crops[0]).mean(dim=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("most", [100, 1000, 3000])
def test_as_many_normal_windows_are_mapped_as_others_where_there_are_enough(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(anomaly_examples, "MAX_LATENTS", most)
    about = draw_anomalies(2000)
    kept = anomaly_examples.mapped(Decisions(about, np.zeros((2000, 1)), np.zeros(2000, np.int64)))
    n_other = int(about.label.sum())
    expected = {100: [50, 50], 1000: [1000 - n_other, n_other], 3000: [2000 - n_other, n_other]}
    assert 50 < n_other < 500
    assert np.bincount(about.label[kept]).tolist() == expected[most]
    assert len(set(kept.tolist())) == len(kept)


def test_a_network_without_latent_vectors_is_refused(beats: AnomalyData) -> None:
    with pytest.raises(TypeError, match="Identity has no `encode`: a network for task=anomaly says its latent vectors"):
        examples.examples(beats, answered(beats), nn.Identity())
