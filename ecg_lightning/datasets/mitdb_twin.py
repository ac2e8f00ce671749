"""A synthetic twin of the MIT-BIH Arrhythmia Database: its record names, leads, cast and format, and no patient."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import wfdb
from jaxtyping import Bool, Float, Int
from numpy.random import Generator, default_rng
from rich.console import Console
from rich.progress import track

from ecg_lightning.datasets import synthetic
from ecg_lightning.datasets.synthetic_hearts import Heart, draw, new_heart, waves

FS_HZ = 360
GAIN_PER_MV, ZERO = 200, 1024  # 11 bits over 10 mV, as in the original


@dataclass(frozen=True)
class Cast:
    """One record's part in the play.

    Args:
        bpm: sinus (or paced) beats a minute.
        phrases: how often each run of letters of synthetic.KINDS occurs; "." is a beat of the basic rhythm.
        basic: letter of the basic rhythm.
        leads: in the order of the file.
        fibrillation: share of the record in atrial fibrillation, from its middle on.
        noise: how many times noisier than others.
        left_axis: whether the QRS points down in MLII.
    """

    bpm: float
    phrases: dict[str, int]
    basic: str = "N"
    leads: tuple[str, str] = ("MLII", "V1")
    fibrillation: float = 0.0
    noise: float = 1.0
    left_axis: bool = False


# Rates, bundle branch blocks, leads and the commonest arrhythmias of the 48 originals, rare ones made less rare.
# 201 and 202 are one person. Source: the headers and annotations of mitdb 1.0.0, and its directory of records.
CAST = {
    "100": Cast(75, {"A": 9, "V": 1}, leads=("MLII", "V5")),
    "101": Cast(61, {"A": 4, "Q": 2}),
    "102": Cast(73, {"f": 8, "N": 6, "NNN": 2, "V": 2}, "/", ("V5", "V2")),
    "103": Cast(69, {"A": 3}, leads=("MLII", "V2")),
    "104": Cast(74, {"f": 30, "fff": 10, "NN": 8, "Q": 3, "V": 1}, "/", ("V5", "V2")),
    "105": Cast(85, {"V": 9, "Q": 2}, noise=1.8),
    "106": Cast(64, {"V.V.V.": 7, "V": 8, "i": 4, "VV": 2, "F": 6}),
    "107": Cast(71, {"V": 8}, "/"),
    "108": Cast(58, {"V": 4, "A": 3, "F": 3, "j": 1, "n": 8}, noise=1.6, left_axis=True),
    "109": Cast(84, {"V": 9, "F": 5}, "L"),
    "111": Cast(70, {"V": 4, "F": 3}, "L"),
    "112": Cast(84, {"A": 4}, left_axis=True),
    "113": Cast(59, {"a": 4, "n": 16}),
    "114": Cast(64, {"V": 8, "A": 6, "J": 3, "F": 6, "AAA": 1}, leads=("V5", "MLII")),
    "115": Cast(66, {"n": 14}),
    "116": Cast(80, {"V": 14, "i": 6, "A": 3, "F": 7}, left_axis=True),
    "117": Cast(51, {"A": 2}, leads=("MLII", "V2")),
    "118": Cast(74, {"A": 22, "V": 6}, "R"),
    "119": Cast(66, {"V.V.V.": 5, "V..V..": 6, "V": 6, "v": 4, "F": 8}),
    "121": Cast(60, {"A": 2, "V": 2}),
    "122": Cast(82, {"n": 6}, left_axis=True),
    "123": Cast(50, {"i": 6}, leads=("MLII", "V5")),
    "124": Cast(53, {"V": 9, "J": 8, "j": 4, "F": 4, "A": 2}, "R", ("MLII", "V4")),
    "200": Cast(87, {"V.V.V.V.": 8, "V": 10, "i": 6, "VV": 2, "A": 6, "F": 5}, noise=1.3),
    "201": Cast(70, {"v": 14, "v.v.": 4, "a": 8, "A": 8, "j": 4, "F": 1}, fibrillation=0.4),
    "202": Cast(66, {"A": 10, "a": 4, "v": 5, "F": 1}, fibrillation=0.3),
    "203": Cast(98, {"V": 30, "VV": 5, "VVVV": 1, "a": 2, "F": 2, "Q": 2}, fibrillation=0.8, noise=1.8),
    "205": Cast(89, {"V": 11, "VVV": 2, "F": 7, "A": 3}),
    "207": Cast(64, {"A": 8, "AAA": 3, "V": 14, "V.V.": 3, "E": 5, "EEE": 2, "RRRRRRRR": 1, "Q": 1}, "L"),
    "208": Cast(104, {"V": 14, "i": 4, "V.V.": 8, "VF": 12, "VVF": 3, "F": 14, "S": 2, "Q": 2}),
    "209": Cast(96, {"A": 26, "AAA": 6, "AAAAAA": 3, "V": 1}),
    "210": Cast(87, {"V": 20, "VV": 3, "a": 4, "F": 6, "E": 1}, fibrillation=0.7),
    "212": Cast(92, {"NNNNNNNNNN": 8, "n": 4}, "R"),
    "213": Cast(109, {"V": 20, "VF": 3, "F": 11, "A": 6, "a": 2}),
    "214": Cast(76, {"V": 20, "i": 4, "VV": 4, "F": 5, "Q": 2}, "L"),
    "215": Cast(112, {"V": 12, "i": 4, "VV": 4, "A": 4, "F": 6}),
    "217": Cast(72, {"f": 25, "NN": 10, "V": 12, "V.V.": 2}, "/"),
    "219": Cast(75, {"V": 11, "A": 4, "F": 5}, fibrillation=0.5),
    "220": Cast(67, {"A": 20, "AAA": 2}),
    "221": Cast(78, {"V": 36, "VV": 5, "F": 5}, fibrillation=1.0),
    "222": Cast(79, {"A": 20, "AAA": 4, "j": 14, "J": 2}, fibrillation=0.3),
    "223": Cast(86, {"V": 14, "V.V.": 4, "VVV": 3, "A": 14, "e": 4, "F": 4, "a": 1}),
    "228": Cast(69, {"V.V.V.": 7, "V": 12, "A": 2, "F": 5, "Q": 2}, noise=1.4),
    "230": Cast(76, {"wwwwww": 5, "V": 1}),
    "231": Cast(61, {"NNNNNN": 8, "A": 2, "V": 2}, "R"),
    "232": Cast(62, {"A": 24, "AA": 10, "AAAA": 6}, "R"),
    "233": Cast(102, {"V": 16, "i": 8, "V.V.": 8, "VV": 4, "VVV": 1, "A": 4, "F": 6}),
    "234": Cast(92, {"J": 10, "V": 2}),
}
SAME_PERSON = {"202": "201"}
CONDUCTION = {"N": "normal", "L": "left_block", "R": "right_block", "/": "normal"}
RHYTHM_OF_PHRASE = {"V.V": "(B", "V..V": "(T", "VVV": "(VT", "EE": "(IVR", "AAA": "(SVTA", "v.v": "(B"}
# Beats that make shape or timing alone treacherous, in every record: share of the basic beats of each letter.
CONFUSERS = {"n": 0.012, "p": 0.08, "w": 0.01}


@dataclass(frozen=True, eq=False)
class Rhythm:
    """What happens in one record, and when.

    Args:
        letters: one of synthetic.KINDS per beat.
        peak_s: R peak of each beat.
        irregular: whether the atria fibrillate.
        marks: (beat, rhythm) wherever the rhythm changes.
        bursts: (start_s, end_s) of moving electrodes.
        artefact_s: times of single spikes that are no beat.
    """

    letters: str
    peak_s: Float[np.ndarray, " beat"]
    irregular: Bool[np.ndarray, " beat"]
    marks: tuple[tuple[int, str], ...]
    bursts: tuple[tuple[float, float], ...]
    artefact_s: tuple[float, ...]


def write(root: Path, seed: int) -> None:
    """Write all 48 records, with their annotations, as WFDB files.

    Args:
        root: an existing, empty folder.
        seed: the same seed gives the same bytes.
    """
    names = sorted(CAST)
    for name in track(names, "writing the synthetic twin of MIT-BIH", disable=not Console().is_terminal):
        write_record(root, name, seed)
    (root / "RECORDS").write_text("".join(f"{name}\n" for name in names))


def write_record(root: Path, name: str, seed: int) -> None:
    """Write the three files of one record; what they hold depends on the name and the seed alone."""
    cast = CAST[name]
    person = SAME_PERSON.get(name, name)
    owner = CAST[person]
    heart = new_heart(default_rng([seed, int(person), 0]), owner.bpm, owner.noise, owner.left_axis)
    rng = default_rng([seed, int(name), 1])
    rhythm = _rhythm(cast, heart, rng)
    _write_signal(root, name, cast.leads, _perform(cast, heart, rhythm, rng), seed)
    _write_annotations(root, name, _annotations(cast, rhythm))


def _rhythm(cast: Cast, heart: Heart, rng: Generator) -> Rhythm:
    """Shuffle the phrases into a row of beats, fill up with the basic rhythm, and time them."""
    phrases = [phrase + ".." for phrase, times in cast.phrases.items() for _ in range(times)]
    n_basic = round(rng.uniform(190, 255) * cast.bpm / 60) - sum(map(len, phrases))
    for letter, share in CONFUSERS.items() if cast.basic in "NLR" else ():
        phrases += [letter] * round(share * n_basic)
    phrases += ["."] * n_basic
    place = rng.random(len(phrases))
    # A fibrillating atrium cannot come early.
    place[[any(letter in "AaJSnp" for letter in phrase) for phrase in phrases]] *= 1 - cast.fibrillation
    order = np.argsort(place)
    row = [phrases[i] for i in order]
    letters = ".." + "".join(row)
    start = np.cumsum([2] + [len(phrase) for phrase in row])
    fibrillates = start[np.searchsorted(place[order], 1 - cast.fibrillation)]
    irregular = np.arange(len(letters)) >= fibrillates
    letters = letters.replace(".", cast.basic)
    peak_s = synthetic.beat_times_s(letters, heart, irregular, rng)
    starts = np.sort(rng.uniform(2, peak_s[-1] - 5, rng.poisson(2.5 * cast.noise)))
    gaps = rng.choice(len(letters) - 2, rng.poisson(2.0 * cast.noise), replace=False)
    return Rhythm(
        letters,
        peak_s,
        irregular,
        tuple(_marks(cast, row, start, irregular)),
        tuple((float(start_s), float(start_s + rng.uniform(1.5, 4))) for start_s in starts),
        tuple(float(peak_s[i] + 0.55 * (peak_s[i + 1] - peak_s[i])) for i in np.sort(gaps)),
    )


def _marks(
    cast: Cast, row: list[str], start: Int[np.ndarray, " place"], irregular: Bool[np.ndarray, " beat"]
) -> Iterator[tuple[int, str]]:
    """Yield the beat at which each rhythm begins, and its name in the database."""
    current = ""
    for phrase, beat in zip([".", *row], [0, *start[:-1]], strict=True):
        basic = "(AFIB" if irregular[beat] else "(P" if cast.basic == "/" else "(N"
        name = next((name for part, name in RHYTHM_OF_PHRASE.items() if part in phrase), basic)
        if name != current:
            yield int(beat), name
        current = name


def _perform(cast: Cast, heart: Heart, rhythm: Rhythm, rng: Generator) -> Float[np.ndarray, "lead time"]:
    """Turn a rhythm into millivolts."""
    no_p = replace(heart, p=heart.p.scaled(0))
    conduction = CONDUCTION[cast.basic]
    t_shift_s = synthetic.t_wave_shift_s(rhythm.peak_s, heart)
    beats = [
        synthetic.beat_waves(letter, no_p if irregular else heart, conduction, shift, rng)
        for letter, irregular, shift in zip(rhythm.letters, rhythm.irregular, t_shift_s.tolist(), strict=True)
    ]
    beats += [waves((0.0, rng.uniform(0.005, 0.02), rng.normal(0, 0.5, 3))) for _ in rhythm.artefact_s]
    n_samples = round((rhythm.peak_s[-1] + 0.9) * FS_HZ)
    ecg_mv = draw(beats, np.append(rhythm.peak_s, rhythm.artefact_s), cast.leads, n_samples, FS_HZ)
    if rhythm.irregular.any():
        since = round(rhythm.peak_s[rhythm.irregular][0] * FS_HZ)
        ecg_mv[:, since:] += synthetic.fibrillation_mv(rng, n_samples - since, len(cast.leads), FS_HZ)
    return synthetic.disturb(ecg_mv, heart, rhythm.bursts, FS_HZ, rng)


def _annotations(cast: Cast, rhythm: Rhythm) -> list[tuple[int, str, str]]:
    """List (sample, symbol, note), in order; every letter that is no beat has its place among them."""
    conduction = CONDUCTION[cast.basic]
    notes = [(1 / FS_HZ, '"', "synthetic")]
    notes += [(rhythm.peak_s[beat] - 0.2, "+", name) for beat, name in rhythm.marks]
    notes += [(time_s, "~", "") for burst in rhythm.bursts for time_s in burst]
    notes += [(time_s, "|", "") for time_s in rhythm.artefact_s]
    symbols = [synthetic.symbol_of(letter, conduction) for letter in rhythm.letters]
    notes += [(time_s, symbol, "") for time_s, symbol in zip(rhythm.peak_s, symbols, strict=True)]
    return sorted((round(time_s * FS_HZ), symbol, note) for time_s, symbol, note in notes)


def _write_annotations(root: Path, name: str, rows: list[tuple[int, str, str]]) -> None:
    sample, symbol, note = zip(*rows, strict=True)
    wfdb.wrann(name, "atr", np.array(sample), list(symbol), aux_note=list(note), write_dir=str(root))


def _write_signal(
    root: Path, name: str, leads: tuple[str, str], ecg_mv: Float[np.ndarray, "lead time"], seed: int
) -> None:
    digital = np.clip(np.rint(ecg_mv.T * GAIN_PER_MV) + ZERO, 0, 2 * ZERO - 1).astype(np.int64)
    record = wfdb.Record(
        record_name=name,
        n_sig=len(leads),
        fs=FS_HZ,
        sig_len=len(digital),
        file_name=[f"{name}.dat"] * len(leads),
        fmt=["212"] * len(leads),
        adc_gain=[float(GAIN_PER_MV)] * len(leads),
        baseline=[ZERO] * len(leads),
        units=["mV"] * len(leads),
        adc_res=[11] * len(leads),
        adc_zero=[ZERO] * len(leads),
        init_value=digital[0].tolist(),
        block_size=[0] * len(leads),
        sig_name=list(leads),
        d_signal=digital,
        comments=[f"synthetic: written by ecg_lightning, seed {seed}, no patient"],
    )
    record.checksum = record.calc_checksum()
    record.wrsamp(write_dir=str(root))
