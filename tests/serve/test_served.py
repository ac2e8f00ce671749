"""A bundle as an MLflow model: the run keeps it, and MLflow serves it as it is."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import torch

from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict.beats import classify
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predict.segments import watch
from ecg_lightning.prepare import Preprocess
from ecg_lightning.serve import payload, served
from ecg_lightning.structures import Record
from ecg_lightning.tracking import Tracker
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.command import ROOT
from tests.corpora.loopback import post

ARGUMENTS: dict[str, Any] = {"n_leads": 1, "n_samples": 60, "n_outputs": 2, "feature_mean": [0.8], "feature_std": [0.2]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MLflow model that a tracked run keeps."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    contract = Contract(
        task="arrhythmia",
        network="ecg_lightning.models.logistic.Logistic",
        arguments=ARGUMENTS,
        produces="logits",
        problem="multiclass",
        classes=("N", "V"),
        class_names={"N": "normal", "V": "ventricular"},
        preprocess=Preprocess(("MLII",), 100.0, "diagnostic", "butterworth", high_hz=40.0),
        window=Window(60, 30),
        features=Features(("pre_rr_s",), "diagnostic"),
        feature_mean=(0.8,),
        feature_std=(0.2,),
        temperature=1.0,
        thresholds=None,
        patients={"test": ("100",)},
        data={"corpus": "mitdb", "synthetic": True},
        tags={},
        test={},
    )
    bundle.write(folder / "model", Logistic(**ARGUMENTS), contract)
    tracker = Tracker(f"sqlite:///{folder}/mlflow.db", "arrhythmia", str(folder / "artifacts"))
    tracker.start("a run", {}, {})
    tracker.log_model(folder / "model")
    tracker.finish("FINISHED")
    return folder / "artifacts" / str(tracker.run_id) / "artifacts" / "model"


def recordings() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "ecg_mv": rng.standard_normal((2, 900)).round(3).tolist(),
            "leads": ["V1", "MLII"],
            "fs_hz": 100.0,
            "peak_sample": list(range(40, 860, 80)),
        }
        for _ in range(2)
    ]
    return pd.DataFrame(rows)


def records(made: Bundle, rows: pd.DataFrame) -> list[Record]:
    """The rows as the model reads them: NaN was not sent."""
    sent = [{str(key): x for key, x in row.items() if x == x} for row in rows.to_dict("records")]
    return [payload.recording(str(k), row, made.contract) for k, row in enumerate(sent)]


def expected(model: Path) -> pd.DataFrame:
    made = bundle.read(model / "artifacts" / "model")
    return pd.concat([classify(made, one) for one in records(made, recordings())], ignore_index=True)


def test_the_kept_model_gives_what_the_bundle_gives(model: Path) -> None:
    from mlflow import pyfunc

    loaded = pyfunc.load_model(str(model))
    pd.testing.assert_frame_equal(loaded.predict(recordings()), expected(model))


def test_the_kept_model_brings_its_code_and_names_what_it_needs(model: Path) -> None:
    assert (model / "code" / "ecg_lightning" / "dsp" / "filters.py").is_file()
    assert not list(model.rglob("*.pyc"))
    assert "torch==" in (model / "requirements.txt").read_text()


def test_keeping_a_model_is_silent_and_fast(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = model.parents[3] / "mlflow.db"
    tracker = Tracker(f"sqlite:///{store}", "arrhythmia")
    tracker.start("another", {}, {})
    assert tracker.run_id
    began = time.monotonic()
    tracker.log_model(model / "artifacts" / "model")
    tracker.finish("FINISHED")
    assert time.monotonic() - began < 2
    assert capfd.readouterr() == ("", "")


def test_a_bundle_of_recordings_gives_a_row_per_class(tmp_path: Path) -> None:
    arguments = ARGUMENTS | {"n_leads": 2, "feature_mean": [60.0, 0.5], "feature_std": [15.0, 0.5]}
    torch.manual_seed(0)
    contract = Contract(
        task="ptbxl",
        network="ecg_lightning.models.logistic.Logistic",
        arguments=arguments,
        produces="logits",
        problem="multilabel",
        classes=("MI", "CD"),
        class_names={},
        preprocess=Preprocess(("V1", "MLII"), 100.0, "diagnostic", "none", scale="record", unit="NU"),
        window=Crops(60, 30, "mean"),
        features=Features(("age_years", "sex_female"), "diagnostic"),
        feature_mean=(60.0, 0.5),
        feature_std=(15.0, 0.5),
        temperature=1.0,
        thresholds=(0.2, 0.8),
        patients={},
        data={},
        tags={},
        test={},
    )
    bundle.write(tmp_path, Logistic(**arguments), contract)
    model, context = served.Served(), served.PythonModelContext({"bundle": str(tmp_path)}, None)
    model.load_context(context)
    rows = recordings().assign(age_years=[70.0, np.nan], sex_female=[1, 0], peak_sample=[[], []])
    found = model.predict(context, rows)
    assert found["recording"].tolist() == ["0", "0", "1", "1"]
    made = bundle.read(tmp_path)
    expected = [diagnose(made, one) for one in records(made, rows)]
    pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))


def test_a_bundle_of_segments_gives_a_row_per_window(tmp_path: Path) -> None:
    arguments = ARGUMENTS | {"n_outputs": 1, "feature_mean": [0.0], "feature_std": [1.0]}
    torch.manual_seed(0)
    contract = Contract(
        task="hypoglycemia",
        network="ecg_lightning.models.logistic.Logistic",
        arguments=arguments,
        produces="logits",
        problem="binary",
        classes=("normal", "low"),
        class_names={},
        preprocess=Preprocess(("MLII",), 100.0, "diagnostic", "none", beats="detected"),
        window=Segments(60, 60),
        features=Features(("hour_sin",), "diagnostic"),
        feature_mean=(0.0,),
        feature_std=(1.0,),
        temperature=1.0,
        thresholds=(0.5,),
        patients={},
        data={},
        tags={},
        test={},
    )
    bundle.write(tmp_path, Logistic(**arguments), contract)
    model, context = served.Served(), served.PythonModelContext({"bundle": str(tmp_path)}, None)
    model.load_context(context)
    rows = recordings().assign(begin_s=[1.4e9, 1.4e9 + 40_000], peak_sample=[[], []])
    found = model.predict(context, rows)
    assert found["recording"].tolist() == ["0"] * 15 + ["1"] * 15
    made = bundle.read(tmp_path)
    expected = [watch(made, one) for one in records(made, rows)]
    pd.testing.assert_frame_equal(found, pd.concat(expected, ignore_index=True))


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False])
def test_mlflow_serves_what_it_keeps_and_the_model_folder_of_the_run(model: Path, kept: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = model if kept else model.parents[3] / "model"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([*command, "-m", str(folder), "-p", str(port)], env=os.environ | path, cwd=folder)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not alive(port):
            time.sleep(0.5)
        url = f"http://127.0.0.1:{port}/invocations"
        answer = post(url, {"dataframe_records": recordings().to_dict("records")})
        assert answer.status_code == 200, answer.text
        found = pd.DataFrame(answer.json()["predictions"])
        pd.testing.assert_frame_equal(found, expected(model), check_dtype=False)
        wrong = post(url, {"dataframe_records": recordings().assign(fs_hz=0.0).to_dict("records")})
        assert (wrong.status_code, "fs_hz=0 must lie between" in wrong.text) == (400, True)
    finally:
        server.terminate()
        server.wait(30)


def alive(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/ping", timeout=1).ok
    except requests.RequestException:
        return False
