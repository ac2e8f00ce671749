"""Jobs of a sweep side by side and one after another, as whole commands: what is won, and what a job costs beside."""

import json
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.commands import TRAIN, environment
from benchmarks.measure import Row, n_cores
from benchmarks.parts import ON_WHAT_IS_THERE

JOBLIB = ("hydra/launcher=joblib", f"hydra.launcher.n_jobs={n_cores()}")
N_EQUAL, N_SHORT = 8, 20
EQUAL = (
    "model=hybrid_cnn",
    f"seed=range({N_EQUAL})",
    "trainer.max_epochs=6",
    "callbacks.early_stopping=null",
    "test=false",
)
SHORT = ("model=logistic", f"seed=range({N_SHORT})", "trainer=smoke", "test=false")


def throughput() -> list[Row]:
    """Equal jobs one at a time with one thread and with all, and side by side."""
    seconds = {
        "one_thread": _sweep(*EQUAL, n_threads=1)[0],
        "all_threads": _sweep(*EQUAL, n_threads=n_cores())[0],
        "side_by_side": _sweep(*EQUAL, *JOBLIB)[0],
    }
    detail = {f"{name}_s": value for name, value in seconds.items()} | {"jobs": N_EQUAL, "cores": n_cores(), **_load()}
    against_one = seconds["one_thread"] / seconds["side_by_side"]
    against_all = seconds["all_threads"] / seconds["side_by_side"]
    return [
        Row("jobs by joblib against one at a time, one thread", against_one, "at least", 1.7, "x", detail),
        Row("jobs by joblib against one at a time, all threads", against_all, "at least", 1, "x"),
    ]


def overhead() -> list[Row]:
    """Seconds that a short job costs beside its fit, imports and the table at the end included."""
    rows = []
    for name, words, at_a_time in (("basic", (), 1), ("joblib", JOBLIB, n_cores())):
        seconds, fitting = _sweep(*SHORT, *words)
        beside = (seconds - fitting / at_a_time) / N_SHORT
        detail = {"sweep_s": seconds, "fitting_s": fitting, **_load()}
        what = f"a job of {N_SHORT} short ones by {name}, beside its fit"
        rows.append(Row(what, beside, "at most", 1.5, "s", detail))
    return rows


def _sweep(*words: str, n_threads: int | None = None) -> tuple[float, float]:
    """Seconds of a whole sweep, and those in which its jobs were fitted."""
    own = {name: value for name, value in environment().items() if name != "OMP_NUM_THREADS"}
    own |= {} if n_threads is None else {"OMP_NUM_THREADS": str(n_threads)}
    command = [*TRAIN, "-m", ON_WHAT_IS_THERE, "trainer.enable_progress_bar=false", *words, "hydra.sweep.dir=sweep"]
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"the sweep failed: {done.stderr}")
        found = [json.loads(file.read_text()) for file in Path(folder).glob("sweep/*/metrics.json")]
    return seconds, sum(numbers["fit/seconds"] for numbers in found)


def _load() -> dict[str, float]:
    return {"load": os.getloadavg()[0]} if hasattr(os, "getloadavg") else {}


def rows() -> list[Row]:
    """All of these."""
    began = time.perf_counter()
    found = [*throughput(), *overhead()]
    print(f"sweeps: {time.perf_counter() - began:.0f} s")
    return found
