"""What a run leaves in its folder, in MLflow and on the terminal, and what is left of it when it is stopped."""

import json
import math
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from ecg_lightning import bundle, evaluate, fold_run, history, naming
from ecg_lightning.predict import recordings
from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import Status, write_json
from ecg_lightning.structures import Refused
from ecg_lightning.windowing import Crops
from tests.conftest import FinishedRun, RecordRun
from tests.corpora import command
from tests.corpora.ptbxl import write_record
from tests.corpora.record_data import LEADS, SUPER, corpus_in, write_records
from tests.corpora.record_run import BRIEF, start

CLASSES = "NSVFQ"
SCORES = ("f1", "sensitivity", "precision", "auroc")
HEADLINES = ("accuracy", "macro_f1", "macro_f1_nsvf", "kappa", "jk_index")


def read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def in_mlflow(store: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows straight from the sqlite file: importing MLflow takes seconds."""
    with sqlite3.connect(store) as connection:
        return connection.execute(query).fetchall()


def test_folder_is_complete(finished_run: FinishedRun) -> None:
    found = {path.relative_to(finished_run.folder).as_posix() for path in finished_run.folder.rglob("*")}
    named = "config.yaml status.json metrics.json history.csv predictions.parquet data.json examples.npz train.log"
    named += " report.html checkpoints/best.ckpt checkpoints/last.ckpt"
    named += " model/model.safetensors model/contract.json model/README.md"
    assert set(named.split()) <= found
    assert sum(name.startswith("figures/") for name in found) >= 6
    assert not [name for name in found if name.endswith((".part", ".tmp"))]


def test_status_says_that_it_is_finished(finished_run: FinishedRun) -> None:
    status = Status.read(finished_run.folder)
    assert (status.state, status.reason, status.finished_folds) == ("finished", None, [0])
    assert status.choices["model"] == "hybrid_cnn"
    assert "trainer.max_epochs=8" in status.overrides
    assert status.tracking_uri == f"sqlite:///{finished_run.store}"


def test_every_number_of_the_protocol_is_there(finished_run: FinishedRun) -> None:
    numbers = read(finished_run.folder, "metrics.json")
    wanted = [f"{side}/{name}" for side in ("val", "test") for name in HEADLINES]
    wanted += [f"{name}_{end}" for name in wanted for end in ("low", "high")]
    wanted += [
        f"{side}/{score}/{c}" for side in ("val", "test") for score in ("f1", "sensitivity", "auroc") for c in CLASSES
    ]
    wanted += ["fit/seconds", "fit/epochs", "fit/windows_per_second", "model/parameters"]
    assert [name for name in wanted if name not in numbers] == []
    assert {name.split("/")[1] for name in numbers if name.startswith("test/")} >= set(SCORES)
    assert all(isinstance(value, int | float) and math.isfinite(value) for value in numbers.values())
    assert numbers["fit/epochs"] == 8


def test_evaluate_finds_the_same_numbers(finished_run: FinishedRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(finished_run.folder)]) == 0
    assert "agree:" in capsys.readouterr().out


def test_history_has_one_row_per_epoch(finished_run: FinishedRun) -> None:
    rows = history.read(finished_run.folder / "history.csv")
    assert list(rows) == list(range(8))
    wanted = {"train/loss", "val/loss", "val/macro_f1", "val/macro_f1_nsvf", "val/accuracy", "lr"}
    assert all(wanted <= set(row) for row in rows.values())


def test_predictions_hold_every_row_of_both_sides_once(finished_run: FinishedRun) -> None:
    predictions = Predictions.read(finished_run.folder / "predictions.parquet")
    card = read(finished_run.folder, "data.json")
    columns = ["row", "record", "patient", "time_s", "side", "fold", "label", *(f"logit_{c}" for c in CLASSES)]
    assert list(predictions.table.columns) == columns
    assert predictions.table["row"].is_unique
    for side in ("val", "test"):
        label = predictions.table["label"][predictions.table["side"] == side]
        assert np.bincount(label, minlength=5).tolist() == [card["counts"][side][c] for c in CLASSES]
    assert predictions.synthetic
    assert predictions.tags["shared_patient"] == "201,202"
    assert predictions.without == ("202", "232")


def test_bundle_holds_the_best_weights(finished_run: FinishedRun) -> None:
    network = bundle.read(finished_run.folder / "model").network
    best = torch.load(finished_run.folder / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, best[f"network.{name}"], rtol=0, atol=0)


def test_terminal_shows_numbers_folder_and_next_step(finished_run: FinishedRun) -> None:
    last = finished_run.out[finished_run.out.index("95 % intervals") :]
    for words in (
        "macro F1",
        "epochs: 8",
        "run folder:",
        "report.html",
        "mlflow ui --backend-store-uri sqlite:///",
    ):
        assert words in last
    assert "SYNTHETIC" in finished_run.out
    assert "SYNTHETIC records stand in for mitdb" in finished_run.err
    assert len(finished_run.err.splitlines()) <= 4, "nothing but what a user must know"
    assert "Traceback" not in finished_run.err


def test_log_is_kept_in_the_folder(finished_run: FinishedRun) -> None:
    log = (finished_run.folder / "train.log").read_text(encoding="utf-8")
    assert "SYNTHETIC records stand in" in log
    assert "records 201,202 are one person" in log


def test_mlflow_has_the_same_run(finished_run: FinishedRun) -> None:
    status, numbers = Status.read(finished_run.folder), read(finished_run.folder, "metrics.json")
    assert in_mlflow(finished_run.store, "select run_uuid, status from runs") == [(status.mlflow_run_id, "FINISHED")]
    assert in_mlflow(finished_run.store, "select name from experiments where name != 'Default'") == [("arrhythmia",)]
    metrics = dict(in_mlflow(finished_run.store, "select key, value from latest_metrics"))
    assert {name: metrics[name] for name in numbers} == pytest.approx(numbers)
    params = dict(in_mlflow(finished_run.store, "select key, value from params"))
    assert (params["model.width"], params["seed"]) == ("32", "0")
    tags = dict(in_mlflow(finished_run.store, "select key, value from tags"))
    assert (tags["source"], tags["synthetic"], tags["shared_patient"]) == ("synthetic", "true", "201,202")
    assert tags["fingerprint"] == read(finished_run.folder, "data.json")["fingerprint"]
    assert tags["split_hash"]
    kept = {path.name for path in (finished_run.folder.parent / "mlartifacts").rglob("*")}
    assert {"report.html", "config.yaml", "predictions.parquet", "figures", "model.safetensors"} <= kept


@pytest.fixture(scope="module")
def stopped_twice(tmp_path_factory: pytest.TempPathFactory, twin_cache: Path) -> tuple[Path, list[Any], list[Status]]:
    """The finished run once more: stopped by Ctrl-C, resumed, stopped by SIGTERM, resumed."""
    cwd = tmp_path_factory.mktemp("stopped")
    folder, curve = cwd / "run", cwd / "run" / "history.csv"
    done, seen = [], []
    done.append(command.train_until(cwd, twin_cache, curve, 2, signal.SIGINT, *command.SHORT, "hydra.run.dir=run"))
    seen.append(Status.read(folder))
    shutil.copytree(folder, cwd / "after_first_stop")
    done.append(command.train_until(cwd, twin_cache, curve, 5, signal.SIGTERM, "resume=run"))
    seen.append(Status.read(folder))
    done.append(command.train(cwd, twin_cache, "resume=run"))
    seen.append(Status.read(folder))
    return cwd, done, seen


@pytest.mark.slow
def test_ctrl_c_and_sigterm_keep_what_was_learned(stopped_twice: tuple[Path, list[Any], list[Status]]) -> None:
    cwd, done, seen = stopped_twice
    for process, status in zip(done[:2], seen[:2], strict=True):
        assert process.returncode == 130
        assert "Traceback" not in process.stderr
        assert "python -m ecg_lightning.train resume=" in process.stdout
        assert status.state == "interrupted"
    n_epochs = command.epochs_in(cwd / "after_first_stop" / "history.csv")
    assert 2 <= n_epochs < 8
    kept = torch.load(cwd / "after_first_stop" / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["epoch"] in (n_epochs - 2, n_epochs - 1), "at most the epoch that was just being written is done again"


@pytest.mark.slow
def test_resumed_run_ends_as_if_it_had_never_stopped(
    stopped_twice: tuple[Path, list[Any], list[Status]], finished_run: FinishedRun
) -> None:
    cwd, done, seen = stopped_twice
    assert done[-1].returncode == 0, done[-1].stderr
    assert seen[-1].state == "finished"
    mine, whole = weights(cwd / "run"), weights(finished_run.folder)
    assert mine.keys() == whole.keys()
    assert [name for name in mine if not torch.equal(mine[name], whole[name])] == []
    assert history.read(cwd / "run" / "history.csv") == history.read(finished_run.folder / "history.csv")
    tables = [Predictions.read(folder / "predictions.parquet").table for folder in (cwd / "run", finished_run.folder)]
    assert tables[0].equals(tables[1])
    numbers = [read(folder, "metrics.json") for folder in (cwd / "run", finished_run.folder)]
    assert numbers[0]["fit/epochs"] == numbers[1]["fit/epochs"] == 8
    same = [{k: v for k, v in found.items() if not k.startswith("fit/")} for found in numbers]
    assert same[0] == same[1]


@pytest.mark.slow
def test_resumed_run_is_one_run_in_mlflow(stopped_twice: tuple[Path, list[Any], list[Status]]) -> None:
    cwd, _, seen = stopped_twice
    assert seen[0].mlflow_run_id is not None
    assert {status.mlflow_run_id for status in seen} == {seen[0].mlflow_run_id}
    assert in_mlflow(cwd / "mlflow.db", "select run_uuid, status from runs") == [(seen[0].mlflow_run_id, "FINISHED")]
    steps = in_mlflow(cwd / "mlflow.db", "select step from metrics where key = 'val/loss' order by step")
    assert set(steps) >= {(epoch,) for epoch in range(8)}


@pytest.mark.slow
def test_network_learns_the_twin(tmp_path: Path, twin_cache: Path) -> None:
    """Five whole epochs: 0.74 and 0.77 with seeds 0 and 1; about 0.25 without a label that fits, 0.6 without rhythm."""
    words = ("trainer.accelerator=cpu", "trainer.max_epochs=5", "task.data.batch_size=128", "tracking=none")
    done = command.train(tmp_path, twin_cache, "dataset.source=synthetic", *words, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "run", "metrics.json")["test/macro_f1_nsvf"] > 0.66


@pytest.mark.slow
def test_dev_run_beside_a_dead_server_ends_well(tmp_path: Path, twin_cache: Path) -> None:
    words = ("trainer.fast_dev_run=true", "trainer.accelerator=cpu", "tracking.uri=http://127.0.0.1:9")
    done = command.train(tmp_path, twin_cache, "dataset.source=synthetic", *words, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    assert Status.read(tmp_path / "run").state == "finished"
    assert "MLflow gets nothing more of this run" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "run" / "report.html").is_file()


def test_job_that_cannot_run_leaves_the_others_alone(tmp_path: Path, twin_cache: Path) -> None:
    words = (
        "-m",
        "dataset.source=synthetic",
        "trainer=smoke",
        "tracking=none",
        "features=none",
        "model=hybrid_cnn,cnn",
    )
    done = command.train(tmp_path, twin_cache, *words, "hydra.sweep.dir=sweep")
    first, second = (Status.read(tmp_path / "sweep" / job) for job in "01")
    assert (first.state, second.state) == ("failed", "finished")
    assert (
        first.reason
        == "model HybridCNN needs features, but none are chosen: features=rhythm, or a model of the ECG alone"
    )
    assert "Traceback" not in done.stderr
    numbers = read(tmp_path / "sweep" / "1", "metrics.json")
    assert not [name for name in numbers if name.startswith("test/")], "jobs of a sweep leave test rows alone"
    assert not (tmp_path / "sweep" / "1" / "report.html").exists()
    assert not (tmp_path / "mlflow.db").exists()


CARD = {"fingerprint": "a" * 64, "split_hash": "b" * 64, "source": "local", "corpus": "mitdb"}


@pytest.mark.parametrize("name", ["fingerprint", "split_hash"])
def test_resuming_over_other_data_is_refused(name: str, tmp_path: Path) -> None:
    write_json(tmp_path / "data.json", CARD)
    cfg = OmegaConf.create({"resume": str(tmp_path)})
    fold_run.check_same_data(cfg, tmp_path, CARD)
    said = rf"began with other data \({name} {CARD[name][:8]}, now cccccccc of local mitdb\): restore its records"
    with pytest.raises(Refused, match=said):
        fold_run.check_same_data(cfg, tmp_path, CARD | {name: "c" * 64})


def test_a_run_that_stopped_before_its_data_card_may_be_resumed(tmp_path: Path) -> None:
    fold_run.check_same_data(OmegaConf.create({"resume": str(tmp_path)}), tmp_path, CARD)


def test_the_commit_is_that_of_the_folder_and_none_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert naming.git_commit() is None
    (tmp_path / "a.txt").write_text("a\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "-q"), ("add", "a.txt"), (*who, "commit", "-q", "--no-verify", "-m", "a")):
        subprocess.run(["git", *words], check=True)
    commit = naming.git_commit()
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "a.txt").write_text("b\n")
    assert naming.git_commit() == f"{commit}+"


def test_a_run_over_recordings_leaves_all_that_one_over_beats_does(finished_record_run: RecordRun) -> None:
    found = {path.relative_to(finished_record_run.folder).as_posix() for path in finished_record_run.folder.rglob("*")}
    named = "config.yaml status.json metrics.json history.csv predictions.parquet data.json examples.npz"
    named += " report.html checkpoints/best.ckpt checkpoints/last.ckpt"
    named += " model/model.safetensors model/contract.json model/README.md"
    assert set(named.split()) <= found
    assert Status.read(finished_record_run.folder).state == "finished"


def test_a_run_over_recordings_has_the_numbers_of_its_problem(finished_record_run: RecordRun) -> None:
    numbers = read(finished_record_run.folder, "metrics.json")
    wanted = "macro_auroc macro_average_precision macro_f1 subset_accuracy hamming_loss nll ece f1/NORM"
    assert [name for name in wanted.split() if f"val/{name}" not in numbers] == []
    assert numbers["val/n_windows"] == 6
    assert any(name.startswith("val/auroc/") for name in numbers)
    assert any(name.startswith("test/auroc/") for name in numbers)
    assert {f"calibration/threshold/{c}" for c in SUPER} <= set(numbers)
    assert set(history.read(finished_record_run.folder / "history.csv")[1]) >= {"val/macro_auroc", "train/loss", "lr"}


def test_evaluate_finds_the_same_numbers_of_recordings(
    finished_record_run: RecordRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([str(finished_record_run.folder)]) == 0
    assert "agree:" in capsys.readouterr().out


def test_predictions_of_recordings_hold_labels_groups_and_persons(finished_record_run: RecordRun) -> None:
    predictions = Predictions.read(finished_record_run.folder / "predictions.parquet")
    table = predictions.table
    columns = ["row", "record", "patient", "time_s", "side", "fold", *(f"label_{c}" for c in SUPER)]
    assert list(table.columns) == [*columns, "group_sex", "group_age", *(f"logit_{c}" for c in SUPER)]
    assert (predictions.problem, predictions.groups) == ("multilabel", ("sex", "age"))
    assert table["row"].is_unique
    corpus = corpus_in(finished_record_run.data_dir)
    label = dict(zip(corpus.records(), corpus.labels("super", 0).tolist(), strict=True))
    assert predictions.label.tolist() == [label[record] for record in table["record"]]
    assert table["patient"].tolist() == [corpus.patient_of(record) for record in table["record"]]
    fold = dict(zip(corpus.records(), corpus.sheet().official_fold.tolist(), strict=True))
    assert [fold[record] for record in table["record"]] == table["side"].map({"val": 9, "test": 10}).tolist()
    assert predictions.tags["unknown_patients"].isdecimal()


def test_the_bundle_of_recordings_answers_as_the_prediction_table(finished_record_run: RecordRun) -> None:
    made = bundle.read(finished_record_run.folder / "model")
    predictions = Predictions.read(finished_record_run.folder / "predictions.parquet")
    corpus, numbers = corpus_in(finished_record_run.data_dir), read(finished_record_run.folder, "metrics.json")
    for record, expected in zip(predictions.table["record"], predictions.logits, strict=True):
        found = recordings.logits(made, corpus.read(record, LEADS))
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    said = made.contract
    assert said.thresholds == pytest.approx([numbers[f"calibration/threshold/{c}"] for c in SUPER])
    assert said.temperature == pytest.approx(numbers["calibration/temperature"])
    assert (said.window, said.problem) == (Crops(1000, 500, "mean"), "multilabel")


@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval")
def test_a_run_over_recordings_without_amplitude_says_so(tmp_path: Path) -> None:
    write_records(tmp_path, 40)
    for ecg_id in range(1, 41):
        write_record(tmp_path / "ptbxl", ecg_id, unit="NU")
    places = (f"data_dir={tmp_path}", f"cache_dir={tmp_path / 'cache'}", "dataset.source=local")
    small = ("model=cnn", "model.width=4", "features=none", "task.signal.window_s=2.5", "schedule=one_cycle")
    start(tmp_path / "run", "task=ptbxl", *small, *BRIEF, *places, "augment=light")
    made, card = bundle.read(tmp_path / "run" / "model"), read(tmp_path / "run", "data.json")
    assert (made.contract.preprocess.unit, made.contract.preprocess.scale) == ("NU", "record")
    assert made.contract.window == Crops(250, 125, "mean")
    assert "without a unit (NU" in (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert any("amplitude is lost" in sentence for sentence in card["remarks"])
    assert card["tags"]["unit"] == "NU"
    predictions, corpus = Predictions.read(tmp_path / "run" / "predictions.parquet"), corpus_in(tmp_path)
    for record, expected in zip(predictions.table["record"], predictions.logits, strict=True):
        found = recordings.logits(made, corpus.read(record, LEADS))
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
