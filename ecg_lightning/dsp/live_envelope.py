"""Tops of the envelope of an ECG that is still arriving: what may be a beat, with the place of its R peak."""

from functools import lru_cache
from math import log
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, sosfilt, sosfilt_zi

from ecg_lightning.dsp.filters import group_delay_ms
from ecg_lightning.dsp.peaks import APART_S, FIND_HZ, LEAST_FS_HZ, SHADOW_S
from ecg_lightning.dsp.rhythm import LONGEST_RR_S

QRS_HZ, BEAT_HZ = 15.0, 1.0  # of a QRS, and of its envelope: there the delays of the two filters are taken
SMOOTH_HZ = 9.0  # of the envelope: one bump for a broad QRS, whose two halves a wider one would tell apart
AHEAD_S = 0.1  # a bump of the envelope is a top once nothing higher came for so long
PLACE_S = 0.06  # an R peak lies so close to where the envelope says
BLOCK_S = 1.5  # holds a beat at 40 a minute and faster
LATEST_S = 5.0  # by then a peak is told or never: the longest interval, overdue, and what the filters cost
STILL_MV = 1e-6  # an envelope below it is a constant that was rounded


class Bump(NamedTuple):
    """A top of the envelope that may be a beat."""

    at: int  # its sample, by the envelope's clock, which is late
    envelope: float
    up: int  # where the signal points furthest up, and down, by the signal's clock
    down: int
    lean: float  # log of how much further up than down
    height: float = 0.0  # the envelope as share of the level


class Sizes(NamedTuple):
    """Lengths at one sampling rate, in samples, and the two filters."""

    ahead: int
    apart: int
    around: int
    block: int
    shadow: int
    longest: int
    latest: int
    delay: int  # of the envelope behind the signal
    bands: tuple[Float[np.ndarray, "section 6"], Float[np.ndarray, "section 6"]]


class Wave(NamedTuple):
    """What is remembered of the signal and its envelope; its size does not grow."""

    n_samples: int  # that have arrived
    find: Float[np.ndarray, "section 2"]  # of the band-pass
    smooth: Float[np.ndarray, "section 2"]  # of the low-pass behind it
    envelope: Float[np.ndarray, " few"]  # the newest, as far as a top may still be outdone
    ecg: Float[np.ndarray, " few"]  # the newest, as far back as its R peak may lie


@lru_cache
def sizes(fs_hz: float) -> Sizes:
    """Lengths and filters of the detector at a sampling rate.

    Raises:
        ValueError: the rate is too low for a QRS.
    """
    if fs_hz < LEAST_FS_HZ:
        raise ValueError(f"fs_hz={fs_hz} must be at least {LEAST_FS_HZ}, or a QRS is lost: use a higher rate")
    low_hz, high_hz = FIND_HZ
    find = butter(2, (low_hz, min(high_hz, 0.45 * fs_hz)), btype="bandpass", fs=fs_hz, output="sos")
    smooth = butter(2, SMOOTH_HZ, fs=fs_hz, output="sos")
    delay_s = (group_delay_ms(find, fs_hz, QRS_HZ) + group_delay_ms(smooth, fs_hz, BEAT_HZ)) / 1000
    return Sizes(
        ahead=round(AHEAD_S * fs_hz),
        apart=round(APART_S * fs_hz),
        around=round(PLACE_S * fs_hz),
        block=round(BLOCK_S * fs_hz),
        shadow=round(SHADOW_S * fs_hz),
        longest=round(LONGEST_RR_S * fs_hz),
        latest=round(LATEST_S * fs_hz),
        delay=round(delay_s * fs_hz),
        bands=(find, smooth),
    )


def begin(first_mv: float, size: Sizes) -> Wave:
    """As if the first sample had always been there; the band-pass has forgotten it."""
    find, smooth = size.bands
    ecg = np.full(size.ahead + size.delay + size.around, first_mv)
    return Wave(0, sosfilt_zi(find) * first_mv, np.zeros((len(smooth), 2)), np.zeros(2 * size.ahead), ecg)


def advance(ecg_mv: Float[np.ndarray, " time"], wave: Wave, size: Sizes) -> tuple[list[Bump], float, Wave]:
    """Take the next samples, at least one.

    Args:
        ecg_mv: raw, double precision.
        wave: what the step before returned.
        size: of this sampling rate.

    Returns:
        The tops that have become known, the highest envelope of these samples, and what the next step must know.
    """
    band, find = sosfilt(size.bands[0], ecg_mv, zi=wave.find)
    envelope, smooth = sosfilt(size.bands[1], np.abs(band), zi=wave.smooth)
    seen, around = np.concatenate([wave.envelope, envelope]), np.concatenate([wave.ecg, ecg_mv])
    newest = seen[len(seen) - 2 * size.ahead :]
    after = Wave(wave.n_samples + len(ecg_mv), find, smooth, newest, around[len(ecg_mv) :])
    return _bumps(seen, around, wave.n_samples, size), float(envelope.max()), after


def _bumps(
    envelope: Float[np.ndarray, " time"], ecg: Float[np.ndarray, " longer"], n_before: int, size: Sizes
) -> list[Bump]:
    """Tops that have become known, where `envelope` and `ecg` end with the newest sample, and n_before are older."""
    top = maximum_filter1d(envelope, 2 * size.ahead + 1, mode="nearest")[size.ahead : len(envelope) - size.ahead]
    middle = envelope[size.ahead : len(envelope) - size.ahead]
    earlier = envelope[size.ahead - 1 : len(envelope) - size.ahead - 1]
    bumps = []
    for place in np.flatnonzero((middle == top) & (middle > earlier) & (middle > STILL_MV)):
        at = n_before - size.ahead + int(place)
        wave = ecg[place : place + 2 * size.around + 1]
        up, down, rest = int(wave.argmax()), int(wave.argmin()), float(np.median(wave))
        lean = log(max(wave[up] - rest, 1e-12) / max(rest - wave[down], 1e-12))
        begin = at - size.delay - size.around
        bumps.append(Bump(at, float(middle[place]), max(begin + up, 0), max(begin + down, 0), lean))
    return bumps
