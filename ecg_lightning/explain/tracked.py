"""Put an explanation beside its run in MLflow."""

import os
from collections.abc import Sequence
from pathlib import Path

from ecg_lightning.predict.place import Place
from ecg_lightning.report.contents import read_json
from ecg_lightning.tracking import ENVIRONMENT, public

BELOW = "explain"  # of the run's artifacts


def log(place: Place, files: Sequence[Path]) -> str | None:
    """Keep files with the MLflow run that was typed, or that a run folder names.

    The run's state stays as it is, and no store is made.

    Args:
        place: of the bundle; the status.json of its run folder names run and store where no run was typed.
        files: and folders, to keep.

    Returns:
        Why it could not be done, in words; None where it was.
    """
    run_id, uri = _typed(place) if place.run_id else _noted(place.run or place.model)
    if not run_id or not uri:
        return "the run was not tracked, so MLflow does not get the explanation; the output folder has everything"
    told = f"tracking.uri={public(str(uri))} does not get the explanation"
    file = Path(str(uri).removeprefix("sqlite:///"))
    if str(uri).startswith("sqlite:") and not file.is_file():
        return f"{told}: there is no {file}; the output folder has everything"
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    from ecg_lightning import mlflow_run  # MLflow takes seconds to import

    try:
        client = mlflow_run.connect(str(uri))
        client.get_run(str(run_id))
        mlflow_run.MlflowRun(client, str(run_id)).log_artifacts(files, BELOW)
    except mlflow_run.FAILURES as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        return f"{told} ({reason[:200]}); the output folder has everything"
    return None


def _typed(place: Place) -> tuple[str | None, str | None]:
    """The run that was typed, in the store where `place.find` looked for it."""
    file = Path("mlflow.db").absolute()
    return place.run_id, os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{file}"


def _noted(run: Path) -> tuple[str | None, str | None]:
    status = read_json(run / "status.json") or {}
    return status.get("mlflow_run_id"), status.get("tracking_uri")
