"""The store: written once, mapped ever after, and never left half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecg_lightning import prepare, windowing
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.store import Store, key, open_store
from ecg_lightning.structures import BadRecord, Record, Signal
from ecg_lightning.windowing import Window
from tests.corpora.mitdb import write_mitdb

PREPROCESS = Preprocess(("MLII",), 360.0, "diagnostic", "butterworth")
RECORDS = ["100", "114", "201", "202"]

OPEN = """
import sys
from pathlib import Path
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.prepare import Preprocess
from ecg_lightning.store import open_store
corpus = MITDB(sys.argv[1], sys.argv[1], source="local", allow_missing=True)
{first}
open_store(corpus, Preprocess(("MLII",), 360.0, "diagnostic", "butterworth"), Path(sys.argv[2]))
"""


def corpus_in(data_dir: Path, on_bad_record: str = "stop") -> MITDB:
    return MITDB(data_dir, data_dir, source="local", allow_missing=True, on_bad_record=on_bad_record)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", RECORDS)
    return folder


@pytest.fixture(scope="module")
def store(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(corpus_in(data_dir), PREPROCESS, tmp_path_factory.mktemp("cache"))


def stores(cache_dir: Path) -> list[str]:
    """Whatever lies in the cache but the locks."""
    return [path.name for path in (cache_dir / "stores").iterdir() if path.suffix != ".lock"]


def test_the_store_holds_what_prepare_gives(data_dir: Path, store: Store) -> None:
    assert store.records == tuple(RECORDS)
    assert store.patients == ("100", "114", "201", "201")
    begin = 0
    for name, n_beats in zip(store.records, store.n_beats.tolist(), strict=True):
        record = corpus_in(data_dir).read(name, ("MLII",))
        prepared = prepare.prepare(record, PREPROCESS, Features((), "diagnostic"))
        np.testing.assert_array_equal(store.record(name, n_leads=1), prepared.ecg)
        np.testing.assert_array_equal(store.peak_sample[begin : begin + n_beats], prepared.peak_sample)
        assert tuple(store.symbol[begin : begin + n_beats]) == record.symbol
        begin += n_beats


def test_two_leads_of_a_record_follow_one_another(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100"])
    preprocess = replace(PREPROCESS, leads=("V1", "MLII"), filter="none", scale="none")
    store = open_store(corpus_in(tmp_path), preprocess, tmp_path)
    record = corpus_in(tmp_path).read("100", ("V1", "MLII"))
    np.testing.assert_array_equal(store.record("100", n_leads=2), record.ecg_mv)
    np.testing.assert_array_equal(store.signal[: record.ecg_mv.shape[1]], record.ecg_mv[0])


@pytest.mark.parametrize("n_samples", [280, 1440])
def test_a_gather_equals_slicing_the_record_by_hand_edges_repeated(store: Store, n_samples: int) -> None:
    n_before = n_samples // 2
    record = np.repeat(np.arange(len(store.records)), store.n_beats)
    place = torch.from_numpy(np.stack([store.first[record], store.length[record], store.peak_sample - n_before]))
    windows = windowing.cut(torch.from_numpy(store.signal), place, 1, n_samples)
    for row, (name, peak) in enumerate(zip(np.array(store.records)[record], store.peak_sample, strict=True)):
        padded = np.pad(store.record(name, 1), ((0, 0), (1440, 1440)), mode="edge")
        begin = int(peak) - n_before + 1440
        np.testing.assert_array_equal(windows[row], padded[:, begin : begin + n_samples])
    assert n_samples == 280 or ((place[2] < 0).any() and (place[2] + n_samples > place[1]).any())


def test_a_second_run_maps_and_writes_nothing(data_dir: Path, store: Store) -> None:
    before = {path: path.stat() for path in store.folder.iterdir()}
    again = open_store(corpus_in(data_dir), PREPROCESS, store.folder.parent.parent)
    np.testing.assert_array_equal(again.signal, store.signal)
    assert again.fingerprint == store.fingerprint
    for path, stat in before.items():
        assert path.stat().st_ino == stat.st_ino
        assert path.name == "meta.json" or path.stat().st_mtime_ns == stat.st_mtime_ns


def test_opening_says_when_the_store_was_last_used(data_dir: Path, store: Store) -> None:
    os.utime(store.folder / "meta.json", (0, 0))
    open_store(corpus_in(data_dir), PREPROCESS, store.folder.parent.parent)
    assert time.time() - (store.folder / "meta.json").stat().st_mtime < 60


def test_longer_windows_need_no_more_disk(data_dir: Path, store: Store) -> None:
    before = sum(path.stat().st_size for path in store.folder.parent.rglob("*"))
    assert Window(1440, 720) != Window(280, 140)  # no part of the key
    open_store(corpus_in(data_dir), PREPROCESS, store.folder.parent.parent)
    assert sum(path.stat().st_size for path in store.folder.parent.rglob("*")) == before
    assert store.signal.size == int(store.length.sum())


def test_the_map_can_be_written_without_touching_the_file(data_dir: Path, store: Store) -> None:
    torch.from_numpy(store.signal)[0] = 99.0
    again = open_store(corpus_in(data_dir), PREPROCESS, store.folder.parent.parent)
    assert again.signal[0] != 99.0
    store.signal[0] = again.signal[0]


def test_the_key_follows_files_preprocessing_policy_and_code(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "101"])
    first = key(corpus_in(tmp_path), PREPROCESS)
    assert key(corpus_in(tmp_path), PREPROCESS) == first
    others = [
        key(corpus_in(tmp_path), replace(PREPROCESS, low_hz=0.4)),
        key(corpus_in(tmp_path), replace(PREPROCESS, leads=("V1",))),
        key(corpus_in(tmp_path, on_bad_record="skip"), PREPROCESS),
    ]
    code = tmp_path / "reader.py"
    corpus = corpus_in(tmp_path)
    corpus.reader_files = (code,)  # type: ignore[misc]
    for text in ("one", "two"):
        code.write_text(text)
        others.append(key(corpus, PREPROCESS))
    os.utime(tmp_path / "mitdb" / "100.dat", ns=(0, 1))
    others.append(key(corpus_in(tmp_path), PREPROCESS))
    with (tmp_path / "mitdb" / "101.atr").open("ab") as file:
        file.write(b"\0\0")
    os.utime(tmp_path / "mitdb" / "101.atr", ns=(0, 1))
    others.append(key(corpus_in(tmp_path), PREPROCESS))
    assert len({first, *others}) == 1 + len(others)


def test_the_fingerprint_is_that_of_the_content_not_of_the_place(store: Store, tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", RECORDS)
    assert open_store(corpus_in(tmp_path), PREPROCESS, tmp_path).fingerprint == store.fingerprint
    other = open_store(corpus_in(tmp_path), replace(PREPROCESS, filter="none"), tmp_path)
    assert other.fingerprint != store.fingerprint


def test_real_records_are_not_called_synthetic_and_synthetic_ones_are(store: Store, tmp_path: Path) -> None:
    assert not store.synthetic
    write_mitdb(tmp_path / "mitdb", ["100"], comments=["synthetic: nobody's heart"])
    assert open_store(corpus_in(tmp_path), PREPROCESS, tmp_path).synthetic


def break_records(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / "mitdb" / f"{name}.atr").write_bytes(b"")


MANY = [str(number) for number in (*range(100, 104), *range(105, 110), *range(111, 113))]  # 102, 107 have pacemakers


def test_a_bad_record_stops_by_default_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", RECORDS)
    break_records(tmp_path, ["114"])
    with pytest.raises(BadRecord, match=r"record 114: .*empty.*; dataset.on_bad_record=skip goes on without it"):
        open_store(corpus_in(tmp_path), PREPROCESS, tmp_path)
    assert stores(tmp_path) == []


def test_a_skipped_record_is_listed_with_its_reason(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", [*MANY, "113"], seconds=4)
    break_records(tmp_path, ["105"])
    store = open_store(corpus_in(tmp_path, on_bad_record="skip"), PREPROCESS, tmp_path)
    assert "105" not in store.records
    assert list(store.skipped) == ["105"]
    assert "105.atr is empty or cut short" in store.skipped["105"]
    again = open_store(corpus_in(tmp_path, on_bad_record="skip"), PREPROCESS, tmp_path)
    assert again.skipped == store.skipped  # a second run knows it too


def test_losing_more_than_a_tenth_of_the_records_is_refused(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", MANY, seconds=4)
    break_records(tmp_path, ["100", "105"])
    with pytest.raises(BadRecord, match=r"1 of 9 records cannot be read, more than 10% is lost: record 100") as refused:
        open_store(corpus_in(tmp_path, on_bad_record="skip"), PREPROCESS, tmp_path)
    assert "\n" not in str(refused.value)
    assert stores(tmp_path) == []


def run_open(data_dir: Path, cache_dir: Path, first: str = "") -> subprocess.Popen[str]:
    code = OPEN.format(first=first)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir), str(cache_dir)], stderr=subprocess.PIPE, text=True
    )


SLOW = """
import time
read = corpus.read
def slowly(record, leads):
    time.sleep({seconds})
    print(record, file=open(sys.argv[1] + "/read", "a"), flush=True)
    return read(record, leads)
