"""Beats as the published heartbeat csv has them, and the command that makes such files of MIT-BIH.

The recipe is that of the published files themselves. Their paper says it otherwise (125 Hz, R peaks above 0.9 of ten
seconds scaled to 0..1, 1.2 median RR intervals), but all 729 rows of a public sample of 1,000 whose records were at
hand are, in every digit: every third sample (120 Hz) of the record's first lead, from one annotated beat to a fifth of
the interval after the next annotation, also where that is of a rhythm or of noise, scaled to 0..1, and cut or padded to
187. Beats with no annotation after them are left out, which gives the 109,446 rows published of 48 records.

Source:
    Kachuee, Fazeli and Sarrafzadeh, IEEE ICHI 2018, arXiv:1805.00794
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy.random import default_rng
from rich.console import Console
from rich.progress import track

from ecg_lightning.datasets import heartbeat_csv_files, wfdb_beats, wfdb_files
from ecg_lightning.datasets.mitdb import RECORDS, patient_of
from ecg_lightning.structures import AAMI, Refused

N_SAMPLES = 187
STEP = 3  # of the 360 Hz of MIT-BIH: 120 Hz
AFTER = 0.2  # of the interval after the next annotation
STEMS = ("mitbih_train", "mitbih_test")
FS_HZ = 360.0


@dataclass(frozen=True, eq=False)
class Beats:
    """Rows, the number of the class of each, and whose it is."""

    rows: Float[np.ndarray, "row time"]
    label: Int[np.ndarray, " row"]
    patient: np.ndarray


def cut_beats(
    ecg: Float[np.ndarray, " time"], peak_sample: Int[np.ndarray, " beat"], mark: Int[np.ndarray, " mark"], step: int
) -> tuple[Float[np.ndarray, "row sample"], Int[np.ndarray, " row"]]:
    """Cut a row for every beat that a mark follows.

    Args:
        ecg: one lead.
        peak_sample: where the beats are.
        mark: where anything is annotated, ascending, the beats among them.
        step: every how many samples one is kept.

    Returns:
        The rows, float32, and the numbers of the beats that have one.
    """
    place = np.searchsorted(mark, peak_sample, side="right") - 1
    kept = np.flatnonzero(place < len(mark) - 1)
    interval = np.diff(mark, append=mark[-1])  # the mark after the last: no interval, nothing of it is shown
    after = place[kept] + 1
    end = mark[after] + (AFTER * interval[after]).astype(np.int64)
    rows = np.zeros((len(kept), N_SAMPLES), np.float32)
    for row, start, stop in zip(rows, peak_sample[kept].tolist(), end.tolist(), strict=True):
        beat = ecg[start:stop:step]
        low, high = beat.min(), beat.max()
        shown = beat[:N_SAMPLES]
        row[: len(shown)] = (shown - low) / (high - low) if high > low else 0
    return rows, kept


def read_beats(folder: Path, record: str) -> tuple[Beats, bool]:
    """Make rows of one record of MIT-BIH, and say whether it is synthetic.

    Raises:
        BadRecord: the record cannot be trusted.
    """
    from wfdb import rdann

    header = wfdb_files.read_header(folder, record, FS_HZ)
    ecg = wfdb_files.read_ecg(folder, header, [0])[0].astype(np.float64)
    peak_sample, symbol = wfdb_beats.read_beats(folder, header)
    mark = rdann(str(folder / record), "atr").sample
    rows, kept = cut_beats(ecg, peak_sample, mark, STEP)
    number = {letter: label for label, letters in enumerate(AAMI.values()) for letter in letters}
    label = np.array([number[symbol[beat]] for beat in kept], np.int64)
    return Beats(rows, label, np.full(len(rows), patient_of(record))), header.synthetic


def make(folder: Path, records: Sequence[str], output: Path, test_share: float, seed: int) -> tuple[int, int]:
    """Write the training file and the test file, with their patients, of these records.

    Args:
        folder: where the records are.
        records: names.
        output: an existing folder.
        test_share: of the rows of each class, drawn at random as published: both files share patients.
        seed: of the draw.

    Returns:
        Rows of the training file and of the test file.

    Raises:
        BadRecord: a record cannot be trusted.
    """
    watched = track(
        records, "cutting beats", console=Console(stderr=True), disable=not Console(stderr=True).is_terminal
    )
    read = [read_beats(folder, record) for record in watched]
    rows, label, patient = (
        np.concatenate([getattr(beats, name) for beats, _ in read]) for name in ("rows", "label", "patient")
    )
    comment = ""
    if any(synthetic for _, synthetic in read):
        comment = f"{heartbeat_csv_files.SYNTHETIC}: beats of synthetic records, no patient"
    test = np.zeros(len(rows), bool)
    test[list(_drawn(label, test_share, seed))] = True
    for stem, side in zip(STEMS, (~test, test), strict=True):
        path = output / f"{stem}.csv"
        ids = "".join(f"{one}\n" for one in patient[side].tolist())
        heartbeat_csv_files.patients_file(path).write_text(ids, encoding="utf-8")
        heartbeat_csv_files.write_rows(path, rows[side], label[side], comment)
    return int((~test).sum()), int(test.sum())


def _drawn(label: Int[np.ndarray, " row"], share: float, seed: int) -> Iterator[int]:
    """Rows of the test file, the same share of every class."""
    rng = default_rng(seed)
    for one in np.unique(label):
        rows = rng.permutation(np.flatnonzero(label == one))
        yield from rows[: round(share * len(rows))].tolist()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for refused input."""
    asked = _parser().parse_args(arguments)
    folder, output = Path(asked.records), Path(asked.output)
    try:
        records = _wanted(folder, output, asked.test_share)
        missing = [record for record in RECORDS if record not in records]
        if missing and not asked.allow_missing:
            raise Refused(
                f"{len(missing)} of {len(RECORDS)} records are not in {folder}: {', '.join(missing)}; --allow-missing "
                f"goes on without them, and leaves a note"
            )
        output.mkdir(parents=True, exist_ok=True)
        n_train, n_test = make(folder, records, output, asked.test_share, asked.seed)
    except (OSError, Refused) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if missing:
        (output / heartbeat_csv_files.MISSING).write_text("\n".join(missing) + "\n", encoding="utf-8")
        print(f"{len(missing)} of {len(RECORDS)} records are not in {folder}: {', '.join(missing)}")
    train = f"    python -m ecg_lightning.train task=anomaly dataset=heartbeat_csv dataset.folder={output}"
    print(
        f"{output}: {n_train:,} rows to train and {n_test:,} to test, drawn at random from all patients. Next:\n"
        f"{train} split=holdout  # patients apart\n"
        f"{train}  # as published, leaky"
    )
    return 0


