"""Band-pass and baseline filters, for whole records and for signals that are still arriving."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import median_filter
from scipy.signal import butter, group_delay, sos2zpk, sosfilt, sosfilt_zi, sosfiltfilt

from ecg_lightning.dsp.pieces import one_after_another, overlapping

SETTLED = 1e-3  # what may be left of a transient where the padding ends and the record begins
OVERLAP = 3  # times that long around the pieces of a long record: 1e-9 is left, whatever lies beyond


def butterworth(fs_hz: float, low_hz: float, high_hz: float, order: int) -> Float[np.ndarray, "section 6"]:
    """Design a band-pass.

    Args:
        fs_hz: sampling rate of the signals that it will see.
        low_hz: removes what is slower; up to 0.67 forwards and backwards, above that the ST segment moves.
        high_hz: removes what is faster; below 40 the QRS loses height.
        order: of either slope.

    Returns:
        Second-order sections, for `zero_phase` and `causal_step`.

    Raises:
        ValueError: the corners do not lie between 0 and half the sampling rate, or the order is below 1.

    Source:
        Kligfield et al., Circulation 115:1306-1324 (2007), on low-frequency filtering.
    """
    if not 0 < low_hz < high_hz < fs_hz / 2:
        raise ValueError(
            f"low_hz={low_hz} and high_hz={high_hz} must rise between 0 and {fs_hz / 2} (half of fs_hz={fs_hz}): "
            f"move a corner or resample to a higher rate"
        )
    if order < 1:
        raise ValueError(f"order={order} must be at least 1: leave the filter out with preprocess=raw")
    return butter(order, (low_hz, high_hz), btype="bandpass", fs=fs_hz, output="sos")


def zero_phase(
    ecg_mv: Float[np.ndarray, "lead time"], sos: Float[np.ndarray, "section 6"]
) -> Float[np.ndarray, "lead time"]:
    """Filter a whole record forwards and backwards, so that no wave moves.

    The record is continued at both ends, turned about its end points, for as long as the filter remembers: scipy's
    own few samples leave a start transient of tenths of a millivolt. Each corner is passed twice, so it lies at -6 dB.
    Records of hours are filtered in overlapping pieces, which differ from the whole by less than 1e-6.

    Returns:
        The same shape and unit, float32; computed in float64, as 0.5 Hz at 360 Hz needs.
    """
    n_samples = ecg_mv.shape[-1]
    if n_samples < 2:
        return np.zeros_like(ecg_mv, dtype=np.float32)
    n_overlap = n_remembered(sos)
    n_padded = min(n_overlap, n_samples - 1)

    def piece(ecg: Float[np.ndarray, "lead _"]) -> Float[np.ndarray, "lead _"]:
        return sosfiltfilt(sos, ecg.astype(np.float64), axis=-1, padlen=n_padded).astype(np.float32)

    return overlapping(piece, ecg_mv, OVERLAP * n_overlap)


def n_remembered(sos: Float[np.ndarray, "section 6"]) -> int:
    """Say for how many samples a filter remembers one that was wrong: until a thousandth of it is left."""
    _, poles, _ = sos2zpk(sos)
    return int(np.ceil(np.log(SETTLED) / np.log(np.abs(poles).max())))


def causal_step(
    ecg_mv: Float[np.ndarray, "lead time"],
    state: Float[np.ndarray, "section lead 2"] | None,
    sos: Float[np.ndarray, "section 6"],
) -> tuple[Float[np.ndarray, "lead time"], Float[np.ndarray, "section lead 2"] | None]:
    """Filter the next piece of a signal from what has arrived so far.

    A whole record is one piece with state None; cut anywhere, the pieces give the same bits.

    Args:
        ecg_mv: the next samples of every lead.
        state: what the step before returned; None at the beginning, where the filter starts as if the first
            sample had always been there, so that an offset causes no transient.
        sos: from `butterworth`.

    Returns:
        The filtered samples, float32, late by `group_delay_ms`, and the state for the next piece.
    """
    if ecg_mv.shape[-1] == 0:
        return ecg_mv.astype(np.float32), state
    if state is None:
        state = sosfilt_zi(sos)[:, None, :] * ecg_mv[None, :, :1].astype(np.float64)

    def piece(ecg: Float[np.ndarray, "lead _"], state: np.ndarray) -> tuple[Float[np.ndarray, "lead _"], np.ndarray]:
        filtered, state = sosfilt(sos, ecg.astype(np.float64), axis=-1, zi=state)
        return filtered.astype(np.float32), state

    return one_after_another(piece, ecg_mv, state)


def group_delay_ms(sos: Float[np.ndarray, "section 6"], fs_hz: float, at_hz: float = 10.0) -> float:
    """Say how late `causal_step` delivers a wave.

    Args:
        sos: from `butterworth`.
        fs_hz: the rate that it was designed for.
        at_hz: which waves are meant; a QRS complex has most of its power near 10 Hz.

    Source:
        Thakor, Webster, Tompkins, IEEE Trans Biomed Eng 31:702-706 (1984), on the QRS spectrum.
    """
    n_samples = sum(group_delay((section[:3], section[3:]), w=[at_hz], fs=fs_hz)[1][0] for section in sos)
    return float(n_samples) / fs_hz * 1000


def remove_baseline(
    ecg_mv: Float[np.ndarray, "lead time"],
    fs_hz: float,
    beat_s: float,
    wave_s: float,
) -> Float[np.ndarray, "lead time"]:
    """Subtract a baseline that two running medians find: one erases QRS and P waves, the next the T waves.

    Looks ahead by half of either median, so it suits whole records.

    Args:
        ecg_mv: one row per lead.
        fs_hz: sampling rate.
        beat_s: length of the first median, usually 0.2.
        wave_s: length of the second, usually 0.6; longer than a T wave, shorter than a breath.

    Returns:
        The same shape and unit, float32.

    Raises:
        ValueError: the medians are not in rising order, or the first is shorter than three samples.

    Source:
        de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004).
    """
    n_beat, n_wave = (2 * round(seconds * fs_hz / 2 - 0.5) + 1 for seconds in (beat_s, wave_s))
    if not 3 <= n_beat < n_wave:
        raise ValueError(
            f"beat_s={beat_s} and wave_s={wave_s} must rise and hold at least 3 samples at fs_hz={fs_hz}: "
            f"0.2 and 0.6 are usual"
        )

    def piece(ecg: Float[np.ndarray, "lead _"]) -> Float[np.ndarray, "lead _"]:
        leads = [median_filter(median_filter(lead, n_beat, mode="nearest"), n_wave, mode="nearest") for lead in ecg]
        return ecg - np.stack(leads)

    return overlapping(piece, ecg_mv.astype(np.float32, copy=False), n_beat + n_wave)
