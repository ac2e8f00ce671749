"""Features of the rhythm: how early or late a beat comes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

TYPICAL_RR_S = 0.8  # 75 a minute: stands where nothing is known yet, as before the first beat of a record
LONGEST_RR_S = 3.0  # a longer gap is an episode without marked beats (flutter, noise), not a pause between two
N_LOCAL = 10  # de Chazal et al., IEEE Trans Biomed Eng 51:1196-1206 (2004)

Beats = Float[np.ndarray, " beat"]


class Intervals(NamedTuple):
    """RR intervals as each beat sees them, in seconds; NaN where there is none."""

    pre: Beats
    post: Beats  # the last beat repeats the interval before it
    local: Beats  # mean of the last ten up to this beat
    running: Beats  # mean of all up to this beat
    record: float  # mean of all in the record


class Feature(NamedTuple):
    """One column: what it is, and whether it needs beats that come later."""

    looks_ahead: bool
    missing: float
    value: Callable[[Intervals], Beats]


NAMES: Mapping[str, Feature] = MappingProxyType(
    {
        "pre_rr_s": Feature(False, TYPICAL_RR_S, lambda rr: rr.pre),
        "post_rr_s": Feature(True, TYPICAL_RR_S, lambda rr: rr.post),
        "local_rr_s": Feature(False, TYPICAL_RR_S, lambda rr: rr.local),
        "pre_over_local": Feature(False, 1.0, lambda rr: rr.pre / rr.local),
        "post_over_local": Feature(True, 1.0, lambda rr: rr.post / rr.local),
        "post_over_pre": Feature(True, 1.0, lambda rr: rr.post / rr.pre),
        "pre_over_record": Feature(True, 1.0, lambda rr: rr.pre / rr.record),
        "post_over_record": Feature(True, 1.0, lambda rr: rr.post / rr.record),
        "pre_over_running": Feature(False, 1.0, lambda rr: rr.pre / rr.running),
    }
)


def rhythm_features(
    peak_sample: Int[np.ndarray, " beat"], fs_hz: float, names: Sequence[str]
) -> Float[np.ndarray, "beat feature"]:
    """Describe every beat by its distance to its neighbours, raw; networks standardise.

    Args:
        peak_sample: R peaks of one record, rising; marks that are no beat left out.
        fs_hz: sampling rate of peak_sample.
        names: columns, from `NAMES`. `..._s` are seconds; the others are ratios, 1 where one of their intervals
            does not exist.

    Returns:
        One row per beat, float32. Columns that do not look ahead are the same whatever beats come later.

    Raises:
        ValueError: a name is unknown, or the peaks do not rise.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ValueError(f"no rhythm feature named {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    if (np.diff(peak_sample) <= 0).any():
        beat = int(np.argmax(np.diff(peak_sample) <= 0)) + 1
        raise ValueError(
            f"peak_sample={peak_sample[beat]} of beat {beat} must lie after the beat before: sort the peaks"
        )
    features = np.empty((len(peak_sample), len(names)), dtype=np.float32)
    rr = _intervals(peak_sample, fs_hz)
    for column, name in enumerate(names):
        value = NAMES[name].value(rr)
        features[:, column] = np.where(np.isnan(value), NAMES[name].missing, value)
    return features


def _intervals(peak_sample: Int[np.ndarray, " beat"], fs_hz: float) -> Intervals:
    nothing = np.full(min(len(peak_sample), 1), np.nan)  # of the first beat, if there is one
    rr_s = np.minimum(np.diff(peak_sample) / fs_hz, LONGEST_RR_S)
    if not len(rr_s):
        return Intervals(nothing, nothing, nothing, nothing, np.nan)
    total_s = np.concatenate([[0.0], np.cumsum(rr_s)])
    until = np.arange(1, len(peak_sample))  # intervals known at beats 1, 2, ...
    since = np.maximum(until - N_LOCAL, 0)
    return Intervals(
        pre=np.concatenate([nothing, rr_s]),
        post=np.concatenate([rr_s, rr_s[-1:]]),
        local=np.concatenate([nothing, (total_s[until] - total_s[since]) / (until - since)]),
        running=np.concatenate([nothing, total_s[until] / until]),
        record=float(rr_s.mean()),
    )
