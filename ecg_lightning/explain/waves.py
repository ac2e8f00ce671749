"""Which wave of the heartbeat each sample of a window belongs to."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

WAVES = ("baseline", "P", "QRS", "ST", "T")
"""What the numbers of `Waves.wave` mean."""

FLAT = 1e-6  # spread of a stretch below which there is no wave to find
LEAST_S, LEAST_PEAKS = 4.0, 3  # shorter stretches are refused by the delineation, or break it
RATES = (25.0, 250.0)  # beats a minute, outside of which its wavelet scales do not exist
QRS_S = (0.04, 0.26)  # a delineated QRS is as long as this, or it is not believed
QRS_BY_TIMING_S = (-0.06, 0.08)  # round R, where none was found: as wide as most ectopic ones
T_BY_TIMING_S = (0.16, 0.40)  # behind R likewise, at an RR interval of a second
P_END_S = 0.04  # before R, at least
P_S, T_S = 0.32, 0.65  # how far from R a P wave may begin and a T wave may end


@dataclass(frozen=True, eq=False)
class Waves:
    """The waves of one stretch.

    Args:
        wave: index into `WAVES`, of each sample.
        delineated: per R peak, whether its QRS was found by delineation; else it is that many seconds round R.
    """

    wave: Int[np.ndarray, " time"]
    delineated: Bool[np.ndarray, " peak"]


def find_waves(ecg: Float[np.ndarray, " time"], peaks: Int[np.ndarray, " peak"], fs_hz: float) -> Waves:
    """Tell P, QRS, ST and T apart, by a wavelet delineation, and by timing round R where that finds no QRS.

    Args:
        ecg: one lead, filtered.
        peaks: R peaks in it.
        fs_hz: sampling rate.

    Source:
        Martinez et al., IEEE Trans Biomed Eng 51:570-581 (2004), as `neurokit2.ecg_delineate(method="dwt")` has it.
    """
    wave = np.zeros(len(ecg), np.int64)
    found = _delineated(ecg, peaks, fs_hz) if _can(ecg, peaks, fs_hz) else {}
    delineated = np.zeros(len(peaks), bool)
    nothing = np.full(len(peaks), np.nan)
    ends = {name: found.get(name, nothing) for name in _ENDS}
    rr = np.diff(peaks, append=len(ecg)) / fs_hz
    for k, peak in enumerate(peaks):
        own = {name: float(value[k]) for name, value in ends.items()}
        delineated[k] = _paint(wave, int(peak), own, fs_hz, float(rr[k]))
    return Waves(wave, delineated)


_ENDS = ("ECG_P_Onsets", "ECG_P_Offsets", "ECG_R_Onsets", "ECG_R_Offsets", "ECG_T_Onsets", "ECG_T_Offsets")


def _can(ecg: Float[np.ndarray, " time"], peaks: Int[np.ndarray, " peak"], fs_hz: float) -> bool:
    """The delineation breaks on short and on flat stretches, and at heart rates that do not exist."""
    if len(ecg) < LEAST_S * fs_hz or len(peaks) < LEAST_PEAKS or not np.isfinite(ecg).all():
        return False
    rate = 60 * fs_hz / np.median(np.diff(peaks))
    return bool(np.std(ecg) > FLAT and RATES[0] <= rate <= RATES[1])


def _delineated(
    ecg: Float[np.ndarray, " time"], peaks: Int[np.ndarray, " peak"], fs_hz: float
) -> dict[str, Float[np.ndarray, " peak"]]:
    import neurokit2  # three seconds, which --help does not take

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of means of nothing, where a wave is missing
        try:
            _, found = neurokit2.ecg_delineate(ecg.astype(np.float64), rpeaks=peaks, sampling_rate=fs_hz, method="dwt")
        except ValueError:  # of beats that lie so unevenly that it finds none whole
            return {}
    return {name: np.asarray(found[name], np.float64) for name in _ENDS if len(found[name]) == len(peaks)}


def _paint(wave: Int[np.ndarray, " time"], peak: int, own: dict[str, float], fs_hz: float, rr_s: float) -> bool:
    """The waves of one beat; says whether its QRS was delineated. Later waves give way to earlier ones and to QRS."""
    begin, end = own["ECG_R_Onsets"], own["ECG_R_Offsets"]
    p_begin, p_end = own["ECG_P_Onsets"], own["ECG_P_Offsets"]
    has_p = peak - P_S * fs_hz <= p_begin < p_end <= peak - P_END_S * fs_hz
    begin = max(begin, p_end) if has_p else begin  # an onset inside the P wave is none
    believed = begin <= peak <= end and QRS_S[0] * fs_hz <= end - begin <= QRS_S[1] * fs_hz
    if not believed:
        begin, end = (peak + at * fs_hz for at in QRS_BY_TIMING_S)
    t_begin, t_end = own["ECG_T_Onsets"], own["ECG_T_Offsets"]
    if not end <= t_begin < t_end <= peak + T_S * fs_hz:
        short = min(1.0, rr_s**0.5)  # Bazett: it comes earlier at a faster rate
        t_begin, t_end = (max(end, peak + at * short * fs_hz) for at in T_BY_TIMING_S)
    _fill(wave, end, t_begin, "ST")
    _fill(wave, t_begin, t_end, "T")
    if has_p:
        _fill(wave, p_begin, p_end, "P", over=("T", "ST"))
    _fill(wave, begin, end, "QRS", over=("P", "ST", "T"))
    return bool(believed)


def _fill(wave: Int[np.ndarray, " time"], begin: float, end: float, name: str, over: tuple[str, ...] = ()) -> None:
    part = wave[max(0, round(begin)) : max(0, round(end))]
    part[np.isin(part, [0, *map(WAVES.index, over)])] = WAVES.index(name)
