"""MLflow shows the run, and an outage of it costs a warning."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from omegaconf import OmegaConf

from ecg_lightning import mlflow_run
from ecg_lightning.tracking import Tracker, flatten

LIMIT_S = 7.0  # what an outage may cost: a request and two questions whether the server is there, each up to 2 s


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    tracker = Tracker(f"sqlite:///{file}", "arrhythmia")
    tracker.start("first", {}, {})
    tracker.finish("FINISHED")
    return file


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


def started(uri: str, tmp_path: Path) -> Tracker:
    tracker = Tracker(uri, "rhythm", str(tmp_path / "mlartifacts"))
    tracker.start("a run", {"model.width": "32"}, {"leaky_split": "true"})
    return tracker


def test_a_run_shows_params_tags_numbers_and_files(uri: str, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a.png").write_text("a")
    (tmp_path / "report.html").write_text("b")
    tracker = started(uri, tmp_path)
    tracker.log_metrics({"val/f1/S": 0.5, "val/auroc/Q": float("nan")}, step=0)
    tracker.log_metrics({"val/f1/S": 0.6}, step=1)
    tracker.log_artifacts([tmp_path / "figures", tmp_path / "report.html"])
    tracker.finish("FINISHED")

    assert tracker.run_id is not None
    client = MlflowClient(uri)
    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a run"
    assert run.data.params == {"model.width": "32"}
    assert run.data.metrics == {"val/f1/S": 0.6}, "undefined numbers are left out"
    assert [m.step for m in client.get_metric_history(tracker.run_id, "val/f1/S")] == [0, 1]
    assert run.data.tags.items() >= {"leaky_split": "true"}.items()
    assert (tmp_path / "mlartifacts" / tracker.run_id / "artifacts" / "figures" / "a.png").is_file()
    assert (tmp_path / "mlartifacts" / tracker.run_id / "artifacts" / "report.html").is_file()


def test_a_run_stands_below_its_parent(uri: str, tmp_path: Path) -> None:
    parent = started(uri, tmp_path)
    child = Tracker(uri, "rhythm", parent_run_id=parent.run_id)
    child.start("fold 0", {}, {})
    child.finish("FAILED")
    parent.finish("FINISHED")
    run = MlflowClient(uri).get_run(str(child.run_id))
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert run.info.status == "FAILED"


def test_a_resumed_run_keeps_its_params_and_says_what_changed(uri: str, tmp_path: Path) -> None:
    first = started(uri, tmp_path)
    first.finish("KILLED")
    again = Tracker(uri, "rhythm")
    again.start("a run", {"model.width": "64", "seed": "1"}, {}, run_id=first.run_id)
    assert again.run_id == first.run_id
    assert MlflowClient(uri).get_run(str(first.run_id)).info.status == "RUNNING"
    again.finish("FINISHED")
    run = MlflowClient(uri).get_run(str(first.run_id))
    assert run.data.params == {"model.width": "32", "seed": "1"}
    assert run.data.tags["changed_params"] == "model.width: 32 -> 64"
    assert run.info.status == "FINISHED"


def test_a_run_that_the_store_lost_goes_on_as_a_new_one(uri: str) -> None:
    tracker = Tracker(uri, "arrhythmia")
    tracker.start("a run", {}, {}, run_id="0" * 32)
    tracker.finish("FINISHED")
    assert MlflowClient(uri).get_run(str(tracker.run_id)).data.tags["resumed_from"] == "0" * 32


def test_more_params_than_one_call_takes_arrive(uri: str) -> None:
    params = {f"p{i}": "x" for i in range(250)} | {"long": "y" * 9000}
    tracker = Tracker(uri, "arrhythmia")
    tracker.start("a run", params, {"long": "z" * 9000})
    tracker.finish("FINISHED")
    run = MlflowClient(uri).get_run(str(tracker.run_id))
    assert len(run.data.params) == 251
    assert run.data.params["long"] == "y" * mlflow_run.PARAM_CHARACTERS


def five_steps(uri: str, run_name: str) -> None:
    tracker = Tracker(uri, "arrhythmia")
    tracker.start(run_name, {"a": "1"}, {})
    for step in range(5):
        tracker.log_metrics({"val/f1": step}, step)
    tracker.finish("FINISHED")


def test_four_processes_share_a_store_that_none_of_them_found(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    jobs = [get_context("fork").Process(target=five_steps, args=(uri, str(i))) for i in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(90)
    assert [job.exitcode for job in jobs] == [0] * 4
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("arrhythmia")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(str(run.info.run_name) for run in runs) == ["0", "1", "2", "3"]
    assert all(run.data.metrics["val/f1"] == 4 and run.info.status == "FINISHED" for run in runs)


def test_mlflow_says_nothing(uri: str) -> None:
    code = (
        "import sys; from ecg_lightning.tracking import Tracker\n"
        "t = Tracker(sys.argv[1], 'new'); t.start('a', {'a': '1'}, {}); t.finish('FINISHED')\n"
        "assert t.run_id"
    )
    run = subprocess.run([sys.executable, "-c", code, uri], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")


def whole_run(tracker: Tracker, tmp_path: Path) -> None:
    tracker.start("a run", {"a": "1"}, {})
    for step in range(10):
        tracker.log_metrics({"val/f1": 0.5}, step)
    tracker.log_artifacts([tmp_path])
    tracker.finish("FINISHED")


def spent_s(tracker: Tracker, tmp_path: Path) -> float:
    """Seconds of a run that does nothing but track, and warns once."""
    began = time.monotonic()
    with pytest.warns(UserWarning, match=r"tracking.uri=.* failed \(.*\): MLflow gets nothing more") as heard:
        whole_run(tracker, tmp_path)
    assert len(heard) == 1
    return time.monotonic() - began


def test_an_absent_server_costs_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    tracker = Tracker(f"http://me:secret@127.0.0.1:{port}", "arrhythmia")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        tracker.start("a run", {}, {})
        assert tracker.run_id is None
    assert "secret" not in str(heard[0].message)
    assert spent_s(Tracker(f"http://127.0.0.1:{port}", "arrhythmia"), tmp_path) < LIMIT_S


def test_a_server_that_never_answers_costs_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert spent_s(Tracker(uri, "arrhythmia"), tmp_path) < LIMIT_S


ANSWERS = {
    "/api/2.0/mlflow/experiments/get-by-name": {"experiment": {"experiment_id": "1", "name": "arrhythmia"}},
    "/api/2.0/mlflow/runs/create": {"run": {"info": {"run_id": "r", "artifact_uri": "mlflow-artifacts:/r"}}},
    "/api/2.0/mlflow/runs/get": {"run": {"info": {"run_id": "r"}, "data": {}}},
}


@contextmanager
def server(n_answers: int, *, hangs: bool) -> Iterator[str]:
    """A tracking server that answers so many requests and then hangs up, or hangs."""
    left, done = [n_answers], threading.Event()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            left[0] -= 1
            if left[0] < 0:
                if hangs:
                    done.wait(30)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWERS.get(self.path.partition("?")[0], {})).encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        done.set()
        listening.shutdown()


@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_dies_in_mid_run_costs_a_warning(hangs: bool, tmp_path: Path) -> None:
    with server(n_answers=8, hangs=hangs) as uri:
        tracker = Tracker(uri, "arrhythmia")
        assert spent_s(tracker, tmp_path) < LIMIT_S
        assert tracker.run_id == "r", "the run had begun"


class Heard:
    """What a server that goes away and comes back was told.

    Args:
        up: whether it answers.
        refuses: the end of an address that it has no answer for.
        said: path and body of every request that it answered.
    """

    def __init__(self) -> None:
        self.up, self.refuses, self.said = True, "", list[tuple[str, dict[str, Any]]]()


@contextmanager
def mortal_server() -> Iterator[tuple[str, Heard]]:
    """A tracking server that hangs up while it is not `up`."""
    heard = Heard()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not heard.up:
                return
            refused = bool(heard.refuses) and path.endswith(heard.refuses)
            if not refused:
                heard.said.append((path, json.loads(body or "{}")))
            self.send_response(400 if refused else 200)
            self.end_headers()
            self.wfile.write(json.dumps({} if refused else ANSWERS.get(path, {})).encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", heard
        listening.shutdown()


def steps(heard: Heard) -> list[int]:
    """Of the numbers that arrived."""
    return [metric["step"] for _, body in heard.said for metric in body.get("metrics", [])]


def closed_as(heard: Heard) -> list[str]:
    return [body["status"] for path, body in heard.said if path.endswith("runs/update") and "status" in body]


def test_a_server_that_is_back_when_the_run_ends_gets_what_it_missed_in_order() -> None:
    with mortal_server() as (uri, heard):
        tracker = Tracker(uri, "arrhythmia")
        tracker.start("a run", {"a": "1"}, {})
        tracker.log_metrics({"val/f1": 0.5}, 0)
        assert tracker.run_id == tracker.known_run_id == "r"
        heard.up = False
        for step in (1, 2):
            tracker.log_metrics({"val/f1": 0.5}, step)
        with pytest.warns(UserWarning, match="MLflow gets nothing more of this run, unless it is back when") as told:
            assert tracker.run_id == "r"
        heard.up = True
        tracker.log_metrics({"val/f1": 0.5}, 3)
        tracker.finish("FINISHED")
        assert len(told) == 1
        assert steps(heard) == [0, 1, 2, 3]
        assert closed_as(heard) == ["FINISHED"]


def test_a_server_that_comes_up_after_the_run_began_has_all_of_it() -> None:
    with mortal_server() as (uri, heard):
        heard.up = False
        tracker = Tracker(uri, "arrhythmia")
        tracker.start("a run", {"a": "1"}, {})
        tracker.log_metrics({"val/f1": 0.5}, 0)
        with pytest.warns(UserWarning, match="MLflow gets nothing more of this run"):
            assert tracker.run_id is None
        heard.up = True
        tracker.finish("KILLED")
        assert (tracker.known_run_id, steps(heard), closed_as(heard)) == ("r", [0], ["KILLED"])


def test_a_run_is_closed_even_where_the_store_takes_no_numbers() -> None:
    with mortal_server() as (uri, heard):
        tracker = Tracker(uri, "arrhythmia")
        tracker.start("a run", {}, {})
        assert tracker.run_id == "r"
        heard.refuses = "log-batch"
        tracker.log_metrics({"val/f1": 0.5}, 0)
        with pytest.warns(UserWarning, match="MLflow gets nothing more of this run"):
            tracker.finish("FINISHED")
        assert (steps(heard), closed_as(heard)) == ([], ["FINISHED"])


def test_a_file_that_is_no_store_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("an essay, and long enough that it cannot be an empty store" * 20)
    assert spent_s(Tracker(f"sqlite:///{tmp_path}/mlflow.db", "arrhythmia"), tmp_path) < LIMIT_S


def test_no_tracking_does_not_even_import_mlflow() -> None:
    code = (
        "import sys; from ecg_lightning.tracking import Tracker\n"
        "t = Tracker(None, 'arrhythmia'); t.start('a', {}, {}); t.log_metrics({'a': 1.0}, 0); t.finish('FINISHED')\n"
        "assert t.run_id is None and 'mlflow' not in sys.modules and 'requests' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_store_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"tracking.uri=file:./mlruns is neither sqlite:///FILE nor http\(s\)://HOST"):
        Tracker("file:./mlruns", "arrhythmia")


def test_a_relative_store_stays_when_the_folder_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Tracker("sqlite:///mlflow.db", "arrhythmia").uri == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_config_is_flattened_by_path() -> None:
    config = {
        "model": {"width": 32, "kernel": [7, {"a": [1]}]},
        "resume": None,
        "test": True,
        "a b": {"é<": "x"},
        "empty": {},
    }
    assert flatten(config) == flatten(OmegaConf.create(config))
    assert flatten(config) == {
        "model.width": "32",
        "model.kernel": '[7, {"a": [1]}]',
        "resume": "null",
        "test": "true",
        "a b.é_": "x",
        "empty": "{}",
    }


def test_logging_returns_at_once(uri: str, tmp_path: Path) -> None:
    tracker = started(uri, tmp_path)
    began = time.perf_counter()
    for step in range(20):
        tracker.log_metrics({f"val/f1/{name}": 0.5 for name in "NSVFQ"}, step)
    assert time.perf_counter() - began < 0.02, "1 ms a call"
    tracker.finish("FINISHED")


def test_a_run_stands_below_that_of_another_tracker_which_opens_first(uri: str, tmp_path: Path) -> None:
    above = started(uri, tmp_path)
    child = Tracker(uri, "rhythm", below=above)
    child.start("fold 0", {}, {})
    child.finish("FINISHED")
    above.finish("FINISHED")
    assert MlflowClient(uri).get_run(str(child.run_id)).data.tags["mlflow.parentRunId"] == above.run_id


def test_jobs_of_a_sweep_share_the_run_above_them_whoever_comes_first(uri: str, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    jobs = [Tracker(uri, "rhythm", parent_run_id=None, below=(sweep, sweep / "pooled" / "0")) for _ in range(2)]
    for number, job in enumerate(jobs):
        job.start(f"job {number}", {}, {})
        job.begin()
    for job in jobs:
        job.finish("FINISHED")
    client = MlflowClient(uri)
    parents = {client.get_run(str(job.run_id)).data.tags["mlflow.parentRunId"] for job in jobs}
    assert len(parents) == 1
    pooled = client.get_run(parents.pop())
    assert pooled.data.tags["mlflow.parentRunId"] == mlflow_run.shared_run_id(sweep, uri)
    assert mlflow_run.shared_run_id(sweep, "sqlite:///another.db") is None
    assert mlflow_run.shared_run_id(tmp_path, uri) is None


def test_a_run_below_one_that_was_lost_is_a_run_all_the_same(uri: str, tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("no store")
    above = Tracker(f"sqlite:///{tmp_path}/no.db", "rhythm")
    above.start("above", {}, {})
    with pytest.warns(UserWarning, match="MLflow gets nothing more of this run"):
        above.finish("FINISHED")
    child = Tracker(uri, "rhythm", below=above)
    child.start("fold 0", {}, {})
    child.finish("FINISHED")
    assert "mlflow.parentRunId" not in MlflowClient(uri).get_run(str(child.run_id)).data.tags


def test_a_run_that_opens_late_takes_its_children_along(tmp_path: Path) -> None:
    store = tmp_path / "late.db"
    store.mkdir()  # nothing can be opened there
    above = Tracker(f"sqlite:///{store}", "rhythm")
    above.start("above", {}, {})
    child = Tracker(f"sqlite:///{store}", "rhythm", below=above)
    with pytest.warns(UserWarning, match="MLflow gets nothing more"):
        assert above.run_id is None  # it is asked to open, and cannot
    store.rmdir()
    child.start("fold 0", {}, {})
    child.finish("FINISHED")
    above.finish("FINISHED")
    run = MlflowClient(f"sqlite:///{store}").get_run(str(child.run_id))
    assert run.data.tags["mlflow.parentRunId"] == above.run_id
