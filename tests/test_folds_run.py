"""A run of several folds: each is a run in its own folder, below that of all; what is done is not done again."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from ecg_lightning import config, evaluate, fold_run, run
from ecg_lightning.predictions import Predictions
from ecg_lightning.run_folder import Status
from ecg_lightning.structures import Refused
from tests.corpora.compose import composed
from tests.corpora.learnable import write_learnable
from tests.corpora.record_run import BRIEF

RECORDS = ["101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124"]
WORDS = (
    *("task=arrhythmia", "model=logistic", "split=kfold", "split.n_folds=3", "split.val_share=0.2", *BRIEF),
    *("dataset.source=local", "dataset.allow_missing=true", "trainer.max_epochs=1", "trainer.limit_train_batches=null"),
)


def train(root: Path, *words: str, pictures: bool = False) -> None:
    """As the command does, in this process; into `<root>/run`."""
    cfg = composed(*WORDS, f"data_dir={root}", f"cache_dir={root / 'cache'}", *words)
    config.check(cfg)
    folder = root / "run"
    folder.mkdir(exist_ok=True)
    status = Status.read(folder) if cfg.resume is not None else Status(choices={"model": "logistic", "split": "kfold"})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        extent = fold_run.Extent(test=True, alone=pictures)
        run.run(cfg, folder, config.constructed(cfg.dataset), status, extent)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folds")
    write_learnable(root, RECORDS, n_beats=40)
    train(root, pictures=True)
    return root / "run"


def test_every_patient_is_reported_on_once(finished: Path) -> None:
    table = Predictions.read(finished / "predictions.parquet").table
    test = table[table["side"] == "test"]
    assert sorted(test["patient"].unique()) == RECORDS
    assert not test.duplicated(["record", "time_s"]).any()
    assert test.groupby("patient")["fold"].nunique().eq(1).all()


def test_each_fold_is_a_run_of_its_own_with_numbers_only(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        fold = finished / "folds" / str(number)
        assert Status.read(fold).finished_folds == [number]
        assert OmegaConf.load(fold / "config.yaml").split.fold == number
        assert evaluate.main([str(fold)]) == 0
        contract = json.loads((fold / "model" / "contract.json").read_text())
        tested = Predictions.read(fold / "predictions.parquet").table.query("side == 'test'")["patient"]
        assert set(contract["patients"]["test"]) == set(tested)
        assert not (fold / "report.html").exists()
    assert "agree" in capsys.readouterr().out


def test_the_run_above_has_the_numbers_of_all_and_a_page(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Status.read(finished).state == "finished"
    assert Status.read(finished).finished_folds == [0, 1, 2]
    assert evaluate.main([str(finished)]) == 0
    assert "over folds" in capsys.readouterr().out
    page = (finished / "report.html").read_text()
    assert "Over folds, test" in page
    assert "Patient by patient" in page
    assert (finished / "figures" / "patients.png").is_file()
    assert OmegaConf.load(finished / "config.yaml").split.fold is None


def test_only_what_is_missing_is_done_again(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished.parent, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "run"
    before = json.loads((folder / "metrics.json").read_text())
    shutil.rmtree(folder / "folds" / "1")
    for name in ("metrics.json", "predictions.parquet"):
        (folder / name).unlink()
    status = Status.read(folder)
    status.state, status.finished_folds = "failed", [0, 2]
    status.write(folder)
    kept = {n: (folder / "folds" / n / "checkpoints" / "last.ckpt").stat().st_mtime_ns for n in "02"}
    train(tmp_path, f"resume={folder}")
    assert {n: (folder / "folds" / n / "checkpoints" / "last.ckpt").stat().st_mtime_ns for n in "02"} == kept
    after = json.loads((folder / "metrics.json").read_text())
    assert {k: v for k, v in after.items() if not k.startswith("fit/")} == pytest.approx(
        {k: v for k, v in before.items() if not k.startswith("fit/")}
    )


def test_one_fold_alone_is_that_of_all(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished.parent / "mitdb", tmp_path / "mitdb")
    train(tmp_path, "split.fold=1")
    alone, among = (
        Predictions.read(p / "predictions.parquet").table for p in (tmp_path / "run", finished / "folds" / "1")
    )
    np.testing.assert_array_equal(alone["row"], among["row"])
    np.testing.assert_allclose(alone["logit_N"], among["logit_N"], rtol=1e-5, atol=1e-6)


def test_a_fold_that_cannot_be_leaves_the_run_visibly_unfinished(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished.parent / "mitdb", tmp_path / "mitdb")
    words = ("task=anomaly", "model=dense_autoencoder", "model.latent_size=2", "loss=mae", "split.val_share=0.9")
    with pytest.raises(Refused, match=r"fold 0.*leave training two thirds"):
        train(tmp_path, *words)
    assert Status.read(tmp_path / "run").state == "failed"
