"""Answer recordings and windows over HTTP, without MLflow: `python -m ecg_lightning.serve BUNDLE`."""

import argparse
import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecg_lightning.bundle import Bundle

N_THREADS = 4  # of torch, at most: requests come one at a time, and others use the machine too
N_OPEN = 32  # connections at once; each may hold a body of --max-mb
MB = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command until it is stopped.

    Returns:
        0 where it was stopped, 2 where it cannot serve.
    """
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.serve", description=__doc__)
    parser.add_argument("bundle", help="run folder, its model folder, or runs:/<run id>")
    parser.add_argument("--port", type=int, default=8000, help="to listen on; 0 takes a free one (default: 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default: 127.0.0.1, this machine alone)")
    parser.add_argument("--max-mb", type=float, default=50.0, help="largest body in MB (default: 50)")
    asked = parser.parse_args(arguments)
    try:
        if not 0 < asked.max_mb <= 2000:
            raise ValueError(f"--max-mb={asked.max_mb:g} must lie above 0 and up to 2000: a body is held in memory")
        if not 0 <= asked.port < 2**16:
            raise ValueError(f"--port={asked.port} must lie between 0 and {2**16 - 1}")
        listening = _listen(asked.host, asked.port)
    except (OSError, ValueError) as error:
        print(f"error: {_words(error, asked.host, asked.port)}", file=sys.stderr)
        return 2
    with listening:
        return _serve(asked.bundle, listening, round(asked.max_mb * MB))


def is_local(host: str) -> bool:
    """Whether an address is one of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(where: str, listening: socket.socket, max_bytes: int) -> int:
    import torch  # after --help and what can be refused at once
    import uvicorn

    from ecg_lightning import bundle
    from ecg_lightning.predict import place
    from ecg_lightning.serve import replies, service

    torch.set_num_threads(min(N_THREADS, os.cpu_count() or 1))
    try:
        model = bundle.read(place.find(where).model)
        replies.check_servable(model)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    application = service.application(model, max_bytes)
    config = uvicorn.Config(application, log_level="warning", limit_concurrency=N_OPEN, server_header=False)
    _announce(model, listening)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn sends it on once all is closed
        return 0
    return 0


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else every answer waits 40 ms
    return listening


def _words(error: Exception, host: str, port: int) -> str:
    if isinstance(error, ValueError):
        return str(error)
    return f"--host={host} --port={port} cannot be listened on ({error}): choose another"


def _announce(model: "Bundle", listening: socket.socket) -> None:
    contract, (host, port) = model.contract, listening.getsockname()[:2]
    name = contract.network.rpartition(".")[2]
    at = f"[{host}]" if ":" in host else host
    print(f"{name} for {contract.task} on http://{at}:{port}: POST /predict, GET /contract, GET /health", flush=True)
    print("For research. Not a medical device.", flush=True)
    if contract.data.get("synthetic"):
        print("warning: it learned from synthetic data; its answers mean nothing", file=sys.stderr)
    if not is_local(host):
        print(
            f"warning: {host} is open to other machines, and there is no password and no encryption: "
            f"put a proxy that has both before it",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
