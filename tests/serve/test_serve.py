"""The command that serves a bundle: what it refuses before it listens, and that it answers and stops."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from ecg_lightning import bundle
from ecg_lightning.serve import __main__ as serve
from ecg_lightning.serve import replies
from tests.corpora.command import environment
from tests.corpora.loopback import post
from tests.corpora.sequence_gru import SequenceGRU
from tests.corpora.small_bundles import BEATS, sent_recording, small_bundle


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = small_bundle(BEATS, data={"synthetic": True})
    bundle.write(tmp_path / "a run" / "model", made.network, made.contract)
    return tmp_path / "a run"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert serve.main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_what_cannot_be_served_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, str(tmp_path / "none"), "--port=0").startswith("error: bundle=")
    assert "--max-mb=0 must lie above 0 and up to 2000" in refused(capsys, str(tmp_path), "--max-mb=0")
    assert "--max-mb=nan must lie" in refused(capsys, str(tmp_path), "--max-mb=nan")
    assert "--port=99999 must lie between 0 and 65535" in refused(capsys, str(tmp_path), "--port=99999")
    assert "--host=no.such.host.invalid" in refused(capsys, str(tmp_path), "--host=no.such.host.invalid")


def test_a_port_that_is_taken_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(capsys, str(run), f"--port={port}")
    assert said.startswith(f"error: --host=127.0.0.1 --port={port} cannot be listened on (")
    assert said.endswith("): choose another\n")


def test_beats_in_a_row_are_refused(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bundle.read(run / "model")
    monkeypatch.setattr(bundle, "read", lambda _: replace(made, network=SequenceGRU(60, 1, 2, both_ways=False)))
    assert "takes beats in a row: choose a bundle of a network of single beats" in refused(capsys, str(run), "--port=0")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.7", False), ("example.org", False)),
    ],
)
def test_addresses_of_this_machine_alone_are_known(host: str, local: bool) -> None:
    assert serve.is_local(host) is local


@contextlib.contextmanager
def served(run: Path, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """The command in a process of its own, where it listens, and its first line."""
    command = [sys.executable, "-m", "ecg_lightning.serve", str(run), "--port=0", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(run), cwd=run, **pipes) as process:
        try:
            first, second = process.stdout.readline(), process.stdout.readline()
            assert second == "For research. Not a medical device.\n"
            port = first.rpartition(": POST")[0].rpartition(":")[2]
            yield process, f"http://127.0.0.1:{port}", first
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_stopped(run: Path, stop: signal.Signals) -> None:
    with served(run) as (process, url, first):
        assert first.startswith("Logistic for arrhythmia on http://127.0.0.1:")
        answer = post(f"{url}/predict", sent_recording())
        assert answer.json() == replies.reply(bundle.read(run / "model"), "0", sent_recording())
        assert post(f"{url}/predict", "{").status_code == 400
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
        assert process.returncode in (0, -stop)
    assert out == ""
    assert err == "warning: it learned from synthetic data; its answers mean nothing\n"


@pytest.mark.slow
def test_a_host_that_others_can_reach_is_warned_of_and_large_bodies_are_refused(run: Path) -> None:
    with served(run, "--host=0.0.0.0", "--max-mb=0.01") as (process, url, _):
        assert post(f"{url}/predict", sent_recording()).status_code == 413
        assert requests.get(f"{url}/health", timeout=10).ok
        os.kill(process.pid, signal.SIGINT)
        assert (
            "warning: 0.0.0.0 is open to other machines, and there is no password" in process.communicate(timeout=20)[1]
        )
