"""Run the commands as a user does: in a process of their own, in an empty folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# an epoch of four small batches takes a moment, so that a signal can hit the training between two of them
SHORT = (
    "dataset.source=synthetic",
    "trainer=smoke",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=8",
    "task.data.batch_size=128",
)


def environment(cache_dir: Path) -> dict[str, str]:
    """The process's own, but without what would lead it to somebody's data or server."""
    foreign = ("ECG_", "MLFLOW_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ECG_CACHE_DIR": str(cache_dir), "COLUMNS": "100"}


def python(cwd: Path, cache_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words and wait."""
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment(cache_dir), capture_output=True, text=True, timeout=300
    )


def train(cwd: Path, cache_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Train, and wait."""
    return python(cwd, cache_dir, "-m", "ecg_lightning.train", *words)


def train_until(
    cwd: Path, cache_dir: Path, history: Path, n_epochs: int, stop: signal.Signals, *words: str
) -> subprocess.CompletedProcess[str]:
    """Train, and send a signal once so many epochs are in the history."""
    command = [sys.executable, "-m", "ecg_lightning.train", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=cwd, env=environment(cache_dir), **pipes) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and epochs_in(history) < n_epochs:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(stop)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def epochs_in(history: Path) -> int:
    """Rows of a history.csv; 0 where it is not there yet."""
    return len(history.read_text(encoding="utf-8").splitlines()) - 1 if history.is_file() else 0
