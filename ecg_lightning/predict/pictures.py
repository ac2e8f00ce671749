"""Which pictures a recording gets: of each kind of finding the clearest first, then more of each."""

from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np
import pandas as pd

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.predict import rhythm, trust
from ecg_lightning.predict.findings import Findings
from ecg_lightning.predict.remade_pictures import of_beats, of_stretch
from ecg_lightning.predict.strips import Strip, drawn, whole
from ecg_lightning.predict.words import clock
from ecg_lightning.report.finding_figures import Course, Watched, course, watched
from ecg_lightning.report.picture import Picture
from ecg_lightning.windowing import Crops, Segments

LEAST_COURSE_S = 30.0  # a shorter recording is seen at once
STRIP_S = 8.0
MORE = 6  # of each kind at most


def stamp_of(contract: Contract, synthetic: bool) -> str:
    """What must be read on every picture and page; empty for real recordings and honest models."""
    words = ["SYNTHETIC"] if synthetic else []
    words += ["MODEL OF SYNTHETIC DATA"] if contract.data.get("synthetic") and not synthetic else []
    words += ["LEAKY SPLIT"] if contract.tags.get("leaky_split") == "true" else []
    return " · ".join(words)


def pictures(bundle: Bundle, found: Findings, account: dict[str, Any], n_most: int) -> Iterator[Picture]:
    """Draw what was found, one picture after another.

    Args:
        bundle: that found it.
        found: in one recording.
        account: of the same.
        n_most: pictures.
    """
    stamp = stamp_of(bundle.contract, found.record.synthetic)
    kinds = {Segments: _of_windows, Crops: _of_recordings}
    draw = kinds.get(type(bundle.contract.window), _of_beats)
    return islice(draw(bundle, found, account, stamp), n_most)


def _of_beats(bundle: Bundle, found: Findings, account: dict[str, Any], stamp: str) -> Iterator[Picture]:
    if found.duration_s >= LEAST_COURSE_S and len(found.beats) > 1:
        yield _course(bundle.contract, found, stamp)
    if found.seen is not None and found.trusted.any():
        yield of_beats(bundle, found, found.seen, stamp)
    for strip in _strips(bundle.contract, found, account):
        yield drawn(bundle.contract, found, strip, stamp)


def _course(contract: Contract, found: Findings, stamp: str) -> Picture:
    number = {name: k for k, name in enumerate(contract.classes)}
    called = np.array([number[name] for name in found.answers["class"]]) * found.trusted - ~found.trusted
    spans = tuple((one.start_s, one.stop_s) for one in trust.stretches(found.flags))
    rr_s = rhythm.intervals(found.time_s, found.flags)
    one = Course(found.time_s, rr_s, called, contract.classes, spans, found.duration_s)
    title = f"recording {found.record.name}: rate from beat to beat"
    caption = "Every beat by the interval before it, in the colour of its class; nothing is drawn of refused seconds."
    return Picture("course", "The whole recording", caption, course(one, title, stamp))


def _strips(contract: Contract, found: Findings, account: dict[str, Any]) -> Iterator[Strip]:
    """The clearest beat of every class, rows of beats, the longest pause, a usual beat; then more of each class."""
    table, classes = found.answers[found.trusted], account["found"]["classes"]
    of_class = {name: _clearest(contract, table, name) for name in contract.classes[1:]}
    rows = (_row(name, of) for name, of in classes.items() if of["n_runs"])
    pause = account["longest_pause"]
    middle = [] if pause is None else [Strip("pause", pause["at_s"] + pause["rr_s"] / 2, STRIP_S, _pause(pause))]
    usual = _clearest(contract, table, contract.classes[0])
    yield from chain(*(islice(of_class[name], 1) for name in of_class), rows, middle, islice(usual, 1))
    for turn in zip_longest(*of_class.values()):
        yield from (strip for strip in turn if strip is not None)


