"""What lies in the cache is listed, and only what nobody uses is removed."""

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from ecg_lightning import cache


def an_entry(cache_dir: Path, name: str, days_unused: float, n_bytes: int = 1_000_000) -> Path:
    folder = cache_dir / name
    folder.mkdir(parents=True)
    (folder / "signal.f32").write_bytes(bytes(n_bytes))
    then = time.time() - days_unused * 24 * 3600
    for path in (folder / "signal.f32", folder):
        os.utime(path, (then, then))
    return folder


def test_stores_and_twins_are_listed_with_size_and_age(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    an_entry(tmp_path, "stores/mitdb-1", days_unused=3, n_bytes=2_000_000)
    an_entry(tmp_path, "twins/mitdb-seed0-2", days_unused=40)
    assert cache.main(["--cache-dir", str(tmp_path)]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert "twins/mitdb-seed0-2" in first
    assert "40.0 days" in first
    assert "2.0 MB" in second
    assert last == f"2 in {tmp_path}, 3.0 MB"


def test_an_empty_cache_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cache.main(["--cache-dir", str(tmp_path / "none")]) == 0
    assert "nothing is cached" in capsys.readouterr().out


def test_only_what_is_unused_for_long_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    young = an_entry(tmp_path, "stores/young", days_unused=29)
    old = an_entry(tmp_path, "stores/old", days_unused=31)
    left_over = an_entry(tmp_path, "stores/other.part-x1", days_unused=31)
    cache.main(["--cache-dir", str(tmp_path), "--prune", "30"])
    assert young.is_dir()
    assert not old.exists()
    assert not left_over.exists()
    assert "removed 2, 2.0 MB" in capsys.readouterr().out


def test_one_touched_file_keeps_a_store(tmp_path: Path) -> None:
    folder = an_entry(tmp_path, "stores/used", days_unused=100)
    os.utime(folder / "signal.f32")
    assert cache.prune(tmp_path, days=30) == []


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    final = an_entry(tmp_path, "stores/busy", days_unused=100)
    part = an_entry(tmp_path, "stores/busy.part-x1", days_unused=100)
    with FileLock(tmp_path / "stores" / "busy.lock"):
        assert cache.prune(tmp_path, days=0) == []
    assert final.is_dir()
    assert part.is_dir()


def test_nothing_outside_the_cache_is_touched(tmp_path: Path) -> None:
    precious = an_entry(tmp_path, "elsewhere/data", days_unused=1000)
    beside = an_entry(tmp_path, "cache/notes/mine", days_unused=1000)
    (tmp_path / "cache" / "stores").mkdir()
    (tmp_path / "cache" / "stores" / "link").symlink_to(precious)
    (tmp_path / "cache" / "twins").symlink_to(precious.parent)
    inside = an_entry(tmp_path, "cache/stores/old", days_unused=1000)
    (inside / "link").symlink_to(precious)
    removed = cache.prune(tmp_path / "cache", days=30)
    assert [entry.name for entry in removed] == []  # the link within it was made today
    os.utime(inside / "link", (0, 0), follow_symlinks=False)
    os.utime(inside, (0, 0))
    assert [entry.name for entry in cache.prune(tmp_path / "cache", days=30)] == ["stores/old"]
    assert (precious / "signal.f32").is_file()
    assert (beside / "signal.f32").is_file()


def test_days_below_zero_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cache.main(["--cache-dir", str(tmp_path), "--prune", "-1"])
    assert "--prune=-1 must be at least 0 days" in capsys.readouterr().err


def test_a_cache_that_may_not_be_changed_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "old.lock").mkdir()  # where the lock should be
    an_entry(tmp_path, "stores/old", days_unused=1)
    assert cache.main(["--cache-dir", str(tmp_path), "--prune", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setenv("ECG_CACHE_DIR", str(tmp_path))
    cache.main([])
    assert str(tmp_path) in capsys.readouterr().out
