"""No name leads out of the folder, and nobody else's files are touched."""

import json
from pathlib import Path

import pytest

from ecg_lightning.predict import folder
from ecg_lightning.predict.folder import earlier_files, folder_name, own_folder, printable, remove_left_over

HOSTILE = ("../../etc", "/etc/passwd", "..", ".", "", "a/../../b", "C:\\x", "~root", "a\0b", "\x1b[31mred", "x" * 500)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    found = folder_name(name, ())
    assert found
    assert len(found) <= folder.LONGEST
    assert own_folder(tmp_path, found).resolve().parent == tmp_path.resolve()
    assert [path.name for path in tmp_path.iterdir()] == [found]


def test_an_honest_name_is_kept() -> None:
    assert folder_name("100", ()) == "100"
    assert folder_name("00001_lr.v2", ()) == "00001_lr.v2"


def test_two_of_one_name_get_folders_of_their_own_whatever_the_case() -> None:
    taken: list[str] = []
    for name in ("a", "A", "a", "a-2"):
        taken.append(folder_name(name, taken))
    assert len({name.lower() for name in taken}) == 4
    assert folder_name("report.html", ("report.html",)) == "report.html-2"


def test_a_link_in_the_place_of_a_recording_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "100").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is not the folder of an earlier answer: move it away"):
        own_folder(tmp_path / "out", "100")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(ValueError, match=r"--output=.*x is no folder: name one that is empty or not there yet"):
        earlier_files(tmp_path / "x")


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"command": "other", "files": []}', '{"command": 1}'])
def test_a_folder_with_another_answer_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / folder.ANSWER).write_text(text)
    with pytest.raises(ValueError, match="holds other files than an earlier answer of this command"):
        earlier_files(tmp_path)


def test_an_empty_folder_and_one_that_is_not_there_are_free(tmp_path: Path) -> None:
    assert earlier_files(tmp_path) == ()
    assert earlier_files(tmp_path / "new") == ()


def test_an_answer_that_lists_files_outside_removes_none_of_them(tmp_path: Path) -> None:
    output, outside = tmp_path / "out", tmp_path / "thesis.txt"
    (output / "old").mkdir(parents=True)
    (output / "old" / "beats.csv").write_text("")
    (output / "linked").symlink_to(tmp_path)
    outside.write_text("mine")
    listed = ("../thesis.txt", str(outside), "linked/thesis.txt", "old/beats.csv", "old/lost.csv")
    (output / folder.ANSWER).write_text(json.dumps({"command": folder.COMMAND, "files": listed}))
    remove_left_over(output, earlier_files(output), ())
    assert outside.read_text() == "mine"
    assert not (output / "old").exists()


def test_a_name_cannot_command_the_terminal() -> None:
    assert printable("a\x1b[31m\nb\udcff") == "a?[31m?b?"
