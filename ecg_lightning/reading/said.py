"""What readers of users' recordings are told, and what they hand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from ecg_lightning.structures import BadRecord, Record

SAME = 1e-3  # of a rate: headers round


@dataclass(frozen=True)
class Said:
    """What a user says of files that do not say it themselves.

    Args:
        fs_hz: sampling rate.
        units: of the samples: mV, uV, V, nV, or NU where the amplitude is lost.
        leads: one name per signal, in the file's order.
    """

    fs_hz: float | None = None
    units: str | None = None
    leads: tuple[str, ...] = ()


def agreed_fs_hz(record: str, file_hz: float, said_hz: float | None) -> float:
    """The rate of a file that says it, if the user says the same or nothing.

    Raises:
        BadRecord: the user says another.
    """
    if said_hz is not None and abs(said_hz - file_hz) > SAME * file_hz:
        raise BadRecord(
            f"record {record}: the file says {file_hz:g} Hz, --fs-hz says {said_hz:g}: leave --fs-hz out for this "
            f"file, or mend its header"
        )
    return file_hz


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording of a user, ready for a network, and what had to be done to it, in sentences."""

    record: Record
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Raw:
    """What a file gives, before anybody has looked at its samples.

    Args:
        name: of the recording.
        ecg: the wanted leads in millivolts, or without a unit; NaN where a sample is lost.
        leads: called as they were asked for.
        units: of each lead, as the file or the user gives it.
        fs_hz: sampling rate.
        notes: what was done.
        peak_sample: annotated R peaks.
        symbol: of each.
        synthetic: as the file says.
        person: as `Record.person`.
        begin_s: as `Record.begin_s`.
    """

    name: str
    ecg: Float[np.ndarray, "lead time"]
    leads: tuple[str, ...]
    units: tuple[str, ...]
    fs_hz: float
    notes: tuple[str, ...]
    peak_sample: Int[np.ndarray, " beat"] = field(default_factory=lambda: np.zeros(0, np.int64))
    symbol: tuple[str, ...] = ()
    synthetic: bool = False
    person: Mapping[str, float] = field(default_factory=dict)
    begin_s: float = float("nan")
