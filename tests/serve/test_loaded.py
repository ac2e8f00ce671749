"""The folder of a bundle is an MLflow model as it is, and MLflow's own server says what is wrong with a row."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ecg_lightning import bundle
from ecg_lightning.serve import replies
from ecg_lightning.serve.loaded import Loaded, _load_pyfunc
from tests.corpora.loopback import post, serving
from tests.corpora.sequence_gru import SequenceGRU
from tests.corpora.small_bundles import BEATS, RECORDINGS, sent_recording, small_bundle

with warnings.catch_warnings():  # MLflow warns of its own type hints
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    from mlflow import pyfunc
    from mlflow.pyfunc import scoring_server

SENT = sent_recording()
WINDOW: dict[str, Any] = {"ecg_mv": [[0.5, 1.5] * 30], "leads": ["MLII"], "features": [0.8]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, model = small_bundle(BEATS), tmp_path_factory.mktemp("loaded") / "model"
    bundle.write(model, made.network, made.contract)
    return model


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serving(scoring_server.init(pyfunc.load_model(str(folder)))) as address:
        yield f"{address}/invocations"


def test_the_note_for_mlflow_names_a_loader_of_this_package_and_brings_no_code(folder: Path) -> None:
    note = json.loads((folder / "MLmodel").read_text())
    flavor = note["flavors"]["python_function"]
    assert flavor.keys() == {"loader_module", "data", "python_version", "config"}
    assert flavor["loader_module"] == "ecg_lightning.serve.loaded"
    inputs = Model.load(str(folder / "MLmodel")).signature.inputs
    assert inputs.input_names() == list(bundle.COLUMNS)
    assert inputs.required_input_names() == ["ecg_mv", "leads"]


def test_a_bundle_is_read_without_looking_at_the_note(folder: Path, tmp_path: Path) -> None:
    for name in ("contract.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "MLmodel").write_text("!!python/object/apply:os.system ['touch broken']")
    assert bundle.read(tmp_path).contract == bundle.read(folder).contract


def test_recordings_and_windows_are_answered(url: str) -> None:
    made = small_bundle(BEATS)
    for sent in ([SENT, sent_recording(1)], [WINDOW]):
        answer = post(url, {"dataframe_records": sent})
        assert answer.status_code == 200, answer.text
        each = [replies.table(made, str(k), one) for k, one in enumerate(sent)]
        found = pd.DataFrame(answer.json()["predictions"])
        pd.testing.assert_frame_equal(found, pd.concat(each, ignore_index=True), check_dtype=False)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([SENT, SENT | {"fs_hz": -1.0}], "Error: recording 1: fs_hz=-1 must lie between 20 and 20000"),
        ([SENT | {"leads": ["V1", "V2"]}], "leads=V1, V2, but this network takes MLII: send these"),
        ([SENT | {"peak_sample": [-1]}], "peak_sample runs from -1 to -1 and must lie between 0 and 899"),
        ([SENT | {"ecg_mv": [[float("nan")] * 900] * 2}], "ecg_mv has 1800 samples that are no numbers"),
        ([WINDOW | {"ecg_mv": [[0.5] * 59]}], "a window has 60 samples at 100 Hz, not 59"),
        ([WINDOW | {"features": [0.5, 0.5]}], "features has 2 numbers, but this network takes 1: pre_rr_s"),
        ([{}], "Model is missing inputs ['ecg_mv', 'leads']"),
        ([SENT | {"ecg_mv": [["a"]]}], "Failed to convert column ecg_mv"),
        (3, "must be a list of records"),
    ],
)
def test_a_row_that_cannot_be_answered_is_a_400_with_the_reason(url: str, rows: Any, words: str) -> None:
    answer = post(url, {"dataframe_records": rows})
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert "Traceback" not in answer.text
    assert post(url, {"dataframe_records": [SENT]}).status_code == 200


def test_no_rows_are_refused() -> None:
    with pytest.raises(MlflowException, match="no rows were sent: send one per recording or window") as refused:
        Loaded(small_bundle(BEATS)).predict(pd.DataFrame({"ecg_mv": [], "leads": []}))
    assert refused.value.get_http_status_code() == 400


def test_what_is_none_or_nan_was_not_sent() -> None:
    made = small_bundle(RECORDINGS)
    sent = {name: SENT[name] for name in ("ecg_mv", "leads", "fs_hz")}
    rows = pd.DataFrame([sent, sent]).assign(age_years=[70.0, np.nan], sex_female=[None, 1.0], begin_s=None)
    expected = [
        replies.table(made, "0", sent | {"age_years": 70.0}),
        replies.table(made, "1", sent | {"sex_female": 1}),
    ]
    pd.testing.assert_frame_equal(Loaded(made).predict(rows), pd.concat(expected, ignore_index=True))


def test_loading_warns_that_mlflow_runs_code(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    pyfunc.load_model(str(folder))
    assert "For research. Not a medical device. MLflow runs the code that a model names or brings along" in caplog.text


def test_a_network_of_beats_in_a_row_is_not_loaded(tmp_path: Path) -> None:
    plugin = "tests.corpora.sequence_gru"
    arguments = {"n_samples": 60, "n_features": 1, "n_outputs": 2, "both_ways": False}
    made = small_bundle(BEATS).contract
    contract = type(made)(**(vars(made) | {"network": f"{plugin}.SequenceGRU", "arguments": arguments}))
    bundle.write(tmp_path, SequenceGRU(**arguments), contract)
    with pytest.raises(bundle.BadBundle, match=r"is not below ecg_lightning\.models"):
        pyfunc.load_model(str(tmp_path))
    with pytest.raises(ValueError, match="takes beats in a row"):
        pyfunc.load_model(str(tmp_path), model_config={"plugins": ["tests"]})


def test_a_model_of_synthetic_data_says_so_when_it_is_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = small_bundle(BEATS)
    for name, data in (("real", {"synthetic": False}), ("made_up", {"synthetic": True})):
        caplog.clear()
        bundle.write(tmp_path / name, made.network, replace(made.contract, data=data))
        _load_pyfunc(str(tmp_path / name))
        assert replies.RESEARCH in caplog.text
        assert ("learned from SYNTHETIC data" in caplog.text) == (name == "made_up")
