"""A bundle scores windows as the run did that trained it, and calls what the report calls."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor

from ecg_lightning import bundle
from ecg_lightning.augment import Augment
from ecg_lightning.bundle import Bundle
from ecg_lightning.calibration import decide, fit_thresholds
from ecg_lightning.calibration import probabilities as of_report
from ecg_lightning.contract import Score
from ecg_lightning.corpus import Corpus
from ecg_lightning.datamodules.anomaly import AnomalyData
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.layers.reconstruction_scores import part_names
from ecg_lightning.modules.anomaly import AnomalyDetection
from ecg_lightning.predict.answers import anomalies
from ecg_lightning.predict.beats import classify
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predictions import Predictions
from ecg_lightning.prepare import Preprocess
from ecg_lightning.reconstruction_losses import MeanAbsoluteError
from ecg_lightning.sampling import Shuffle
from ecg_lightning.schedules import constant
from ecg_lightning.serve import payload, served
from ecg_lightning.splits import Official
from ecg_lightning.standards import fit_standards
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.anomaly_bundle import RULE, anomaly_bundle, anomaly_contract
from tests.corpora.beat_data import ByRecord
from tests.corpora.mitdb import write_mitdb
from tests.corpora.record_data import LEADS, SUPER, corpus_in, preprocess_of, write_records

NO_FEATURES: dict[str, Any] = {"features": Features((), "diagnostic"), "feature_mean": (), "feature_std": ()}
MAE = Score(("mae",), (0.8,), (0.1,), RULE)
PARTS = ["score_mae", "score_weighted", "score_latent"]


def a_record(n_beats: int = 30) -> Record:
    """Noise, with beats that come 0.6 to 1 s apart."""
    rng = np.random.default_rng(0)
    ecg_mv = rng.standard_normal((2, 80 * n_beats + 80)).astype(np.float32)
    peak_sample = 80 * np.arange(n_beats) + rng.integers(30, 50, n_beats)
    return Record("a", "p", ecg_mv, ("V1", "MLII"), 100.0, peak_sample, (), False)


def scored_by_the_run(data: AnomalyData, made: Bundle, aggregate: str = "mean") -> pd.DataFrame:
    """Record, time and parts of the scored rows, as a run would write them into its prediction table."""
    mean, std = made.contract.feature_mean, made.contract.feature_std
    parts = (MeanAbsoluteError(), {}, partial(torch.optim.Adam, lr=1e-3), constant)
    module = AnomalyDetection(made.network, *parts, "val/loss", aggregate, mean, std, 0)
    data.scored_sides = ("val", "test")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(accelerator="cpu", enable_checkpointing=False, **quiet)
    row, found = (torch.cat(one).numpy() for one in zip(*trainer.predict(module, datamodule=data), strict=True))
    names = [data.table.record_names[k] for k in data.table.record[row]]
    scores = {f"score_{name}": found[:, k] for k, name in enumerate(part_names(len(mean)))}
    return pd.DataFrame({"recording": names, "time_s": data.table.time_s[row], **scores})


def a_data_module(corpus: Corpus, folder: Path, made: Bundle, **settings: Any) -> AnomalyData:
    contract = made.contract
    given = {"preprocess": contract.preprocess, "window": contract.window, "features": contract.features} | settings
    return AnomalyData(
        corpus,
        contract.classes,
        sampler=Shuffle(),
        augment=Augment({}),
        batch_size=16,
        seed=0,
        cache_dir=folder / "cache",
        scope="window",
        **given,
    )


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
def test_beats_are_scored_as_in_the_run(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "101", "103"], seconds=30)
    corpus = MITDB(tmp_path, tmp_path, source="local", allow_missing=True)
    preprocess = Preprocess(("MLII",), 360.0, "diagnostic", "butterworth")
    made = anomaly_bundle(preprocess=preprocess, window=Window(280, 140))
    kinds = {"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion", "Q": "other"}
    data = a_data_module(corpus, tmp_path, made, kinds=kinds, split=ByRecord(1, 1))
    expected = scored_by_the_run(data, made)
    read = [corpus.read(name, ("V1", "MLII")) for name in ("100", "103")]
    found = pd.concat([classify(made, record) for record in read], ignore_index=True)
    assert 40 < len(found) == len(expected)
    pd.testing.assert_frame_equal(found[list(expected)], expected, check_dtype=False, rtol=1e-4, atol=1e-5)
    assert found["score_rhythm"].nunique() > 1


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
@pytest.mark.parametrize("window", [Crops(1000, 500, "mean"), Crops(300, 200, "mean"), Crops(300, 200, "max")])
def test_recordings_are_scored_as_in_the_run(recordings_in: Path, window: Crops) -> None:
    corpus = corpus_in(recordings_in)
    made = anomaly_bundle(preprocess=preprocess_of(scale="record"), window=window, score=MAE, **NO_FEATURES)
    kinds = dict.fromkeys(SUPER, "")
    data = a_data_module(corpus, recordings_in, made, kinds=kinds, split=Official(3, 10))
    expected = scored_by_the_run(data, made, window.by)
    found = pd.concat([diagnose(made, corpus.read(name, LEADS)) for name in expected["recording"]], ignore_index=True)
    assert len(found) == len(expected) > 3
    assert found["recording"].tolist() == expected["recording"].tolist()
    pd.testing.assert_frame_equal(found[PARTS], expected[PARTS], check_dtype=False, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def recordings_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    write_records(folder, 100)
    return folder


def test_every_beat_gets_a_class_a_score_and_its_parts() -> None:
    made = anomaly_bundle()
    found = classify(made, a_record())
    assert list(found) == ["recording", "time_s", "class", "score", "threshold", *PARTS, "score_rhythm"]
    np.testing.assert_allclose(found["time_s"], a_record().peak_sample / 100)
    expected = ((found["score_latent"] - 0.9) / 0.2 + (found["score_rhythm"] - 1.1) / 0.5) / 2
    np.testing.assert_allclose(found["score"], expected, rtol=1e-12)
    assert set(found["threshold"]) == {0.3}
    assert found["class"].tolist() == np.where(found["score"] >= 0.3, "anomaly", "normal").tolist()
    assert found["class"].nunique() == 2


def test_a_part_that_counts_alone_is_the_score_in_its_own_unit() -> None:
    found = classify(anomaly_bundle(score=MAE, **NO_FEATURES), a_record())
    assert list(found) == ["recording", "time_s", "class", "score", "threshold", *PARTS]
    assert found["score"].tolist() == found["score_mae"].tolist()


def test_a_recording_without_beats_gives_no_rows() -> None:
    for made in (anomaly_bundle(), anomaly_bundle(score=MAE, **NO_FEATURES)):
        empty = classify(made, replace(a_record(), peak_sample=np.empty(0, np.int64)))
        assert empty.empty
        assert list(empty) == list(classify(made, a_record()))


def test_a_recording_gets_one_row_of_its_crops() -> None:
    record, found = a_record(), {}
    for by in ("mean", "max"):
        made = anomaly_bundle(window=Crops(250, 250, by), score=MAE, thresholds=(0.5,), **NO_FEATURES)
        found[by] = diagnose(made, record)
        assert list(found[by]) == ["recording", "class", "score", "threshold", *PARTS]
        assert found[by]["recording"].tolist() == ["a"]
    assert (found["max"][PARTS] > found["mean"][PARTS]).all(axis=None)


def test_beats_are_refused_by_whom_they_are_not_for() -> None:
    with pytest.raises(ValueError, match=r"ConvAutoencoder answers for single beats: use predict.beats.classify"):
        diagnose(anomaly_bundle(), a_record())
    with pytest.raises(ValueError, match=r"answers for whole recordings: use predict.recordings.diagnose"):
        classify(anomaly_bundle(window=Crops(250, 250, "mean")), a_record())
    with pytest.raises(ValueError, match=r"answers for stretches of recordings: use predict.segments.watch"):
        classify(anomaly_bundle(window=Segments(60, 60)), a_record())


def test_logits_have_no_score() -> None:
    with pytest.raises(ValueError, match="problem=multiclass of the bundle has no score: take one of problem=anomaly"):
        anomalies(anomaly_contract(problem="multiclass", score=None), torch.zeros(2, 2))


def drawn(score: tuple[str, ...], n_rows: int = 300) -> Predictions:
    """A table of scores that anomalies raise."""
    rng = np.random.default_rng(0)
    label = (rng.random(n_rows) < 0.3).astype(np.int16)
    parts = np.abs(rng.normal(1 + label[:, None], 0.5, (n_rows, 4))).astype(np.float32)
    columns = {f"score_{name}": parts[:, k] for k, name in enumerate(part_names(1))}
    about = {"record": "a", "patient": "p", "time_s": 0.0, "fold": np.int16(0), "label": label}
    side = np.where(np.arange(n_rows) < n_rows // 3, "val", "test")
    table = pd.DataFrame({"row": np.arange(n_rows), "side": side, **about, **columns})
    return Predictions(table, "anomaly", "anomaly", ("normal", "anomaly"), {}, False, {}, (), (), score=score, n_sd=2.0)


@pytest.mark.parametrize("score", [("weighted",), ("latent", "rhythm"), ("rhythm", "mae", "latent")])
def test_a_bundle_calls_what_the_report_calls(score: tuple[str, ...]) -> None:
    about = drawn(score)
    standards = fit_standards(about)
    p = of_report(about, {0: 1.0}, {}, standards)
    thresholds = fit_thresholds(about, p)
    expected = decide(about, p, thresholds)
    mean, sd = (tuple(values) for values in zip(*standards[0], strict=True))
    contract = anomaly_contract(score=Score(score, mean, sd, RULE), thresholds=thresholds[0])
    found = anomalies(contract, all_parts(about))
    np.testing.assert_array_equal(found["score"], expected.p[:, 0])
    assert found["class"] == [about.classes[k] for k in expected.called]
    assert len(set(found["class"])) == 2


def all_parts(about: Predictions) -> Tensor:
    return torch.from_numpy(about.table[[f"score_{name}" for name in part_names(1)]].to_numpy())


@pytest.mark.parametrize(
    ("changes", "n_rows"),
    [({}, [11, 11]), ({"window": Crops(60, 30, "mean"), "score": MAE, **NO_FEATURES}, [1, 1])],
    ids=["beats", "recordings"],
)
def test_the_mlflow_model_gives_what_the_bundle_gives(
    tmp_path: Path, changes: dict[str, Any], n_rows: list[int]
) -> None:
    made = anomaly_bundle(**changes)
    bundle.write(tmp_path, made.network, made.contract)
    model, context = served.Served(), served.PythonModelContext({"bundle": str(tmp_path)}, None)
    model.load_context(context)
    noise = np.random.default_rng(0).standard_normal((2, 1, 900)).tolist()
    known = {"leads": ["MLII"], "fs_hz": 100.0, "peak_sample": list(range(40, 860, 80))}
    rows = pd.DataFrame([{"ecg_mv": ecg_mv, **known} for ecg_mv in noise])
    found = model.predict(context, rows)
    assert found.groupby("recording").size().tolist() == n_rows
    answer = diagnose if "window" in changes else classify
    expected = [
        answer(made, payload.recording(str(k), row, made.contract)) for k, row in enumerate(rows.to_dict("records"))
    ]
    pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))
