"""Jobs stand side by side with what varied, what they reached, and the best by validation where one may be chosen."""

from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.comparison import BESIDE, compare
from tests.corpora.sweep import CARD, monitor, write_failed_job, write_job, write_sweep

LATENT = {"2": 0.7, "4": 0.9, "8": 0.8}


def test_what_varies_is_a_column_and_what_does_not_is_none(tmp_path: Path) -> None:
    write_job(tmp_path / "0", ["model.latent_size=2", "optim=adam", "tracking=none", "+x='003'"], 0.7)
    write_job(tmp_path / "1", ["model.latent_size=4", "optim=adam", "tracking=none", "+x='004'"], 0.8)
    found = compare([tmp_path / "0", tmp_path / "1"])
    assert found.varied == ("model.latent_size", "x")
    assert found.table["model.latent_size"].tolist() == ["2", "4"]
    assert found.table["x"].tolist() == ["003", "004"]
    assert "optim" not in found.table


def test_the_last_of_two_words_for_one_key_counts_as_for_hydra(tmp_path: Path) -> None:
    write_job(tmp_path / "0", ["seed=1", "seed=2"], 0.7)
    assert compare([write_job(tmp_path / "1", ["seed=2"], 0.7), tmp_path / "0"]).varied == ()


def test_the_best_is_that_of_validation_in_the_direction_of_the_monitor(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "model.latent_size", LATENT, ("val", "test"))
    found = compare(jobs)
    assert (found.best, found.monitor, found.why_none) == (1, "val/auroc", "")
    assert found.table["best"].tolist() == [False, True, False]
    for job in jobs:
        monitor(job, "val/auroc", "min")
    assert compare(jobs).best == 0


def test_numbers_come_with_limits_and_those_of_test_only_where_it_was_scored(tmp_path: Path) -> None:
    table = compare(write_sweep(tmp_path / "val", "seed", LATENT)).table
    assert table["val/average_precision"].tolist() == [0.35, 0.45, 0.4]
    assert table["val/auroc_high"].tolist() == pytest.approx([0.8, 1.0, 0.9])
    assert not [name for name in table if name.startswith("test/")]
    both = compare(write_sweep(tmp_path / "both", "seed", LATENT, ("val", "test")))
    assert both.headline == ("auroc", "average_precision")
    assert both.table["test/auroc"].tolist() == [0.7, 0.9, 0.8]
    assert table["fit/seconds"].tolist() == [61.5] * 3


def test_a_monitor_that_only_epochs_have_is_taken_from_the_history(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "model.latent_size", LATENT)
    for job in jobs:
        monitor(job, "val/error_auroc", "max")
    found = compare(jobs)
    assert found.table["monitored"].tolist() == pytest.approx([0.71, 0.91, 0.81])
    assert found.table["best_epoch"].tolist() == [2, 2, 2]
    assert (found.best, found.monitor) == (1, "val/auroc"), "which a score is chosen by"


def test_of_jobs_that_reach_the_same_none_is_the_best(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "task.threshold.n_sd", {"1": 0.9, "2": 0.9, "3": 0.8})
    assert why_none(jobs) == "2 jobs reach the same val/auroc, 0.900"


def test_a_failed_job_keeps_its_row_and_its_reason(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "optim.lr", LATENT)
    jobs.append(write_failed_job(tmp_path / "3", ["optim.lr=-1", "tracking=none"], "optim: Invalid learning rate: -1"))
    found = compare(jobs)
    last = found.table.iloc[3]
    assert (last["optim.lr"], last["state"], last["reason"]) == ("-1", "failed", "optim: Invalid learning rate: -1")
    assert np.isnan(last["val/auroc"])
    assert found.best == 1


def test_a_job_that_was_cut_off_says_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    running = write_failed_job(tmp_path / "1", ["seed=1"], "")
    (running / "status.json").write_text('{"state": "running", "reason": null}', encoding="utf-8")
    table = compare([tmp_path / "0", running]).table
    assert table["reason"].tolist() == ["it left no status.json", "it has not said that it ended"]


def why_none(jobs: list[Path]) -> str:
    """Why no job is the best."""
    found = compare(jobs)
    assert (found.best, found.monitor) == (None, "")
    assert not found.table["best"].any()
    return found.why_none


def test_no_seed_is_called_the_best(tmp_path: Path) -> None:
    assert "only the seed varies" in why_none(write_sweep(tmp_path, "seed", LATENT))


def test_one_job_is_not_called_the_best(tmp_path: Path) -> None:
    jobs = [write_job(tmp_path / "0", ["seed=0"], 0.7), write_failed_job(tmp_path / "1", ["seed=x"], "no number")]
    assert why_none(jobs) == "fewer than two jobs finished"


def test_jobs_that_go_by_different_numbers_are_not_compared(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "task", LATENT)
    monitor(jobs[0], "val/loss", "min")
    assert why_none(jobs) == "jobs go by different numbers (val/auroc, val/loss)"


def test_losses_of_different_kinds_are_not_compared_and_those_of_one_are(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "optim.lr", LATENT)
    for job in jobs:
        monitor(job, "val/loss", "min")
    assert why_none(jobs) == "3 jobs reach the same val/loss, 1.000"
    monitor(jobs[0], "val/loss", "min", loss="mae")
    assert why_none(jobs) == "jobs go by val/loss, which means another thing with another loss"


def test_jobs_with_other_validation_rows_are_not_compared(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "split", LATENT)
    jobs.append(write_job(tmp_path / "3", ["split=day"], 0.99, card=CARD | {"patients": {"val": ["003"]}}))
    assert why_none(jobs) == "jobs are validated on different rows"


def test_a_monitor_that_was_never_defined_makes_no_job_the_best(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "optim.lr", LATENT)
    for job in jobs:
        monitor(job, "val/kappa", "max")
    assert why_none(jobs) == "no job has a value of val/kappa"


def test_what_is_made_up_or_leaky_is_said_row_by_row(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "split", LATENT)
    jobs.append(
        write_job(tmp_path / "3", ["split=x"], 0.9, card=CARD | {"synthetic": True, "tags": {"leaky_split": "true"}})
    )
    table = compare(jobs).table
    assert table["synthetic"].tolist() == table["leaky_split"].tolist() == [False, False, False, True]


def test_of_jobs_with_several_seeds_none_is_the_best_and_their_means_are_said(tmp_path: Path) -> None:
    values = {("a", 0): 0.80, ("a", 1): 0.99, ("b", 0): 0.90, ("b", 1): 0.92}
    jobs = [
        write_job(tmp_path / str(number), [f"model={model}", f"seed={seed}"], value)
        for number, ((model, seed), value) in enumerate(values.items())
    ]
    said = "a lucky seed must not be chosen; mean of val/auroc over seeds: b 0.910 (SD 0.014); a 0.895 (SD 0.134)"
    assert why_none(jobs) == said


def test_half_a_file_is_no_reason_to_lose_the_table(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "model.latent_size", LATENT)
    (jobs[0] / "metrics.json").write_text("{", encoding="utf-8")
    (jobs[0] / "history.csv").write_text("", encoding="utf-8")
    found = compare(jobs)
    assert np.isnan(found.table["val/auroc"][0])
    assert found.best == 1


def test_what_nobody_could_have_had_is_no_headline(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "model.latent_size", LATENT)
    assert all(name.startswith(BESIDE) for name in ("oracle/f1", "always_anomaly/f1", "majority/accuracy"))
    assert not any(name.startswith(BESIDE) for name in compare(jobs).headline)
