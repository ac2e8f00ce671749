"""The same run in MLflow: beside the training, never before it, and never the reason that it stops.

All that MLflow does happens in order on one worker thread, so that its import (1-3 s) and its writes (up to 200 ms when
jobs share a store) delay nothing. After its first failure, of which one warning tells, nothing more is tried until the
run ends; what was missed is then logged in order, if the store is back.
"""

import json
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from ecg_lightning.mlflow_run import MlflowRun

PREFLIGHT_S = 2.0  # asked twice, and with one request between: the most that an outage may cost
REQUEST_S = 2
ENVIRONMENT = {
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_S),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the default blocks for minutes
}


class Tracker:
    """One run in an MLflow store, or nothing at all.

    Args:
        uri: `sqlite:///FILE`, relative to the working folder, or `http(s)://HOST`. None tracks nothing and
            imports nothing.
        experiment: made where it is missing.
        artifacts: folder for the files of experiments made in a local store; a server has its own.
        parent_run_id: the run that this one stands below.
        below: instead of it, another tracker whose run this one stands below, or folders of sweeps whose runs are made
            by the first job that comes, the outermost first.

    Raises:
        ValueError: another kind of uri.
    """

    def __init__(
        self,
        uri: str | None,
        experiment: str,
        artifacts: str = "mlartifacts",
        parent_run_id: str | None = None,
        below: "Tracker | Sequence[Path]" = (),
    ) -> None:
        if uri is not None and not re.match(r"sqlite:///.|https?://.", uri):
            raise ValueError(
                f"tracking.uri={public(uri)} is neither sqlite:///FILE nor http(s)://HOST: give one, or tracking=none"
            )
        self.uri = _absolute(uri)
        self._experiment = experiment
        self._artifacts = Path(artifacts).absolute()
        self._parent_run_id, self._below = parent_run_id, below
        self._children: list[Tracker] = []
        if isinstance(below, Tracker):
            below._children.append(self)
        self._opened: Future[str | None] = Future()  # the run's id, for those that stand below it
        if uri is None:
            self._opened.set_result(None)
        self._run: MlflowRun | None = None
        self._problem: str | None = None  # what ended the tracking
        self._told = False
        self._answers = False  # asked once before the first call, and once more before what was missed
        self._missed: list[Callable[[], None]] = []
        self._held: Callable[[], None] | None = None  # opens the run, once training steps hide what that costs
        self._begun: list[Future[None]] = []
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mlflow")

    @property
    def run_id(self) -> str | None:
        """The run's id, as soon as the store has answered; None where nothing is tracked."""
        self._wait()
        return self._run.run_id if self._run else None

    @property
    def known_run_id(self) -> str | None:
        """The run's id where the store has answered by now."""
        return self._run.run_id if self._run else None

    def start(
        self, run_name: str, params: Mapping[str, str], tags: Mapping[str, str], run_id: str | None = None
    ) -> None:
        """Say which run to open, or to continue; it is opened by `begin`, or by the first thing that is logged.

        Args:
            run_name: for people.
            params: from `flatten`.
            tags: what a reader of the numbers must know.
            run_id: of the run to continue. Params that it has keep their value; what differs now goes into the tag
                `changed_params`. One that the store does not know is replaced by a new run with the tag `resumed_from`.
        """
        self._held = lambda: self._open(run_name, params, dict(tags), run_id)

    def begin(self) -> None:
        """Open the run, on the worker thread: a good moment is when the first training step is done."""
        if isinstance(self._below, Tracker):
            self._below.begin()
        held, self._held = self._held, None
        if held is not None:
            self._submit(held)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log numbers, all in one call; those that are undefined are left out."""
        at_ms, finite = int(time.time() * 1000), {name: float(x) for name, x in metrics.items() if isfinite(x)}
        self._on_run(lambda run: run.log_metrics(finite, at_ms, step))

    def log_artifacts(self, paths: Sequence[Path], below: str = "") -> None:
        """Keep files, and folders under their own names; they must stay in place until `finish`.

        Args:
            paths: to keep.
            below: the artifact folder that they go to.
        """
        self._on_run(lambda run: run.log_artifacts(paths, below))

    def log_model(self, bundle: Path, plugins: Sequence[str] = ()) -> None:
        """Keep a bundle as the MLflow model `model`, which `mlflow models serve --env-manager local` serves as it is.

        Args:
            bundle: its folder.
            plugins: packages beyond this one that its network may come from.
        """
        self._on_run(lambda run: run.log_model(bundle, plugins))

    def finish(self, state: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """Close the run, once all that was logged has arrived or was given up; what was missed has a second chance."""
        self._on_run(lambda run: run.close(state))
        self._wait()
        if self._missed:
            self._worker.submit(self._catch_up).result()
        self._worker.shutdown()

    def _on_run(self, call: Callable[["MlflowRun"], None]) -> None:
        self._later(lambda: call(self._run) if self._run else None)

    def _later(self, call: Callable[[], None]) -> None:
        self.begin()
        self._submit(call)

    def _submit(self, call: Callable[[], None]) -> None:
        if self.uri is not None:
            self._begun.append(self._worker.submit(self._guarded, call))
        self._tell()

    def _wait(self) -> None:
        self.begin()
        while self._begun:
            self._begun.pop(0).result()
        self._tell()

    def _tell(self) -> None:
        """Warn, once, on the caller's thread, where warnings are heard."""
        if self._problem is not None and not self._told:
            self._told = True
            warnings.warn(self._problem, stacklevel=2)

    def _guarded(self, call: Callable[[], None]) -> None:
        if self._problem is not None:
            self._missed.append(call)
            return
        os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
        try:
            if not self._answers and not str(self.uri).startswith("sqlite:"):
                _check_answers(str(self.uri))
            self._answers = True
            from ecg_lightning.mlflow_run import FAILURES
        except OSError as error:
            self._lose(error, call)
            return
        try:
            call()
        except FAILURES as error:
            self._lose(error, call)

    def _catch_up(self) -> None:
        """Log what was missed, from the call that failed on; what the store had heard already stays one number.

        The last call closes the run. It is made even where another fails again, of an artifact perhaps.
        """
        missed, self._missed, self._problem, self._answers = self._missed, [], None, False
        for call in missed:
            self._guarded(call)
        if self._answers and self._problem is not None:
            self._problem = None
            self._guarded(missed[-1])

    def _lose(self, error: Exception, call: Callable[[], None]) -> None:
        self._missed.append(call)
        reason = str(error).partition("\n")[0] or type(error).__name__
        if not self._opened.done():
            self._opened.set_result(None)
        self._problem = (
            f"tracking.uri={public(str(self.uri))} failed ({reason[:300]}): MLflow gets nothing more of this run, "
            f"unless it is back when the run ends; its folder has everything"
        )

    def _open(self, run_name: str, params: Mapping[str, str], tags: dict[str, str], run_id: str | None) -> None:
        from ecg_lightning import mlflow_run

        client = mlflow_run.connect(str(self.uri))
        run = mlflow_run.known_run(client, run_id) if run_id is not None else None
        if run is None:
            parent = self._parent(client)
            tags |= {"mlflow.parentRunId": parent} if parent is not None else {}
            tags |= {"resumed_from": run_id} if run_id is not None else {}
            run = mlflow_run.new_run(client, self._experiment, self._artifacts, run_name)
        run.log_tags(tags)
        run.log_params(params)
        self._run = run
        if not self._opened.done():
            self._opened.set_result(run.run_id)
            return
        for child in self._children:  # they were opened while this run could not be
            if child._run is not None:
                child._run.log_tags({"mlflow.parentRunId": run.run_id})

    def _parent(self, client: "MlflowClient") -> str | None:
        """The run that this one stands below, if any."""
        from ecg_lightning import mlflow_run

        if isinstance(self._below, Tracker):
            return self._below._opened.result()
        parent = self._parent_run_id
        for folder in self._below:
            parent = mlflow_run.shared_run(client, folder, self._experiment, self._artifacts, parent)
        return parent


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Name every value of a nested config by its path: {"model.width": "32"}; lists stay whole, as JSON."""
    return dict(_flat(config, ""))


def _flat(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _flat(value, f"{path}.{key}".lstrip("."))
    else:
        name = re.sub(r"[^\w\-./: ]", "_", path)  # what MLflow allows
        yield name, node if isinstance(node, str) else json.dumps(node, default=_plain)


def _plain(node: Any) -> Any:
    """For JSON, what is a mapping or a list by another name."""
    if isinstance(node, Mapping):
        return dict(node)
    return list(node) if isinstance(node, Sequence) else str(node)


def _check_answers(uri: str) -> None:
    """Raise unless a server says anything at all; its name is looked up without a time limit, hence the thread."""
    import requests

    answers: list[Exception | None] = []

    def ask() -> None:
        try:
            requests.get(f"{uri.rstrip('/')}/health", timeout=PREFLIGHT_S, stream=True).close()
            answers.append(None)
        except OSError as error:
            answers.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PREFLIGHT_S + 0.5)
    if not answers:
        raise TimeoutError(f"no answer within {PREFLIGHT_S:g} s")
    if answers[0] is not None:
        raise answers[0]


def _absolute(uri: str | None) -> str | None:
    """A local store stays where it is when the working folder changes."""
    if uri is None or not uri.startswith("sqlite:"):
        return uri
    return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).absolute()}"


def public(uri: str) -> str:
    """Without the password."""
    return re.sub(r"//[^/@]*@", "//", uri)
