"""Long records in overlapping pieces, so that a day of ECG needs no more working memory than a few minutes of it."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from jaxtyping import Float

N_WHOLE = 2_000_000  # samples per lead: up to here, 92 minutes at 360 Hz, a record is one piece
N_PIECE = 500_000

State = TypeVar("State")


def spans(n_units: int, n_each: float = 1.0) -> list[tuple[int, int]]:
    """Divide a record into pieces of whole units, such as blocks or seconds; one piece where it is short.

    Args:
        n_units: of the record.
        n_each: samples of a unit.

    Returns:
        First unit and the one after the last, of every piece.
    """
    if n_units * n_each <= N_WHOLE:
        return [(0, n_units)]
    n_piece = max(1, int(N_PIECE / n_each))
    return [(first, min(first + n_piece, n_units)) for first in range(0, n_units, n_piece)]


def around(first: int, last: int, n_samples: int, n_around: int) -> tuple[slice, slice]:
    """Where a piece lies together with what is around it in the record, and where it lies in that."""
    begin = max(0, first - n_around)
    return slice(begin, min(n_samples, last + n_around)), slice(first - begin, last - begin)


def overlapping(
    function: Callable[[Float[np.ndarray, "lead _"]], Float[np.ndarray, "lead _"]],
    ecg: Float[np.ndarray, "lead time"],
    n_around: int,
) -> Float[np.ndarray, "lead time"]:
    """Apply what keeps the length of a signal and sees no further than n_around samples, piece by piece."""
    n_samples = ecg.shape[-1]
    if n_samples <= N_WHOLE:
        return function(ecg)
    out = np.empty(ecg.shape, np.float32)
    for first, last in spans(n_samples):
        wide, inside = around(first, last, n_samples, n_around)
        out[:, first:last] = function(ecg[:, wide])[:, inside]
    return out


def one_after_another(
    step: Callable[[Float[np.ndarray, "lead _"], State], tuple[Float[np.ndarray, "lead _"], State]],
    ecg: Float[np.ndarray, "lead time"],
    state: State,
) -> tuple[Float[np.ndarray, "lead time"], State]:
    """Apply a step that gives the same bits however a signal is cut, piece by piece."""
    if ecg.shape[-1] <= N_WHOLE:
        return step(ecg, state)
    out = np.empty(ecg.shape, np.float32)
    for first, last in spans(ecg.shape[-1]):
        out[:, first:last], state = step(ecg[:, first:last], state)
    return out, state
