"""Samples of a user's recording: lost ones are bridged, impossible ones refused."""

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.dsp.pieces import spans
from ecg_lightning.reading.said import Raw, Recording
from ecg_lightning.reading.units import LOST, that_fit
from ecg_lightning.structures import NAMELESS, BadRecord, Record

LEAST_S = 1.0  # shorter has no second beat
LEAST_FS_HZ = 60.0  # below it a QRS is lost
MOST_LOST = 0.1  # of a lead: with more, the recording is not what was asked about
AMPLITUDE_S = 2.0  # holds a beat at 30 a minute
LEAST_MV, MOST_MV = 0.02, 20.0  # from peak to peak, in the middle one of these stretches; MIT-BIH has 0.17 to 5.1


def finished(raw: Raw) -> Recording:
    """Check the samples of a file, and bridge lost ones by straight lines, in place.

    Raises:
        BadRecord: the rate is too low, the recording too short, a tenth of a lead is lost, no lead changes, or the
            amplitude is none of an ECG.
    """
    n_samples = raw.ecg.shape[1]
    if not LEAST_FS_HZ <= raw.fs_hz < np.inf:
        raise BadRecord(f"record {raw.name}: {raw.fs_hz:g} Hz is too low for ECG, at least {LEAST_FS_HZ:g} are needed")
    if n_samples < LEAST_S * raw.fs_hz:
        raise BadRecord(
            f"record {raw.name} has {n_samples} samples, {n_samples / raw.fs_hz:.2f} s at {raw.fs_hz:g} Hz: give at "
            f"least {LEAST_S:g} s"
        )
    notes = [note for lead, row in zip(raw.leads, raw.ecg, strict=True) for note in bridge(raw, lead, row)]
    range_mv = [usual_range(row, raw.fs_hz) for row in raw.ecg]
    if not any(range_mv):
        raise BadRecord(f"record {raw.name}: {', '.join(raw.leads)} never changes: the electrodes were off")
    notes += [f"lead {lead} never changes" for lead, range_ in zip(raw.leads, range_mv, strict=True) if not range_]
    unit = _unit(raw)
    if unit != LOST:
        implausible(raw, range_mv)
    record = Record(
        name=raw.name,
        patient=f"{NAMELESS}{raw.name}",
        ecg_mv=raw.ecg,
        leads=raw.leads,
        fs_hz=raw.fs_hz,
        peak_sample=raw.peak_sample,
        symbol=raw.symbol,
        synthetic=raw.synthetic,
        unit=unit,
        person=raw.person,
        begin_s=raw.begin_s,
    )
    return Recording(record, (*raw.notes, *notes))


def _unit(raw: Raw) -> str:
    lost = [lead for lead, unit in zip(raw.leads, raw.units, strict=True) if unit == LOST]
    if lost and len(lost) < len(raw.leads):
        raise BadRecord(f"record {raw.name}: lead {lost[0]} has no amplitude (NU), others have: all or none")
    return LOST if lost else "mV"


def bridge(raw: Raw, lead: str, row: Float[np.ndarray, " time"]) -> list[str]:
    """Draw straight lines where samples are lost, in place, and say so."""
    lost = np.concatenate([first + np.flatnonzero(~np.isfinite(row[first:last])) for first, last in spans(len(row))])
    if not len(lost):
        return []
    share = len(lost) / len(row)
    if share > MOST_LOST:
        raise BadRecord(
            f"record {raw.name}: {share:.0%} of lead {lead} is lost (invalid or missing samples), more than "
            f"{MOST_LOST:.0%}: cut out a stretch that is whole"
        )
    beside = np.unique(np.concatenate([lost - 1, lost + 1]).clip(0, len(row) - 1))
    edge = beside[np.isfinite(row[beside])]
    row[lost] = np.interp(lost, edge, row[edge].astype(np.float64))
    return [_bridged(lead, lost, share, raw.fs_hz)]


def _bridged(lead: str, lost: Int[np.ndarray, " lost"], share: float, fs_hz: float) -> str:
    runs = np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1)
    longest_s = max(map(len, runs)) / fs_hz
    return (
        f"{len(lost) / fs_hz:.3g} s ({share:.2%}) of lead {lead} were lost, in {len(runs)} stretches of up to "
        f"{longest_s:.3g} s, and bridged by straight lines: answers there mean nothing"
    )


def usual_range(row: Float[np.ndarray, " time"], fs_hz: float) -> float:
    """From peak to peak in the middle one of stretches of 2 s, those that do not move left out; 0 where none does."""
    n_each = min(len(row), round(AMPLITUDE_S * fs_hz))
    parts = row[: len(row) // n_each * n_each].reshape(-1, n_each)
    moved = parts.max(axis=1) - parts.min(axis=1)
    return float(np.median(moved[moved > 0])) if moved.any() else 0.0


def implausible(raw: Raw, range_mv: list[float]) -> None:
    """Refuse amplitudes that no ECG has.

    Args:
        raw: in millivolts.
        range_mv: of each lead, as `usual_range` gives it.

    Raises:
        BadRecord: a lead is far too high, or all are far too low; the message says which unit would fit.
    """
    high, strongest = int(np.argmax(np.array(range_mv) > MOST_MV)), int(np.argmax(range_mv))
    place = high if range_mv[high] > MOST_MV else strongest
    if LEAST_MV <= range_mv[place] <= MOST_MV:
        return
    unit = raw.units[place]
    raise BadRecord(
        f"record {raw.name}: lead {raw.leads[place]} moves by {range_mv[place]:.3g} mV within 2 s, which no ECG does "
        f"({LEAST_MV:g} to {MOST_MV:g} mV); its unit is given as {unit}, {that_fit(range_mv[place], unit)}"
    )
