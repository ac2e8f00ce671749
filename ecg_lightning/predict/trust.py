"""Which seconds of a recording cannot be trusted, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from ecg_lightning.dsp import quality
from ecg_lightning.predict.rhythm import in_a_row
from ecg_lightning.structures import Record

WORDS = {quality.FLAT: "flat", quality.CLIPPED: "clipped", quality.NOISE: "noisy"}
MOST_BAD = 0.2  # of the seconds of a window or a stretch: as the training of networks that watch leaves them out


BESIDE_S = 1.0  # an artefact may begin before its second is refused


@dataclass(frozen=True)
class Refused:
    """Seconds one after another that bear a flag."""

    start_s: float
    stop_s: float
    why: str


def judged(record: Record) -> UInt8[np.ndarray, " second"] | None:
    """The flags of every whole second; None where the rate is too low to tell."""
    if record.fs_hz < quality.LEAST_FS_HZ:
        return None
    return quality.flags(record.ecg_mv, record.fs_hz)


def why(flags: int) -> str:
    """The flags of a second in words; empty for none."""
    return ", ".join(word for bit, word in WORDS.items() if flags & bit)


def stretches(flags: UInt8[np.ndarray, " second"]) -> list[Refused]:
    """Seconds with a flag, those that follow one another as one, with the reasons of all of them."""
    return [
        Refused(float(first), float(last), why(int(np.bitwise_or.reduce(flags[first:last]))))
        for first, last in in_a_row(flags != 0)
    ]


def beside(start_s: float, stop_s: float, refused: Sequence[Refused]) -> bool:
    """Whether some time touches refused seconds, or lies within a second of them."""
    return any(one.start_s <= stop_s + BESIDE_S and one.stop_s >= start_s - BESIDE_S for one in refused)
