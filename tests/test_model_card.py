"""What the card says of using a bundle is true: it is run as it stands there."""

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_lightning import bundle
from ecg_lightning.contract import Score
from ecg_lightning.features import Features
from ecg_lightning.model_card import model_card
from ecg_lightning.predict.beats import classify
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Window
from tests.corpora.anomaly_bundle import RULE, anomaly_bundle, anomaly_contract

ROWS: dict[str, Any] = {
    "preprocess": Preprocess(("ECG",), 125.0, "diagnostic", "none", scale="none", unit="min-max"),
    "window": Window(60, 0),
    "features": Features((), "diagnostic"),
    "feature_mean": (),
    "feature_std": (),
    "score": Score(("mae",), (0.8,), (0.1,), RULE),
}


def test_the_snippet_of_rows_gives_what_each_row_alone_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = anomaly_bundle(**ROWS)
    bundle.write(tmp_path / "model", made.network, made.contract)
    rows = np.random.default_rng(0).random((3, 60)).astype(np.float32)
    np.savetxt(tmp_path / "rows.csv", np.column_stack([rows, [0, 1, 2]]), delimiter=",", fmt="%.9g")
    (snippet,) = re.findall(r"```python\n(.*?)```", (tmp_path / "model" / "README.md").read_text(), re.DOTALL)
    (tmp_path / "snippet.py").write_text(snippet)
    monkeypatch.chdir(tmp_path)
    answers = runpy.run_path("snippet.py")["answers"]
    first = np.zeros(1, np.int64)
    each = [
        classify(made, Record("rows", "", row[None], ("ECG",), 125.0, first, (), False, unit="min-max")) for row in rows
    ]
    expected = [float(one["score"].iloc[0]) for one in each]
    np.testing.assert_allclose(answers["score"], expected, rtol=1e-5)


def test_the_card_of_rows_speaks_of_no_whole_recording_and_no_r_peak() -> None:
    card = model_card(anomaly_contract(**ROWS))
    assert "`peak_sample` says where each begins" in card
    assert "Window: 60 samples, a whole row of a csv file" in card
    assert "R peak" not in card
    assert "a whole recording with its R peaks" in model_card(anomaly_contract())


def test_only_the_card_of_anomalies_says_how_many_were_found_and_how_many_calls_were_right() -> None:
    test = {"test/specificity": 0.875, "test/sensitivity/anomaly": 0.5, "test/precision/anomaly": 0.25}
    made = anomaly_contract(test=test)
    said = "| specificity | 0.875 |  |\n| sensitivity/anomaly | 0.500 |  |\n| precision/anomaly | 0.250 |  |"
    assert said in model_card(made)
    other = anomaly_contract(test=test | {"test/accuracy": 0.75}, problem="binary", score=None, produces="logits")
    assert "| accuracy | 0.750 |" in model_card(other)
    assert "specificity" not in model_card(other)
