"""From files to the window table: how long it takes, and what stays on the disk."""

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import plain
from benchmarks.measure import Row, fastest, n_cores
from benchmarks.parts import RECORDINGS, composed, data_module
from ecg_lightning import config

N_ROUNDS = 3
N_PLAIN = 300  # recordings that the plain loop reads
N_PTBXL = 21_799


def cold() -> Row:
    """Read, filter and tabulate every record, the store written; files are in the system's cache on both sides."""
    cfg = composed()
    corpus = config.constructed(cfg.dataset)
    records = corpus.records()
    with TemporaryDirectory() as folder:

        def ours() -> None:
            shutil.rmtree(Path(folder) / "stores", ignore_errors=True)
            _ = data_module(cfg, Path(folder)).table

        seconds = fastest({"plain": lambda: _load(corpus.root, records), "ours": ours}, N_ROUNDS)
    detail = {"ours_s": seconds["ours"], "plain_s": seconds["plain"], "records": len(records), "cores": n_cores()}
    ratio = seconds["plain"] / seconds["ours"]
    return Row("cold preparation against a plain loader", ratio, "at least", 3, "x", detail)


def _load(root: Path, records: tuple[str, ...]) -> None:
    plain.load(root, records)


def cold_recordings() -> list[Row]:
    """From the files of PTB-XL, or of its twin, to the window table, and reading them beside wfdb."""
    cfg = composed(*RECORDINGS)
    corpus = config.constructed(cfg.dataset)
    n_records = len(corpus.records())
    files = [corpus.sources(record)[0].with_suffix("") for record in corpus.records()[:N_PLAIN]]
    with TemporaryDirectory() as folder:

        def ours() -> None:
            shutil.rmtree(Path(folder) / "stores", ignore_errors=True)
            _ = data_module(cfg, Path(folder)).table

        seconds = fastest({"plain": lambda: _read(files), "ours": ours}, N_ROUNDS)
    ours_ms, plain_ms = 1e3 * seconds["ours"] / n_records, 1e3 * seconds["plain"] / len(files)
    detail = {"ms_per_record": ours_ms, f"s_for_{N_PTBXL}": ours_ms * N_PTBXL / 1e3, "cores": n_cores()}
    what = f"cold preparation of {n_records} recordings, {corpus.source}"
    return [
        Row(what, seconds["ours"], "at most", 15, "s", detail),
        Row("cold preparation against wfdb alone", plain_ms / ours_ms, "at least", 1.5, "x", {"wfdb_ms": plain_ms}),
    ]


def _read(files: list[Path]) -> None:
    for file in files:
        plain.read(file)


def warm(what: str, *words: str) -> Row:
    """The data part of a start: find the records, map the store, tabulate, divide, first batch."""
    cfg = composed(*words)
    _ = data_module(cfg).store  # written by now

    def ours() -> None:
        data = data_module(cfg)
        _ = data.facts
        next(iter(data.train_dataloader()))

    return Row(f"data part of a warm start, {what}", fastest({"ours": ours}, 5)["ours"], "at most", 0.3, "s")


def growth() -> Row:
    """Bytes on disk after windows of 4 s are asked for, beside those for windows of 0.78 s."""
    with TemporaryDirectory() as folder:
        sizes = []
        for window_s in ("280/360", "4"):
            data = data_module(composed(f"task.signal.window_s={window_s}"), Path(folder))
            next(iter(data.train_dataloader()))
            sizes.append(sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()))
    detail = {"short_mb": sizes[0] / 1e6, "long_mb": sizes[1] / 1e6}
    return Row("growth of the cache for 4 s windows", (sizes[1] - sizes[0]) / 1e6, "at most", 0, "MB", detail)


def rows() -> list[Row]:
    """All of these."""
    began = time.perf_counter()
    found = [cold(), *cold_recordings(), warm("beats"), warm("recordings", *RECORDINGS), growth()]
    print(f"preparation: {time.perf_counter() - began:.0f} s")
    return found
