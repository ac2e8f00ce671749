"""R peaks of an ECG that nobody has annotated."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import median_filter, percentile_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from ecg_lightning.dsp.pieces import around, spans

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
AROUND_S = 5.0  # around a piece of a long record: the filters have long forgotten what lies beyond


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
    lead = _Bridged(ecg[0], fs_hz)
    if len(lead.ecg) < LEAST_S * fs_hz or len(lead.lost) == len(lead.ecg):
        return np.zeros(0, dtype=np.int64)
    peak_sample, height, highest, largest = _envelope(lead)
    height = height / _level(highest, peak_sample, round(BLOCK_S * fs_hz), STILL * largest)
    beat = _out_of_shadow(peak_sample / fs_hz, height, height > STRONG)
    for _ in range(2):  # a gap of three beats is halved, and halved again
        beat = beat | _overdue(peak_sample / fs_hz, height, beat)
    n_around = round(QRS_S * fs_hz / 2)
    placed = _placed(lead, peak_sample[beat], n_around)
    near = [np.searchsorted(lead.lost, placed - n_around), np.searchsorted(lead.lost, placed + n_around, "right")]
    return placed[near[0] == near[1]]


class _Bridged:
    """One lead whose pieces are read in double precision, with straight lines where it is lost."""

    def __init__(self, ecg: Float[np.ndarray, " time"], fs_hz: float) -> None:
        self.ecg, self.fs_hz = ecg, fs_hz
        known = np.isfinite(ecg)
        self.lost = np.flatnonzero(~known)
        beside = np.unique(np.concatenate([self.lost - 1, self.lost + 1]).clip(0, max(len(ecg) - 1, 0)))
        self.edge = beside[known[beside]]  # known samples next to lost ones

    def piece(self, wide: slice) -> Float[np.ndarray, " _"]:
        ecg = self.ecg[wide].astype(np.float64)
        first, last = np.searchsorted(self.lost, [wide.start, wide.stop])
        lost = self.lost[first:last]
        if len(lost):
            ecg[lost - wide.start] = np.interp(lost, self.edge, self.ecg[self.edge].astype(np.float64))
        return ecg


def _envelope(lead: _Bridged) -> tuple[Int[np.ndarray, " peak"], np.ndarray, np.ndarray, float]:
    """Where the envelope has its peaks and how high they are, its highest value per block, the largest sample."""
    n_block, n_samples, fs_hz = round(BLOCK_S * lead.fs_hz), len(lead.ecg), lead.fs_hz
    n_blocks = max(n_samples // n_block, 1)  # the last one takes the rest
    found, height, highest, largest = [], [], [], 0.0
    for first, last in spans(n_blocks, n_block):
        end = n_samples if last == n_blocks else last * n_block
        wide, inside = around(first * n_block, end, n_samples, round(AROUND_S * fs_hz))
        ecg = lead.piece(wide)
        envelope = uniform_filter1d(np.abs(_bandpass(ecg, fs_hz, FIND_HZ)), round(QRS_S * fs_hz))
        at_sample, _ = find_peaks(envelope, distance=round(APART_S * fs_hz))
        at_sample = at_sample[(at_sample >= inside.start) & (at_sample < inside.stop)]
        found.append(at_sample + wide.start)
        height.append(envelope[at_sample])
        highest.append(np.maximum.reduceat(envelope[inside], np.arange(last - first) * n_block))
        largest = max(largest, float(np.abs(ecg).max()))
    return np.concatenate(found), np.concatenate(height), np.concatenate(highest), largest


def _bandpass(ecg: Float[np.ndarray, " time"], fs_hz: float, between_hz: tuple[float, float]) -> np.ndarray:
    low_hz, high_hz = between_hz
    sos = butter(2, (low_hz, min(high_hz, 0.45 * fs_hz)), btype="bandpass", fs=fs_hz, output="sos")
    return sosfiltfilt(sos, ecg)


def _level(
    highest: Float[np.ndarray, " block"], at_sample: Int[np.ndarray, " peak"], n_block: int, still: float
) -> Float[np.ndarray, " peak"]:
    """What a beat reaches in the seconds around each of these samples."""
    level = percentile_filter(highest, LEVEL_PERCENT, N_BLOCKS, mode="reflect")
    moving = level[level > still]
    least = LEAST_LEVEL * np.median(moving) if len(moving) else np.inf
    return np.interp(at_sample, np.arange(len(highest)) * n_block + n_block / 2, np.maximum(level, least))


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


def _placed(lead: _Bridged, peak_sample: Int[np.ndarray, " peak"], n_around: int) -> Int[np.ndarray, " placed"]:
    n_samples, highest, lowest, lean = len(lead.ecg), [], [], []
    for first, last in spans(n_samples):
        wide, _ = around(first, last, n_samples, round(AROUND_S * lead.fs_hz))
        own = peak_sample[(peak_sample >= first) & (peak_sample < last)]
        near = np.clip(own[:, None] + np.arange(-n_around, n_around + 1), 0, n_samples - 1)
        wave = _bandpass(lead.piece(wide), lead.fs_hz, PLACE_HZ)[near - wide.start]
        lean.append(np.log(np.maximum(wave.max(axis=1), 1e-12) / np.maximum(-wave.min(axis=1), 1e-12)))
        highest.append(_of_each(near, wave.argmax(axis=1)))
        lowest.append(_of_each(near, wave.argmin(axis=1)))
    up = median_filter(np.concatenate(lean), N_POLARITY, mode="nearest") >= 0 if len(peak_sample) else True
    return np.unique(np.where(up, np.concatenate(highest), np.concatenate(lowest))).astype(np.int64)


def _of_each(rows: Int[np.ndarray, "row _"], column: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
    return np.take_along_axis(rows, column[:, None], axis=1)[:, 0]
