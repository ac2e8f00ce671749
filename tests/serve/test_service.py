"""Over a real connection: what is wrong gets one sentence and a 4xx, and the next request is answered all the same."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.serve import replies, service
from tests.corpora.loopback import post, serving
from tests.corpora.small_bundles import BEATS, sent_recording, small_bundle

MAX_BYTES = 100_000
SENT = sent_recording()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(service.application(small_bundle(BEATS), MAX_BYTES)) as address:
        yield address


@pytest.fixture(autouse=True)
def alive(url: str) -> Iterator[None]:
    """Whatever a test has sent, the server answers afterwards."""
    yield
    assert requests.get(f"{url}/health", timeout=10).json() == {"status": "ok"}
    assert post(f"{url}/predict", SENT).status_code == 200


def test_a_recording_and_a_window_are_answered(url: str) -> None:
    made = small_bundle(BEATS)
    answer = post(f"{url}/predict", SENT, "application/json; charset=utf-8")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == replies.reply(made, "0", SENT)
    window = {"ecg_mv": [[0.0, 1.0] * 30], "leads": ["MLII"], "features": {"pre_rr_s": 0.8}}
    assert post(f"{url}/predict", window).json() == replies.reply(made, "0", window)


def test_the_contract_tells_how_to_ask(url: str) -> None:
    assert requests.get(f"{url}/contract", timeout=10).json() == replies.public(small_bundle(BEATS).contract)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "the body is no JSON (Expecting value: line 1 column 1 (char 0)): send one JSON object"),
        ("{", 400, "the body is no JSON ("),
        (b"\xff\xfe\x00", 400, "the body is no JSON ("),
        ("[1]", 400, "the body is a JSON list: send one JSON object"),
        ("null", 400, "the body is a JSON NoneType"),
        ('{"ecg_mv": [[NaN]], "leads": ["MLII"]}', 400, "NaN is no number of JSON"),
        ('{"ecg_mv": [[-Infinity]], "leads": ["MLII"]}', 400, "-Infinity is no number of JSON"),
        ("[" * 50_000, 400, "the body is nested too deep: send one JSON object"),
        ('{"ecg_mv": ' * 5_000, 400, "the body is nested too deep"),
        ('{"fs_hz": 1' + "0" * 5_000 + "}", 400, "a whole number of thousands of digits"),
        ('{"ecg_mv": [[1e999]], "leads": ["MLII"]}', 422, "ecg_mv has 1 samples that are no numbers"),
        ('{"ecg_mv": [[1]], "leads": ["\\ud800"], "fs_hz": 100}', 422, "but this network takes MLII"),
        ({}, 422, "ecg_mv, leads missing"),
        (SENT | {"leads": ["V1", "V2"]}, 422, "leads=V1, V2, but this network takes MLII: send these"),
        (SENT | {"fs_hz": 123.4567}, 422, "choose a rounder rate"),
        (SENT | {"peak_sample": [-5]}, 422, "peak_sample runs from -5 to -5"),
        (SENT | {"ecg_mv": "0,1,0"}, 422, "ecg_mv is of kind str"),
        (SENT | {"ecg_mv": [[[1]], [[1]]]}, 422, "ecg_mv[0] holds list"),
        (SENT | {"x" * 9_000: 1}, 422, "x unknown: a whole recording takes ecg_mv"),
    ],
)
def test_what_is_wrong_gets_one_sentence(url: str, body: Any, status: int, words: str) -> None:
    answer = post(f"{url}/predict", body)
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert len(answer.json()["error"]) <= 500


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/predict", 405, "GET is not answered here: ask GET /health, GET /contract or POST /predict"),
        ("POST", "/health", 405, "POST is not answered here"),
        ("DELETE", "/contract", 405, "DELETE is not answered here"),
        ("GET", "/../../etc/passwd", 404, "no such path: ask GET /health"),
        ("POST", "/predict/", 404, "no such path"),
    ],
)
def test_another_method_or_path_is_told_what_there_is(
    url: str, method: str, path: str, status: int, words: str
) -> None:
    answer = requests.request(method, f"{url}{path}", timeout=10)
    assert (answer.status_code, answer.json().keys()) == (status, {"error"})
    assert words in answer.json()["error"]


def test_only_json_is_taken_so_that_no_web_page_can_ask_behind_its_readers_back(url: str) -> None:
    answer = post(f"{url}/predict", SENT, "text/plain")
    assert (answer.status_code, answer.json()) == (415, {"error": "Content-Type=text/plain: send application/json"})
    assert requests.post(f"{url}/predict", b"{}", timeout=10).json()["error"].startswith("Content-Type=none")


HEAD = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def raw(url: str, head: str, rest: str = "") -> str:
    """Send the head of a request, and read what comes back before the body is sent."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(f"{HEAD}{head}\r\n{rest}".encode())
        said = client.recv(65536)
        while b"\r\n\r\n" not in said or said.endswith(b"\r\n\r\n"):
            said += (more := client.recv(65536))
            if not more:
                break
        return said.decode()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(url: str) -> None:
    said = raw(url, f"Content-Length: {10**12}\r\n")
    assert said.startswith("HTTP/1.1 413 ")
    assert "1,000,000,000,000 bytes were sent, but at most 100,000 are taken: send the recording in parts" in said