def _wanted(folder: Path, output: Path, test_share: float) -> list[str]:
    """Records that are there.

    Raises:
        Refused: there are none, the share is impossible, or something would be overwritten.
    """
    if not 0 < test_share < 1:
        raise Refused(f"--test-share={test_share:g} must lie between 0 and 1")
    records = [record for record in RECORDS if (folder / f"{record}.hea").is_file()]
    if not records:
        raise Refused(f"RECORDS={folder} holds no record of MIT-BIH: expected 100.hea, 100.dat, 100.atr and others")
    files = [output / f"{stem}{end}.csv" for stem in STEMS for end in ("", "_patients")]
    if there := [file.name for file in files if file.exists()]:
        raise Refused(f"--output={output} already holds {', '.join(there)}: remove them, or name another folder")
    return records


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecg_lightning.datasets.heartbeat_csv",
        description="Make heartbeat csv, with the patients beside, of the records of MIT-BIH.",
    )
    parser.add_argument("records", metavar="RECORDS", help="folder of WFDB records of MIT-BIH")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write the csv files into")
    parser.add_argument("--allow-missing", action="store_true", help="go on without records that are not there")
    parser.add_argument("--test-share", type=float, default=0.2, help="of the rows of each class (default: 0.2)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of test rows (default: 0)")
    return parser
