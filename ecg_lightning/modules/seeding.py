"""Chance that a resumed run repeats."""

import numpy as np
import torch


def seed_epoch(seed: int, epoch: int, rank: int) -> None:
    """Tie dropout to run, epoch and process, whatever was drawn before.

    Args:
        seed: of the run.
        epoch: that begins.
        rank: of the process, so that no two drop alike.
    """
    entropy = np.random.SeedSequence((seed, epoch, rank))
    torch.manual_seed(int(entropy.generate_state(1)[0]))
