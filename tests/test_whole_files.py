"""A file, and a checkpoint, is there whole or not at all."""

import errno
import os
from pathlib import Path

import pytest
import torch

from ecg_lightning.checkpoints import WholeCheckpoints
from ecg_lightning.run_folder import room
from ecg_lightning.whole_files import written_whole
from tests.corpora.small_disk import short_files


def test_a_file_takes_its_name_when_it_is_done(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a") as part:
        part.write_text("whole")
        assert not (tmp_path / "a").exists()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "whole")]


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_file_that_is_not_done_leaves_the_one_before(kind: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")
    with pytest.raises(kind), written_whole(tmp_path / "a") as part:  # noqa: PT012 - half of it is there by then
        part.write_text("ha")
        raise kind
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]


def test_a_checkpoint_for_which_there_is_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "checkpoints" / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"epoch": 0}, file)
    with pytest.raises(OSError, match="File too large"), short_files(50_000):
        WholeCheckpoints().save_checkpoint({"epoch": 1, "state_dict": torch.zeros(100_000)}, file)
    assert [path.name for path in file.parent.iterdir()] == ["last.ckpt"]
    assert torch.load(file, weights_only=True) == {"epoch": 0}


def test_a_checkpoint_of_a_folder_that_was_moved_knows_its_best_score(tmp_path: Path) -> None:
    best, score = "/before/checkpoints/best.ckpt", torch.tensor(0.5)
    paths = {"best_model_path": best, "kth_best_model_path": best, "last_model_path": ""}
    kept = {"dirpath": "/before/checkpoints", "best_k_models": {best: score}, **paths}
    WholeCheckpoints().save_checkpoint({"callbacks": {"best": kept, "speed": {"epochs": 3}}}, tmp_path / "best.ckpt")
    found = WholeCheckpoints().load_checkpoint(tmp_path / "best.ckpt", weights_only=True)["callbacks"]
    here = str(tmp_path / "best.ckpt")
    assert found["best"]["dirpath"] == str(tmp_path)
    assert found["best"]["best_k_models"] == {here: score}
    assert [found["best"][name] for name in paths] == [here, here, ""]
    assert found["speed"] == {"epochs": 3}


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    said = r"run cannot be written \(No space left on device\): free some room, "
    with pytest.raises(OSError, match=said + "and start again"), room(tmp_path / "run"):
        raise OSError(errno.ENOSPC, "words of a library")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "status.json").touch()
    with pytest.raises(OSError, match=said + "then go on with resume=.*run$"), room(tmp_path / "run"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match=r"/elsewhere/a cannot be written \(Disk quota"), room(tmp_path / "run"):
        raise OSError(errno.EDQUOT, "words", "/elsewhere/a")


def test_what_is_no_want_of_room_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="denied: 'a'"), room(tmp_path):
        raise PermissionError(errno.EACCES, "denied", "a")
