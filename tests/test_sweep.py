"""A sweep ends with a table, a picture, and what to type next."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import DictConfig

from ecg_lightning import config, sweep_plan, train
from ecg_lightning.sweep import finish, job_folders
from tests.corpora.sweep import CARD, monitor, write_failed_job, write_job, write_plan, write_sweep

LATENT = {"2": 0.7, "4": 0.9, "8": 0.8}


def said_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal shows when a sweep ends; never wider than eighty columns but for commands and paths."""
    finish(folder)
    said = capsys.readouterr().out
    drawn = said.partition("\n* ")[0].partition("no job is")[0].partition("SYNTHETIC")[0].splitlines()
    assert max(map(len, drawn)) <= 80
    assert "…" not in said
    return said


def test_a_sweep_leaves_a_table_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path / "sweep", "model.latent_size", LATENT)
    said = said_of(tmp_path / "sweep", capsys)
    table = pd.read_csv(tmp_path / "sweep" / "comparison.csv")
    assert table["model.latent_size"].tolist() == [2, 4, 8]
    assert table["best"].tolist() == [False, True, False]
    assert (tmp_path / "sweep" / "comparison.png").read_bytes()[:4] == b"\x89PNG"
    for words in (
        "0.900 (0.800 to 1.000)",
        "1 *",
        "latent_size",
        "* best on validation rows, by val/auroc; its interval overlaps that of job 2: no order of these jobs is",
        "table:   sweep/comparison.csv",
        "picture: sweep/comparison.png",
        "python -m ecg_lightning.evaluate sweep/1",
        "pair:    python -m ecg_lightning.compare sweep",
        "python -m ecg_lightning.train model.latent_size=4 tracking=none",
        "95 % intervals over patients",
    ):
        assert words in said


def test_intervals_that_are_apart_or_unknown_are_not_spoken_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path / "apart", "optim.lr", {"1": 0.2, "2": 0.5, "3": 0.75})
    assert "by val/auroc\n" in said_of(tmp_path / "apart", capsys)
    write_sweep(tmp_path / "some", "optim.lr", {"1": 0.2, "2": 0.6, "3": 0.75})
    assert "its interval overlaps that of job 1: no order" in said_of(tmp_path / "some", capsys)
    for job in write_sweep(tmp_path / "unknown", "optim.lr", LATENT):
        monitor(job, "val/loss", "min")
    assert "overlaps" not in said_of(tmp_path / "unknown", capsys)


def test_the_best_job_is_trained_alone_without_what_made_it_one_of_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(tmp_path / "my sweep", "model.latent_size=0,1,2")
    for number, value in enumerate(LATENT.values()):
        words = [f"model.latent_size={number}", "sweep=latent", "test=false", "adapt.patient='003'"]
        write_job(tmp_path / "my sweep" / str(number), words, value)
    said = said_of(tmp_path / "my sweep", capsys)
    assert "python -m ecg_lightning.train model.latent_size=1 'adapt.patient='\"'\"'003'\"'\"''\n" in said
    assert f"python -m ecg_lightning.evaluate '{tmp_path / 'my sweep' / '1'}'" in said


def test_test_rows_that_were_scored_stand_beside_and_are_not_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sweep(tmp_path, "model.latent_size", LATENT, ("val", "test"))
    said = said_of(tmp_path, capsys)
    assert said.splitlines()[2].split() == ["val", "test", "val", "test"]
    assert "ecg_lightning.train" not in said


def test_failures_of_one_reason_are_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sweep(tmp_path, "optim.lr", LATENT)
    for number in (3, 4):
        write_failed_job(tmp_path / str(number), ["optim.lr=-1"], "optim: Invalid learning rate: -1\nand no such loss")
    said = said_of(tmp_path, capsys)
    assert "jobs 3, 4 failed: optim: Invalid learning rate: -1; and no such loss\n" in said


def test_a_sweep_in_which_all_failed_has_a_table_and_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(tmp_path, "seed=0")
    write_failed_job(tmp_path / "0", ["seed=0"], "no records")
    said = said_of(tmp_path, capsys)
    assert "job 0 failed: no records" in said
    assert "no job is called the best: fewer than two jobs finished" in said
    assert "picture" not in said
    assert "python -m ecg_lightning.report" not in said
    assert pd.read_csv(tmp_path / "comparison.csv")["state"].tolist() == ["failed"]


def test_where_no_job_is_the_best_the_first_one_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(tmp_path, "seed=0,1")
    write_failed_job(tmp_path / "0", ["seed=0"], "no records")
    write_job(tmp_path / "1", ["seed=1"], 0.7)
    said = said_of(tmp_path, capsys)
    assert f"python -m ecg_lightning.report {tmp_path / '1'}" in said
    assert "*" not in said


def test_where_only_epochs_know_the_monitor_jobs_go_by_the_first_headline_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in write_sweep(tmp_path, "model.latent_size", LATENT):
        monitor(job, "val/error_auroc", "max")
    assert "* best on validation rows, by val/auroc" in said_of(tmp_path, capsys)


