"""Put an explanation beside its run in MLflow."""

import os
from collections.abc import Sequence
from pathlib import Path

from ecg_lightning.report.contents import read_json
from ecg_lightning.tracking import ENVIRONMENT, public

BELOW = "explain"  # of the run's artifacts


def log(run: Path, files: Sequence[Path]) -> str | None:
    """Keep files with the MLflow run that a run folder names; its state stays as it is, and no store is made.

    Args:
        run: folder, whose status.json names run and store.
        files: and folders, to keep.

    Returns:
        Why it could not be done, in words; None where it was.
    """
    status = read_json(run / "status.json") or {}
    run_id, uri = status.get("mlflow_run_id"), status.get("tracking_uri")
    if not run_id or not uri:
        return "the run was not tracked, so MLflow does not get the explanation; its folder has everything"
    told = f"tracking.uri={public(str(uri))} does not get the explanation"
    file = Path(str(uri).removeprefix("sqlite:///"))
    if str(uri).startswith("sqlite:") and not file.is_file():
        return f"{told}: there is no {file}; its folder has everything"
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    from ecg_lightning import mlflow_run  # MLflow takes seconds to import

    try:
        client = mlflow_run.connect(str(uri))
        client.get_run(str(run_id))
        mlflow_run.MlflowRun(client, str(run_id)).log_artifacts(files, BELOW)
    except mlflow_run.FAILURES as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        return f"{told} ({reason[:200]}); its folder has everything"
    return None
