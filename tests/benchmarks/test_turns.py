"""Sides take turns by the step, and each side trains what the framework trains."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measure import quiet
from benchmarks.parts import composed, data_module
from benchmarks.resident import SAID, STATM, Resident
from benchmarks.turns import (
    FRAMEWORK,
    N_PER_ROUND,
    N_STEPS,
    N_WARM,
    bare,
    endless,
    framework,
    per_second,
    pre_cut,
    take_turns,
    times_as_fast,
)
from tests.corpora.mitdb import write_mitdb


def noting(name: str, order: list[str]) -> Iterator[None]:
    while True:
        order.append(name)
        yield


def test_each_side_takes_one_step_in_turn() -> None:
    order: list[str] = []
    sides = {name: noting(name, order) for name in ("ours", "plain")}
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    take_turns(sides, seconds)
    take_turns(sides, seconds)
    assert order == ["ours", "plain", "ours", "plain"]
    assert [len(of_each) for of_each in seconds.values()] == [2, 2]


def test_neither_the_first_steps_nor_one_disturbed_round_change_a_ratio() -> None:
    n_steps = N_WARM + 3 * N_PER_ROUND
    seconds = {"ours": [9.0] * N_WARM + [1.0] * (n_steps - N_WARM), "plain": [2.0] * n_steps}
    assert times_as_fast(seconds, "ours", "plain") == 2
    seconds["ours"][-1] = 100
    assert times_as_fast(seconds, "ours", "plain") == 2
    assert per_second(seconds["ours"], 64) == 64


def test_load_that_both_sides_meet_does_not_change_a_ratio() -> None:
    load = [1.0 + i % 7 for i in range(N_WARM + 2 * N_PER_ROUND)]
    seconds = {"ours": load, "plain": [3 * one for one in load]}
    assert times_as_fast(seconds, "ours", "plain") == pytest.approx(3)


def test_what_is_endless_begins_again() -> None:
    again = endless([1, 2])
    assert [next(again) for _ in range(5)] == [1, 2, 1, 2, 1]


def test_the_others_take_a_step_after_each_of_the_framework(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "114"])
    where = (f"data_dir={tmp_path}", f"cache_dir={tmp_path}", "split=random_windows", "task.data.batch_size=2")
    cfg = composed(
        "model=logistic", "trainer=cpu", "trainer.enable_progress_bar=false", "callbacks.early_stopping=null", *where
    )
    data = data_module(cfg)
    batches = pre_cut(data, 2)
    assert batches
    order: list[str] = []
    sides = {"bare": bare(cfg, data, endless(batches)), "other": noting("other", order)}
    with quiet():
        seconds = framework(cfg, data, sides, len(batches))
    assert len(order) >= N_STEPS
    assert {name: len(of_each) for name, of_each in seconds.items()} == dict.fromkeys(
        (FRAMEWORK, "bare", "other"), len(order)
    )
    assert min(seconds[FRAMEWORK]) > 0


@pytest.mark.skipif(not STATM.is_file(), reason="the system does not say what a process holds")
def test_what_the_process_holds_is_said_after_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    Resident().on_train_epoch_end(None, None)  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert said.startswith(SAID)
    assert 1e7 < int(said.removeprefix(SAID)) < 1e11
