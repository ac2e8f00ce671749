"""WFDB records of any laboratory: read as wfdb reads them; hostile headers are refused before a sample is read."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.reading import wfdb_file
from ecg_lightning.reading.recordings import Said, read_recording
from ecg_lightning.reading.wfdb_formats import FORMATS, values
from tests.reading.test_recordings import FS_HZ, SAID, TWO_MV, refused, write_wfdb

N = TWO_MV.shape[1]


def digital() -> np.ndarray:
    return np.round(TWO_MV.T * 200).astype(np.int64)


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    """A record whose header was changed by hand."""
    header = write_wfdb(folder)
    text = header.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    header.write_text(text, encoding="utf-8")
    return header


@pytest.mark.parametrize("storage", FORMATS)
def test_every_storage_format_is_read_as_wfdb_reads_it(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, n_frames = FORMATS[storage], 1000
    content = np.random.default_rng(0).integers(0, 256, 2 * n_frames // form.n_values * form.n_bytes + 4, np.uint8)
    n_bytes = 2 * n_frames * form.n_bytes // form.n_values
    content[: n_bytes // 8] = np.tile([0, 0, 0, 128], n_bytes)[: n_bytes // 8]  # lost samples of some formats
    if storage == "311":
        content[3::4] &= 63  # two bits are not used; wfdb 4.3 hears one of them
    (tmp_path / "a.dat").write_bytes(content[: n_bytes + 2].tobytes())
    lines = [f"a.dat {storage} 200({baseline})/mV 0 0 5 0 0 {name}" for baseline, name in ((3, "MLII"), (-2, "V5"))]
    (tmp_path / "a.hea").write_text("\n".join([f"a 2 250 {n_frames}", *lines]), encoding="utf-8")
    expected = wfdb.rdrecord(str(tmp_path / "a")).p_signal.T
    monkeypatch.setattr(wfdb_file, "N_VALUES", 401)  # pieces do not show
    found = wfdb_file.read(tmp_path / "a.hea", ("V5", "MLII"), Said()).ecg
    np.testing.assert_allclose(found, expected[::-1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("storage", FORMATS)
def test_any_stretch_of_a_file_is_decoded_alike(storage: str) -> None:
    form = FORMATS[storage]
    content = np.random.default_rng(0).integers(0, 256, 60, dtype=np.uint8)
    n_values = len(content) * form.n_values // form.n_bytes
    whole = values(content, form, 0, n_values)
    for first in range(5):
        np.testing.assert_array_equal(values(content, form, first, n_values - first), whole[first : n_values - first])


def test_frames_with_several_samples_of_a_signal_give_its_own_rate(tmp_path: Path) -> None:
    fast, slow = digital()[:2000, 0], digital()[:1000, 1]
    wfdb.wrsamp(
        "a",
        fs=FS_HZ,
        units=["mV", "mV"],
        sig_name=["MLII", "breath"],
        fmt=["16", "16"],
        adc_gain=[200.0, 200.0],
        baseline=[0, 0],
        samps_per_frame=[2, 1],
        e_d_signal=[fast, slow],
        write_dir=str(tmp_path),
    )
    wfdb.wrann("a", "atr", np.array([100, 300]), ["N", "V"], write_dir=str(tmp_path))
    record = read_recording(tmp_path / "a.hea", ("MLII",), Said()).record
    assert record.fs_hz == 2 * FS_HZ
    np.testing.assert_allclose(record.ecg_mv[0], fast / 200, atol=1e-6)
    assert record.peak_sample.tolist() == [200, 600]
    assert "the wanted leads have several sampling rates" in refused(tmp_path / "a.hea", Said(), ("MLII", "breath"))


def test_a_skewed_signal_is_put_right_as_wfdb_does(tmp_path: Path) -> None:
    header = edited(tmp_path, ("a.dat 16 0.4", "a.dat 16:7 0.4"))
    expected = wfdb.rdrecord(str(header.with_suffix(""))).p_signal.T[1] / 1000
    found = read_recording(header, ("V5",), Said())
    np.testing.assert_allclose(found.record.ecg_mv[0, :-7], expected[:-7], atol=1e-6)
    assert found.notes[0].startswith("0.028 s (0.25%) of lead V5 were lost")


def test_a_signal_that_is_later_than_its_record_is_long_holds_nothing(tmp_path: Path) -> None:
    header = edited(tmp_path, ("a.dat 16 0.4", f"a.dat 16:{N + N // 2} 0.4"))
    assert "100% of lead V5 is lost" in refused(header, Said(), ("V5",))


def test_beats_person_and_clock_come_from_the_files_beside(tmp_path: Path) -> None:
    header = edited(
        tmp_path, (f"2 {FS_HZ} {TWO_MV.shape[1]}", f"2 {FS_HZ}/500(0) {TWO_MV.shape[1]} 10:30:05.5 02/01/1970")
    )
    wfdb.wrann("a", "atr", np.array([100, 300, 400]), ["N", "+", "V"], write_dir=str(tmp_path))
    record = read_recording(header, ("MLII",), Said()).record
    assert record.peak_sample.tolist() == [100, 400]
    assert record.symbol == ("N", "V")
    assert record.person == {"age_years": 63.0, "sex_female": 1.0}
    assert record.begin_s == 86400 + 10.5 * 3600 + 5.5
    assert not record.synthetic
    wfdb.wrann("a", "atr", np.array([100]), ["+"], write_dir=str(tmp_path))
    assert len(read_recording(header, ("MLII",), Said()).record.peak_sample) == 0
    (tmp_path / "a.atr").write_bytes(b"\1")
    assert "annotation file a.atr is empty or cut short" in refused(header)


def test_annotations_that_count_other_ticks_are_refused(tmp_path: Path) -> None:
    header, at = write_wfdb(tmp_path), np.array([100, 300])
    wfdb.wrann("a", "atr", at, ["N", "N"], fs=FS_HZ, write_dir=str(tmp_path))
    np.testing.assert_array_equal(read_recording(header, ("MLII",), SAID).record.peak_sample, at)
    wfdb.wrann("a", "atr", 4 * at, ["N", "N"], fs=4 * FS_HZ, write_dir=str(tmp_path))
    assert "a.atr counts 1000 ticks a second, but the record has 250 Hz" in refused(header)


def test_a_date_that_is_none_and_a_word_of_synthesis_are_read(tmp_path: Path) -> None:
    header = edited(
        tmp_path, (f" {TWO_MV.shape[1]}\n", f" {TWO_MV.shape[1]} 25:30:05 02/01/1970\n"), ("age:", "synthetic: age")
    )
    record = read_recording(header, ("MLII",), Said()).record
    assert np.isnan(record.begin_s)
    assert record.synthetic


def test_lost_samples_are_bridged(tmp_path: Path) -> None:
    d_signal = digital()
    d_signal[500:510, 0] = -32768
    found = read_recording(write_wfdb(tmp_path, d_signal=d_signal, adc_gain=[200.0, 0.2]), ("MLII",), Said())
    assert found.notes[0].startswith("0.04 s (0.36%) of lead MLII were lost, in 1 stretches")
    assert np.abs(found.record.ecg_mv).max() < 3


def test_fields_that_a_header_may_leave_out_are_said_or_taken_as_wfdb_has_them(tmp_path: Path) -> None:
    header = edited(tmp_path, (f"a 2 {FS_HZ} {N}", "a 2"), ("a.dat 16 200.0(0)/mV", "a.dat 16 0/mV"))
    assert "the header gives no sampling rate: say --fs-hz" in refused(header, Said())
    found = read_recording(header, ("MLII",), Said(fs_hz=FS_HZ))
    assert found.notes == (
        "the header gives no gain for lead MLII: 200 steps per mV are taken, as WFDB has it",
        "the header gives no sampling rate: --fs-hz is taken",
    )
    np.testing.assert_allclose(found.record.ecg_mv[0], TWO_MV[0], atol=1e-6)
    header.write_text(f"a 2 {FS_HZ}\na.dat 16\na.dat 16\n", encoding="utf-8")
    assert "no lead MLII among signal 0, signal 1" in refused(header, Said())
    found = read_recording(header, ("MLII",), Said(leads=("MLII", "V5")))
    assert found.notes[0] == "'signal 0' of the file is lead MLII, as --leads says"
    np.testing.assert_allclose(found.record.ecg_mv[0], TWO_MV[0], atol=1e-6)


HOSTILE = [
    ((f" {N}\n", " 99999999999999\n"), f"promises 99999999999999 samples per signal, a.dat holds {N}"),
    ((f" {N}\n", f" {N - 300}\n"), f"promises {N - 300} samples per signal, a.dat holds {N}"),
    (("a.dat 16 200", "a.dat 16x999999999 200"), "samples per signal, a.dat holds 0"),
    (("a.dat 16 200", "../../etc/passwd 16 200"), "signal file '../../etc/passwd' is not a file in the record's own"),
    (("a.dat 16 200", "/etc/passwd 16 200"), "signal file '/etc/passwd' is not a file in the record's own folder"),
    (("a.dat 16 200", "http://x.y/a.dat 16 200"), "signal file 'http://x.y/a.dat' is not a file in the record's own"),
    (("a.dat 16 200", "b.dat 16 200"), "signal file b.dat is missing"),
    (("a.dat 16 200", "a.dat 516 200"), "storage format '516' of MLII is not among 8, 16"),
    (("a.dat 16 200", "a.dat 80 200"), "signals of a.dat are said to be packed in several ways"),
    (("a.dat 16 200.0(0)", "a.dat 16 inf(0)"), "gain 'inf(0)/mV' of MLII is not a number of steps per unit"),
    (("a.dat 16 200.0(0)", "a.dat 16 1e999(0)"), "gain '1e999(0)/mV' of MLII must be finite"),
    (("a.dat 16 200.0(0)", f"a.dat 16 200(1{20 * '0'})"), "baseline 100000000000000000000 or first value"),
    (("a.dat 16 200", "a.dat 16x0 200"), "MLII has 0 samples per frame"),
    (("a 2 250", "a 2 0"), "the header says 0 Hz"),
    (("a 2 250", "a 2 fast"), "could not convert string to float: 'fast'"),
    (("a 2 250", "a 3 250"), "promises 3 signals and describes 2"),
    (("a 2 250", "a/4 2 250"), "it is split into several segments, which are not read"),
]


@pytest.mark.parametrize(("change", "words"), HOSTILE)
def test_a_header_that_lies_is_refused_before_a_sample_is_read(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    assert words in refused(edited(tmp_path, change))


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    header = write_wfdb(tmp_path)
    content = bytearray((tmp_path / "a.dat").read_bytes())
    content[1000] ^= 1
    (tmp_path / "a.dat").write_bytes(content)
    assert "lead MLII sums to" in refused(header)
    (tmp_path / "a.dat").write_bytes(content[:-100])
    assert f"promises {N} samples per signal, a.dat holds {N - 25}" in refused(header)


def test_headers_that_are_none_are_refused(tmp_path: Path) -> None:
    header = tmp_path / "a.hea"
    for content, words in (
        (b"", "a.hea is empty"),
        (b"# nothing", "a.hea is empty"),
        (b"a", "the header's first line is cut short ('a')"),
        (b"x" * 1_000_001, "a.hea has 1,000,001 bytes, too many for a header"),
    ):
        header.write_bytes(content)
        assert words in refused(header)
    header.unlink()
    assert "a.hea is missing in" in refused(header)


def test_a_signal_file_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    header = write_wfdb(tmp_path / "in")
    (tmp_path / "in" / "a.dat").rename(tmp_path / "secret.dat")
    (tmp_path / "in" / "a.dat").symlink_to(tmp_path / "secret.dat")
    assert "signal file a.dat is a link out of" in refused(header)