def _clearest(contract: Contract, table: pd.DataFrame, name: str) -> Iterator[Strip]:
    """Beats of a class, the likeliest first, none beside another that was shown."""
    sure = "p" if contract.score is None else "score"
    downwards = contract.score is None or name != contract.classes[0]
    own = table[table["class"] == name].sort_values(sure, ascending=not downwards, kind="stable")
    shown: list[float] = []
    for at_s, long_name, value in zip(own["time_s"], own["class_name"], own[sure], strict=True):
        if all(abs(at_s - other) > STRIP_S / 2 for other in shown):
            shown.append(at_s)
            called = f"{name} ({long_name})" if long_name != name else name
            yield Strip(f"beat_{name}_{len(shown)}", at_s, STRIP_S, f"{called}, {sure} {value:.2f}", marked=True)
        if len(shown) == MORE:
            return


def _row(name: str, of: dict[str, Any]) -> Strip:
    longest = of["longest"]
    lasts_s = 60 * (longest["n_beats"] - 1) / longest["bpm"]
    said = f"longest run of {name}: {longest['n_beats']} beats at {longest['bpm']:.0f} a minute"
    middle_s = longest["at_s"] + min(lasts_s, STRIP_S - 3) / 2
    return Strip(f"run_{name}", middle_s, STRIP_S, said)


def _pause(pause: dict[str, Any]) -> str:
    return f"longest pause, {pause['rr_s']:.2f} s"


def _of_windows(bundle: Bundle, found: Findings, account: dict[str, Any], stamp: str) -> Iterator[Picture]:
    answers, said = found.answers, account["found"]
    one = Watched(
        answers["time_s"].to_numpy(),
        answers["p"].to_numpy(),
        said["threshold"],
        answers["refused"].to_numpy(dtype=bool),
        said["window_s"],
        said["class"],
    )
    title = f"recording {found.record.name}: {said['class']} ({said['name']}) over time"
    caption = "Every window by the middle of its time; grey ones have too many flat, clipped or noisy seconds."
    yield Picture("over_time", "The whole recording", caption, watched(one, title, stamp))
    kept = answers[~answers["refused"]].sort_values("p", ascending=False, kind="stable")
    ends = pd.concat([kept.head(MORE), kept.tail(1)]).drop_duplicates("time_s")
    for number, (at_s, name, p) in enumerate(zip(ends["time_s"], ends["class"], ends["p"], strict=True), start=1):
        words = f"window of {said['window_s']:g} s: {name}, p of {said['class']} {p:.2f}"
        strip = Strip(f"window_{number}", at_s + said["window_s"] / 2, min(said["window_s"], 10.0), words)
        yield drawn(bundle.contract, found, strip, stamp)


def _of_recordings(bundle: Bundle, found: Findings, account: dict[str, Any], stamp: str) -> Iterator[Picture]:
    """The stretches where labels are likeliest, and how likely they are over time where there are several."""
    said, contract = account["found"], bundle.contract
    if not said["n_stretches"]:
        return
    if contract.score is not None:
        at_s = said["score"]["highest"]["at_s"]
        yield whole(contract, found, at_s, stamp)
        yield of_stretch(bundle, found, at_s, stamp)
        return
    called = [name for name, of in said["labels"].items() if of["n_called"]]
    if said["n_stretches"] > 1:
        yield from (_label_over_time(contract, found, name, said, stamp) for name in called)
    first = max(said["labels"].values(), key=lambda of: of["p"])["at_s"]
    for at_s in dict.fromkeys([said["labels"][name]["at_s"] for name in called] or [first]):
        yield whole(contract, found, at_s, stamp)


def _label_over_time(contract: Contract, found: Findings, name: str, said: dict[str, Any], stamp: str) -> Picture:
    own, of = found.answers[found.answers["class"] == name], said["labels"][name]
    one = Watched(
        own["start_s"].to_numpy(),
        own["p"].to_numpy(),
        of["threshold"],
        own["refused"].to_numpy(dtype=bool),
        said["stretch_s"],
        name,
    )
    title = f"recording {found.record.name}: {name} ({contract.class_names.get(name, name)}) over time"
    caption = (
        f"Every stretch of {said['stretch_s']:g} s by its middle; grey ones have too many flat, clipped or noisy "
        f"seconds; likeliest at {clock(of['at_s'])}."
    )
    return Picture(f"over_time_{name}", f"{name} over time", caption, watched(one, title, stamp))
