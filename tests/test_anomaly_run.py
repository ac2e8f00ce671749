"""A whole run that learns what is normal: scored, pictured, evaluated again and served; nothing is lost on the way."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ecg_lightning import bundle, config, evaluate
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.predict.beats import classify
from ecg_lightning.predictions import Predictions
from tests.corpora import anomaly_run
from tests.corpora.compose import composed

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a finished run; not to be changed."""
    folder = tmp_path_factory.mktemp("anomalies")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        anomaly_run.train_anomalies(folder)
    return folder


def test_wide_beats_are_found_by_a_network_that_has_seen_none(root: Path) -> None:
    numbers = json.loads((root / "run" / "metrics.json").read_text())
    assert numbers["test/by_part/mae/auroc"] > 0.95
    assert {"test/oracle/f1", "test/always_anomaly/f1", "test/auroc/V", "val/auroc"} <= numbers.keys()
    table = pd.read_parquet(root / "run" / "predictions.parquet")
    card = json.loads((root / "run" / "data.json").read_text())
    assert card["counts"]["train"]["anomaly"] == 0 < card["counts"]["val"]["anomaly"]
    assert (table["kind_V"] == table["label"]).all()


def test_the_threshold_is_of_normal_validation_rows_and_stands_in_the_contract(root: Path) -> None:
    predictions = Predictions.read(root / "run" / "predictions.parquet")
    contract = bundle.read(root / "run" / "model").contract
    normal = predictions.table[(predictions.table["side"] == "val") & (predictions.table["label"] == 0)]
    score = normal["score_mae"].to_numpy(np.float64)
    assert contract.thresholds == pytest.approx((score.mean() + 2 * score.std(ddof=1),))
    assert contract.score is not None
    assert (contract.score.parts, contract.score.rule) == (("mae",), "mean + 2 SD of validation normals")


def test_what_is_normal_is_learned_from_training_rows_by_the_best_weights(root: Path) -> None:
    words = ("task=anomaly", *anomaly_run.BRIEF, *anomaly_run.SMALL, f"data_dir={root}", f"cache_dir={root / 'cache'}")
    cfg = composed(*words)
    data = config.constructed(cfg.task.data, corpus=config.constructed(cfg.dataset), scope="window")
    network = bundle.read(root / "run" / "model").network
    ecg = torch.cat([batch.ecg for batch in data.unchanged("train", 10**6)])
    torch.testing.assert_close(network.normal.spread, ecg.std(dim=0, correction=0), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(network.normal.centre, network.encode(ecg).mean(dim=0), rtol=1e-3, atol=1e-3)


def test_numbers_are_computed_again_from_the_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(root / "run")]) == 0
    assert "and the standard of the score and the thresholds of the model" in " ".join(capsys.readouterr().out.split())


def test_a_bundle_answers_as_the_run_did(root: Path) -> None:
    record = MITDB(root, root, source="local", allow_missing=True).read("103", ("MLII",))
    served = classify(bundle.read(root / "run" / "model"), record)
    table = pd.read_parquet(root / "run" / "predictions.parquet")
    own = table[table["record"] == "103"]
    np.testing.assert_allclose(served["score_mae"], own["score_mae"], rtol=1e-5)
    np.testing.assert_allclose(served["score_latent"], own["score_latent"], rtol=1e-5)


def test_a_run_is_pictured(root: Path) -> None:
    drawn = {path.stem for path in (root / "run" / "figures").glob("*.png")}
    assert {"reconstructions", "score_histogram", "latent_space", "ranking"} <= drawn
    assert (root / "run" / "report.html").is_file()
