"""The beats of a WFDB record, from its annotation file."""

from pathlib import Path

import numpy as np
from jaxtyping import Int

from ecg_lightning.datasets.wfdb_files import Header
from ecg_lightning.structures import BadRecord

AAMI_BEATS = frozenset("NLRejAaJSVEF/fQ")
"""Annotation symbols that are heart beats. Source: ANSI/AAMI EC57; every other WFDB symbol is no beat."""

_SKIP, _TEXT = 59, 63  # codes of annotation words that are none: a long interval, a text; those between say more of one


def read_beats(
    folder: Path, header: Header, extension: str = "atr"
) -> tuple[Int[np.ndarray, " beat"], tuple[str, ...]]:
    """Read where the beats are and what they are called; annotations that are no beat are left out.

    Returns:
        The sample of every R peak, ascending, and the symbol of every beat.

    Raises:
        BadRecord: the file is missing, cut short or unreadable, its symbols or their order make no sense, or no beat
            is annotated.

    Source:
        https://physionet.org/physiotools/wag/annot-5.htm
    """
    peak_sample, symbol = annotated(folder, header, extension)
    if not len(peak_sample):
        raise BadRecord(f"record {header.record}: no beat is annotated in .{extension}")
    return peak_sample, symbol


def annotated(folder: Path, header: Header, extension: str = "atr") -> tuple[Int[np.ndarray, " beat"], tuple[str, ...]]:
    """The same for a record that may have no beat, such as one whose rhythms alone are annotated."""
    sample, code = _read_annotations(folder, header.record, extension)
    symbols = _symbols()
    if unknown := sorted(set(code.tolist()) - symbols.keys()):
        raise BadRecord(f"record {header.record}: annotation codes {unknown} in .{extension} are unknown to WFDB")
    if (np.diff(sample) < 0).any():
        raise BadRecord(f"record {header.record}: annotations in .{extension} are not in ascending order")
    if len(sample) and not 0 <= sample[0] <= sample[-1] < header.n_samples:
        raise BadRecord(
            f"record {header.record}: annotations in .{extension} lie at samples {sample[0]} to {sample[-1]}, "
            f"outside the record's 0 to {header.n_samples - 1}"
        )
    symbol = np.array([symbols[one] for one in code.tolist()], dtype=object)
    beat = np.array([one in AAMI_BEATS for one in symbol], dtype=bool)
    peak_sample = sample[beat]
    if (np.diff(peak_sample) == 0).any():
        raise BadRecord(f"record {header.record}: two beats at one sample in .{extension}")
    return peak_sample, tuple(symbol[beat])


def _symbols() -> dict[int, str]:
    """WFDB's annotation symbol by stored code."""
    from wfdb.io.annotation import ann_labels

    return {label.label_store: label.symbol for label in ann_labels}


def _read_annotations(
    folder: Path, record: str, extension: str
) -> tuple[Int[np.ndarray, " annotation"], Int[np.ndarray, " annotation"]]:
    """Sample and stored code of every annotation."""
    path = folder / f"{record}.{extension}"
    if not path.is_file():
        raise BadRecord(f"record {record}: annotation file {path.name} is missing in {folder}")
    content = path.read_bytes()
    if content[-2:] != b"\0\0":  # the format's end mark; without it beats would be missing in silence
        raise BadRecord(f"record {record}: annotation file {path.name} is empty or cut short")
    try:
        return _decoded_annotations(content)
    except ValueError as error:
        raise BadRecord(f"record {record}: annotation file {path.name} is unreadable ({error})") from error


def _decoded_annotations(content: bytes) -> tuple[Int[np.ndarray, " annotation"], Int[np.ndarray, " annotation"]]:
    """Sample and stored code of every annotation in MIT format; `wfdb.rdann` gives the same, ten times slower.

    Raises:
        ValueError: an odd number of bytes, or more is announced than follows.
    """
    words = [*np.frombuffer(content, "<u2").tolist(), 0]  # one more, as an interval takes two
    n_words = len(words) - 2  # the end mark and that one
    samples, codes = [], []
    sample, at = 0, 0
    while at < n_words:
        code, value = words[at] >> 10, words[at] & 1023
        at += 1
        if code == _SKIP:
            skipped = words[at] << 16 | words[at + 1]
            sample += skipped - (1 << 32 if skipped >> 31 else 0)
            at += 2
        elif code == _TEXT:
            at += (value + 1) // 2
        elif code < _SKIP:
            sample += value
            samples.append(sample)
            codes.append(code)
    if at != n_words:
        raise ValueError("its last annotation is cut short")
    return np.array(samples, np.int64), np.array(codes, np.int64)
