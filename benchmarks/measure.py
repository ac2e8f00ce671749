"""What is measured, and how: baseline and ours take turns, and the fastest turn of each counts."""

import logging
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

PACKAGES = ("torch", "pytorch-lightning", "numpy", "scipy", "wfdb", "mlflow", "hydra-core")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        what: was measured.
        value: in `unit`; None where this machine cannot measure it.
        bound: whether the limit is the least or the most that will do.
        limit: in `unit`.
        unit: "x" is a ratio within this run.
        detail: the numbers behind it, or why there is none.
    """

    what: str
    value: float | None
    bound: Literal["at least", "at most"]
    limit: float
    unit: str
    detail: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.limit if self.bound == "at least" else self.value <= self.limit


def fastest(turns: Mapping[str, Callable[[], None]], n_rounds: int) -> dict[str, float]:
    """Seconds of the fastest of n_rounds turns of each; they take turns, so that all meet the same load."""
    found = dict.fromkeys(turns, float("inf"))
    for _ in range(n_rounds):
        for name, turn in turns.items():
            began = time.perf_counter()
            turn()
            found[name] = min(found[name], time.perf_counter() - began)
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Without what Lightning and the package have to say about every run."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def cpu_flags() -> set[str]:
    """What the processor says it can do; nothing where it cannot be asked."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())


def has_bf16() -> bool:
    """Whether bfloat16 is multiplied in hardware."""
    return bool(cpu_flags() & {"avx512_bf16", "amx_bf16"})


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, object]:
    """What a reader of the table must know of the machine; no names."""
    return {
        "cores": n_cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_flags": sorted(flag for flag in cpu_flags() if flag.startswith(("avx", "amx"))),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
