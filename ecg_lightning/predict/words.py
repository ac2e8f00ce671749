"""An account in words: for the terminal, for `summary.md` and for the page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecg_lightning.contract import Contract
from ecg_lightning.model_card import warnings
from ecg_lightning.model_numbers import headline_numbers
from ecg_lightning.predict import folder, rhythm

RESEARCH = "For research only. Not a medical device: nothing here has been validated for care."
HOW = {"annotated": "as annotated in the file", "detected": "found in the first lead, which looks ahead"}
MOST_REFUSED = 4  # stretches that are named
MOST_NUMBERS = 4  # of the model's test


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss, with a tenth."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def model(contract: Contract) -> dict[str, Any]:
    """What a reader must know of a model, as plain values."""
    numbers = {
        name: {"value": value, "low": limits[0] if limits else None, "high": limits[1] if limits else None}
        for name, value, limits in headline_numbers(contract)
    }
    return {
        "task": contract.task,
        "network": contract.network.rpartition(".")[2],
        "mode": contract.preprocess.mode,
        "problem": contract.problem,
        "classes": {name: contract.class_names.get(name, name) for name in contract.classes},
        "leads": list(contract.preprocess.leads),
        "fs_hz": contract.preprocess.fs_hz,
        "corpus": contract.data.get("corpus"),
        "synthetic": bool(contract.data.get("synthetic")),
        "warnings": [line.replace("*", "").replace("`", "") for line in warnings(contract)],
        "test": numbers,
        "package_version": contract.package_version,
    }


def of_model(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same in lines."""
    yield "model", f"{about['network']} for {about['task']}, {about['mode'].replace('_', ' ')} mode"
    yield "learned from", f"{about['corpus'] or 'not said'}{' (SYNTHETIC data)' if about['synthetic'] else ''}"
    yield "looks at", f"{', '.join(about['leads'])} at {about['fs_hz']:g} Hz"
    yield "classes", "; ".join(f"{c}: {name}" if name != c else c for c, name in about["classes"].items())
    shown = list(about["test"].items())[:MOST_NUMBERS]
    interval = "{value:.3f} ({low:.3f} to {high:.3f})"
    numbers = [
        f"{name} {interval.format(**one) if one['low'] is not None else format(one['value'], '.3f')}"
        for name, one in shown
    ]
    yield "on its test rows", ", ".join(numbers) or "not scored"


