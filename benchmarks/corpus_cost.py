"""What a record costs in time, bytes and memory: `python -m benchmarks.corpus_cost`.

Further words are overrides, as train takes them: task.signal.fs_hz=500 dataset.source=synthetic
"""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import n_cores, quiet
from benchmarks.parts import RECORDINGS, composed, data_module

N_STARTS, N_BATCHES = 5, 10
MANY = 800_000


def main(words: list[str]) -> None:
    """Measure and print, with what it would be for a corpus of 800,000 records of this length."""
    with quiet(), TemporaryDirectory() as folder:
        costs = measured(words, Path(folder))
    n, many = costs["records"], MANY / 1e3
    print(f"{n:.0f} records, {n_cores()} cores, load {os.getloadavg()[0]:.1f}")
    for what, unit, per, scale, shown in (
        ("write the store", "ms", 1e3 / n, 1 / 60, "min"),
        ("of it on a core", "ms", 1e3 / n, 1 / 60, "min of one core"),
        ("bytes of the store", "kB", 1e-3 / n, 1e-3, "GB"),
        ("data part of a start", "ms", 1e3 / n, 1, "s"),
    ):
        one = costs[what] * per
        print(f"{what}: {one:.3f} {unit} a record, {one * many * scale:,.0f} {shown} for {MANY:,}")
    for what in ("own memory", "own memory after batches", "mapped by batches"):
        print(f"{what}: {costs[what]:.0f} MB")


def measured(words: list[str], cache: Path) -> dict[str, float]:
    """Seconds, bytes and megabytes of all records together."""
    cfg = composed(*RECORDINGS, *words)
    data = data_module(cfg, cache)
    n_records = len(data.corpus.records())
    wall_s, core_s = time.perf_counter(), time.process_time()
    _ = data.store
    costs = {"records": n_records, "write the store": time.perf_counter() - wall_s}
    costs["of it on a core"] = time.process_time() - core_s
    costs["bytes of the store"] = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    starts = []
    for _ in range(N_STARTS):
        began = time.perf_counter()
        again = data_module(cfg, cache)
        _ = again.table
        starts.append(time.perf_counter() - began)
    costs["data part of a start"] = min(starts)
    before = _memory()
    for (row, scored, seed), _ in zip(again.train_dataloader(), range(N_BATCHES), strict=False):
        again.source.gather(row, scored, seed)
    after = _memory()
    costs |= {"own memory": before["RssAnon"], "own memory after batches": after["RssAnon"]}
    return costs | {"mapped by batches": after["RssFile"] - before["RssFile"]}


def _memory() -> dict[str, float]:
    """Megabytes that belong to the process, and those that it maps from files; needs /proc."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) / 1e3 for line in lines if line.startswith("Rss")}


if __name__ == "__main__":
    main(sys.argv[1:])
