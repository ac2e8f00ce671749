"""Finished runs of separate commands stand side by side, and are paired where they answered for the same rows."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ecg_lightning.compare import distinct_names, main
from ecg_lightning.evaluation import N_BOOT
from ecg_lightning.predictions import Predictions
from tests.corpora.binary import draw_binary
from tests.corpora.sweep import CARD, write_failed_job, write_job, write_sweep

CHOICES = {"model": "gru", "loss": "bce", "experiment": None, "sweep": "seeds", "hydra/launcher": "basic"}


def write_run(
    folder: Path, overrides: Sequence[str], auroc: float, choices: dict[str, str] | None = None, noise: float = 0.0
) -> Path:
    """A finished run by its own command, with test rows that were scored."""
    write_job(folder, overrides, auroc, ("val", "test"))
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"choices": CHOICES | (choices or {})}))
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    settings |= {"seed": 0, "optim": {"lr": 0.001}, "trainer": {"max_epochs": "${task.max_epochs}", "bar": True}}
    settings["task"]["max_epochs"] = 30
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    about = draw_binary(n_rows=400)
    worse = about.table["logit_low"] + noise * draw_binary(n_rows=400, seed=1).table["logit_low"]
    replace(about, table=about.table.assign(logit_low=worse)).write(folder / "predictions.parquet")
    return folder


def said_of(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What the command prints when it goes well."""
    assert main(["--n-boot", "40", *map(str, words)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([*map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_two_runs_are_a_table_and_a_pair_and_leave_nothing_unless_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_run(tmp_path / "a", ["seed=0"], 0.9)
    second = write_run(tmp_path / "b", ["seed=0", "model=cnn1d", "trainer.bar=true"], 0.7, {"model": "cnn1d"}, noise=1)
    before = sorted(tmp_path.rglob("*"))
    said = said_of(capsys, first, second)
    assert sorted(tmp_path.rglob("*")) == before
    assert "gru" in said
    assert "cnn1d" in said
    for words in (
        "* best on validation rows, by val/auroc",
        "test: a minus b",
        "which each of 40 replicates draws anew, the same ones for both runs",
        "lower is better: expected calibration error",
        "a against b: higher AUROC",
        "of 6 patients these intervals are rough",
        "one interval in twenty leaves zero out; here are 7",
        "not what another seed would",
    ):
        assert words in said
    assert "written" not in said
    assert max(map(len, said.partition("SYNTHETIC")[0].partition("\n* ")[0].splitlines())) <= 80


def test_what_was_asked_for_is_written_and_nothing_older_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_run(tmp_path / name, ["seed=0"], 0.9, noise=noise) for name, noise in (("a", 0.0), ("b", 1.0))]
    said = said_of(capsys, *runs, "--output", tmp_path / "new" / "out")
    files = ["comparison.csv", "comparison.png", "paired.csv", "paired.png"]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == files
    assert all(f"written: {tmp_path / 'new' / 'out' / name}" in said for name in files)
    assert (tmp_path / "new" / "out" / "paired.png").read_bytes()[:4] == b"\x89PNG"
    table = pd.read_csv(tmp_path / "new" / "out" / "paired.csv")
    assert table.columns[:4].tolist() == ["run", "other", "side", "name"]
    assert set(table["run"] + table["other"] + table["side"]) == {"abtest"}
    said_of(capsys, runs[0], "--output", tmp_path / "new" / "out")
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == files[:2]


def varied(tmp_path: Path, capsys: pytest.CaptureFixture[str], *runs: Path) -> pd.DataFrame:
    """What the table says of each run before its numbers."""
    said_of(capsys, *runs, "--output", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "comparison.csv", dtype=str, keep_default_na=False)
    return table[list(table.columns[: list(table.columns).index("best")])]


def test_what_nobody_typed_is_the_option_that_was_chosen_or_the_value_of_the_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_run(tmp_path / "a", ["tracking=none", "model=cnn1d", "optim.lr=1e-3"], 0.9, {"model": "cnn1d"})
    second = write_run(
        tmp_path / "b", ["trainer.max_epochs=5", "experiment=x"], 0.8, {"experiment": "x", "loss": "mse"}
    )
    table = varied(tmp_path, capsys, first, second)
    assert table.to_dict("list") == {
        "job": ["a", "b"],
        "model": ["cnn1d", "gru"],
        "trainer.max_epochs": ["30", "5"],
        "experiment": ["null", "x"],
        "loss": ["bce", "mse"],
    }


def test_runs_that_typed_the_same_may_differ_in_what_their_defaults_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write_run(tmp_path / "a", ["optim=adam", "seed=0"], 0.9)
    second = write_run(tmp_path / "b", ["optim=adam", "seed=0"], 0.8, {"model": "cnn1d", "sweep": "none"})
    assert varied(tmp_path, capsys, first, second).columns.tolist() == ["job", "model"]
    third = write_run(tmp_path / "c", ["+x.y=1", "optim=adam", "seed=0"], 0.8)
    assert varied(tmp_path, capsys, first, third)["x.y"].tolist() == ["", "1"]
    group = write_run(tmp_path / "d", ["seed=0"], 0.8)
    assert varied(tmp_path, capsys, first, group)["optim"].tolist() == ["adam", ""], "the config says no option"


def test_a_sweep_stands_for_its_jobs_and_the_best_goes_against_every_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, aurocs in (("x", {"2": 0.7, "4": 0.9}), ("y", {"2": 0.8})):
        write_sweep(tmp_path / name, "model.latent_size", aurocs)
        (tmp_path / name / "multirun.yaml").touch()
    write_failed_job(tmp_path / "y" / "1", ["model.latent_size=-1"], "no such size")
    said = said_of(capsys, tmp_path / "x", tmp_path / "y", "--output", tmp_path / "out")
    assert "test: x/1 minus each other (95 %)" in said
    assert "job y/1 failed: no such size" in said
    assert "x/1 against y/0: every interval holds zero, no difference is a finding" in said
    paired = pd.read_csv(tmp_path / "out" / "paired.csv")
    assert paired["run"].unique().tolist() == ["x/1"]
    assert paired["other"].unique().tolist() == ["x/0", "y/0"]
    assert (tmp_path / "out" / "paired.png").is_file()


def test_on_validation_rows_differences_are_said_to_be_optimistic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = write_sweep(tmp_path, "model.latent_size", {"2": 0.7, "4": 0.9, "8": 0.8})
    about = draw_binary(n_rows=300)
    val = replace(about, table=about.table[about.table["side"] == "val"])
    val.write(runs[0] / "predictions.parquet")
    said = said_of(capsys, *runs[:2])
    assert (
        "not paired: 0 with 1: the runs have different validation rows: 100 and 41, of which 14 are shared"
        in said.replace("\n", " ")
    )
    for run in runs:
        val.write(run / "predictions.parquet")
    said = said_of(capsys, *runs)
    assert "validation: job 1 minus each other" in said
    assert "validation rows chose epochs, thresholds and the best run: these differences are optimistic" in said


def test_where_no_run_is_the_best_or_one_alone_finished_nothing_is_paired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = write_sweep(tmp_path, "seed", {"0": 0.7, "1": 0.9, "2": 0.8})
    assert "not paired: no run is called the best; name two runs to compare these" in said_of(capsys, *runs)
    failed = write_failed_job(tmp_path / "f", ["seed=3"], "no records")
    assert "not paired: one run alone has finished" in said_of(capsys, runs[0], failed)


def test_an_interrupted_run_is_not_taken_for_a_sweep_that_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (write_run(tmp_path / name, [], 0.9) for name in "ab")
    stopped = write_failed_job(tmp_path / "c", [], "")
    (stopped / "status.json").write_text('{"state": "interrupted"}')
    said = said_of(capsys, first, second, stopped)
    assert "jobs that were to come" not in said
    assert "job c interrupted" in said


def test_without_replicates_there_is_a_difference_and_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_run(tmp_path / name, ["seed=0"], 0.9, noise=noise) for name, noise in (("a", 0.0), ("b", 1.0))]
    assert "no interval: it takes replicates, and patients to draw from" in said_of(capsys, *runs, "--n-boot", 0)


def test_made_up_or_leaky_data_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = CARD | {"synthetic": True, "tags": {"leaky_split": "true"}}
    runs = [write_job(tmp_path / name, ["seed=0"], 0.8, card=card) for name in "ab"]
    said = said_of(capsys, *runs, "--output", tmp_path / "out")
    assert "SYNTHETIC data: these numbers say nothing about patients" in said
    assert "jobs a, b: Leaky split" in said


def test_runs_of_different_tasks_keep_their_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path / name, ["seed=0"], 0.8) for name in "ab"]
    about = Predictions.read(runs[1] / "predictions.parquet")
    replace(about, task="another").write(runs[1] / "predictions.parquet")
    said = said_of(capsys, *runs)
    assert "not paired: a with b: the runs answer different questions: task hypoglycemia and another" in said


