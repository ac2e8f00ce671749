"""Schedules: their shape against torch's own, resuming to the bit, and no end that raises."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from ecg_lightning.schedules import Curve, constant, cosine, one_cycle, plateau

RATE = 0.3
BY_STEP = (constant, cosine, one_cycle, partial(one_cycle, warmup_share=0.0), partial(cosine, final_share=0.1))


def optimizer(*rates: float) -> Optimizer:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates or (RATE,)]
    return SGD(groups, lr=RATE)


def rates(schedule: LRScheduler, n_steps: int) -> list[list[float]]:
    """Of every group, as the next steps go."""
    found = []
    for _ in range(n_steps):
        found.append([group["lr"] for group in schedule.optimizer.param_groups])
        schedule.optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("n_steps", [10, 97, 1000])
def test_one_cycle_is_that_of_torch(n_steps: int) -> None:
    theirs = OneCycleLR(optimizer(), RATE, total_steps=n_steps, div_factor=25, final_div_factor=1e4, pct_start=0.3)
    ours = rates(one_cycle(optimizer(), n_steps), n_steps)
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(rates(theirs, n_steps)), rtol=1e-9, atol=1e-12)


def test_cosine_without_warmup_is_that_of_torch() -> None:
    theirs = CosineAnnealingLR(optimizer(), T_max=99, eta_min=0.1 * RATE)
    ours = rates(cosine(optimizer(), 100, warmup_share=0, final_share=0.1), 100)
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(rates(theirs, 100)), rtol=1e-6, atol=1e-9)


def test_cosine_goes_up_briefly_and_down_to_its_last_share() -> None:
    share = [group[0] / RATE for group in rates(cosine(optimizer(), 200, warmup_share=0.1, final_share=0.2), 200)]
    assert share[0] == pytest.approx(1 / 25)
    assert share.index(max(share)) == 19
    assert max(share) == pytest.approx(1)
    assert share[-1] == pytest.approx(0.2)
    assert share[:20] == sorted(share[:20])
    assert share[19:] == sorted(share[19:], reverse=True)


def test_constant_leaves_every_rate_as_it_is() -> None:
    assert rates(constant(optimizer(0.1, 0.2), 5), 9) == [[0.1, 0.2]] * 9


def test_groups_keep_their_proportion() -> None:
    for schedule in BY_STEP:
        assert all(b == pytest.approx(2 * a) for a, b in rates(schedule(optimizer(0.1, 0.2), 30), 30))


def test_plateau_is_that_of_torch_and_lowers_the_rate_when_the_monitor_stands_still() -> None:
    schedule = plateau(optimizer(), 100, mode="max", factor=0.5, patience=1)
    assert isinstance(schedule, ReduceLROnPlateau)
    found = []
    for monitor in (0.5, 0.6, 0.6, 0.6, 0.7):
        schedule.step(monitor)
        found.append(schedule.optimizer.param_groups[0]["lr"])
    assert found == [RATE, RATE, RATE, RATE / 2, RATE / 2]


@pytest.mark.parametrize("make", BY_STEP)
@pytest.mark.parametrize("stop", [1, 30, 77])
def test_a_resumed_run_goes_on_with_the_same_rates_to_the_bit(make: Callable[..., LRScheduler], stop: int) -> None:
    whole = rates(make(optimizer(0.1, 0.2), 100), 100)
    stopped = make(optimizer(0.1, 0.2), 100)
    assert rates(stopped, stop) == whole[:stop]
    states = stopped.state_dict(), stopped.optimizer.state_dict()
    resumed = make(optimizer(0.1, 0.2), 100)
    resumed.load_state_dict(states[0])
    resumed.optimizer.load_state_dict(states[1])
    assert rates(resumed, 100 - stop) == whole[stop:]


def test_plateau_resumes_with_its_memory() -> None:
    first = plateau(optimizer(), 100, mode="max", patience=2)
    for monitor in (0.5, 0.4, 0.4):
        first.step(monitor)
    again = plateau(optimizer(), 100, mode="max", patience=2)
    again.load_state_dict(first.state_dict())
    again.step(0.4)
    assert again.optimizer.param_groups[0]["lr"] == RATE / 2


@pytest.mark.parametrize("make", BY_STEP)
def test_beyond_the_last_step_the_rate_stays(make: Callable[..., LRScheduler]) -> None:
    found = rates(make(optimizer(), 50), 80)
    assert found[50:] == [found[49]] * 30


@pytest.mark.parametrize("make", [cosine, one_cycle])
def test_a_run_that_is_resumed_to_go_on_longer_keeps_its_curve(make: Callable[..., LRScheduler]) -> None:
    whole = rates(make(optimizer(), 50), 80)
    stopped = make(optimizer(), 50)
    rates(stopped, 20)
    longer = make(optimizer(), 400)
    longer.load_state_dict(stopped.state_dict())
    longer.optimizer.load_state_dict(stopped.optimizer.state_dict())
    assert rates(longer, 60) == whole[20:]


@pytest.mark.parametrize("make", BY_STEP)
def test_a_checkpoint_of_a_schedule_can_be_read_without_running_code(
    make: Callable[..., LRScheduler], tmp_path
) -> None:
    schedule = make(optimizer(), 50)
    torch.save(schedule.state_dict(), tmp_path / "state.pt")
    assert torch.load(tmp_path / "state.pt", weights_only=True) == schedule.state_dict()


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_the_shortest_runs_have_finite_rates_above_nothing_at_first(n_steps: int) -> None:
    for make in BY_STEP:
        found = [group[0] for group in rates(make(optimizer(), n_steps), n_steps)]
        assert all(math.isfinite(rate) for rate in found)
        assert found[0] > 0


@pytest.mark.parametrize("n_steps", [0, -1, math.inf])
def test_a_run_without_an_end_is_refused_in_words(n_steps: float) -> None:
    for make in (cosine, one_cycle):
        with pytest.raises(
            ValueError, match=f"n_steps={n_steps} must be finite and at least 1: set trainer.max_epochs"
        ):
            make(optimizer(), n_steps)


def test_impossible_shares_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"warmup_share=1 must be at least 0 and below 1"):
        cosine(optimizer(), 10, warmup_share=1)
    with pytest.raises(ValueError, match=r"start_share=1.5 must lie between 0 and 1"):
        one_cycle(optimizer(), 10, start_share=1.5)
    with pytest.raises(ValueError, match=r"final_share=-0.1 must lie between 0 and 1"):
        Curve(10, 0.1, 0.1, -0.1)
