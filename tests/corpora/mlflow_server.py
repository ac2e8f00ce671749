"""An MLflow server on loopback over PostgreSQL of the system's packages; both can be killed and brought back."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.corpora import command

START_S = 90.0  # MLflow makes its tables and starts its workers


def lacks() -> str:
    """What keeps the server from being started here; empty where nothing does."""
    if postgres_folder() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql): no initdb"
    if os.getuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser"
    try:
        import psycopg2  # noqa: F401
    except ImportError:
        return "psycopg2 is not installed (pip install psycopg2-binary)"
    return ""


def postgres_folder() -> Path | None:
    """Where initdb and pg_ctl lie; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file()), None)


def free_port() -> int:
    """A port of loopback that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def postgres() -> Iterator[str]:
    """A database of its own in a folder of temporary files; yields its address."""
    folder, port, bins = Path(tempfile.mkdtemp(prefix="ecg_pg_")), free_port(), postgres_folder()
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres", "postgres")
    said = {"cwd": folder, "check": True, "capture_output": True, "timeout": 120}
    data = folder / "data"
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    try:
        subprocess.run([*user, f"{bins}/initdb", "-D", str(data), "-U", "ecg", "-A", "trust", "-N"], **said)
        start = [*user, f"{bins}/pg_ctl", "-D", str(data), "-l", f"{folder}/log", "-w", "-o", options, "start"]
        subprocess.run(start, **{**said, "capture_output": False, "stdout": subprocess.DEVNULL})
        try:
            yield f"postgresql+psycopg2://ecg@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*user, f"{bins}/pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop"], **said)
    finally:
        shutil.rmtree(folder)


class Server:
    """An MLflow server over a database.

    Args:
        database: its address.
        folder: for the artifacts and the server's log.
    """

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self.folder, self.port = database, folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["--backend-store-uri", self.database, "--artifacts-destination", str(self.folder / "artifacts")]
        words += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "2"]
        own = command.environment(self.folder) | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        own |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words],
                cwd=self.folder,
                env=own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL, for it and its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
