"""A bundle is found where users keep it: a run folder, its model, MLflow."""

import shutil
from pathlib import Path

import pytest

from ecg_lightning.contract import BadBundle
from ecg_lightning.predict.place import Place, find
from ecg_lightning.run_folder import Status
from tests.conftest import FinishedRun


def test_a_run_folder_and_its_model_are_one_bundle(finished_run: FinishedRun) -> None:
    expected = Place(finished_run.folder / "model", finished_run.folder)
    assert find(str(finished_run.folder)) == expected
    assert find(str(finished_run.folder / "model")) == expected


def test_a_copied_model_stands_alone(finished_run: FinishedRun, tmp_path: Path) -> None:
    copy = shutil.copytree(finished_run.folder / "model", tmp_path / "somewhere" / "model")
    assert find(str(copy)) == Place(copy, None)


def test_a_model_is_found_from_its_own_folder(finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_run.folder / "model")
    found = find(".")
    assert found.run is not None
    assert found.run.samefile(finished_run.folder)


def test_a_run_in_mlflow_is_a_bundle(finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_run.store.parent)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_id = Status.read(finished_run.folder).mlflow_run_id
    contract = (finished_run.folder / "model" / "contract.json").read_bytes()
    whole, model = find(f"runs:/{run_id}"), find(f"runs:/{run_id}/model")
    assert (whole.model / "contract.json").read_bytes() == contract == (model.model / "contract.json").read_bytes()
    assert whole.run is not None
    assert (whole.run / "config.yaml").is_file()


def test_a_store_that_does_not_know_the_run_is_said(finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_run.store.parent)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadBundle, match=r"bundle=runs:/0123 cannot be had from MLflow .*0123.*: name a run of that"):
        find("runs:/0123")


def test_without_a_store_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadBundle, match=r"there is no .*mlflow.db: go to the folder of that store"):
        find("runs:/0123")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_bundle_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="there is no such folder; name a run folder"):
        find(str(tmp_path / "nowhere"))
    with pytest.raises(BadBundle, match=r"holds no contract.json: name the folder of a run that has finished"):
        find(str(tmp_path))


@pytest.mark.parametrize(("made", "words"), [("folds", r"holds folds, each .* one, e.g. .*/folds/0"), ("", "jobs")])
def test_of_several_models_one_is_to_be_named(made: str, words: str, tmp_path: Path) -> None:
    if made:
        (tmp_path / made).mkdir()
    else:
        (tmp_path / "multirun.yaml").touch()
    with pytest.raises(BadBundle, match=words):
        find(str(tmp_path))
