"""What a run folder holds is found in it, and what is absent is empty."""

from pathlib import Path

import pytest

from ecg_lightning.report.contents import read_contents
from tests.corpora.binary_folder import write_binary_run_folder


def test_a_run_folder_is_read_whole(tmp_path: Path) -> None:
    contents = read_contents(write_binary_run_folder(tmp_path))
    assert contents.monitor == ("val/auroc", "max")
    assert list(contents.pretraining) == ["epoch", "train/loss", "val/loss"]
    assert len(contents.history) == 10
    assert "segments_ecg" in contents.examples


@pytest.mark.parametrize(
    ("path", "number"),
    [
        (("model", "n_window"), 64),
        (("task", "data", "low_mmol_l"), 3.9),
        (("task", "monitor", "metric"), None),
        (("model", "n_window", "deeper"), None),
        (("nowhere",), None),
    ],
)
def test_numbers_of_the_config_are_found_by_their_place(
    tmp_path: Path, path: tuple[str, ...], number: float | None
) -> None:
    assert read_contents(write_binary_run_folder(tmp_path)).number(*path) == number


def test_what_is_absent_is_empty(tmp_path: Path) -> None:
    write_binary_run_folder(tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "predictions.parquet"]:
        path.unlink()
    contents = read_contents(tmp_path)
    assert (contents.settings, contents.monitor, contents.examples) == ({}, None, {})
    assert contents.history.empty
    assert contents.pretraining.empty
