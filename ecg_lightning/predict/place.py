"""Where a bundle lies: in a run folder, by itself, or in MLflow."""

import re
from dataclasses import dataclass
from pathlib import Path

from ecg_lightning.bundle import CONTRACT
from ecg_lightning.contract import BadBundle

IN_FOLDERS = (
    "",
    "model",
    "artifacts/model",
    "model/artifacts/model",
)  # alone, of a run, of MLflow
PREDICTIONS = "predictions.parquet"
TRACKED = ("runs:/", "models:/")


@dataclass(frozen=True)
class Place:
    """A bundle on this disk.

    Args:
        model: the folder with its contract and weights.
        run: the run folder that it belongs to, with the rows that it was judged by; None where it stands alone.
        tracked: as it was typed, where it lies in MLflow; None in a folder of this disk.
    """

    model: Path
    run: Path | None
    tracked: str | None = None

    @property
    def run_id(self) -> str | None:
        """Of MLflow, where `runs:/<run id>` was typed."""
        found = re.fullmatch(r"runs:/+([^/]+)(/.*)?", self.tracked or "")
        return found[1] if found else None


def find(where: str) -> Place:
    """Find a bundle by what a user types; reads nothing of it.

    Args:
        where: a run folder, its `model`, an MLflow model, or `runs:/<run id>` in the store of MLFLOW_TRACKING_URI,
            else in the `mlflow.db` of this folder.

    Raises:
        BadBundle: there is none.
    """
    if where.startswith(TRACKED):
        from ecg_lightning.mlflow_run import downloaded  # MLflow takes seconds to import

        try:
            folder = downloaded(where)
        except (OSError, ValueError) as error:
            raise BadBundle(f"bundle={where} cannot be had from MLflow ({error}): name a run of that store") from None
    else:
        folder = Path(where)
    for inside in IN_FOLDERS:
        if (folder / inside / CONTRACT).is_file():
            return Place(folder / inside, _run(folder), where if where.startswith(TRACKED) else None)
    if not folder.is_dir():
        raise BadBundle(f"bundle={where}: there is no such folder; name a run folder, or its model folder")
    several = "folds" if (folder / "folds").is_dir() else "jobs" if (folder / "multirun.yaml").is_file() else ""
    if several:
        first = f"{folder}/folds/0" if several == "folds" else f"{folder}/0"
        raise BadBundle(f"bundle={where} holds {several}, each with a model of its own: name one, e.g. {first}")
    raise BadBundle(f"bundle={where} holds no {CONTRACT}: name the folder of a run that has finished, or its model")


def _run(folder: Path) -> Path | None:
    return next((run for run in (folder, folder.absolute().parent) if (run / PREDICTIONS).is_file()), None)
