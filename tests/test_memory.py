"""Memory is kept while a network trains, and not after."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.memory import kept_memory

NO_HUGE_PAGES = 41  # PR_SET_THP_DISABLE of prctl(2)
ROOT = Path(__file__).parents[1]
N_BYTES, N_ROUNDS, PAGE = 16 << 20, 20, 4096


def faults() -> int:
    """Pages fetched while an array is made, touched and freed again and again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(N_ROUNDS):
        np.empty(N_BYTES, np.uint8)[::PAGE] = 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are left as they are")
def test_pages_are_fetched_once_while_it_trains_and_anew_after() -> None:
    """In a process of its own, without huge pages: else it hangs on the machine, and on what others have freed."""
    code = (
        "import ctypes\n"
        f"ctypes.CDLL(None).prctl({NO_HUGE_PAGES}, 1, 0, 0, 0)\n"
        "from tests.test_memory import *\n"
        "with kept_memory():\n    inside = faults()\n"
        "print(inside, faults())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    inside, outside = map(int, said.split())
    assert inside <= 2 * N_BYTES / PAGE
    assert outside > 3 * inside


def test_memory_is_given_back_after_an_error_too() -> None:
    with pytest.raises(KeyError), kept_memory():
        raise KeyError("stop")
    assert np.zeros(N_BYTES, np.uint8).sum() == 0