def test_many_columns_give_way_to_the_width_of_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_plan(tmp_path, "seed=0,1,2")
    for number, value in enumerate(LATENT.values()):
        words = [f"optim.weight_decay=0.000000{number}", f"model={'conv_autoencoder_' * 2}{number}", f"seed={number}"]
        write_job(tmp_path / str(number), words, value, ("val", "test"))
    said = said_of(tmp_path, capsys)
    assert "conv_autoencoder_conv_autoencoder_2" in said
    assert "0.900" in said
    assert "seconds" not in said


def test_what_is_made_up_or_leaky_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sweep(tmp_path, "split", LATENT)
    write_job(tmp_path / "3", ["split=x"], 0.9, card=CARD | {"synthetic": True, "tags": {"leaky_split": "true"}})
    said = said_of(tmp_path, capsys)
    assert "SYNTHETIC data: these numbers say nothing about patients" in said
    assert "job 3: Leaky split: patients stand on both sides." in said


def test_jobs_come_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    for number in (10, 9, 0):
        write_failed_job(tmp_path / str(number), [], "")
    (tmp_path / "11").mkdir()
    (tmp_path / "11" / "train.log").touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "multirun.yaml").touch()
    assert [path.name for path in job_folders(tmp_path)] == ["0", "9", "10", "11"]


def test_a_sweep_without_jobs_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_plan(tmp_path, "seed=0,1")
    assert finish(tmp_path) == (2, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"jobs.json", "multirun.yaml"}
    assert capsys.readouterr().out == ""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Path]]]:
    """Run a job by a command line in this process; which sweeps have been said to be over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it: put back afterwards
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    over: list[Path] = []

    def is_over(folder: Path) -> tuple[int, int]:
        over.append(folder)
        return 0, 1

    def call(job: Callable[[DictConfig], None], *words: str) -> list[Path]:
        monkeypatch.setattr(sys, "argv", ["train", *words])
        try:
            config.app(job, is_over)
        except (SystemExit, RuntimeError) as end:
            over.append(Path(f"{type(end).__name__} {end}"))
        return over

    yield call
    for handler in logging.root.handlers:
        handler.close()


def short_job(cfg: DictConfig) -> None:
    """A job that does nothing, or fails as nobody foresaw, or is interrupted."""
    if cfg.seed == 1:
        raise RuntimeError("seed 1")
    if cfg.seed == 2:
        raise SystemExit(130)


def test_a_sweep_ends_once_with_its_folder_and_a_single_run_has_no_such_end(
    app: Callable[..., list[Path]], tmp_path: Path
) -> None:
    assert app(short_job, "seed=0") == []
    assert app(short_job, "-m", "seed=0", "hydra.sweep.dir=here") == [tmp_path / "here"]


def test_a_sweep_of_which_a_job_breaks_down_ends_as_well_and_the_others_run(
    app: Callable[..., list[Path]], tmp_path: Path
) -> None:
    ends = app(short_job, "-m", "seed=1,0", "hydra.sweep.dir=here")
    assert ends == [tmp_path / "here", Path("RuntimeError seed 1")]
    assert (tmp_path / "here" / "1").is_dir()


def test_a_sweep_that_is_interrupted_ends_as_well(app: Callable[..., list[Path]], tmp_path: Path) -> None:
    ends = app(short_job, "-m", "seed=2,0", "hydra.sweep.dir=here")
    assert ends == [tmp_path / "here", Path("SystemExit 130")]
    assert not (tmp_path / "here" / "1").exists()


def test_a_job_that_is_resumed_brings_the_table_of_its_sweep_up_to_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `train` does when it has gone on with a job: the folder above is set side by side again."""
    write_sweep(tmp_path, "model.latent_size", LATENT)
    status = tmp_path / "0" / "status.json"
    finished = status.read_text()
    status.write_text(finished.replace("finished", "interrupted"), encoding="utf-8")
    write_plan(tmp_path, "model.latent_size=2,4,8,16", "tracking=none")
    said = said_of(tmp_path, capsys)
    assert "the sweep was stopped: jobs without a row here, as they never began: 1" in said
    assert f"what is missing: python -m ecg_lightning.train resume={tmp_path}" in said
    assert "interrupted" in (tmp_path / "comparison.csv").read_text()
    status.write_text(finished, encoding="utf-8")
    train.after_resumed(tmp_path / "0")
    assert "interrupted" not in (tmp_path / "comparison.csv").read_text()
    assert sweep_plan.of_sweep(tmp_path / "0")
    assert not sweep_plan.of_sweep(tmp_path), "test rows of a single run are scored"
    assert (tmp_path / "1" / "report.html").is_file(), "of the best job there are pictures"
    assert not (tmp_path / "0" / "report.html").is_file()
    train.after_resumed(tmp_path)  # of no sweep: nothing is written above it
    assert not (tmp_path.parent / "comparison.csv").exists()
