"""Some seconds of a recording on millimetre paper, with its beats in the colours of what they were called."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecg_lightning.contract import Contract
from ecg_lightning.predict import trust
from ecg_lightning.predict.findings import Findings
from ecg_lightning.predict.words import HOW, clock
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.paper import PAPER_S, Mark, Tracing, paper
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.style import INK, QUIET

SHORT = 3  # letters of a class that find room above a beat
REFUSED, UNNAMED, OTHER = "x", "|", "!"
Span = tuple[float, float]


@dataclass(frozen=True)
class Strip:
    """Which seconds to draw.

    Args:
        name: of the file, without its ending.
        middle_s: from the recording's beginning.
        seconds: long.
        words: what is to be seen.
        marked: the beat in the middle is pointed at, with its number.
    """

    name: str
    middle_s: float
    seconds: float
    words: str
    marked: bool = False


def drawn(contract: Contract, found: Findings, strip: Strip, stamp: str) -> Picture:
    """Draw a strip; at an end of the recording it begins or stops there."""
    seconds = min(strip.seconds, found.duration_s)
    start_s = float(np.clip(strip.middle_s - seconds / 2, 0, found.duration_s - seconds))
    record, where = found.record, f"{clock(start_s)} to {clock(start_s + seconds)}"
    first = round(start_s * record.fs_hz)
    marks, shaded = _marks(contract, found, start_s, seconds, strip), _shaded(found, start_s, seconds)
    grey = _of_refused(marks, shaded)
    tracing = Tracing(
        ecg=record.ecg_mv[:, first : first + round(seconds * record.fs_hz)],
        leads=record.leads,
        fs_hz=record.fs_hz,
        unit=record.unit,
        title=f"recording {record.name}   {where}   {strip.words}",
        right=f"R peaks {HOW[found.how]}{_key(contract, found)}{grey and f'; {grey}'}",
        wrong="",
        marks=marks,
        seconds=seconds,
        shaded=shaded,
    )
    title = strip.words[:1].upper() + strip.words[1:]
    caption = f"Recording {record.name}, {where}{grey and f'; {grey}'}."
    return Picture(strip.name, title, caption, paper(tracing, stamp))


def _shaded(found: Findings, start_s: float, seconds: float) -> tuple[Span, ...]:
    """Refused seconds of a strip, from its beginning."""
    spans = [(one.start_s - start_s, one.stop_s - start_s) for one in trust.stretches(found.flags)]
    return tuple((max(first, 0.0), min(last, seconds)) for first, last in spans if first < seconds and last > 0)


def _of_refused(marks: tuple[Mark, ...], shaded: tuple[Span, ...]) -> str:
    """What grey means, where there is some."""
    if not shaded:
        return ""
    crossed = f", {REFUSED}: a beat there, which counts nowhere"
    return f"grey: seconds refused for quality{crossed if any(mark.text == REFUSED for mark in marks) else ''}"


def whole(contract: Contract, found: Findings, at_s: float, stamp: str) -> Picture:
    """Draw the stretch of a recording that begins here, with every label and how likely it is."""
    rows = found.answers[found.answers["start_s"] == at_s]
    seconds = min(PAPER_S, found.duration_s - at_s)
    record, first = found.record, round(at_s * found.record.fs_hz)
    shaded = _shaded(found, at_s, seconds)
    grey = _of_refused((), shaded)
    tracing = Tracing(
        ecg=record.ecg_mv[:, first : first + round(seconds * record.fs_hz)],
        leads=record.leads,
        fs_hz=record.fs_hz,
        unit=record.unit,
        title=f"recording {record.name}   {clock(at_s)} to {clock(at_s + seconds)}",
        right=_labels(contract, rows),
        wrong="",
        seconds=seconds,
        shaded=shaded,
    )
    called = [name for name, yes in zip(rows["class"], rows.get("called", rows["class"] != ""), strict=True) if yes]
    title = f"{clock(at_s)}: {', '.join(called) or 'no label called'}"
    caption = (
        f"Recording {record.name}; how likely each label is, and from where on it is called{grey and f'; {grey}'}."
    )
    return Picture(f"at_{at_s:.0f}_s", title, caption, paper(tracing, stamp))


def _labels(contract: Contract, rows: pd.DataFrame) -> str:
    """Every label of a stretch, the called ones first and in capitals."""
    if contract.score is not None:
        row = rows.iloc[0]
        return f"{row['class']}: score {row['score']:.3g}, called from {row['threshold']:.3g} on"
    parts: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for name, p, threshold, called in zip(rows["class"], rows["p"], rows["threshold"], rows["called"], strict=True):
        long_name = contract.class_names.get(name, name)
        words = f"{name} ({long_name})" if called and long_name != name else name
        parts[bool(called)].append((p, f"{words} {p:.2f} (from {threshold:.2f})"))
    said = {yes: ", ".join(words for _, words in sorted(found, reverse=True)) for yes, found in parts.items()}
    return "; ".join(f"{word}: {said[yes]}" for yes, word in ((True, "called"), (False, "not called")) if said[yes])


def letters(contract: Contract, name: str) -> str:
    """What stands above a beat of a class; never the "A" of an atrial premature beat for an anomaly."""
    if len(name) <= SHORT:
        return name
    if name == contract.classes[0]:
        return UNNAMED
    return OTHER if len(contract.classes) == 2 else name[0].upper()


def _key(contract: Contract, found: Findings) -> str:
    """Whose the letters above the beats are, and what they mean where they are no classes themselves."""
    if "class" not in found.beats:
        return ""
    named = [(letters(contract, name), name) for name in contract.classes]
    said = ", ".join(f"{short} {name}" for short, name in named if short != name)
    return f"; letters: what the model calls them{f' ({said})' if said else ''}"


def _marks(contract: Contract, found: Findings, start_s: float, seconds: float, strip: Strip) -> tuple[Mark, ...]:
    first, last = np.searchsorted(found.time_s, [start_s, start_s + seconds])
    here = found.beats.iloc[first:last]
    number = {name: k for k, name in enumerate(contract.classes)}
    called = here["class"] if "class" in here else [""] * len(here)
    sure = here["p" if "p" in here else "score"] if "class" in here else [0.0] * len(here)
    marks = []
    for at_s, refused, name, value in zip(here["time_s"], here["refused"], called, sure, strict=True):
        text, colour = (letters(contract, name), class_colour(number[name])) if name else (UNNAMED, INK)
        if refused:
            text, colour = REFUSED, QUIET
        elif strip.marked and abs(at_s - strip.middle_s) < 1 / found.record.fs_hz:
            text = f"{text}\n{value:.2f}"
        marks.append(Mark(at_s - start_s, text, colour))
    return tuple(marks)
