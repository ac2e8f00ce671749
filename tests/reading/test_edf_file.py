"""EDF files of users: read as pyedflib reads them; headers that lie are refused before a sample is read."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pyedflib
import pytest

from ecg_lightning.reading.recordings import Said, read_recording
from tests.reading.test_recordings import FS_HZ, TWO_MV, refused, write_edf

N_BLOCKS = TWO_MV.shape[1] // FS_HZ


def edited(folder: Path, at_byte: int, text: str) -> Path:
    """A file whose header was changed by hand; what signal 0 says stands at 256, of three signals."""
    path = write_edf(folder)
    content = bytearray(path.read_bytes())
    content[at_byte : at_byte + len(text)] = text.encode("ascii")
    path.write_bytes(content)
    return path


def test_samples_are_those_of_pyedflib(tmp_path: Path) -> None:
    path = write_edf(tmp_path, digital_min=-2048, digital_max=2047)
    record = read_recording(path, ("II", "V5"), Said()).record
    with pyedflib.EdfReader(str(path)) as reader:
        expected = np.stack([reader.readSignal(0) / 1000, reader.readSignal(1)])
    np.testing.assert_allclose(record.ecg_mv, expected, atol=1e-6)


def test_person_and_clock_come_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    with pyedflib.EdfWriter(str(path), 1, pyedflib.FILETYPE_EDFPLUS) as writer:
        limits = {"physical_min": -5, "physical_max": 5, "digital_min": -32768, "digital_max": 32767}
        about = {"label": "EKG V5", "dimension": "mV", "sample_frequency": FS_HZ, "transducer": "", "prefilter": ""}
        writer.setSignalHeader(0, about | limits)
        writer.setSex(0)
        writer.setBirthdate(datetime(1951, 5, 2))
        writer.setStartdatetime(datetime(2001, 5, 2, 10, 30))
        writer.writeSamples([TWO_MV[1, : N_BLOCKS * FS_HZ].astype(float)])
        writer.writeAnnotation(1.0, -1, "beat")
    record = read_recording(path, ("V5",), Said()).record
    assert record.person == {"sex_female": 1.0, "age_years": pytest.approx(50, abs=0.01)}
    assert record.begin_s == (datetime(2001, 5, 2, 10, 30) - datetime(1970, 1, 1)).total_seconds()


def test_signals_of_several_rates_are_read_where_the_wanted_share_one(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    with pyedflib.EdfWriter(str(path), 3, pyedflib.FILETYPE_EDF) as writer:
        for k, (label, fs_hz) in enumerate((("EEG Fpz-Cz", 100), ("ECG", FS_HZ), ("V5", 100))):
            limits = {"physical_min": -5, "physical_max": 5, "digital_min": -32768, "digital_max": 32767}
            about = {"label": label, "dimension": "", "sample_frequency": fs_hz, "transducer": "", "prefilter": ""}
            writer.setSignalHeader(k, about | limits)
        ecg = TWO_MV[0, : N_BLOCKS * FS_HZ].astype(float)
        writer.writeSamples([np.zeros(N_BLOCKS * 100), ecg, np.zeros(N_BLOCKS * 100)])
    found = read_recording(path, ("MLII",), Said(units="mV", leads=("MLII",)))
    np.testing.assert_allclose(found.record.ecg_mv[0], ecg, atol=2e-4)
    assert found.record.fs_hz == FS_HZ
    assert found.notes == ("'ECG' of the file is lead MLII, as --leads says",)
    assert found.record.person == {}
    assert "no lead MLII among EEG Fpz-Cz, ECG, V5" in refused(path, Said())
    assert "lead ECG has no unit" in refused(path, Said(leads=("MLII",)))
    assert "--leads names 2 signals (MLII, V1), but the file has 3" in refused(path, Said(leads=("MLII", "V1")))
    assert "no lead MLII among those of --leads (V1)" in refused(path, Said(leads=("V1",)))
    assert "several sampling rates" in refused(path, Said(units="mV", leads=("MLII",)), ("MLII", "V5"))


SIZE = 256 * 4 + N_BLOCKS * 2 * (2 * FS_HZ + 57)
HOSTILE = [
    (0, "EDF?", "a.edf is no EDF file"),
    (184, "99999999", "the header says 99999999 bytes for 3 signals"),
    (252, "9999", "bytes for 9999 signals"),
    (252, "x   ", "its header: invalid literal"),
    (236, "99999999", f"promises 99999999 blocks of 1 s, a.edf holds {N_BLOCKS}"),
    (236, "0       ", "promises 0 blocks"),
    (244, "0       ", "blocks of 0 s, which gives no sampling rate"),
    (244, "nan     ", "blocks of nan s, which gives no sampling rate"),
    (256 + 3 * 216, "99999999", "promises 11 blocks of 1 s, a.edf holds 0"),
    (256 + 3 * 216, "-1      ", "which gives no sampling rate"),
    (256 + 3 * 104, "5000    ", "runs from 5000 to 5000 uV for -32768 to 32767, which gives no scale"),
    (256 + 3 * 120, "32767   ", "for 32767 to 32767, which gives no scale"),
    (256 + 3 * 120, "-1e999  ", "its header: cannot convert float infinity to integer"),
    (256 + 3 * 104, "nan     ", "has limits that are no numbers"),
    (256 + 3 * 96, "stone   ", "unit 'stone' of lead ECG II is unknown"),
]


@pytest.mark.parametrize(("at_byte", "text", "words"), HOSTILE)
def test_a_header_that_lies_is_refused_before_a_sample_is_read(
    tmp_path: Path, at_byte: int, text: str, words: str
) -> None:
    assert words in refused(edited(tmp_path, at_byte, text), Said())


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_edf(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    assert f"promises {N_BLOCKS} blocks of 1 s, a.edf holds {N_BLOCKS - 1} and a part" in refused(path, Said())
    path.write_bytes(content[:100])
    assert "is no EDF file: it does not begin as one, or is cut short" in refused(path, Said())


def test_a_signal_without_samples_is_refused(tmp_path: Path) -> None:
    path = edited(tmp_path, 256 + 3 * 216, "0       ")
    content = path.read_bytes()
    others = (content[at : at + 8] for at in (256 + 3 * 216 + 8, 256 + 3 * 216 + 16))
    block = 2 * sum(map(int, others))
    path.write_bytes(content[: 256 * 4 + N_BLOCKS * block])
    assert "signal ECG II has no samples" in refused(path, Said())


def test_a_recorder_that_did_not_write_how_long_it_is_is_read_to_its_end(tmp_path: Path) -> None:
    found = read_recording(edited(tmp_path, 236, "-1      "), ("V5",), Said())
    assert found.record.ecg_mv.shape[1] == N_BLOCKS * FS_HZ
    assert f"the header does not say how long it is; {N_BLOCKS} s are there" in found.notes


def test_a_date_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert np.isnan(read_recording(edited(tmp_path, 168, "99.99.99"), ("V5",), Said()).record.begin_s)


def test_blocks_that_need_not_follow_one_another_are_read_where_they_do(tmp_path: Path) -> None:
    path = edited(tmp_path, 192, "EDF+D")
    found = read_recording(path, ("V5",), Said())
    assert "EDF+D, but its blocks follow one another without a gap" in found.notes
    content = path.read_bytes()
    path.write_bytes(content.replace(b"+5\x14\x14", b"+7\x14\x14"))
    assert "EDF+D with 2 gaps, the first of 2 s at 5 s: export each stretch" in refused(path, Said())
    path.write_bytes(content.replace(b"+5\x14\x14", b"xy\x14\x14"))
    assert "EDF+D, but a block does not say when it begins" in refused(path, Said())
    path.write_bytes(content.replace(b"EDF Annotations", b"EDF Tannotation"))
    assert "EDF+D without EDF Annotations" in refused(path, Said())


def test_lost_samples_are_bridged(tmp_path: Path) -> None:
    path = write_edf(tmp_path, digital_min=-2048)
    content = bytearray(path.read_bytes())
    content[1024 : 1024 + 20] = b"\0\x80" * 10
    path.write_bytes(content)
    notes = read_recording(path, ("II",), Said()).notes
    assert notes[-1].startswith("0.04 s (0.36%) of lead II were lost")