def test_a_body_that_does_not_say_how_large_it_is_is_read_up_to_the_limit(url: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 500 * MAX_BYTES:
            sent += 50_000
            yield b"0" * 50_000

    try:
        answer = post(f"{url}/predict", endless())
        assert (answer.status_code, "at most 100,000 are taken" in answer.json()["error"]) == (413, True)
    except requests.ConnectionError:  # it hung up while more was coming
        pass
    assert sent < 500 * MAX_BYTES


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_no_number_is_refused(url: str, length: str) -> None:
    assert raw(url, f"Content-Length: {length}\r\n").startswith("HTTP/1.1 400 ")


def test_a_sender_who_stops_half_way_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BODY_S", 0.2)
    said = raw(url, "Content-Length: 100\r\n", "{")
    assert said.startswith("HTTP/1.1 408 ")
    assert "the body took more than 0.2 s" in said


def test_a_sender_who_hangs_up_half_way_harms_nobody(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"{HEAD}Content-Length: 9\r\n\r\n{{".encode())


class Busy(Logistic):
    """Takes a moment, and counts who is with it."""

    now, most = 0, 0
    lock = threading.Lock()

    def forward(self, ecg: Tensor, features: Tensor) -> Tensor:
        with self.lock:
            Busy.now += 1
            Busy.most = max(Busy.most, Busy.now)
        time.sleep(0.03)
        with self.lock:
            Busy.now -= 1
        return super().forward(ecg, features)


def test_requests_wait_for_one_another_and_health_for_nobody() -> None:
    made = small_bundle(BEATS)
    network = Busy(**made.contract.arguments).eval()
    network.load_state_dict(made.network.state_dict())
    busy = Bundle(network, made.contract)
    with serving(service.application(busy, MAX_BYTES)) as url, ThreadPoolExecutor(8) as senders:
        waiting = [senders.submit(post, f"{url}/predict", sent_recording(seed)) for seed in range(8)]
        assert requests.get(f"{url}/health", timeout=10).ok
        assert not all(one.done() for one in waiting), "health did not wait"
        answers = [one.result() for one in waiting]
    assert Busy.most == 1
    for seed, answer in enumerate(answers):
        alone = replies.reply(made, "0", sent_recording(seed))
        assert answer.json()["answers"] == alone["answers"]


class Broken(Logistic):
    """Has a fault."""

    def forward(self, ecg: Tensor, features: Tensor) -> Tensor:  # noqa: ARG002
        raise RuntimeError("a secret of the inside")


def test_a_fault_of_ours_says_nothing_of_the_inside() -> None:
    made = small_bundle(BEATS)
    broken = Bundle(Broken(**made.contract.arguments).eval(), made.contract)
    with serving(service.application(broken, MAX_BYTES)) as url:
        answer = post(f"{url}/predict", SENT)
        assert answer.status_code == 500
        assert json.loads(answer.text)["error"].startswith("the service broke down over this request")
        assert "secret" not in answer.text
        assert requests.get(f"{url}/health", timeout=10).ok
