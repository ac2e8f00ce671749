"""Which seconds of a raw ECG cannot be trusted: lead off, amplifier at its limit, muscle and movement."""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from scipy.ndimage import minimum_filter1d
from scipy.signal import butter, sosfiltfilt

from ecg_lightning.dsp.pieces import around, spans

FLAT, CLIPPED, NOISE = 1, 2, 4
LEAST_FS_HZ = 90.0  # what is above HIGH_HZ must be seen
N_PARTS = 10  # of a second: a QRS fills one or two of them, so that most parts lie between beats
STILL_PARTS = 8  # of them move less than FLAT_SHARE: "most of the second"; a pause of the heart still has P and T waves
FLAT_SHARE = 0.01  # of the range of a usual second; clean MIT-BIH stays above 0.015, a lead that is off at 0
USUAL_PERCENT = 75  # the usual second: above the median, as a lead may be off for half a record, but not for 3/4
RAIL_S = 0.02  # the record's own extreme, held this long; the top of a wave passes in a sample or two
RAIL_SAMPLES = 3  # and at least so many: fewer occur by chance at low rates
QRS_HZ = (5.0, 25.0)  # Thakor, Webster, Tompkins, IEEE Trans Biomed Eng 31:702-706 (1984), on the QRS spectrum
HIGH_HZ = 40.0  # above it lie muscle and mains, and little of a QRS
HIGH_SHARE = 0.1  # of a usual QRS, RMS between beats above HIGH_HZ: P waves drown; clean MIT-BIH has 0.003 to 0.03
QRS_SHARE = 0.25  # the same in the band of the QRS: muscle begins to look like beats; flutter has no between, either
AROUND_S = 5.0  # around a piece of a long record: the filters have long forgotten what lies beyond
JUMP = 3.0  # times a usual QRS is movement; the tallest ectopic beat of MIT-BIH is 2.8


def flags(ecg: Float[np.ndarray, "lead time"], fs_hz: float) -> UInt8[np.ndarray, " second"]:
    """Judge every whole second by itself, against what is usual in this record.

    A bit is set where any lead shows it. FLAT: most of the second does not move, or is lost. CLIPPED: the signal stays
    at the highest or lowest value of the record. NOISE: between beats it moves too much, or it jumps.

    Args:
        ecg: one row per lead, as recorded, in any unit: filters and resampling hide flat and clipped stretches.
        fs_hz: its sampling rate.

    Returns:
        FLAT + CLIPPED + NOISE, one number per whole second; what follows the last whole second is not judged.

    Raises:
        ValueError: the rate is too low for muscle noise to be seen.

    Source:
        The kinds of fault are those of Clifford et al., Physiol Meas 33:1419-1433 (2012); the shares were measured
        on 42 records of MIT-BIH (MLII or V5), which should stay free of flags: 0.24 % of 75,810 seconds are flagged,
        none in 25 records, most in 104 (3.1 %), 203 (2.2) and 105 (1.6), known to be noisy. 1e7 samples take 2.3 s.
    """
    if fs_hz < LEAST_FS_HZ:
        raise ValueError(
            f"fs_hz={fs_hz} must be at least {LEAST_FS_HZ}, or muscle noise is not seen: give it as recorded"
        )
    n_seconds = int(ecg.shape[1] / fs_hz)
    found = np.zeros(n_seconds, dtype=np.uint8)
    if n_seconds:
        begin = np.floor(np.arange(n_seconds * N_PARTS) * fs_hz / N_PARTS).astype(np.int64)
        n_samples = int(n_seconds * fs_hz)
        for lead in ecg[:, :n_samples]:
            found |= _flags_of_lead(lead, begin, fs_hz)
    return found


def _flags_of_lead(
    ecg: Shaped[np.ndarray, " time"], begin: Int[np.ndarray, " part"], fs_hz: float
) -> UInt8[np.ndarray, " second"]:
    cut = _cuts(ecg, begin, fs_hz)
    extremes = [_extremes(_samples(ecg, slice(*core)), own) for core, own in cut]
    highest, lowest = (np.concatenate(several) for several in zip(*extremes, strict=True))
    moved = np.nan_to_num(highest - lowest).reshape(-1, N_PARTS)
    whole = np.nan_to_num(_per_second(np.fmax, highest) - _per_second(np.fmin, lowest))
    flat = np.sort(moved, axis=1)[:, STILL_PARTS - 1] <= FLAT_SHARE * np.percentile(whole, USUAL_PERCENT)
    if flat.all():
        return np.full(len(flat), FLAT, dtype=np.uint8)
    rails = np.fmax.reduce(highest), np.fmin.reduce(lowest)
    usual = _usual(ecg)
    clipped, heights, muscles, highs = [], [], [], []
    for core, own in cut:
        wide, inside = around(*core, len(ecg), round(AROUND_S * fs_hz))
        samples = _samples(ecg, wide)
        held = _held(samples, rails, fs_hz)[inside]
        clipped.append(_per_second(np.maximum, np.maximum.reduceat(held, own)))
        qrs, high = _bands(np.where(np.isnan(samples), usual, samples), fs_hz)
        heights.append(_per_second(np.maximum, np.maximum.reduceat(np.abs(qrs[inside]), own)))
        muscles.append(_between_beats(qrs[inside], own))
        highs.append(_between_beats(high[inside], own))
    height, muscle, high = map(np.concatenate, (heights, muscles, highs))
    noisy = _noisy(height, muscle, high, ~flat)
    return (FLAT * flat + CLIPPED * np.concatenate(clipped) + NOISE * noisy).astype(np.uint8)


