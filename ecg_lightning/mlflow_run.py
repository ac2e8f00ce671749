"""A run in an MLflow store, call by call. Any call may fail with one of `FAILURES`; `tracking` guards them.

Imports MLflow (1-3 s), and is therefore imported late.
"""

import json
import os
import re
import sqlite3
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from filelock import FileLock
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

FAILURES = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, json.JSONDecodeError)
PACKAGE = Path(__file__).parent
SERVED = PACKAGE / "serve" / "served.py"  # the code of the MLflow model
NEEDS = (
    "mlflow",
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "safetensors",
    "jaxtyping",
)  # of that code; to infer them takes minutes
NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")  # what MLflow refuses in names of metrics, e.g. the class PRC(S)
N_PARAMS = 100  # of one call; MLflow refuses more
PARAM_CHARACTERS = 6000  # MLflow refuses more
TAG_CHARACTERS = 5000
SHARED = "mlflow_run.json"
LOCK_S = 60.0  # a process that makes the same store needs about 3 s


class MlflowRun:
    """One open run.

    Args:
        client: from `connect`.
        run_id: of the run.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.client = client
        self.run_id = run_id

    def log_params(self, params: Mapping[str, str]) -> None:
        """Log params that the run has not; what it has with another value goes into the tag `changed_params`."""
        had = self.client.get_run(self.run_id).data.params
        wanted = {name: value[:PARAM_CHARACTERS] for name, value in params.items()}
        new = iter([Param(name, value) for name, value in wanted.items() if name not in had])
        while some := list(islice(new, N_PARAMS)):
            self.client.log_batch(self.run_id, params=some)
        changed = [f"{name}: {had[name]} -> {x}" for name, x in wanted.items() if had.get(name, x) != x]
        if changed:
            self.log_tags({"changed_params": "; ".join(changed)})

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self.client.log_batch(self.run_id, tags=[RunTag(name, x[:TAG_CHARACTERS]) for name, x in tags.items()])

    def log_metrics(self, metrics: Mapping[str, float], at_ms: int, step: int) -> None:
        """Log numbers, in one call."""
        known = {NOT_IN_NAMES.sub("_", name): x for name, x in metrics.items()}
        self.client.log_batch(self.run_id, metrics=[Metric(name, x, at_ms, step) for name, x in known.items()])

    def log_artifacts(self, paths: Sequence[Path], below: str) -> None:
        """Copy files, and folders under their own names, to the artifact folder `below`."""
        for path in paths:
            if path.is_dir():
                self.client.log_artifacts(self.run_id, str(path), f"{below}/{path.name}".lstrip("/"))
            else:
                self.client.log_artifact(self.run_id, str(path), below or None)

    def log_model(self, bundle: Path, plugins: Sequence[str]) -> None:
        """Keep a bundle, with this package's code, as the MLflow model `model`."""
        _ignore_its_warnings()
        from mlflow import pyfunc
        from mlflow.models import Model

        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            pyfunc.save_model(
                model,
                python_model=str(SERVED),
                artifacts={"bundle": str(bundle)},
                code_paths=[str(PACKAGE)],
                model_config={"plugins": list(plugins)},
                pip_requirements=[f"{name}=={version(name)}" for name in NEEDS],
                signature=Model.load(str(bundle / "MLmodel")).signature,
            )
            self.client.log_artifacts(self.run_id, str(model), "model")

    def close(self, state: str) -> None:
        """Say how the run ended: FINISHED, FAILED or KILLED."""
        self.client.set_terminated(self.run_id, state)


def connect(uri: str) -> MlflowClient:
    """Open a store. A local one is made where it is missing, by one process at a time: two would destroy it."""
    _ignore_its_warnings()
    if not uri.startswith("sqlite:"):
        return MlflowClient(uri)
    file = Path(uri.removeprefix("sqlite:///"))
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=LOCK_S):
        _check_writable(file)
        return MlflowClient(uri)


