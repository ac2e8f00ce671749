"""Bring signals of different gain to one scale."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from ecg_lightning.dsp.pieces import one_after_another, spans

FLAT_MV = 1e-6  # a spread below this is a flat lead: dividing by it would blow rounding noise up to full scale


def zscore(ecg_mv: Float[np.ndarray, "*rows time"]) -> Float[np.ndarray, "*rows time"]:
    """Give every row mean 0 and standard deviation 1 over time; a flat row becomes 0.

    Args:
        ecg_mv: a record (lead, time) or windows (batch, lead, time).

    Returns:
        The same shape, float32, without unit.
    """
    mean = ecg_mv.mean(axis=-1, keepdims=True, dtype=np.float64)
    std = _std(ecg_mv, mean)
    scale = np.where(std > FLAT_MV, 1 / np.maximum(std, FLAT_MV), 0)
    out = np.empty(ecg_mv.shape, np.float32)
    for first, last in spans(ecg_mv.shape[-1]):
        out[..., first:last] = (ecg_mv[..., first:last] - mean) * scale
    return out


def _std(ecg_mv: Float[np.ndarray, "*rows time"], mean: Float[np.ndarray, "*rows 1"]) -> Float[np.ndarray, "*rows 1"]:
    pieces = spans(ecg_mv.shape[-1])
    if len(pieces) == 1:
        return ecg_mv.std(axis=-1, keepdims=True, dtype=np.float64)
    squares = [((ecg_mv[..., first:last] - mean) ** 2).sum(axis=-1, keepdims=True) for first, last in pieces]
    return np.sqrt(sum(squares) / ecg_mv.shape[-1])


class RunningState(NamedTuple):
    """What the running z-score remembers of one signal."""

    origin_mv: Float[np.ndarray, "lead 1"]  # first sample; sums are taken around it so that an offset costs no digits
    sums: Float[np.ndarray, "3 lead 1"]  # forgetful sums of 1, of the signal and of its square


def running_zscore_step(
    ecg_mv: Float[np.ndarray, "lead time"],
    state: RunningState | None,
    fs_hz: float,
    memory_s: float,
) -> tuple[Float[np.ndarray, "lead time"], RunningState | None]:
    """Normalise the next piece of a signal by the mean and spread of what has arrived so far.

    A sample that is `memory_s` old counts 1/e as much as the newest. Sums are divided by the weight that they hold, so
    the start is the plain mean and spread so far, and no value exceeds the square root of the number of samples seen.
    A whole record is one piece with state None; cut anywhere, the pieces give the same bits.

    Args:
        ecg_mv: the next samples of every lead.
        state: what the step before returned; None at the beginning.
        fs_hz: sampling rate.
        memory_s: how long the past counts; below a few beats the scale follows single waves.

    Raises:
        ValueError: the memory is shorter than a second.
    """
    if memory_s < 1:
        raise ValueError(f"memory_s={memory_s} must be at least 1 second, about one beat: 10 is usual")
    if ecg_mv.shape[-1] == 0:
        return ecg_mv.astype(np.float32), state
    if state is None:
        state = RunningState(ecg_mv[:, :1].astype(np.float64), np.zeros((3, len(ecg_mv), 1)))
    keep = np.exp(-1 / (fs_hz * memory_s))
    return one_after_another(lambda ecg, state: _running(ecg, state, keep), ecg_mv, state)


def _running(
    ecg_mv: Float[np.ndarray, "lead time"], state: RunningState, keep: float
) -> tuple[Float[np.ndarray, "lead time"], RunningState]:
    away = ecg_mv - state.origin_mv
    powers = np.stack([np.ones_like(away), away, away**2])
    (weight, total, total_square), sums = lfilter([1.0], [1.0, -keep], powers, axis=-1, zi=state.sums)
    mean = total / weight
    std = np.sqrt(np.maximum(total_square / weight - mean**2, 0))
    scale = np.where(std > FLAT_MV, 1 / np.maximum(std, FLAT_MV), 0)
    return ((away - mean) * scale).astype(np.float32), RunningState(state.origin_mv, sums)
