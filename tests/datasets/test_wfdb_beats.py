"""Annotations are written as WFDB, or byte by byte where WFDB would not write them."""

import struct
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.datasets.wfdb_beats import AAMI_BEATS, read_beats
from ecg_lightning.datasets.wfdb_files import Header, read_header
from ecg_lightning.structures import BadRecord
from tests.corpora.mitdb import FS_HZ, write_mitdb, write_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mitdb(tmp_path, ["100"])
    return tmp_path


def header_of(folder: Path) -> Header:
    return read_header(folder, "100", FS_HZ)


def annotation_bytes(*pairs: tuple[int, int]) -> bytes:
    """Pairs of (samples since the one before, code) as the format stores them, with the end mark."""
    return b"".join(struct.pack("<H", code << 10 | step) for step, code in pairs) + b"\0\0"


def test_what_is_no_beat_is_left_out(folder: Path) -> None:
    peak_sample, symbol = read_beats(folder, header_of(folder))
    assert symbol == ("N", "N", "V", "N", "A", "N", "F", "L", "R", "Q")
    assert (np.diff(peak_sample) > 0).all()
    assert peak_sample[6] == 180 + 7 * 360  # the one after "+"


def test_every_wfdb_symbol_can_be_read(tmp_path: Path) -> None:
    symbols = [s for s in wfdb.io.annotation.ann_label_table["symbol"] if s != " "]
    write_record(tmp_path, "100", ("MLII", "V1"), seconds=60)
    wfdb.wrann("100", "atr", np.arange(1, 1 + len(symbols)) * 100, symbol=symbols, write_dir=str(tmp_path))
    _, symbol = read_beats(tmp_path, header_of(tmp_path))
    assert set(symbol) == AAMI_BEATS
    assert len(symbol) == len(AAMI_BEATS) == 15


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "annotation file 100.atr is empty or cut short"),
        (annotation_bytes((100, 1), (100, 1))[:-2], "annotation file 100.atr is empty or cut short"),
        (b"x" + annotation_bytes((100, 1)), "annotation file 100.atr is unreadable"),
        (annotation_bytes((100, 1), (0, 59)), "annotation file 100.atr is unreadable"),
        (annotation_bytes((100, 1), (9, 63)), "unreadable .its last annotation is cut short"),
        (annotation_bytes((100, 1), (100, 50)), r"annotation codes \[50\] in .atr are unknown to WFDB"),
        (annotation_bytes((100, 1), *[(1000, 1)] * 5), r"lie at samples 100 to 5100, outside the record's 0 to 4319"),
        (annotation_bytes((100, 1), (0, 59), (1023, 63), (974, 63), (0, 1)), "not in ascending order"),  # skip by -50
        (annotation_bytes((100, 1), (0, 5)), "two beats at one sample"),
        (annotation_bytes((100, 28), (100, 16)), "no beat is annotated in .atr"),
        (annotation_bytes(), "no beat is annotated in .atr"),
    ],
)
def test_annotations_that_make_no_sense_are_refused(folder: Path, content: bytes, message: str) -> None:
    (folder / "100.atr").write_bytes(content)
    with pytest.raises(BadRecord, match=message):
        read_beats(folder, header_of(folder))


def test_missing_annotation_file_is_named(folder: Path) -> None:
    (folder / "100.atr").unlink()
    with pytest.raises(BadRecord, match=r"record 100: annotation file 100.atr is missing in"):
        read_beats(folder, header_of(folder))


@pytest.mark.parametrize("seed", range(5))
def test_annotations_are_those_that_wfdb_reads(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    write_record(tmp_path, "100", ("MLII", "V1"), seconds=600)
    sample = np.sort(random.choice(600 * FS_HZ, 40, replace=False))  # gaps beyond 1023 samples need a long interval
    symbol = random.choice(["N", "V", "A", "+", "~", "|", '"', "/"], 40)
    note = [random.choice(["", "(N", "odd", "a longer text of its own"]) for _ in symbol]
    kind = [random.integers(0, 3, 40) for _ in range(3)]
    wfdb.wrann("100", "atr", sample, symbol.tolist(), *kind, aux_note=note, write_dir=str(tmp_path))
    read = wfdb.rdann(str(tmp_path / "100"), "atr")
    beat = np.isin(read.symbol, list(AAMI_BEATS))
    peak_sample, found = read_beats(tmp_path, header_of(tmp_path))
    np.testing.assert_array_equal(peak_sample, read.sample[beat])
    assert found == tuple(np.array(read.symbol)[beat])


def test_folder_with_awkward_characters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "a [b] ü=,*?"
    write_mitdb(folder, ["100"])
    assert len(read_beats(folder, header_of(folder))[1]) == 10
