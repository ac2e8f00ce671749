"""Tables and arrays of users: what a file does not say must be said; pickles and archives are not opened."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.reading.recordings import Said, read_recording
from tests.reading.test_recordings import FS_HZ, OF_TABLE, SAID, TWO_MV, refused, write_csv, write_npy


def rows(separator: str = ",", decimal: str = ".") -> str:
    return "\n".join(separator.join(f"{one:.4f}".replace(".", decimal) for one in row) for row in TWO_MV.T.tolist())


@pytest.mark.parametrize(
    ("head", "separator", "decimal"),
    [
        ("", ",", "."),
        ("MLII,V5\n", ",", "."),
        ("\ufeffMLII;V5\n", ";", ","),
        ("MLII\tV5\r\n", "\t", "."),
        ("MLII\tV5\n", "\t", ","),
        ("# made by hand\n\nECG MLII (mV);Lead V5 [mV]\n", ";", "."),
        ("'MLII','V5'\n'mV','mV'\n", ",", "."),
    ],
)
def test_tables_are_read_however_they_are_written(tmp_path: Path, head: str, separator: str, decimal: str) -> None:
    path = write_csv(tmp_path, head + rows(separator, decimal))
    record = read_recording(path, ("MLII", "V5"), SAID).record
    np.testing.assert_allclose(record.ecg_mv, TWO_MV, atol=1e-4)


def test_units_of_the_file_come_first(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "MLII (V),V5 (µV)\n" + rows())
    assert "the file says that lead MLII is in V, --units says mV" in refused(path)
    assert "its unit is given as V, in mV it would be usual" in refused(path, Said(FS_HZ))
    path.write_bytes(("MLII (mV),V5 (µV)\n" + rows()).encode("latin-1"))
    np.testing.assert_allclose(read_recording(path, ("MLII",), SAID).record.ecg_mv[0], TWO_MV[0], atol=1e-4)
    assert "its unit is given as uV, in mV it would be usual" in refused(path, Said(FS_HZ), ("V5",))


@pytest.mark.parametrize("time", ["time", "Time (s)", "t", "Elapsed time", "sample #", "timestamp", "Sample"])
def test_a_column_of_time_is_no_lead(tmp_path: Path, time: str) -> None:
    lines = [f"0:0{k // 250}.{k % 250},{line}" for k, line in enumerate(rows().split("\n"))]
    found = read_recording(write_csv(tmp_path, f"{time},MLII,V5\n" + "\n".join(lines)), ("*",), SAID)
    assert found.record.leads == ("MLII",)
    assert found.notes == (f"column {time.replace(' (s)', ' (s)')!r} is taken as time and not as a lead",)


def test_names_of_the_user_stand_where_a_table_has_none_or_others(tmp_path: Path) -> None:
    assert read_recording(write_csv(tmp_path, rows()), ("V5",), SAID).record.leads == ("V5",)
    found = read_recording(write_csv(tmp_path, "left,right\n" + rows()), ("V5",), SAID)
    assert found.notes == ("'right' of the file is lead V5, as --leads says",)
    assert "2 columns without names, and --leads names 1" in refused(
        write_csv(tmp_path, rows()), Said(FS_HZ, "mV", ("MLII",))
    )


def test_cells_without_a_number_are_lost_samples(tmp_path: Path) -> None:
    lines = rows().split("\n")
    for k, cell in zip((400, 401, 402, 403), ("", "NaN", "-", "NA"), strict=True):
        lines[k] = f"{cell},0.1"
    found = read_recording(write_csv(tmp_path, "MLII,V5\n" + "\n".join(lines)), ("MLII",), SAID)
    assert found.notes[0].startswith("0.016 s (0.14%) of lead MLII were lost")


def test_an_empty_line_of_a_single_column_is_a_lost_sample(tmp_path: Path) -> None:
    lines = [row.partition(",")[0] for row in rows().split("\n")]
    lines[400:410] = [""] * 10
    found = read_recording(write_csv(tmp_path, "MLII\n" + "\n".join(lines) + "\n"), ("MLII",), OF_TABLE)
    np.testing.assert_allclose(found.record.ecg_mv[0, 410:], TWO_MV[0, 410:], atol=1e-4)
    assert found.notes[0].startswith("0.04 s (0.36%) of lead MLII were lost")


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a.csv", b"0" * 1_000_000)
    lines = rows().split("\n")
    for content, words in (
        (archive.getvalue(), "a.csv is no text but an archive, a pickle or other binary data"),
        (pickle.dumps([1.5] * 9), "a.csv is no text but an archive, a pickle or other binary data"),
        (b"", "no line of numbers in the first 0 bytes"),
        (b"MLII,V5\n", "no line of numbers in the first 8 bytes"),
        (b"1," * 100_000, "no line of numbers in the first 65,536 bytes"),
        (b"a,b,c\n1,2\n", "its first numbers have 2 columns, but 1 lines before them ('a,b,c') do not name these"),
        ("\n".join([*lines[:300], "0.1,abc"]).encode(), "a.csv is no table of numbers"),
        ("\n".join(["MLII,V5", *lines, "0.1,0.2,0.3"]).encode(), "a.csv is no table of numbers"),
        ("\n".join(["MLII,V5", *lines, "0.1," + "1" * 9_000_000]).encode(), "a.csv is no table of numbers"),
    ):
        path = tmp_path / "a.csv"
        path.write_bytes(content)
        assert words in refused(path, wanted=("V5",))


def timed(name: str, step: float, decimals: int = 3) -> str:
    lines = [f"{k * step:.{decimals}f},{line}" for k, line in enumerate(rows().split("\n"))]
    return "\n".join([f"{name},MLII,V5", *lines])


@pytest.mark.parametrize(
    ("name", "step", "decimals", "fits"),
    [
        ("time", 0.004, 3, "250"),
        ("t", 0.004, 2, "250"),  # rounded: 0.00, 0.00, 0.01
        ("Time (s)", 0.004, 3, "250"),
        ("seconds", 1 / 360, 6, "360"),
        ("time_ms", 2.0, 0, "500"),
        ("time [ms]", 1000 / 128, 4, "128"),
    ],
)
def test_a_column_of_time_must_fit_the_rate(tmp_path: Path, name: str, step: float, decimals: int, fits: str) -> None:
    path = write_csv(tmp_path, timed(name, step, decimals))
    said = Said(2 * float(fits), "mV")
    words = f"--fs-hz is {2 * int(fits)}, but its column {name} fits {fits} Hz: say --fs-hz {fits}, or take"
    assert words in refused(path, said)
    assert f"a.csv says no sampling rate; its column {name} fits {fits} Hz: say --fs-hz {fits}" in refused(path, Said())
    assert read_recording(path, ("MLII",), Said(float(fits), "mV")).record.fs_hz == float(fits)


@pytest.mark.parametrize(
    ("name", "step"), [("time", 4.0), ("sample", 0.004), ("index", 1.0), ("timestamp", 4.0), ("time", 0.0)]
)
def test_a_column_of_time_whose_unit_is_not_clear_says_nothing(tmp_path: Path, name: str, step: float) -> None:
    path = write_csv(tmp_path, timed(name, step))
    assert read_recording(path, ("MLII",), Said(500.0, "mV")).record.fs_hz == 500
    assert refused(path, Said(units="mV")).endswith("a.csv says no sampling rate: say --fs-hz")


def test_gaps_in_a_column_of_time_and_times_without_a_line_of_names(tmp_path: Path) -> None:
    lines = [f"{k / 250 + 60 * (k > 300):.3f},{line}" for k, line in enumerate(rows().split("\n"))]
    path = write_csv(tmp_path, "\n".join(lines))
    named = ("time", "MLII", "V5")
    assert read_recording(path, ("MLII",), Said(250.0, "mV", named)).record.fs_hz == 250
    assert "fits 250 Hz" in refused(path, Said(500.0, "mV", named))


def test_a_rate_is_never_guessed(tmp_path: Path) -> None:
    said = Said(None, "mV", ("MLII", "V5"))
    assert "a.csv says no sampling rate: say --fs-hz" in refused(write_csv(tmp_path, rows()), said)
    assert "a.npy holds no sampling rate: say --fs-hz" in refused(write_npy(tmp_path), said)


@pytest.mark.parametrize("array", [TWO_MV.T, np.asfortranarray(TWO_MV), TWO_MV.astype(">f8"), TWO_MV.astype("f2")])
def test_arrays_are_read_either_way_round(tmp_path: Path, array: np.ndarray) -> None:
    record = read_recording(write_npy(tmp_path, array), ("V5",), SAID).record
    np.testing.assert_allclose(record.ecg_mv[0], TWO_MV[1], atol=1e-3)


def test_whole_numbers_in_microvolts_and_single_rows_are_read(tmp_path: Path) -> None:
    array = np.round(1000 * TWO_MV[0]).astype(np.int16)
    record = read_recording(write_npy(tmp_path, array), ("MLII",), Said(FS_HZ, "µV", ("II",))).record
    np.testing.assert_allclose(record.ecg_mv[0], TWO_MV[0], atol=1e-3)


def test_arrays_whose_axes_nobody_knows_are_refused(tmp_path: Path) -> None:
    assert "an array of shape (2, 2) could be either way round" in refused(write_npy(tmp_path, np.ones((2, 2))))
    assert "an array of shape (3, 500) has no axis of 2 leads" in refused(write_npy(tmp_path, np.ones((3, 500))))
    assert "an array of shape (2, 5, 5) has no axis of 2 leads" in refused(write_npy(tmp_path, np.ones((2, 5, 5))))
    assert "an array of shape () has no axis of 2 leads" in refused(write_npy(tmp_path, np.array(1.0)))
    assert "names no leads: say --leads" in refused(write_npy(tmp_path), Said(FS_HZ, "mV"))


class Bomb:
    """Says so if it is ever unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("bomb"),)


