"""Where the files of PTB-XL lie; fetching them is tested with the command, in tests/test_download.py."""

from pathlib import Path

import pytest

from ecg_lightning.datasets.ptbxl_files import check_rate, missing_in, where
from tests.corpora.ptbxl import write_ptbxl


@pytest.mark.parametrize(
    ("record", "fs_hz", "path"),
    [
        ("00317", 100, "records100/00000/00317_lr"),
        ("01000", 100.0, "records100/01000/01000_lr"),
        ("21837", 500, "records500/21000/21837_hr"),
    ],
)
def test_place_follows_from_number_and_rate(record: str, fs_hz: float, path: str) -> None:
    folder, name = where(Path("ptbxl"), record, fs_hz)
    assert folder / name == Path("ptbxl") / path


def test_record_without_both_files_is_missing(tmp_path: Path) -> None:
    write_ptbxl(tmp_path)
    names = ("00001", "00002", "00003", "00004", "12345")
    assert missing_in(tmp_path, names, 100) == ("12345",)
    (tmp_path / "records100/00000/00001_lr.dat").unlink()
    (tmp_path / "records100/00000/00003_lr.hea").unlink()
    assert missing_in(tmp_path, names, 100) == ("00001", "00003", "12345")


def test_without_the_folder_of_a_rate_all_are_missing(tmp_path: Path) -> None:
    write_ptbxl(tmp_path)
    assert missing_in(tmp_path, ("00001", "00002"), 500) == ("00001", "00002")


@pytest.mark.parametrize("fs_hz", [250, 0, 100.5])
def test_other_rates_are_refused(fs_hz: float) -> None:
    with pytest.raises(ValueError, match=rf"dataset.fs_hz={fs_hz:g} must be 100 or 500, the two rates of PTB-XL"):
        check_rate(fs_hz)


@pytest.mark.parametrize("fs_hz", [100, 500, 100.0])
def test_its_own_rates_are_allowed(fs_hz: float) -> None:
    check_rate(fs_hz)
