"""The command says no in one clear sentence and with exit code 2, soon, and leaves nothing behind."""

import logging
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from ecg_lightning import train
from ecg_lightning.datasets.mitdb import PACED, RECORDS
from ecg_lightning.refusals import ConfigError
from ecg_lightning.run_folder import Status
from tests.conftest import FinishedRun
from tests.corpora import command
from tests.corpora.compose import composed
from tests.corpora.mitdb import write_mitdb
from tests.corpora.sweep import write_plan

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, twin_cache: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """The command in this process, in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    for name in ("ECG_DATA_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ECG_CACHE_DIR", str(twin_cache))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it: put back afterwards
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["train", *words])
        code = 0
        try:
            train.main()
        except SystemExit as end:
            code = int(end.code or 0)
        logging.captureWarnings(False)
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    for handler in logging.root.handlers:
        handler.close()


def refused(said: tuple[int, str, str]) -> str:
    """The only line of a refusal."""
    code, _, err = said
    assert code == 2
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if "SYNTHETIC" not in line]
    assert len(errors) == 1, err
    assert errors[0].startswith("error: ")
    return errors[0]


REFUSALS = {
    "model=nonsense": "Could not find 'model/nonsense' Available options in 'model': alexnet, bilstm, cnn",
    "model.widht=3": "There is no key 'widht'; did you mean 'width'?",
    "+trainer.max_epoch=3": "trainer.max_epoch: Trainer has no such argument; did you mean 'max_epochs'?",
    "+nonsense=1": "nonsense",
    "features=none": "model HybridCNN needs features, but none are chosen",
    "task.signal.window_s=0.7771": "is 279.756 samples, not a whole number: take 279/360 or 280/360",
    "model._target_=os.system": "_target_=os.system is not below ecg_lightning, torch",
    "task.mode=fast": "task.mode=fast is unknown: choose from diagnostic, real_time",
    "sampler=balanced": "both re-weight classes: choose one, or say sampler.with_weighted_loss=true",
    "split.validation=[100]": "not in DS1",
    "resume=no/such/run": "resume=no/such/run has no config.yaml and no status.json",
    "dataset.source=there": "dataset.source=there must be one of auto, local, download, synthetic",
}


@pytest.mark.parametrize("word", REFUSALS)
def test_refusal_is_one_clear_sentence(word: str, here: Command, tmp_path: Path) -> None:
    assert REFUSALS[word] in refused(here(word))
    assert list(tmp_path.rglob("*")) == [tmp_path / "outputs", tmp_path / "outputs" / "arrhythmia"] or not list(
        tmp_path.iterdir()
    ), "a run that never began leaves no folder"


def test_all_clashes_are_said_at_once(here: Command) -> None:
    code, _, err = here("features=none", "sampler=balanced")
    assert code == 2
    assert [line.split()[:2] for line in err.splitlines()] == [["error:", "model"], ["sampler", "Balanced"]]


def test_misspelt_key_inside_a_preset_is_refused(here: Command, tmp_path: Path) -> None:
    preset = tmp_path / "mine" / "experiment" / "wide.yaml"
    preset.parent.mkdir(parents=True)
    preset.write_text("# @package _global_\nmodel: { widht: 64 }\n")
    line = refused(here("experiment=wide", f"hydra.searchpath=[file://{tmp_path}/mine]"))
    assert "model.widht: HybridCNN has no such argument; did you mean 'width'?" in line


def test_absent_database_is_named_with_all_ways_out(here: Command, tmp_path: Path) -> None:
    line = refused(here("dataset.source=local", "data_dir=databases"))
    assert f"{tmp_path}/databases/mitdb is not a folder" in line
    for way in ("python -m ecg_lightning.download mitdb", "ECG_DATA_DIR", "dataset.source=synthetic"):
        assert way in line


def test_missing_records_are_named(here: Command, tmp_path: Path) -> None:
    wanted = [record for record in RECORDS if record not in PACED]
    write_mitdb(tmp_path / "databases" / "mitdb", wanted[3:5], seconds=3)
    line = refused(here("data_dir=databases"))
    assert "42 of 44 records of mitdb are missing" in line
    assert all(record in line for record in (*wanted[:3], *wanted[5:]))
    assert "dataset.allow_missing=true" in line


def test_record_that_cannot_be_trusted_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "databases" / "mitdb"
    write_mitdb(folder, ["100", "101", "106"], seconds=5)
    (folder / "101.dat").write_bytes((folder / "101.dat").read_bytes()[:100])
    words = ("data_dir=databases", "dataset.allow_missing=true", "tracking=none")
    done = command.train(tmp_path, tmp_path / "cache", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: record 101: the header promises 1800 samples per lead, 101.dat holds 33")
    assert "dataset.on_bad_record=skip" in last


def test_folder_that_was_mistyped_is_not_created(here: Command, tmp_path: Path) -> None:
    refused(here("resume=outputs/typo"))
    assert not list(tmp_path.iterdir())


def test_finished_run_is_not_done_again(here: Command, finished_run: FinishedRun) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished_run.folder.rglob("*.ckpt")}
    code, out, _ = here(f"resume={finished_run.folder}")
    assert code == 0
    assert "run folder:" in out
    assert {path: path.stat().st_mtime_ns for path in finished_run.folder.rglob("*.ckpt")} == before


def test_help_and_cfg_import_no_torch_and_a_clash_no_lightning(tmp_path: Path, twin_cache: Path) -> None:
    run = ("-X", "importtime", "-m", "ecg_lightning.train")
    for words in (["--help"], ["--cfg", "job"], ["model=nonsense"]):
        done = command.python(tmp_path, twin_cache, *run, *words)
        assert not imported(done.stderr) & {"torch", "pandas", "scipy", "pytorch_lightning", "mlflow"}, words
        assert done.returncode == (2 if "model=nonsense" in words else 0)
    done = command.python(tmp_path, twin_cache, *run, "features=none")
    assert done.returncode == 2
    assert not imported(done.stderr) & {"pytorch_lightning", "mlflow"}


def imported(log: str) -> set[str]:
    """Top-level packages in the log of `python -X importtime`."""
    lines = [line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in lines}


def test_help_says_what_can_be_chosen(tmp_path: Path, twin_cache: Path) -> None:
    done = command.train(tmp_path, twin_cache, "--help")
    for group in (
        "model: alexnet, bilstm, cnn, cnn1d",
        "split: day, files, first_part, holdout, inter_patient",
    ):
        assert group in done.stdout
    assert not list(tmp_path.iterdir())


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder."""
    return {str(path): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_holds_a_run_is_not_gone_on_with_unasked(here: Command, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    for name in ("status.json", "config.yaml", "train.log"):
        (used / name).write_text("{}\n", encoding="utf-8")
    before = contents(tmp_path)
    line = refused(here("hydra.run.dir=used"))
    assert f"{used} holds a run: go on with resume={used}, or name another folder" in line
    assert contents(tmp_path) == before


def test_a_refusal_leaves_what_a_user_has_in_the_folder(here: Command, tmp_path: Path) -> None:
    (tmp_path / "mine" / "below").mkdir(parents=True)
    for name in ("notes.txt", "below/data.csv"):
        (tmp_path / "mine" / name).write_text("kept\n", encoding="utf-8")
    before = contents(tmp_path)
    assert "features" in refused(here("hydra.run.dir=mine", "features=none"))
    assert before.items() <= contents(tmp_path).items()


def test_a_sweep_with_failed_jobs_counts_them_and_exits_with_1(here: Command, tmp_path: Path) -> None:
    code, _, err = here("-m", "features=none", "seed=0,1", "hydra.sweep.dir=sweep")
    assert code == 1
    assert err.splitlines()[-1] == "error: 2 of 2 jobs failed; status.json of each says why"
    assert "Traceback" not in err
    for job in "01":
        assert '"state": "failed"' in (tmp_path / "sweep" / job / "status.json").read_text(encoding="utf-8")


def resumed(folder: Path, *typed: str) -> list[str]:
    """The words that a sweep is taken up with."""
    return train.resumed_sweep(folder, [*typed, f"resume={folder}"])


@pytest.fixture
def stopped_sweep(tmp_path: Path) -> Path:
    """A sweep over networks that was stopped."""
    write_plan(tmp_path, "model=cnn,logistic", "seed=3")
    return tmp_path


def test_a_sweep_is_taken_up_by_its_folder_alone_or_by_the_same_command(stopped_sweep: Path) -> None:
    words = ["-m", "model=cnn,logistic", "seed=3", f"hydra.sweep.dir={stopped_sweep}"]
    assert resumed(stopped_sweep) == words
    assert resumed(stopped_sweep, "-m", "model=cnn,logistic", "seed=3") == words


def test_where_jobs_run_and_are_tracked_may_differ(stopped_sweep: Path) -> None:
    found = resumed(stopped_sweep, "hydra/launcher=joblib", "trainer.accelerator=cpu", "--config-dir=mine")
    assert found[1] == "--config-dir=mine"
    assert {"hydra/launcher=joblib", "trainer.accelerator=cpu", "model=cnn,logistic"} <= set(found)


def test_a_sweep_whose_configs_came_from_elsewhere_finds_them_again(stopped_sweep: Path) -> None:
    plan = OmegaConf.load(stopped_sweep / "multirun.yaml")
    plan.hydra.runtime.config_sources.append({"path": "/mine", "provider": "command-line"})
    plan.hydra.job.config_name = "experiment"
    OmegaConf.save(plan, stopped_sweep / "multirun.yaml")
    assert resumed(stopped_sweep)[1:3] == ["--config-dir=/mine", "--config-name=experiment"]


@pytest.mark.parametrize("word", ["trainer.max_epochs=9", "trainer=cpu", "+trainer.limit_train_batches=2"])
def test_jobs_of_one_sweep_are_trained_alike(word: str, stopped_sweep: Path) -> None:
    with pytest.raises(ConfigError, match="takes up a sweep that was begun without"):
        resumed(stopped_sweep, word)


def test_every_other_word_that_differs_is_refused_by_name(stopped_sweep: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"begun without model=cnn: leave it out, or start anew\n.*without \+task\.x=1"
    ):
        resumed(stopped_sweep, "model=cnn", "+task.x=1", "tracking=none")


def test_a_plan_that_was_cut_off_says_what_to_remove(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").touch()
    with pytest.raises(ConfigError, match=r"multirun\.yaml is not whole, and no job had begun: remove"):
        resumed(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("split=inter_patient",), "takes a split of several folds, but InterPatient has one"),
        (("split=kfold", "split.n_folds=500"), "split.n_folds=500 is more than the"),
        (("-m", "split=kfold,lopo"), "cannot go with several values of split"),
        (("-m", "split=kfold", "split.n_folds=2,3"), "cannot go with several values of split.n_folds"),
    ],
)
def test_folds_that_cannot_be_jobs_are_refused_by_the_command(
    words: tuple[str, ...], said: str, here: Command, tmp_path: Path
) -> None:
    code, _, err = here(*words, "sweep=folds", "dataset.source=synthetic")
    assert code == 2
    assert said in err
    assert not list(tmp_path.iterdir())


def test_a_job_that_was_refused_before_it_began_may_begin_when_it_can(here: Command, tmp_path: Path) -> None:
    words = ("-m", "seed=0,1", "dataset.source=local", f"data_dir={tmp_path}", "hydra.sweep.dir=sweep")
    assert here(*words)[0] == 1
    assert here(*words)[0] == 1
    for job in "01":
        reason = Status.read(tmp_path / "sweep" / job).reason
        assert reason is not None
        assert "no database mitdb" in reason, "not that its folder has no config"


def test_what_a_job_had_is_kept_where_it_cannot_go_on(here: Command, tmp_path: Path, finished_run: FinishedRun) -> None:
    sweep = tmp_path / "sweep"
    shutil.copytree(finished_run.folder, sweep / "0")
    then = Status.read(sweep / "0")
    words = then.overrides
    then.state = "interrupted"
    then.write(sweep / "0")
    (sweep / "0" / "checkpoints" / "last.ckpt").write_bytes(b"")
    here("-m", *words, "hydra.sweep.dir=sweep")
    now = Status.read(sweep / "0")
    assert (now.state, now.mlflow_run_id) == ("failed", then.mlflow_run_id)
    assert "last.ckpt is cut short or damaged" in str(now.reason)


@pytest.mark.parametrize(
    ("words", "several"),
    [
        ((), False),
        (("trainer=ddp",), True),
        (("trainer.devices=2",), True),
        (("trainer.devices=[0]",), False),
        (("trainer.devices=[0,1]",), True),
        (("trainer.devices=-1",), True),
        (("trainer.devices='1'",), False),
        (("+trainer.strategy=ddp_find_unused_parameters_true",), True),
    ],
)
def test_a_trainer_that_starts_processes_is_known(words: tuple[str, ...], several: bool) -> None:
    assert train.several_processes(composed(*words)) is several


SWEEP = (
    "tracking=none",
    "trainer=smoke",
    "trainer.accelerator=cpu",
    "dataset.source=synthetic",
    "hydra.sweep.dir=sweep",
)


@pytest.mark.slow
def test_jobs_side_by_side_are_a_sweep_like_any_other_and_only_what_is_missing_is_done_again(
    tmp_path: Path, twin_cache: Path
) -> None:
    words = ("-m", "model=logistic", "seed=0,1", "split=kfold", "split.n_folds=2", *SWEEP, "hydra/launcher=joblib")
    words = (*words, "hydra.sweep.dir=sweep")
    done = command.train(tmp_path, twin_cache, *words)
    assert done.returncode == 0, done.stderr
    sweep = tmp_path / "sweep"
    assert "job 1 finished: val/macro_f1_nsvf" in done.stderr
    assert "━" not in done.stdout, "bars of jobs side by side would draw over each other"
    table = pd.read_csv(sweep / "comparison.csv")
    assert table["seed"].tolist() == [0, 1]
    assert table["test/accuracy_low"].notna().all(), "seeds choose nothing: test rows are scored"
    assert Status.read(sweep).state == "finished"
    kept = (sweep / "0" / "metrics.json").stat().st_mtime_ns
    for name in ("metrics.json", "status.json"):
        (sweep / "1" / "folds" / "1" / name).unlink()
    status = Status.read(sweep / "1")
    status.state, status.finished_folds = "interrupted", [0]
    status.write(sweep / "1")
    again = command.train(tmp_path, twin_cache, "resume=sweep", "hydra/launcher=basic")
    assert again.returncode == 0, again.stderr
    assert (sweep / "0" / "metrics.json").stat().st_mtime_ns == kept
    assert "fold 1 reports on" in again.stderr
    assert "fold 0 reports on" not in again.stderr
    assert pd.read_csv(sweep / "comparison.csv")["state"].tolist() == ["finished", "finished"]
