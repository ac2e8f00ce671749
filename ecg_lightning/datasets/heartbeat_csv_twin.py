"""A synthetic twin of heartbeat csv: its four files, cut by its recipe from hearts that never beat, and no patient."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float
from numpy.random import default_rng

from ecg_lightning.datasets import heartbeat_csv_files, mitdb_twin, synthetic_twelve
from ecg_lightning.datasets.heartbeat_csv_recipe import cut_beats, make
from ecg_lightning.dsp.peaks import find_r_peaks

# Of the twin of MIT-BIH: every class in several people, and one pacemaker.
RECORDS = (
    *("100", "101", "103", "105", "106", "108", "112", "113", "114", "115", "119", "121", "200"),
    *("201", "203", "205", "208", "209", "210", "213", "217", "220", "222", "223", "233"),
)
TEST_SHARE = 0.2
FS_HZ, STRETCH_S, N_ROWS = 125, 12.0, 800  # of the PTB diagnostic database: each file
INFARCTS = ("IMI", "ILMI", "AMI", "ASMI", "ALMI", "LMI")  # most of its abnormal people have one
LEAD = tuple(synthetic_twelve.VIEWS).index("II")


def write(root: Path, seed: int) -> None:
    """Write the training and test file of MIT-BIH, and the normal and abnormal file of the PTB diagnostic database.

    Args:
        root: an existing, empty folder.
        seed: the same seed gives the same bytes.
    """
    with TemporaryDirectory() as folder:
        for record in RECORDS:
            mitdb_twin.write_record(Path(folder), record, seed)
        make(Path(folder), RECORDS, root, TEST_SHARE, seed)
    for file in root.glob("*_patients.csv"):  # the original has none
        file.unlink()
    comment = f"{heartbeat_csv_files.SYNTHETIC}: written by ecg_lightning, seed {seed}, no patient"
    for label, stem in enumerate(("ptbdb_normal", "ptbdb_abnormal")):
        rows = _people(seed, bool(label), N_ROWS)
        heartbeat_csv_files.write_rows(root / f"{stem}.csv", rows, np.full(len(rows), label), comment)


def _people(seed: int, abnormal: bool, n_rows: int) -> Float[np.ndarray, "row time"]:
    """Beats of as many people as it takes, a stretch of lead II of each."""
    rows: list[np.ndarray] = []
    while len(rows) < n_rows:
        rng = default_rng([seed, int(abnormal), len(rows)])
        heart = synthetic_twelve.healthy_heart(rng, rng.uniform(30.0, 85.0), bool(rng.random() < 0.4))
        if abnormal:
            lesion = synthetic_twelve.LESIONS[str(rng.choice(INFARCTS))]
            heart = synthetic_twelve.afflicted(heart, lesion, rng.uniform(0.6, 1.4))
        ecg = synthetic_twelve.perform(heart, "N" * 24, False, STRETCH_S, FS_HZ, rng)[LEAD]
        peak_sample = find_r_peaks(ecg[None], FS_HZ)
        rows += list(cut_beats(ecg, peak_sample, peak_sample, step=1)[0])
    return np.stack(rows[:n_rows])
