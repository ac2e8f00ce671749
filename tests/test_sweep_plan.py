"""What a sweep was asked for: its jobs, what varies, and where folds are pooled."""

from pathlib import Path

import pytest

from ecg_lightning import sweep_plan
from tests.corpora.sweep import write_plan


def test_jobs_are_those_that_hydra_makes_whether_they_have_begun_or_not(tmp_path: Path) -> None:
    write_plan(tmp_path, "model=cnn,logistic", "seed=3", params={"split.fold": "range(2)", "seed": "0"})
    assert sweep_plan.jobs(tmp_path) == [
        ["split.fold=0", "seed=3", "model=cnn"],
        ["split.fold=0", "seed=3", "model=logistic"],
        ["split.fold=1", "seed=3", "model=cnn"],
        ["split.fold=1", "seed=3", "model=logistic"],
    ]
    assert sweep_plan.varied(tmp_path) == ("split.fold", "model")


def test_a_sweep_of_before_has_no_plan(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").touch()
    assert sweep_plan.jobs(tmp_path) == []
    assert sweep_plan.by_combination(tmp_path) == {}


@pytest.mark.parametrize(
    ("words", "chooses"),
    [
        (("split.fold=0,1",), False),
        (("seed=0,1", "split.fold=0,1"), False),
        (("seed=0",), False),
        (("model=cnn,logistic", "split.fold=0,1"), True),
        (("optim.lr=1e-3,1e-4",), True),
    ],
)
def test_folds_and_seeds_alone_choose_nothing(words: tuple[str, ...], chooses: bool, tmp_path: Path) -> None:
    write_plan(tmp_path, *words)
    assert sweep_plan.chooses(tmp_path) is chooses


def test_folds_of_one_combination_are_pooled_in_the_sweeps_own_folder(tmp_path: Path) -> None:
    write_plan(tmp_path, "split.fold=0,1,2", "model=cnn")
    assert sweep_plan.by_combination(tmp_path) == {tmp_path: [0, 1, 2]}
    assert sweep_plan.above(tmp_path / "1") == (tmp_path,)


def test_folds_of_several_combinations_are_pooled_each_for_itself(tmp_path: Path) -> None:
    write_plan(tmp_path, "model=cnn,logistic", "split.fold=0,1")
    pooled = tmp_path / "pooled"
    assert sweep_plan.by_combination(tmp_path) == {pooled / "0": [0, 1], pooled / "1": [2, 3]}
    assert sweep_plan.above(tmp_path / "2") == (tmp_path, pooled / "1")


def test_without_folds_nothing_is_pooled(tmp_path: Path) -> None:
    write_plan(tmp_path, "model=cnn,logistic", "split.fold=0")
    assert sweep_plan.by_combination(tmp_path) == {}
    assert sweep_plan.above(tmp_path / "0") == (tmp_path,)


def test_a_run_alone_stands_below_nothing(tmp_path: Path) -> None:
    assert sweep_plan.above(tmp_path / "run") == ()
    assert not sweep_plan.of_sweep(tmp_path / "run")


def test_a_plan_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    write_plan(tmp_path, "seed=0,1")
    assert len(sweep_plan.jobs(tmp_path)) == 2
    write_plan(tmp_path, "seed=0,1,2")
    assert len(sweep_plan.jobs(tmp_path)) == 3
