"""An application behind a real server on loopback, in a thread of this process."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import uvicorn


@contextmanager
def serving(application: Any) -> Iterator[str]:
    """Serve an ASGI application, and yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(application, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def post(url: str, body: Any, kind: str = "application/json") -> requests.Response:
    """Send a body: text, bytes or parts of them as they are, all else as JSON."""
    raw = isinstance(body, (str, bytes)) or hasattr(body, "__next__")
    return requests.post(url, body if raw else json.dumps(body), headers={"Content-Type": kind}, timeout=60)
