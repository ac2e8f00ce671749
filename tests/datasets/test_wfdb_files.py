"""Records are written as WFDB, then spoilt one field at a time."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.datasets.wfdb_files import Header, choose_leads, read_ecg, read_header
from ecg_lightning.structures import BadRecord
from tests.corpora.mitdb import FS_HZ, write_mitdb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mitdb(tmp_path, ["100"])
    return tmp_path


def header_of(folder: Path) -> Header:
    return read_header(folder, "100", FS_HZ)


def spoil(folder: Path, old: str, new: str) -> None:
    path = folder / "100.hea"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def write_signals(folder: Path, digital: np.ndarray, storage: str) -> None:
    n_leads = digital.shape[1]
    wfdb.wrsamp(
        "100",
        fs=FS_HZ,
        units=["mV"] * n_leads,
        sig_name=["MLII", "V1", "V2"][:n_leads],
        d_signal=digital,
        fmt=[storage] * n_leads,
        adc_gain=[200.0] * n_leads,
        baseline=[0] * n_leads,
        write_dir=str(folder),
    )


def test_header_says_what_the_record_is(folder: Path) -> None:
    header = header_of(folder)
    assert (header.fs_hz, header.n_samples, header.lead_names) == (360, 12 * 360, ("MLII", "V1"))
    assert (header.leads[0].gain, header.leads[0].baseline) == (200, 1024)
    assert not header.synthetic


def test_baseline_is_the_adc_zero_where_none_is_written(folder: Path) -> None:
    spoil(folder, "200.0(1024)/mV 12 0 ", "200 11 1024 ")
    assert header_of(folder).leads[0].baseline == 1024


def test_comment_makes_a_record_synthetic(tmp_path: Path) -> None:
    write_mitdb(tmp_path, ["100"], comments=["synthetic: written by ecg_lightning, seed 0, no patient"])
    assert header_of(tmp_path).synthetic


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("100 2 360 4320", "100 2 0 4320", r"record 100: sampling rate 0 Hz in 100.hea, expected 360 Hz"),
        ("100 2 360 4320", "100 2 250 4320", r"sampling rate 250 Hz in 100.hea, expected 360 Hz"),
        ("100 2 360 4320", "100 2 nan 4320", r"sampling rate nan Hz"),
        ("100 2 360 4320", "100 2 fast 4320", r"record 100: 100.hea: could not convert string to float: 'fast'"),
        ("100 2 360 4320", "100 2 360 99999999999", r"promises 99999999999 samples per lead, 100.dat holds 4320"),
        ("100 2 360 4320", "100 2 360 4000", r"promises 4000 samples per lead, 100.dat holds 4320"),
        ("100 2 360 4320", "100 2 360 0", r"record 100: 0 samples in 100.hea, expected at least 1"),
        ("100 2 360 4320", "100 2 360 -5", r"record 100: -5 samples in 100.hea, expected at least 1"),
        ("100 2 360 4320", "100 2 360", r"first line is cut short \('100 2 360'\)"),
        ("100 2 360 4320", "101 2 360 4320", r"record 100: the header is that of '101'"),
        ("100 2 360 4320", "100/3 2 360 4320", r"the header is that of '100/3' \(several segments are not read\)"),
        ("100 2 360 4320", "100 3 360 4320", r"promises 3 leads and describes 2"),
        ("200.0(1024)", "0(1024)", r"record 100: gain 0 of lead MLII must be above 0 units per mV"),
        ("200.0(1024)", "-200(1024)", r"gain -200 of lead MLII must be above 0"),
        ("200.0(1024)", "nan(1024)", r"gain nan of lead MLII must be above 0"),
        ("/mV", "/uV", r"record 100: unit uV of lead MLII is not mV"),
        ("/mV", "/NU", r"record 100: unit NU of lead MLII is not mV"),
        ("100.dat 212", "100.dat 80", r"storage format 80 of lead MLII is not among 212, 16"),
        ("100.dat 212", "100.dat 212x4", r"storage format 212x4 of lead MLII"),
        ("100.dat 212", "../100.dat 212", r"signal file '../100.dat' is not in the record's own folder"),
        ("100.dat 212", "999.dat 212", r"signal file 999.dat is missing"),
        (" 0 MLII", "", r"a signal line of the header is cut short"),
    ],
)
def test_header_that_lies_is_refused_before_samples_are_read(folder: Path, old: str, new: str, message: str) -> None:
    spoil(folder, old, new)
    with pytest.raises(BadRecord, match=message):
        header_of(folder)


def test_empty_or_missing_header_is_refused(folder: Path) -> None:
    (folder / "100.hea").write_bytes(b"")
    with pytest.raises(BadRecord, match=r"record 100: 100.hea is empty"):
        header_of(folder)
    (folder / "100.hea").unlink()
    with pytest.raises(BadRecord, match=r"record 100: 100.hea is missing in"):
        header_of(folder)


@pytest.mark.parametrize("n_bytes", [0, 1, 12959])
def test_truncated_signal_file_is_refused(folder: Path, n_bytes: int) -> None:
    path = folder / "100.dat"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(BadRecord, match=r"promises 4320 samples per lead, 100.dat holds \d+"):
        header_of(folder)


@pytest.mark.parametrize("storage", ["212", "16"])
@pytest.mark.parametrize("n_leads", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [100, 101])
def test_millivolts_equal_those_of_wfdb(tmp_path: Path, storage: str, n_leads: int, n_samples: int) -> None:
    write_signals(tmp_path, np.random.default_rng(0).integers(-900, 900, (n_samples, n_leads)), storage)
    ecg_mv = read_ecg(tmp_path, header_of(tmp_path), range(n_leads))
    assert ecg_mv.dtype == np.float32
    np.testing.assert_array_equal(ecg_mv, wfdb.rdrecord(str(tmp_path / "100")).p_signal.T.astype(np.float32))


def test_leads_come_in_the_order_asked_for(folder: Path) -> None:
    header = header_of(folder)
    np.testing.assert_array_equal(read_ecg(folder, header, [1, 0]), read_ecg(folder, header, [0, 1])[::-1])


def test_sixteen_bits_in_several_files_are_read(tmp_path: Path) -> None:
    digital = np.random.default_rng(0).integers(-30_000, 30_000, (50, 3))
    write_signals(tmp_path, digital, "16")
    lines = (tmp_path / "100.hea").read_text().splitlines()
    lines[2] = lines[2].replace("100.dat", "101.dat")  # V1, the one in the middle
    (tmp_path / "100.hea").write_text("\n".join(lines))
    digital[:, [0, 2]].astype("<i2").tofile(tmp_path / "100.dat")
    digital[:, 1].astype("<i2").tofile(tmp_path / "101.dat")
    ecg_mv = read_ecg(tmp_path, header_of(tmp_path), [2, 1, 0])
    np.testing.assert_array_equal(ecg_mv, (digital.T[::-1] / 200).astype(np.float32))


@pytest.mark.parametrize(("unit", "read_as", "times"), [("mV", "mV", 1), ("uV", "mV", 1000), ("NU", "NU", 1)])
def test_units_that_are_allowed_are_read(folder: Path, unit: str, read_as: str, times: int) -> None:
    in_mv = read_ecg(folder, header_of(folder), [0])
    path = folder / "100.hea"
    path.write_text(path.read_text().replace("/mV", f"/{unit}"))
    header = read_header(folder, "100", FS_HZ, ("mV", "uV", "NU"))
    assert header.unit == read_as
    np.testing.assert_allclose(read_ecg(folder, header, [0]) * times, in_mv, rtol=1e-6)


def test_leads_in_several_units_are_refused(folder: Path) -> None:
    spoil(folder, "/mV", "/NU")
    with pytest.raises(BadRecord, match=r"record 100: 100.hea gives its leads in several units, expected one"):
        read_header(folder, "100", FS_HZ, ("mV", "NU"))


@pytest.mark.parametrize(("storage", "invalid"), [("212", -2048), ("16", -32768)])
def test_invalid_samples_are_refused(tmp_path: Path, storage: str, invalid: int) -> None:
    digital = np.random.default_rng(0).integers(-900, 900, (100, 2))
    digital[7, 0] = invalid
    write_signals(tmp_path, digital, storage)
    with pytest.raises(BadRecord, match=r"lead MLII has invalid samples \(NaN\), the first is sample 7"):
        read_ecg(tmp_path, header_of(tmp_path), [0])


def test_flat_lead_is_refused_only_if_it_is_wanted(tmp_path: Path) -> None:
    digital = np.random.default_rng(0).integers(-900, 900, (100, 2))
    digital[:, 1] = 3
    write_signals(tmp_path, digital, "212")
    header = header_of(tmp_path)
    assert read_ecg(tmp_path, header, [0]).shape == (1, 100)
    with pytest.raises(BadRecord, match=r"record 100: lead V1 is flat: every sample is 3"):
        read_ecg(tmp_path, header, [0, 1])
    assert np.ptp(read_ecg(tmp_path, header, [0, 1], flat_leads=True)[1]) == 0
    with pytest.raises(BadRecord, match=r"record 100: lead V1 is flat: every sample is 3"):
        read_ecg(tmp_path, header, [1], flat_leads=True)


def test_changed_sample_is_noticed(folder: Path) -> None:
    path = folder / "100.dat"
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadRecord, match=r"lead MLII sums to \d+, the header says \d+: a file has changed"):
        read_ecg(folder, header_of(folder), [0])


@pytest.mark.parametrize(
    ("names", "wanted", "places"),
    [
        (("V5", "MLII"), ("MLII",), (1,)),
        (("V5", "V2"), ("MLII|V5",), (0,)),
        (("V5", "MLII"), ("MLII|V5",), (1,)),
        (("MLII", "V1"), ("MLII", "V*"), (0, 1)),
        (("V5", "V2"), ("V5|MLII", "V*"), (0, 1)),
        (("V5", "V2"), ("V*", "V*"), (0, 1)),
        (("I", "AVR", "aVL"), ("aVR", "AVL"), (1, 2)),
    ],
)
def test_leads_are_chosen_by_name(names: tuple[str, ...], wanted: tuple[str, ...], places: tuple[int, ...]) -> None:
    assert choose_leads("100", names, wanted) == places


def test_absent_lead_is_refused_with_what_there_is() -> None:
    with pytest.raises(
        BadRecord, match=r"record 102: no lead MLII among V5, V2; .* several of which one will do \('MLII\|V5'\)"
    ):
        choose_leads("102", ("V5", "V2"), ("MLII",))
    with pytest.raises(BadRecord, match=r"record 100: no lead V\* among MLII, V1"):
        choose_leads("100", ("MLII", "V1"), ("V*", "V*"))


def test_folder_with_awkward_characters_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "a [b] ü=,*?"
    write_mitdb(folder, ["100"])
    assert read_ecg(folder, header_of(folder), [0]).shape == (1, 4320)
