"""The command explains finished runs, and refuses in words what it cannot."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from ecg_lightning.explain import page, pictures, tracked
from ecg_lightning.explain.__main__ import main
from ecg_lightning.explain.findings import Wanted
from ecg_lightning.explain.work import explain
from ecg_lightning.predict.place import Place, find
from ecg_lightning.structures import Refused
from tests.conftest import FinishedRun, RecordRun

BRIEF = ("--rows", "2", "--steps", "16", "--no-track")


def quiet(_: str, __: float) -> None:
    """Hears what is done."""


def test_beats_are_explained_in_a_page_that_needs_nothing_else(finished_run: FinishedRun, tmp_path: Path) -> None:
    before = sorted(path.name for path in finished_run.folder.iterdir())
    assert main([str(finished_run.folder), *BRIEF, "--classes", "V", "--output", str(tmp_path / "here")]) == 0
    assert sorted(path.name for path in finished_run.folder.iterdir()) == before
    text = (tmp_path / "here" / page.PAGE).read_text(encoding="utf-8")
    assert 'data-stamp="SYNTHETIC"' in text
    assert "Synthetic data: the heartbeats were made up" in text
    assert "://" not in text
    assert text.count("<img") == len(list((tmp_path / "here" / page.PICTURES).glob("*.png"))) >= 6
    said = json.loads((tmp_path / "here" / page.NUMBERS).read_text(encoding="utf-8"))
    assert said["synthetic"] is True
    assert [line.partition(":")[0] for line in said["sentences"]] == ["V"]
    assert set(said["methods"]) == {"ig", "occlusion", "gradcam"}
    assert abs(sum(said["inputs"]["V"][name] for name in ("ecg", "features")) - 1) < 1e-5
    table = pd.read_csv(tmp_path / "here" / page.WAVES)
    sums = table.groupby(["class", "method"])["map"].sum()
    assert len(sums) == 3
    assert abs(sums - 1).max() < 1e-5


def test_recordings_are_explained_label_by_label(finished_record_run: RecordRun) -> None:
    wanted = Wanted(n_rows=1, n_steps=8, classes=("NORM",), methods=("ig", "attention"))
    found = explain(find(str(finished_record_run.folder)), wanted, quiet)
    (one,) = found.classes
    assert one.label == 0
    assert set(one.values) == {"ig", "attention"}
    assert one.values["ig"].shape == one.cases.ecg.shape
    assert one.cases.wave.shape == one.cases.ecg.shape[::2]
    assert one.cases.unit == found.contract.preprocess.unit, "recordings are shown before their crops are z-scored"


def test_other_signals_have_their_share(finished_belt_run: Path) -> None:
    wanted = Wanted(n_rows=1, n_steps=8, classes=("normal",), methods=("ig",))
    (one,) = explain(find(str(finished_belt_run)), wanted, quiet).classes
    inputs = ("ecg", "features", "breathing", "activity")
    assert abs(sum(float(one.beside[name].mean()) for name in inputs) - 1) < 1e-5
    assert one.examples is not None


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("--rows", "0"), "rows=0 must be at least 1"),
        (("--steps", "1"), "steps=1 must lie between 2 and 4096"),
        (("--seed", "-1"), "seed=-1 must not be negative"),
        (("--classes", "X"), "classes=X are unknown: choose from N, S, V, F, Q"),
        (("--methods", "lime"), "methods=lime: network=ecg_lightning.models.hybrid_cnn.HybridCNN has ig, occlusion"),
        (("--data-dir", "/nowhere"), "--data-dir=/nowhere is no folder: name the one that holds the databases"),
        (("--methods", "attention"), "HybridCNN has ig, occlusion, gradcam; take these"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    words: tuple[str, ...], refusal: str, finished_run: FinishedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(finished_run.folder), *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    assert refusal in said


def test_a_database_that_is_gone_is_asked_for_by_an_option_of_this_command(
    finished_run: FinishedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run.folder, run)
    cfg = OmegaConf.load(run / "config.yaml")
    cfg.dataset.source = "local"
    OmegaConf.save(cfg, run / "config.yaml")
    (tmp_path / "empty").mkdir()
    assert main([str(run), "--data-dir", str(tmp_path / "empty"), "--no-track"]) == 2
    said = capsys.readouterr().err
    assert "or name the folder that holds it with --data-dir" in said
    assert "dataset.source" not in said


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "holds no contract.json" in capsys.readouterr().err


def changed(run: Path, tmp_path: Path, **columns: object) -> Path:
    """A copy of a run, whose predictions say something else."""
    from ecg_lightning.predictions import Predictions

    shutil.copytree(run, tmp_path / "run")
    about = Predictions.read(tmp_path / "run" / "predictions.parquet")
    Predictions(**{**vars(about), "table": about.table.assign(**columns)}).write(tmp_path / "run/predictions.parquet")
    return tmp_path / "run"


def test_a_side_without_rows_is_refused(finished_run: FinishedRun, tmp_path: Path) -> None:
    run = changed(finished_run.folder, tmp_path, side="val")
    with pytest.raises(Refused, match="side=test has no rows in the run's predictions: take --side val"):
        explain(find(str(run)), Wanted(), quiet)


def test_classes_without_rows_are_refused(finished_run: FinishedRun, tmp_path: Path) -> None:
    run = changed(finished_run.folder, tmp_path, label=0)
    with pytest.raises(Refused, match="side=test has no row of V: ask for other classes"):
        explain(find(str(run)), Wanted(classes=("V",)), quiet)


def test_a_mean_baseline_wants_validation_rows(finished_run: FinishedRun, tmp_path: Path) -> None:
    run = changed(finished_run.folder, tmp_path, side="test")
    with pytest.raises(Refused, match="baseline=mean wants validation rows of the first class, and there are none"):
        explain(find(str(run)), Wanted(n_rows=1, classes=("N",), baseline="mean"), quiet)


def test_a_class_that_does_not_converge_is_refused(finished_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecg_lightning.explain.gradients.BOUND", 0.0)
    monkeypatch.setattr("ecg_lightning.explain.gradients.MORE", (1,))
    with pytest.raises(Refused, match=r"Integrated Gradients of 2 of 2 rows of N miss their sum .*take more --steps"):
        explain(find(str(finished_run.folder)), Wanted(n_rows=2, n_steps=2, classes=("N",), methods=("ig",)), quiet)


def test_an_example_that_does_not_converge_says_so(finished_run: FinishedRun) -> None:
    wanted = Wanted(n_rows=2, n_steps=16, classes=("N",), methods=("ig",))
    sure = explain(find(str(finished_run.folder)), wanted, quiet)
    assert sure.classes[0].examples is not None
    assert sure.classes[0].examples.believed.all()
    doubtful = replace(sure.classes[0].examples, believed=np.zeros(len(sure.classes[0].examples.right), bool))
    assert all("its map misses its sum" in caption for caption in pictures._captions(sure, 0, doubtful))
    assert not any("misses" in caption for caption in pictures._captions(sure, 0, sure.classes[0].examples))


def test_mlflow_keeps_the_explanation_with_its_run(finished_run: FinishedRun, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    run = tmp_path / "run"
    shutil.copytree(finished_run.folder, run)
    (run / "explain.html").write_text("a page", encoding="utf-8")
    assert tracked.log(Place(run / "model", run), [run / "explain.html"]) is None
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    client = MlflowClient(status["tracking_uri"])
    assert [one.path for one in client.list_artifacts(status["mlflow_run_id"], "explain")] == ["explain/explain.html"]
    assert client.get_run(status["mlflow_run_id"]).info.status == "FINISHED"
    (run / "status.json").write_text(json.dumps(status | {"mlflow_run_id": "0" * 32}), encoding="utf-8")
    assert "does not get the explanation (" in str(tracked.log(Place(run / "model", run), [run / "explain.html"]))


def test_a_run_of_mlflow_is_explained_there(
    finished_run: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(finished_run.store.parent)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_id = json.loads((finished_run.folder / "status.json").read_text(encoding="utf-8"))["mlflow_run_id"]
    assert main([f"runs:/{run_id}"]) == 2
    assert "lies in MLflow: say with --output FOLDER where the page goes" in capsys.readouterr().err
    (tmp_path / "explain.csv").write_text("1", encoding="utf-8")
    assert tracked.log(find(f"runs:/{run_id}"), [tmp_path / "explain.csv"]) is None
    kept = [one.path for one in MlflowClient(f"sqlite:///{finished_run.store}").list_artifacts(run_id, "explain")]
    assert "explain/explain.csv" in kept


def test_a_store_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    said = {"mlflow_run_id": "1", "tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"}
    (tmp_path / "status.json").write_text(json.dumps(said), encoding="utf-8")
    assert "there is no" in str(tracked.log(Place(tmp_path, tmp_path), []))
    assert not (tmp_path / "mlflow.db").exists()
    (tmp_path / "status.json").write_text("{}", encoding="utf-8")
    assert "the run was not tracked" in str(tracked.log(Place(tmp_path, tmp_path), []))


def test_help_comes_quickly() -> None:
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ecg_lightning.explain", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert time.perf_counter() - begin < 5
    assert not {"torch", "pandas", "matplotlib", "captum"} & {
        line.split("|")[-1].strip() for line in done.stderr.splitlines()
    }
