"""Change the sampling rate of a signal, and of the sample numbers that point into it."""

from fractions import Fraction

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import resample_poly

LARGEST_TERM = 1000  # a ratio of larger numbers means a filter of tens of thousands of taps


def rate_ratio(fs_hz: float, target_hz: float) -> Fraction:
    """Write target over source rate as a fraction.

    Raises:
        ValueError: a rate is not positive, or the ratio is not one of whole numbers up to 1000.
    """
    if fs_hz <= 0 or target_hz <= 0:
        raise ValueError(f"fs_hz={fs_hz} and target_hz={target_hz} must be positive")
    ratio = Fraction(target_hz).limit_denominator(10**6) / Fraction(fs_hz).limit_denominator(10**6)
    if max(ratio.numerator, ratio.denominator) > LARGEST_TERM:
        raise ValueError(
            f"target_hz={target_hz} over fs_hz={fs_hz} is {ratio}, a term above {LARGEST_TERM}: choose a rounder rate"
        )
    return ratio


def resample(
    ecg_mv: Float[np.ndarray, "lead time"], fs_hz: float, target_hz: float
) -> Float[np.ndarray, "lead new_time"]:
    """Bring a record to another rate, with an anti-alias filter, without moving any wave.

    Args:
        ecg_mv: one row per lead.
        fs_hz: its sampling rate.
        target_hz: the rate wanted; the same rate returns the record as it is.

    Returns:
        ceil(time * target_hz / fs_hz) samples, float32.
    """
    ratio = rate_ratio(fs_hz, target_hz)
    ecg = ecg_mv.astype(np.float32, copy=False)
    if ratio == 1:
        return ecg
    # "edge": beyond its ends the record stays where it was, or an offset would ring there
    return resample_poly(ecg, ratio.numerator, ratio.denominator, axis=-1, padtype="edge").astype(
        np.float32, copy=False
    )


def resample_peaks(peak_sample: Int[np.ndarray, " beat"], fs_hz: float, target_hz: float) -> Int[np.ndarray, " beat"]:
    """Move sample numbers to another rate; each lands within half a new sample of its time."""
    ratio = rate_ratio(fs_hz, target_hz)
    moved = peak_sample.astype(np.int64) * ratio.numerator
    return (2 * moved + ratio.denominator) // (2 * ratio.denominator)  # rounded, in whole numbers
