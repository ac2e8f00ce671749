"""`locate` and `check_complete`, with a corpus of three text files."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.datasets.sources import Place, check_complete, locate, source_hash
from ecg_lightning.structures import CorpusNotFound
from tests.corpora.small_disk import short_files

NAMES = ("a", "b", "c")


class Letters:
    """A corpus of three empty files."""

    name = "letters"
    download_command = "python -m ecg_lightning.download letters"

    def __init__(self) -> None:
        self.n_written = 0

    def missing_in(self, root: Path) -> tuple[str, ...]:
        return tuple(name for name in NAMES if not (root / name).is_file())

    def download(self, root: Path) -> None:
        fill(root)

    def write_twin(self, root: Path) -> None:
        self.n_written += 1
        fill(root)

    def twin_id(self) -> str:
        return "letters-seed0-0123"


class Broken(Letters):
    """Stopped while its twin is written."""

    def write_twin(self, root: Path) -> None:
        (root / "a").touch()
        raise KeyboardInterrupt


def fill(root: Path, names: tuple[str, ...] = NAMES) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).touch()


@pytest.fixture
def find(tmp_path: Path) -> Callable[[str], Place]:
    return lambda source: locate(Letters(), tmp_path / "data", tmp_path / "cache", source)


def test_auto_and_local_use_the_folder_that_is_there(find: Callable[[str], Place], tmp_path: Path) -> None:
    fill(tmp_path / "data/letters")
    assert find("auto") == find("local") == Place(tmp_path / "data/letters", "local")
    assert not (tmp_path / "cache").exists()


def test_auto_falls_back_to_the_twin_and_says_so(
    find: Callable[[str], Place], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert find("auto") == Place(tmp_path / "cache/twins/letters-seed0-0123", "synthetic")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "SYNTHETIC records stand in for letters" in caplog.text
    assert not (tmp_path / "data").exists()


def test_synthetic_is_the_twin_though_the_folder_is_there(find: Callable[[str], Place], tmp_path: Path) -> None:
    fill(tmp_path / "data/letters")
    assert find("synthetic").source == "synthetic"


def test_incomplete_folder_is_never_replaced_by_the_twin(find: Callable[[str], Place], tmp_path: Path) -> None:
    (tmp_path / "data/letters").mkdir(parents=True)
    assert find("auto").source == "local"


def test_local_insists(find: Callable[[str], Place], tmp_path: Path) -> None:
    with pytest.raises(
        CorpusNotFound,
        match=rf"no database letters: {tmp_path}/data/letters is not a folder; get it with `python -m "
        r"ecg_lightning.download letters`, .* dataset.source=synthetic",
    ):
        find("local")


def test_download_completes_the_folder(find: Callable[[str], Place], tmp_path: Path) -> None:
    fill(tmp_path / "data/letters", ("a",))
    assert find("download") == Place(tmp_path / "data/letters", "download")
    assert sorted(path.name for path in (tmp_path / "data/letters").iterdir()) == list(NAMES)


def test_unknown_source_is_refused(find: Callable[[str], Place]) -> None:
    with pytest.raises(ValueError, match=r"dataset.source=web must be one of auto, local, download, synthetic"):
        find("web")


def test_twin_is_written_once_by_many_at_the_same_time(tmp_path: Path) -> None:
    corpus = Letters()
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: locate(corpus, tmp_path, tmp_path, "synthetic"), range(4)))
    assert corpus.n_written == 1
    assert len(set(places)) == 1


def test_interrupted_twin_leaves_nothing_that_would_be_read(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        locate(Broken(), tmp_path, tmp_path, "synthetic")
    assert not (tmp_path / "twins/letters-seed0-0123").exists()
    assert locate(Letters(), tmp_path, tmp_path, "synthetic").root.is_dir()


class Large(Letters):
    """Its twin is 100 kB long."""

    def write_twin(self, root: Path) -> None:
        np.zeros(100_000, np.uint8).tofile(root / "a")


def test_a_twin_for_which_there_is_no_room_names_the_cache_and_leaves_nothing(tmp_path: Path) -> None:
    said = rf"cache_dir={tmp_path} cannot take the twin \(.*\): free some room, or set ECG_CACHE_DIR to another folder"
    with pytest.raises(OSError, match=said), short_files(50_000):
        locate(Large(), tmp_path, tmp_path, "synthetic")
    assert [path.suffix for path in (tmp_path / "twins").iterdir()] == [".lock"]
    assert locate(Large(), tmp_path, tmp_path, "synthetic").root.is_dir()


def test_missing_records_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, ("b",))
    with pytest.raises(
        CorpusNotFound, match=r"2 of 3 records of letters are missing in .*: a, c; .*allow_missing=true"
    ):
        check_complete(Letters(), tmp_path, 3, allow_missing=False)
    assert check_complete(Letters(), tmp_path, 3, allow_missing=True) == ("a", "c")
    assert "a, c; going on without them" in caplog.text


def test_of_very_many_missing_records_ten_are_named(tmp_path: Path) -> None:
    class Numbers(Letters):
        def missing_in(self, root: Path) -> tuple[str, ...]:
            return tuple(name for name in map(str, range(60)) if not (root / name).is_file())

    with pytest.raises(CorpusNotFound, match=r"are missing in .*: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 50 others; get"):
        check_complete(Numbers(), tmp_path, 60, allow_missing=False)


def test_complete_corpus_misses_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    assert check_complete(Letters(), tmp_path, 3, allow_missing=False) == ()


def test_nothing_at_all_is_refused_even_if_some_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CorpusNotFound, match=r"3 of 3 records of letters are missing in .*download letters`$"):
        check_complete(Letters(), tmp_path, 3, allow_missing=True)


def test_source_hash_follows_the_text(tmp_path: Path) -> None:
    file = tmp_path / "generator.py"
    file.write_text("one")
    before = source_hash([file])
    file.write_text("two")
    assert source_hash([file]) != before
    assert len(before) == 12


def test_the_database_itself_is_no_folder_of_databases(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    with pytest.raises(CorpusNotFound, match="is the database itself: give the folder above"):
        locate(Letters(), folder, tmp_path / "cache", "auto")