def test_a_pickle_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.npy"
    path.write_bytes(pickle.dumps(Bomb()))
    assert "a.npy is no npy file; pickles and archives are not opened" in refused(path)
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    assert "a.npy holds object, not numbers: nothing is unpickled" in refused(path)
    np.savez(tmp_path / "a", TWO_MV)
    (tmp_path / "a.npz").rename(path)
    assert "a.npy is no npy file; pickles and archives are not opened" in refused(path)
    assert not (tmp_path / "bomb").exists()


def test_arrays_whose_header_lies_are_refused(tmp_path: Path) -> None:
    path = write_npy(tmp_path, TWO_MV.astype(np.complex64))
    assert "a.npy holds complex64, not numbers" in refused(path)
    content = write_npy(tmp_path).read_bytes()
    path.write_bytes(content[:-4])
    assert "it holds" in refused(path)
    shape = f"({TWO_MV.shape[0]}, {TWO_MV.shape[1]})".encode()
    path.write_bytes(content.replace(shape, b"(2, 9" + b"9" * (len(shape) - 6) + b")"))
    assert "promises" in refused(path)
    path.write_bytes(content[:10])
    words = "the header of a.npy (118 bytes) does not describe an array"
    assert words in refused(path)
    path.write_bytes(content.replace(b"'descr'", b"'dscrr'"))
    assert words in refused(path)
    path.write_bytes(content.replace(b"{'descr'", b"(((((((("))
    assert words in refused(path)
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"(" * 20_000)
    assert "the header of a.npy (2,147,483,647 bytes) does not describe an array" in refused(path)
    path.write_bytes(b"\x93NUMPY\x09\x00" + content[8:])
    assert "does not describe an array" in refused(path)