def of_recording(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """An account in lines, each with what it is about."""
    yield "duration", f"{clock(one['duration_s'])}, of which {clock(one['analysed_s'])} analysed"
    beats = one["beats"]
    refused = f"; {beats['n_refused']:,} of them in refused seconds, which count nowhere" if beats["n_refused"] else ""
    yield "beats", f"{beats['n']:,}, {HOW[beats['how']]}{refused}"
    yield "heart rate", _heart_rate(one["heart_rate"])
    if pause := one["longest_pause"]:
        more = f"; {one['n_pauses']:,} of {rhythm.PAUSE_S:g} s and more" if one["n_pauses"] else ""
        yield "longest pause", f"{pause['rr_s']:.2f} s, after {clock(pause['at_s'])}{_beside(pause)}{more}"
    if gap := one["longest_gap"]:
        after = f"{gap['rr_s']:.2f} s after {clock(gap['at_s'])}"
        yield "without a beat", f"{after}, over refused seconds: a pause or a lead that was off, look at it"
    yield from KINDS[one["found"]["kind"]](one["found"])
    yield "refused", _refused(one)
    for note in one["notes"]:
        yield "note", note


def titles(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to call recordings, one beside the other: by name, those of one name with the file too."""
    count = Counter(one["recording"] for one in recordings)
    return [
        folder.printable(one["recording"] + (f" ({one['input']})" if count[one["recording"]] > 1 else ""))
        for one in recordings
    ]


def in_short(one: Mapping[str, Any]) -> str:
    """What was found, in one line of a list of recordings."""
    found = one["found"]
    if found["kind"] == "windows":
        return f"{found['class']}: {found['n_called']:,} of {found['n'] - found['n_refused']:,} windows"
    if found["kind"] == "beats":
        counts = {c: of["n"] for c, of in found["classes"].items() if of["n"]}
        return ", ".join(f"{c} {n:,}" for c, n in counts.items()) or "no beat"
    if "labels" not in found:
        return f"{found['class']}: {found['n_called']:,} of {found['n_stretches']:,}"
    called = {c: of for c, of in found["labels"].items() if of["n_called"]}
    return ", ".join(f"{c} {of['p']:.2f}" for c, of in called.items()) or "nothing called"


def _beside(found: Mapping[str, Any]) -> str:
    return " (beside refused seconds: look at the picture)" if found["beside_refused"] else ""


def _heart_rate(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return "not known: no two beats in trusted seconds follow one another"
    said = f"mean {rate['mean_bpm']:.0f} a minute"
    if rate["lowest"] is None:
        return said
    ends = [f"{word} {rate[word]['bpm']:.0f} at {clock(rate[word]['at_s'])}" for word in ("lowest", "highest")]
    return f"{said}; {', '.join(ends)} (over {rhythm.OVER_BEATS} intervals)"


def _refused(one: Mapping[str, Any]) -> str:
    if not one["refused"]:
        return "no second"
    parts = [f"{_span(part['start_s'], part['stop_s'])} {part['why']}" for part in one["refused"]]
    more = f", and {len(parts) - MOST_REFUSED:,} more" if len(parts) > MOST_REFUSED else ""
    return f"{one['refused_s']:.0f} s for quality: {', '.join(parts[:MOST_REFUSED])}{more}"


def _span(start_s: float, stop_s: float) -> str:
    """Whole seconds."""
    first, last = (clock(at_s).partition(".")[0] for at_s in (start_s, stop_s))
    return f"{first} to {last}"


def _beats(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, of in found["classes"].items():
        long_name = f"{name}, {of['name']}" if of["name"] != name else name
        share = "" if of["share"] is None else f", {100 * of['share']:.2f} % of beats"
        yield long_name, f"{of['n']:,}{share}{_in_a_row(of)}"
    if score := found.get("score"):
        yield "score", _score(score)


def _in_a_row(of: Mapping[str, Any]) -> str:
    counts = [_counted(of[f"n_{word}s"], word) for word in ("couplet", "run") if of[f"n_{word}s"]]
    if not of["n_runs"]:
        return f"; {counts[0]}" if counts else ""
    longest = of["longest"]
    end = f"the longest of {longest['n_beats']:,} beats at {longest['bpm']:.0f} a minute, {clock(longest['at_s'])}"
    end += _beside(longest)
    return f"; {' and '.join(counts)}, {end}"


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _score(score: Mapping[str, Any]) -> str:
    said = f"of {' and '.join(score['parts'])}, called from {score['threshold']:.3g}"
    if score["highest"] is None:
        return said
    return f"{said}; highest {score['highest']['score']:.3g} at {clock(score['highest']['at_s'])}"


def _windows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kept = found["n"] - found["n_refused"]
    left_out = f"; {found['n_refused']:,} more refused for quality" if found["n_refused"] else ""
    every = f"windows of {found['window_s']:g} s, one every {found['hop_s']:g} s"
    name = f"{found['class']}, {found['name']}" if found["name"] != found["class"] else found["class"]
    yield name, f"called in {found['n_called']:,} of {kept:,} {every}{left_out}"
    if found["highest"]:
        at = clock(found["highest"]["at_s"])
        yield "likeliest", f"p {found['highest']['p']:.2f} at {at}; called from {found['threshold']:.2f}"
    if found["longest"]:
        yield "longest", f"{clock(found['longest']['start_s'])} to {clock(found['longest']['stop_s'])}"


def _labels(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    n, n_refused = found["n_stretches"], found["n_refused"]
    if n + n_refused > 1:
        left_out = f"; {n_refused:,} more refused for quality" if n_refused else ""
        every = f"{n:,} {'stretch' if n == 1 else 'stretches'} of {found['stretch_s']:g} s"
        yield "answered", f"in {every} one after another, each as a recording{left_out}"
    if "labels" not in found:
        yield (
            found["class"],
            f"called in {found['n_called']:,} of {n:,}" if n != 1 else "yes" * found["n_called"] or "no",
        )
        yield "score", _score(found["score"])
        return
    for name, of in found["labels"].items():
        long_name = f"{name}, {of['name']}" if of["name"] != name else name
        called = "CALLED" if of["n_called"] else "not called"
        if n > 1:
            called = f"called in {of['n_called']:,} of {n:,} stretches; likeliest at {clock(of['at_s'])}"
        yield long_name, f"p {of['p']:.2f}, {called} (from {of['threshold']:.2f} on)"


KINDS = {"beats": _beats, "windows": _windows, "recordings": _labels}
