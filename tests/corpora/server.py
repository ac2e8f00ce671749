"""A file server on loopback that can be told to misbehave."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FileServer:
    """Serves a folder, and remembers what was asked for.

    Args:
        root: the folder.
        resumes: honours Range.
        cut: file name -> bytes after which each of the next answers breaks off.
        spoil: file name -> number of answers to come whose first byte is wrong.
        redirect: file name -> address to answer with.
        stall: file names whose answers stop half way, with the connection open.
        together: as many requests as it has parties wait for each other, once, after the first one.
        shift: bytes by which a resumed answer begins too early.
        asked: path and Range of every request so far.
    """

    def __init__(self, root: Path, url: str) -> None:
        self.root = root
        self.url = url
        self.resumes = True
        self.cut: dict[str, list[int]] = {}
        self.spoil: dict[str, int] = {}
        self.redirect: dict[str, str] = {}
        self.stall: set[str] = set()
        self.together: threading.Barrier | None = None
        self.shift = 0
        self.asked: list[tuple[str, str | None]] = []

    def body(self, name: str) -> bytes:
        content = (self.root / name).read_bytes()
        if self.spoil.get(name, 0) > 0:
            self.spoil[name] -= 1
            return bytes([content[0] ^ 1]) + content[1:]
        return content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_GET(self) -> None:
        name, files = self.path.lstrip("/"), self.files
        wanted = self.headers["Range"] if files.resumes else None
        files.asked.append((name, self.headers["Range"]))
        if files.together and len(files.asked) > 1 and len(files.asked) <= 1 + files.together.parties:
            files.together.wait()
        if name in files.redirect:
            return self._head(302, 0, {"Location": files.redirect[name]})
        if not (files.root / name).is_file():
            return self._head(404, 0)
        body = files.body(name)
        if wanted is None:
            return self._send(200, name, body, {})
        first = int(re.match(r"bytes=(\d+)-$", wanted)[1]) - files.shift
        if first >= len(body):
            return self._head(416, 0, {"Content-Range": f"bytes */{len(body)}"})
        return self._send(206, name, body[first:], {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"})

    def _head(self, status: int, n_bytes: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(n_bytes))
        self.end_headers()

    def _send(self, status: int, name: str, body: bytes, headers: dict[str, str]) -> None:
        self._head(status, len(body), headers)
        if cuts := self.files.cut.get(name):
            self.wfile.write(body[: cuts.pop(0)])
            self.close_connection = True
        elif name in self.files.stall:
            self.wfile.write(body[: len(body) // 2])
            self.files.stall.discard(name)
            time.sleep(60)  # in a daemon thread: ends with the tests
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def serve(root: Path) -> Iterator[FileServer]:
    """Serve a folder for as long as the context lasts."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.files = FileServer(root, f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield handler.files
        server.shutdown()
