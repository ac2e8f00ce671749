"""Leads of users' files, found by the names that laboratories give them; a lead is never guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecg_lightning.structures import BadRecord

ALIASES = {"mlii": "ii"}  # wanted -> what will do: MLII is lead II with its electrodes on the trunk, as Holters have it
KNOWN = re.compile(
    r"i{1,3}|-?av[rlf]|v[1-9]r?|ml?i{1,3}|mv[1-9]|mcl[1-6]|d[123]|[xyz]", re.IGNORECASE
)  # say what they are
_PREFIX = re.compile(r"(?:(?:ecg|ekg|lead)(?:[\s_.:]+|-(?=\S))?)*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Chosen:
    """Where the wanted leads are in a file, what they are called from now on, and what is to be said of it."""

    places: tuple[int, ...]
    leads: tuple[str, ...]
    notes: tuple[str, ...]


def cleaned(name: str) -> str:
    """The lead in a signal's name: "V1" of "ECG V1", "Lead_V1" or "EKG-V1"; "-aVR" stays what it is."""
    found = _PREFIX.fullmatch(" ".join(name.split()))
    return found.group(1) if found else name


def choose(
    record: str, names: Sequence[str], wanted: Sequence[str], said: Sequence[str] = (), ecg: Sequence[int] = ()
) -> Chosen:
    """Find the wanted leads by name, by a name with a word before it, or by an alias.

    Args:
        record: for the message.
        names: of the file's signals.
        wanted: each a name, alternatives in order of preference ("MLII|V5") or a pattern ("V*").
        said: what the user calls the signals; looked at where their own names do not tell.
        ecg: places of the signals that `said` is about; empty for all.

    Raises:
        BadRecord: a lead is not there, is there twice, or `said` names another number of signals.
    """
    places = list(ecg) if len(ecg) == len(said) else list(range(len(names)))
    found = _found(record, names, wanted)
    by_own_name = found.places if isinstance(found, Chosen) else ()
    _check_said(record, names, said, places, by_own_name)
    if isinstance(found, Chosen):
        return found
    if not said:
        raise BadRecord(
            f"record {record}: no lead {found} among {', '.join(names)}; the network takes {', '.join(wanted)}. "
            f"{_way_out(names, wanted)}"
        )
    renamed = list(names)
    for place, name in zip(places, said, strict=True):
        renamed[place] = name
    found = _found(record, renamed, wanted)
    if not isinstance(found, Chosen):
        raise BadRecord(
            f"record {record}: no lead {found} among those of --leads ({', '.join(said)}); "
            f"the network takes {', '.join(wanted)}"
        )
    told = tuple(f"{names[place]!r} of the file is lead {renamed[place]}, as --leads says" for place in found.places)
    return Chosen(found.places, found.leads, told + found.notes)


def _way_out(names: Sequence[str], wanted: Sequence[str]) -> str:
    """What to do about a lead that is not there: names can be said for signals whose own do not tell."""
    if len(names) < len(wanted):
        has = f"{len(names)} signal{'s' if len(names) != 1 else ''}"
        return f"The file has {has}, {len(wanted)} are needed: give a recording that has them all"
    if all(_tells(name) for name in names):
        return "The file names its leads, and this is none of them: give a recording that has it"
    return "If you know what the signals are, say so: --leads with one name per signal, in the file's order"


def _tells(name: str) -> bool:
    """Whether a signal's name is that of a lead, not "signal 0" or "ECG"."""
    return KNOWN.fullmatch(cleaned(name)) is not None


def _check_said(
    record: str, names: Sequence[str], said: Sequence[str], places: Sequence[int], by_own_name: Sequence[int]
) -> None:
    """Refuse names for another number of signals, and for signals that name themselves otherwise."""
    if not said:
        return
    if len(places) != len(said):
        todo = "leave --leads out: the file names them itself" if all(map(_tells, names)) else "give one name for each"
        raise BadRecord(
            f"record {record}: --leads names {len(said)} signals ({', '.join(said)}), but the file has {len(places)} "
            f"({', '.join(names)}): {todo}"
        )
    for place, name in zip(places, said, strict=True):
        if (_tells(names[place]) or place in by_own_name) and _same(names[place]) != _same(name):
            raise BadRecord(
                f"record {record}: the file calls signal {place + 1} {names[place]}, --leads calls it {name}: leave "
                f"--leads out for this file, or rename the signal in it"
            )


def _same(name: str) -> str:
    """A lead by one name."""
    lower = cleaned(name).lower()
    return ALIASES.get(lower, lower)


def _found(record: str, names: Sequence[str], wanted: Sequence[str]) -> Chosen | str:
    """The leads, or the first that is missing."""
    places: list[int] = []
    leads: list[str] = []
    notes: list[str] = []
    for want in wanted:
        fits = (_fit(record, names, one.strip(), places) for one in want.split("|"))  # the first that is there
        fit = next((one for one in fits if one is not None), None)
        if fit is None:
            return want
        places.append(fit[0])
        leads.append(fit[1])
        notes += fit[2]
    return Chosen(tuple(places), tuple(leads), tuple(notes))


def _fit(record: str, names: Sequence[str], want: str, taken: Sequence[int]) -> tuple[int, str, list[str]] | None:
    """Place, name and notes of one wanted lead."""
    pattern, alias = want.lower(), ALIASES.get(want.lower())
    free = [place for place in range(len(names)) if place not in taken]
    same = [place for place in free if fnmatchcase(names[place].strip().lower(), pattern)]
    like = [place for place in free if fnmatchcase(cleaned(names[place]).lower(), pattern)]
    instead = [place for place in free if cleaned(names[place]).lower() == alias]
    some = same or like or instead
    if not some:
        return None
    any_will_do = any(sign in want for sign in "*?[")
    if len(some) > 1 and not any_will_do:
        raise BadRecord(
            f"record {record}: {len(some)} signals could be lead {want} ({', '.join(names[k] for k in some)}): rename "
            f"or remove one"
        )
    name = names[some[0]]
    if same:
        return some[0], name.strip() if any_will_do else want, []
    if like:
        return some[0], cleaned(name) if any_will_do else want, [f"{name!r} of the file is lead {want}"]
    note = f"lead {name!r} of the file stands for {want}: nearly the same direction, other electrodes than in training"
    return some[0], want, [note]
