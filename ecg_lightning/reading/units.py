"""Units of voltage, and which of them could fit an amplitude."""

from collections.abc import Mapping
from types import MappingProxyType

from ecg_lightning.structures import BadRecord

IN_MV: Mapping[str, float] = MappingProxyType({"V": 1e3, "mV": 1.0, "uV": 1e-3, "nV": 1e-6})
LOST = "NU"  # the amplitude is lost: a network of such records alone takes it
USUAL_MV = (0.2, 10.0)  # of 2 s of ECG, from peak to peak
_MICRO = str.maketrans("\u00b5\u03bc", "uu")  # the micro sign and the Greek letter


def known(unit: str) -> str | None:
    """The unit as it is called here, or None; "MV" is what careless recorders write for mV."""
    plain = unit.strip().translate(_MICRO).lower().replace("volts", "v").replace("volt", "v")
    names = {name.lower(): name for name in (*IN_MV, LOST)}
    return names.get(plain.replace("micro", "u").replace("milli", "m").replace("nano", "n"))


def unit_of(record: str, lead: str, given: str, said: str | None) -> str:
    """The unit of a lead, as its file gives it, else as the user does.

    Raises:
        BadRecord: neither gives one that is known, or they give different ones.
    """
    of_file, of_user = known(given), known(said or "")
    if of_file is not None and of_user is not None and of_file != of_user:
        raise BadRecord(
            f"record {record}: the file says that lead {lead} is in {of_file}, --units says {of_user}: leave --units "
            f"out for this file, or mend its header"
        )
    if of_file or of_user:
        return of_file or of_user or ""
    what = f"unit {(given or said)!r} of lead {lead} is unknown" if given or said else f"lead {lead} has no unit"
    raise BadRecord(f"record {record}: {what}: say --units with one of {', '.join((*IN_MV, LOST))}")


def factor(unit: str) -> float:
    """Millivolts of one of these; 1 where the amplitude is lost."""
    return IN_MV.get(unit, 1.0)


def that_fit(range_mv: float, unit: str) -> str:
    """In words: with which other unit than this one the samples would be ECG."""
    least, most = USUAL_MV
    fits = [name for name, mv in IN_MV.items() if name != unit and least <= range_mv / factor(unit) * mv <= most]
    usual = f"in {' or '.join(fits)} it would be usual" if fits else "no unit would make it ECG"
    return f"{usual} (or they are counts of the converter: divide them by its counts per mV)"
