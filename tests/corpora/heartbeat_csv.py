"""Small heartbeat csv: a bump per row, which lies elsewhere in rows of other classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_heartbeat_csv(
    folder: Path,
    names: Sequence[str] = ("mitbih_train", "mitbih_test"),
    n_rows: int = 40,
    n_samples: int = 187,
    n_classes: int = 5,
    patients: Sequence[str] = (),
    comment: str = "",
) -> None:
    """Write `<folder>/<name>.csv`; half of the rows are of class 0, the others of all classes in turn.

    Args:
        folder: made where it is not there.
        names: of the files, without .csv.
        n_rows: of each file.
        n_samples: of a row.
        n_classes: in the last column.
        patients: whose rows they are, in turn; beside each file where there are any.
        comment: first line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        label = np.where(np.arange(n_rows) % 2, np.arange(n_rows) // 2 % n_classes, 0)
        middle = n_samples * (0.3 + 0.1 * label)
        rows = np.exp(-0.5 * ((np.arange(n_samples) - middle[:, None]) / 5) ** 2) + rng.uniform(0, 0.02, (n_rows, 1))
        rows[:, -n_samples // 10 :] = 0
        lines = [
            ",".join([*(f"{value:.4f}" for value in row), f"{one:.1f}"]) for row, one in zip(rows, label, strict=True)
        ]
        (folder / f"{name}.csv").write_text("\n".join([*([comment] if comment else []), *lines]) + "\n")
        if patients:
            ids = [patients[row % len(patients)] for row in range(n_rows)]
            (folder / f"{name}_patients.csv").write_text("\n".join(ids) + "\n")