def _cuts(
    ecg: Shaped[np.ndarray, " time"], begin: Int[np.ndarray, " part"], fs_hz: float
) -> list[tuple[tuple[int, int], Int[np.ndarray, " _"]]]:
    """Of each piece of whole seconds the first sample and the one after the last; where its parts begin in it."""
    ends = np.append(begin, len(ecg))
    pieces = [(N_PARTS * first, N_PARTS * last) for first, last in spans(len(begin) // N_PARTS, fs_hz)]
    return [((int(ends[a]), int(ends[b])), begin[a:b] - begin[a]) for a, b in pieces]


def _samples(ecg: Shaped[np.ndarray, " time"], where: slice) -> Float[np.ndarray, " _"]:
    """In double precision, NaN where lost."""
    some = ecg[where].astype(np.float64)
    some[~np.isfinite(some)] = np.nan
    return some


def _extremes(
    ecg: Float[np.ndarray, " time"], begin: Int[np.ndarray, " part"]
) -> tuple[Float[np.ndarray, " part"], Float[np.ndarray, " part"]]:
    return np.fmax.reduceat(ecg, begin), np.fmin.reduceat(ecg, begin)


def _usual(ecg: Shaped[np.ndarray, " time"]) -> float:
    """What stands for lost samples."""
    known = np.isfinite(ecg)
    return 0.0 if known.all() else float(np.median(ecg[known].astype(np.float64)))


def _held(ecg: Float[np.ndarray, " time"], rails: tuple[float, float], fs_hz: float) -> Bool[np.ndarray, " time"]:
    at_rail = (ecg == rails[0]) | (ecg == rails[1])
    return minimum_filter1d(at_rail, max(RAIL_SAMPLES, round(RAIL_S * fs_hz)), mode="constant")


def _bands(
    ecg: Float[np.ndarray, " time"], fs_hz: float
) -> tuple[Float[np.ndarray, " time"], Float[np.ndarray, " time"]]:
    qrs = sosfiltfilt(butter(2, QRS_HZ, btype="bandpass", fs=fs_hz, output="sos"), ecg)
    return qrs, sosfiltfilt(butter(4, HIGH_HZ, btype="highpass", fs=fs_hz, output="sos"), ecg)


def _noisy(
    height: Float[np.ndarray, " second"],
    muscle: Float[np.ndarray, " second"],
    high: Float[np.ndarray, " second"],
    worn: Bool[np.ndarray, " second"],
) -> Bool[np.ndarray, " second"]:
    usual = np.median(height[worn])
    return (muscle > QRS_SHARE * usual) | (high > HIGH_SHARE * usual) | (height > JUMP * usual)


def _between_beats(band: Float[np.ndarray, " time"], begin: Int[np.ndarray, " part"]) -> Float[np.ndarray, " second"]:
    """RMS of the middle one of each second's parts, which no QRS reaches."""
    power = np.add.reduceat(band**2, begin) / np.diff(begin, append=len(band))
    return np.sqrt(np.median(power.reshape(-1, N_PARTS), axis=1))


def _per_second(reduce: np.ufunc, of_part: Shaped[np.ndarray, " part"]) -> Shaped[np.ndarray, " second"]:
    return reduce.reduce(of_part.reshape(-1, N_PARTS), axis=1)


def bad_share(
    flags: UInt8[np.ndarray, " second"], start: Int[np.ndarray, " window"], n_samples: int, fs_hz: float
) -> Float[np.ndarray, " window"]:
    """Which share of the seconds that each window touches bears a flag; 0 where nobody has judged them.

    Args:
        flags: of each whole second of a record.
        start: first samples of the windows.
        n_samples: of each window.
        fs_hz: of the samples.
    """
    total = np.concatenate([[0], np.cumsum(flags != 0)])
    first = np.floor(start / fs_hz).astype(np.int64).clip(0, len(flags))
    last = np.ceil((start + n_samples) / fs_hz).astype(np.int64).clip(0, len(flags))
    return (total[last] - total[first]) / np.maximum(last - first, 1)
