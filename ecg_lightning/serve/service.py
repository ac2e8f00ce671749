"""A bundle behind HTTP: what may come in, who waits for whom, and what goes out.

It answers one request at a time: a network that two threads share is no faster.
"""

import asyncio
import json
import threading
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ecg_lightning.bundle import Bundle
from ecg_lightning.serve.replies import public, reply

BODY_S = 60.0  # a body that takes longer is given up, or slow senders would hold every place
N_CHARACTERS = 500  # of a refusal


class NoNumber(ValueError):
    """NaN or Infinity."""


class Service:
    """The answers to the requests that the routes of `application` send here.

    Args:
        bundle: that answers.
        max_bytes: of a body.
    """

    def __init__(self, bundle: Bundle, max_bytes: int) -> None:
        self.bundle = bundle
        self.max_bytes = max_bytes
        self.turn = threading.Lock()

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        """Say that the model is loaded."""
        return _json({"status": "ok"})

    async def contract(self, request: Request) -> Response:  # noqa: ARG002
        """Say how to ask, and how good the network is."""
        return _json(public(self.bundle.contract))

    async def predict(self, request: Request) -> Response:
        """Answer a recording or a window."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, f"Content-Type={kind[:50] or 'none'}: send application/json")
        body = await self._body(request)
        return await run_in_threadpool(self._answered, body)

    async def _body(self, request: Request) -> bytes:
        """Read the body, and never more of it than is allowed."""
        declared = request.headers.get("content-length", "0")
        if int(declared) > self.max_bytes:  # the server has refused what is no number
            raise self._too_large(f"{int(declared):,} bytes")
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                async for part in request.stream():
                    body += part
                    if len(body) > self.max_bytes:
                        raise self._too_large("more bytes")
        except TimeoutError:
            raise HTTPException(408, f"the body took more than {BODY_S:g} s: send it faster") from None
        return bytes(body)

    def _too_large(self, sent: str) -> HTTPException:
        words = f"{sent} were sent, but at most {self.max_bytes:,} are taken: send the recording in parts"
        return HTTPException(413, words, headers={"Connection": "close"})

    def _answered(self, body: bytes) -> Response:
        with self.turn:
            sent = parsed(body)
            try:
                return _json(reply(self.bundle, "0", sent))
            except ValueError as error:
                raise HTTPException(422, str(error)) from error


def application(bundle: Bundle, max_bytes: int) -> Starlette:
    """The routes of a service, whose every refusal is {"error": one sentence}."""
    service = Service(bundle, max_bytes)
    routes = [
        Route("/health", service.health, methods=["GET"]),
        Route("/contract", service.contract, methods=["GET"]),
        Route("/predict", service.predict, methods=["POST"]),
    ]
    made = Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _broken})
    made.router.redirect_slashes = False  # to wherever the sender says that this host is
    return made


def parsed(body: bytes) -> dict[str, Any]:
    """Read JSON, which knows no NaN and no Infinity, whatever Python makes of them.

    Raises:
        HTTPException: 400, it is no JSON object.
    """
    try:
        found = json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise HTTPException(400, "the body is nested too deep: send one JSON object") from None
    except (json.JSONDecodeError, UnicodeDecodeError, NoNumber) as error:
        raise HTTPException(400, f"the body is no JSON ({error}): send one JSON object") from None
    except ValueError:  # Python refuses to read whole numbers of thousands of digits
        raise HTTPException(400, "the body holds a whole number of thousands of digits: send samples") from None
    if not isinstance(found, dict):
        raise HTTPException(400, f"the body is a JSON {type(found).__name__}: send one JSON object")
    return found


def _no_number(word: str) -> float:
    raise NoNumber(f"{word} is no number of JSON")


def _json(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(content, allow_nan=False)  # in ASCII: half a character of what was sent breaks UTF-8
    return Response(text, status, headers, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    known = {404: "no such path", 405: f"{request.method} is not answered here"}
    asked = f"{known.get(error.status_code)}: ask GET /health, GET /contract or POST /predict"
    words = asked if error.status_code in known else " ".join(error.detail.split())[:N_CHARACTERS]
    return _json({"error": words}, error.status_code, dict(error.headers or {}))


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """A fault of ours: the sender learns nothing of it; its traceback goes to the log of the server."""
    return _json({"error": "the service broke down over this request: its operator finds the reason in the log"}, 500)