def test_names_are_as_short_as_they_can_be() -> None:
    paths = ["/o/arrhythmia/t1", "/o/ptbxl/t1", "/m/t2/0", "/m/t3/0", "/m/t3/1", "/p/m/t3/0"]
    names = ["arrhythmia/t1", "ptbxl/t1", "t2/0", "/m/t3/0", "1", "p/m/t3/0"]
    assert [name.replace("//", "/") for name in distinct_names([Path(path) for path in paths])] == names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "no folder at none: name the folder of a run, or of a sweep"),
        (["empty"], "empty holds no run: name the folder of a run that began"),
        (["stopped"], "stopped holds no job: name the folder of a run that began"),
        (["a", "sub/../a"], "a is named twice: name each run once"),
        (["failed"], "no run has finished: failed (failed: no records)"),
        (["a", "--n-boot", "-1"], "--n-boot=-1 must be 0 or more"),
        (["a", "--output", "file"], "--output file is a file: name a folder"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "a", [], 0.9)
    write_failed_job(tmp_path / "failed", [], "no\nrecords")
    for name in ("empty", "stopped", "sub"):
        (tmp_path / name).mkdir()
    (tmp_path / "stopped" / "multirun.yaml").touch()
    (tmp_path / "file").touch()
    assert said in refused(capsys, *words)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", None),
        ("config.yaml", "{"),
        ("config.yaml", "[]"),
        ("metrics.json", "[]"),
        ("data.json", "{}"),
        ("predictions.parquet", None),
    ],
)
def test_a_finished_run_of_which_a_file_is_gone_or_broken_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None
) -> None:
    runs = [write_run(tmp_path / "a", [], 0.9), write_run(tmp_path / "b", [], 0.9)]
    (runs[0] / name).unlink() if content is None else (runs[0] / name).write_text(content)
    assert f"a lacks {name}, whole: copy all of its folder, or train it again" in refused(capsys, *runs)


def test_a_broken_table_of_predictions_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path / "a", [], 0.9), write_run(tmp_path / "b", [], 0.9)]
    (runs[1] / "predictions.parquet").write_text("x")
    assert "is not a whole parquet file" in refused(capsys, *runs, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_help_needs_no_heavy_import() -> None:
    code = "import sys\nfrom ecg_lightning.compare import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "folder of a run" in said
    assert f"(default {N_BOOT})" in said
    assert not any(f"'{name}'" in said for name in ("torch", "pandas", "scipy", "rich", "matplotlib"))


def test_runs_of_several_tasks_are_named_by_their_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (write_job(tmp_path / name, [], 0.7) for name in ("a", "b"))
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["task"]["name"] = "arrhythmia"
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    assert main([str(one), str(other)]) == 2
    said = capsys.readouterr().err
    assert "the runs answer different questions: a is of task hypoglycemia; b is of task arrhythmia" in said
