"""seed_epoch: the same place in a run, the same chance."""

from itertools import product

import torch

from ecg_lightning.modules.seeding import seed_epoch


def drawn(seed: int, epoch: int, rank: int) -> tuple[float, ...]:
    seed_epoch(seed, epoch, rank)
    return tuple(torch.rand(3).tolist())


def test_the_same_place_draws_the_same_whatever_came_before() -> None:
    first = drawn(0, 3, 1)
    torch.rand(17)
    assert drawn(0, 3, 1) == first


def test_every_seed_epoch_and_rank_draws_its_own() -> None:
    assert len({drawn(*place) for place in product(range(3), repeat=3)}) == 27
