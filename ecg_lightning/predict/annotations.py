"""What was found as a WFDB annotation file, which other viewers open beside the record's own samples."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg_lightning.contract import Contract
from ecg_lightning.predict import trust
from ecg_lightning.predict.findings import Findings
from ecg_lightning.structures import AAMI
from ecg_lightning.whole_files import written_whole
from ecg_lightning.windowing import Window

EXTENSION = "pred"
COMMENT, QUALITY, UNSURE, USUAL = '"', "~", "Q", "N"  # as WFDB knows them
LONGEST = 255  # bytes of a note: its length is one byte
Mark = tuple[int, str, str]  # sample, symbol, note


def write(folder: Path, name: str, contract: Contract, found: Findings) -> Path | None:
    """Write beats, called windows or labels, and where seconds are refused, at the recording's own rate.

    A beat carries the symbol of its class (N, S, V, F, Q); of other classes N for the usual one, Q for the others. A
    beat in a refused second is Q, with the reason. "~" says where refused seconds begin and end.

    Args:
        folder: that the file goes to.
        name: of the recording; letters that WFDB does not take become "_".
        contract: of the bundle.
        found: in the recording.

    Returns:
        The file; None where there is nothing to say, as WFDB has no empty file.
    """
    marks = sorted((*_quality(found), *_answers(contract, found)), key=lambda mark: mark[0])
    if not marks:
        return None
    import wfdb  # half a second

    sample, symbol, note = zip(*marks, strict=True)
    record = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    with tempfile.TemporaryDirectory() as scratch:
        wfdb.wrann(
            record,
            EXTENSION,
            np.array(sample, np.int64),
            symbol=list(symbol),
            aux_note=[words.encode("ascii", "replace")[: LONGEST - 1].decode() for words in note],
            fs=found.record.fs_hz,
            write_dir=scratch,
        )
        with written_whole(folder / f"{record}.{EXTENSION}") as part:
            part.write_bytes((Path(scratch) / f"{record}.{EXTENSION}").read_bytes())
    return folder / f"{record}.{EXTENSION}"


def _quality(found: Findings) -> Iterator[Mark]:
    last = found.record.ecg_mv.shape[1] - 1
    for one in trust.stretches(found.flags):
        yield min(round(one.start_s * found.record.fs_hz), last), QUALITY, f"refused: {one.why}"
        yield min(round(one.stop_s * found.record.fs_hz), last), QUALITY, "trusted again"


def _answers(contract: Contract, found: Findings) -> Iterator[Mark]:
    """Beats with their classes; else beats as they were found, and what was called."""
    table = found.beats
    beats = zip(table["sample"].tolist(), table["refused"].tolist(), table["why"].tolist(), strict=True)
    if isinstance(contract.window, Window):
        for (at, refused, why), name in zip(beats, table["class"].tolist(), strict=True):
            known = set(contract.classes) <= set(AAMI)
            symbol = name if known else USUAL if name == contract.classes[0] else UNSURE
            note = "" if name == symbol else name
            yield (at, UNSURE, f"refused: {why}") if refused else (at, symbol, note)
        return
    for at, refused, why in beats:
        yield (at, UNSURE, f"refused: {why}") if refused else (at, USUAL, "")
    yield from _called(contract, found)


def _called(contract: Contract, found: Findings) -> Iterator[Mark]:
    answers = found.answers
    time = answers["time_s" if "time_s" in answers else "start_s"]
    yes = answers["called"] if "called" in answers else answers["class"] == contract.classes[1]
    if "refused" in answers:
        yes = yes & ~answers["refused"]
    number = answers["p" if "p" in answers else "score"]
    for at_s, name, value in zip(time[yes], answers["class"][yes], number[yes], strict=True):
        yield max(1, round(at_s * found.record.fs_hz)), COMMENT, f"{name} {value:.2f}"  # at 0 stands the rate