corpus.read = slowly
"""


def test_two_processes_at_once_write_once(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", RECORDS)
    both = [run_open(tmp_path, tmp_path, SLOW.format(seconds=0.5)) for _ in range(2)]
    for process in both:
        assert process.wait(timeout=60) == 0, process.stderr and process.stderr.read()
        assert process.stderr is not None
        process.stderr.close()
    assert sorted((tmp_path / "read").read_text().split()) == RECORDS
    assert len(stores(tmp_path)) == 1


def test_a_kill_while_writing_leaves_no_store_and_the_next_run_sweeps_up(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", RECORDS)
    process = run_open(tmp_path, tmp_path, SLOW.format(seconds=0.3))
    wait_for(tmp_path / "read")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    (left_over,) = stores(tmp_path)
    assert ".part-" in left_over
    store = open_store(corpus_in(tmp_path), PREPROCESS, tmp_path)
    assert stores(tmp_path) == [store.folder.name]
    assert store.records == tuple(RECORDS)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


LIMIT = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); " + (
    "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
)


def test_a_file_that_may_not_grow_leaves_nothing_behind(data_dir: Path, tmp_path: Path) -> None:
    process = run_open(data_dir, tmp_path, LIMIT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"OSError: cache_dir={tmp_path} cannot take the store (File too large): free some room" in said
    assert stores(tmp_path) == []
    assert open_store(corpus_in(data_dir), PREPROCESS, tmp_path).records == tuple(RECORDS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; four records of 12 s need 69."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; RLIMIT_FSIZE is tested in any case")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_behind(data_dir: Path, small_disk: Path) -> None:
    with pytest.raises(OSError, match=r"cannot take the store \(No space left on device\): free some"):
        open_store(corpus_in(data_dir), PREPROCESS, small_disk)
    assert stores(small_disk) == []


def test_what_was_done_is_kept_beside_the_signal(store: Store) -> None:
    meta = json.loads((store.folder / "meta.json").read_text())
    assert meta["preprocess"]["low_hz"] == 0.5
    assert [one["name"] for one in meta["records"]] == RECORDS


class Stretched:
    """Two sessions of a strap that was taken off in the first: three stretches, clocks, breathing; nobody annotated."""

    name, on_bad_record = "stretched", "stop"
    reader_files = (Path(__file__),)

    def records(self) -> tuple[str, ...]:
        return ("a", "b")

    def sources(self, record: str) -> list[Path]:  # noqa: ARG002, the store asks
        return [Path(__file__)]

    def read(self, record: str, leads: Sequence[str]) -> tuple[Record, ...]:
        lengths = {"a": (2500, 1000), "b": (1500,)}[record]
        return tuple(self.stretch(f"{record}#{i}", n, tuple(leads)) for i, n in enumerate(lengths, start=1))

    def stretch(self, name: str, n_samples: int, leads: tuple[str, ...]) -> Record:
        rng = np.random.default_rng(n_samples)
        ecg = rng.normal(size=(1, n_samples)).astype(np.float32)
        ecg[0, :250] = 0  # a second without a sign of life
        breath = rng.normal(5, 2, (2, n_samples // 10)).astype(np.float32)
        breath[1, :10] = np.nan
        begin_s = float("nan") if name.startswith("b") else 1e9 + n_samples
        extra = {"breathing": Signal(breath, 25.0)}
        return Record(name, "1", ecg, leads, 250.0, np.zeros(0, np.int64), (), True, "NU", {}, begin_s, extra)


@pytest.fixture(scope="module")
def stretched(tmp_path_factory: pytest.TempPathFactory) -> Store:
    preprocess = Preprocess(("ECG",), 250.0, "diagnostic", "none", unit="NU", beats="detected")
    return open_store(Stretched(), preprocess, tmp_path_factory.mktemp("cache"))


def test_every_unbroken_stretch_is_a_record_of_its_own(stretched: Store) -> None:
    assert stretched.records == ("a#1", "a#2", "b#1")
    np.testing.assert_array_equal(stretched.first, [0, 2500, 3500])
    np.testing.assert_array_equal(stretched.begin_s, [1e9 + 2500, 1e9 + 1000, np.nan])
    (third,) = Stretched().read("b", ("ECG",))
    np.testing.assert_array_equal(stretched.record("b#1", 1), third.ecg_mv)


def test_unannotated_records_are_searched_for_beats_and_judged_by_the_second(stretched: Store) -> None:
    assert [len(flags) for flags in stretched.quality_by_record()] == [10, 4, 6]
    assert all(flags[0] != 0 for flags in stretched.quality_by_record()), "the first second is flat"
    assert [len(found) for found in stretched.peaks_by_record()] == stretched.n_beats.tolist()


def test_annotated_records_are_not_judged(store: Store) -> None:
    assert store.n_seconds.tolist() == [0] * len(RECORDS)
    assert np.isnan(store.begin_s).all()
    assert store.extra == {}


def test_another_signal_lies_beside_z_scored_and_zero_where_it_was_not_recorded(stretched: Store) -> None:
    breathing = stretched.extra["breathing"]
    assert (breathing.n_channels, breathing.fs_hz) == (2, 25.0)
    np.testing.assert_array_equal(breathing.length, [250, 100, 150])
    np.testing.assert_array_equal(breathing.first, [0, 500, 700])
    second = breathing.signal[500:700].reshape(2, 100)
    np.testing.assert_allclose(second.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_array_equal(second[1, :10], 0)
    np.testing.assert_allclose(second[0].std(), 1, rtol=1e-4)
    np.testing.assert_allclose(second[1, 10:].std(), 1, rtol=1e-4)