def _check_writable(file: Path) -> None:
    """Raise at once where MLflow would try again for minutes: a foreign or a read-only file."""
    store = sqlite3.connect(file)
    try:
        store.execute("PRAGMA user_version = 0")  # writes
    finally:
        store.close()


def downloaded(uri: str) -> Path:
    """Files of a run on this disk: those of a local store where they lie, others fetched.

    Args:
        uri: runs:/<run id>, or models:/<name>/<version>.

    Raises:
        OSError: the store or the run is not there.
    """
    _ignore_its_warnings()
    from mlflow.artifacts import download_artifacts

    file = Path("mlflow.db").absolute()
    store = os.environ.get("MLFLOW_TRACKING_URI") or (f"sqlite:///{file}" if file.is_file() else None)
    if store is None:
        raise FileNotFoundError(f"there is no {file}: go to the folder of that store, or set MLFLOW_TRACKING_URI")
    try:
        run_id = re.fullmatch(r"runs:/+([^/]+)/?", uri)  # all files of a run have no address of that kind
        asked = {"run_id": run_id[1]} if run_id else {"artifact_uri": uri}
        return Path(download_artifacts(**asked, tracking_uri=store))
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        raise FileNotFoundError(" ".join(str(error).split())[:200]) from error


def new_run(client: MlflowClient, experiment: str, artifacts: Path, run_name: str) -> MlflowRun:
    """Open a run of an experiment, which is made where it is missing.

    Args:
        client: from `connect`.
        experiment: its name.
        artifacts: folder for the files of an experiment that is made in a local store.
        run_name: for people.
    """
    run = client.create_run(_experiment_id(client, experiment, artifacts), run_name=run_name)
    return MlflowRun(client, run.info.run_id)


def shared_run(client: MlflowClient, folder: Path, experiment: str, artifacts: Path, parent_run_id: str | None) -> str:
    """The run of a sweep, made by the first of its jobs that comes.

    Args:
        client: from `connect`.
        folder: of the sweep; `mlflow_run.json` in it names the run and its store.
        experiment: where the run is made.
        artifacts: as for `new_run`.
        parent_run_id: of the run that it stands below.

    Returns:
        Its id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / SHARED
    with FileLock(folder / f".{SHARED}.lock", timeout=LOCK_S):
        if (run_id := shared_run_id(folder, client.tracking_uri)) is not None:
            return run_id
        run = new_run(client, experiment, artifacts, folder.name)
        if parent_run_id is not None:
            run.log_tags({"mlflow.parentRunId": parent_run_id})
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"uri": client.tracking_uri, "run_id": run.run_id}), encoding="utf-8")
        part.replace(file)
        return run.run_id


def shared_run_id(folder: Path, uri: str) -> str | None:
    """The id of a sweep's run in this store; None where no job has made it."""
    file = folder / SHARED
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return known.get("run_id") if known.get("uri") == uri else None


def known_run(client: MlflowClient, run_id: str) -> MlflowRun | None:
    """Reopen a run that stopped; None where the store does not know it."""
    try:
        client.update_run(run_id, status="RUNNING")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return MlflowRun(client, run_id)


def _ignore_its_warnings() -> None:
    """MLflow warns of its own code when parts of it are imported, and of an example that it does not need."""
    for message in (
        ".*Any type hint is inferred as AnyType",
        "The ``noload`` loader strategy is deprecated",
        ".*An input example was not provided",
    ):
        warnings.filterwarnings("ignore", message=message)


def _experiment_id(client: MlflowClient, name: str, artifacts: Path) -> str:
    if found := client.get_experiment_by_name(name):
        return found.experiment_id
    local = client.tracking_uri.startswith("sqlite:")
    try:
        return client.create_experiment(name, artifact_location=artifacts.as_uri() if local else None)
    except MlflowException as error:
        if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := client.get_experiment_by_name(name)):
            return found.experiment_id  # another job was faster
        raise
