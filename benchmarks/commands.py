"""Whole commands, each in a process of its own: how soon they answer, and how much memory they take."""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, fastest
from benchmarks.parts import ON_WHAT_IS_THERE, RECORDINGS
from benchmarks.resident import SAID

TRAIN = (sys.executable, "-m", "ecg_lightning.train")
RESIDENT = "+callbacks.resident._target_=benchmarks.resident.Resident"
FIRST_STEP = "first training step done"
ANSWERS = (  # words, exit code, seconds at most
    (("--help",), 0, 1.0),
    (("--cfg", "job"), 0, 1.0),
    (("model=no_such_model",), 2, 1.0),
    (("sampler=balanced",), 2, 3.0),  # beside the weighted loss
)


def answers() -> list[Row]:
    """Help, config and refusals."""
    rows = []
    for words, code, limit_s in ANSWERS:
        seconds = fastest({"ours": lambda words=words, code=code: _answer(words, code)}, 3)["ours"]
        rows.append(Row(f"train {' '.join(words)}", seconds, "at most", limit_s, "s"))
    return rows


def _answer(words: tuple[str, ...], code: int) -> None:
    with TemporaryDirectory() as folder:
        done = subprocess.run([*TRAIN, *words], cwd=folder, env=environment(), capture_output=True, check=False)
    if done.returncode != code:
        raise RuntimeError(f"train {' '.join(words)} ended with {done.returncode}, not {code}: {done.stderr.decode()}")


def start() -> Row:
    """From the command to the first training step, imports included, the store there."""
    seconds = min(_first_step_s() for _ in range(3))
    return Row("warm start to the first training step", seconds, "at most", 9, "s")


def _first_step_s() -> float:
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [*TRAIN, ON_WHAT_IS_THERE, "trainer=smoke", "trainer.enable_progress_bar=false"]
        silent, pipe = subprocess.DEVNULL, subprocess.PIPE
        with subprocess.Popen(command, cwd=folder, env=environment(), stdout=silent, stderr=pipe) as process:
            said = []
            for line in process.stderr or ():
                said.append(line.decode())
                if FIRST_STEP in said[-1]:
                    seconds = time.perf_counter() - began
                    process.kill()
                    return seconds
    raise RuntimeError(f"train ended without a training step: {''.join(said)}")


# a child begins with the size of its parent in its books, so a small process stands between
WATCH = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=sys.stderr); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
)


def memory() -> Row:
    """Most memory that a default run holds at any time: training, scoring, figures and report; two epochs do."""
    peak_gb, _ = _watched("trainer.max_epochs=2")
    return Row("peak memory of a default run", peak_gb, "at most", 1.5, "GB")


def memory_of_recordings() -> list[Row]:
    """The same of resnet1d_wang on PTB-XL or its twin, and how much more is held after twelve epochs than after six."""
    epochs = ("trainer.max_epochs=12", "+trainer.limit_train_batches=6")
    peak_gb, said = _watched(*RECORDINGS, *epochs, "plugins=[benchmarks]", RESIDENT)
    held = [int(line.rpartition(" ")[2]) for line in said.splitlines() if line.startswith(SAID)]
    rise, detail = None, {"reason": "the system does not say what a process holds"}
    if held:
        rise = 100 * (held[11] / held[5] - 1)
        detail = {f"epoch_{number}_gb": held[number - 1] / 1e9 for number in (6, 12)}
    return [
        Row("peak memory of training resnet1d_wang", peak_gb, "at most", 2, "GB"),
        Row("growth of it from epoch 6 to epoch 12", rise, "at most", 2, "%", detail),
    ]


def _watched(*words: str) -> tuple[float, str]:
    """Peak memory in GB of a whole run with these words, and what it said."""
    command = [*TRAIN, ON_WHAT_IS_THERE, "trainer.enable_progress_bar=false", *words]
    with TemporaryDirectory() as folder:
        watched = [sys.executable, "-c", WATCH, *command]
        done = subprocess.run(watched, cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"train failed: {done.stderr}")
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e9, done.stderr


def environment() -> dict[str, str]:
    """As a user has it, with paths that hold from any folder, this one among those that Python looks in."""
    absolute = {name: str(Path(os.environ[name]).absolute()) for name in ("ECG_DATA_DIR",) if name in os.environ}
    return {**os.environ, **absolute, "PYTHONPATH": str(Path(__file__).parents[1])}


def rows() -> list[Row]:
    """All of these."""
    began = time.perf_counter()
    found = [*answers(), start(), memory(), *memory_of_recordings()]
    print(f"commands: {time.perf_counter() - began:.0f} s")
    return found
