"""Users' files: found, read alike whatever their format, and refused in one sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyedflib
import pytest
import wfdb

from ecg_lightning.dsp.peaks import find_r_peaks
from ecg_lightning.reading.recordings import Recording, Said, inputs_below, read_recording
from ecg_lightning.structures import BadRecord, Refused
from tests.dsp.test_peaks import beats, made_ecg

FS_HZ = 250
ECG_MV = np.round(made_ecg(beats(10), FS_HZ, noise_mv=0.01) * 200) / 200  # steps of 5 microvolts
TWO_MV = np.concatenate([ECG_MV, -0.5 * ECG_MV])
SAID = Said(FS_HZ, "mV", ("MLII", "V5"))
OF_TABLE = Said(FS_HZ, "mV")


def write_wfdb(folder: Path, name: str = "a", **other: object) -> Path:
    settings = {
        "fs": FS_HZ,
        "units": ["mV", "uV"],
        "sig_name": ["MLII", "V5"],
        "fmt": ["16", "16"],
        "adc_gain": [200.0, 0.4],
        "baseline": [0, 0],
        "d_signal": np.round(TWO_MV.T * [200, 400]).astype(np.int64),
        "comments": ["age: 63  sex: Female"],
    }
    wfdb.wrsamp(name, write_dir=str(folder), **(settings | other))
    return folder / f"{name}.hea"


def write_edf(folder: Path, name: str = "a", **other: object) -> Path:
    path = folder / f"{name}.edf"
    with pyedflib.EdfWriter(str(path), 2, pyedflib.FILETYPE_EDFPLUS) as writer:
        for k, (label, unit) in enumerate((("ECG II", "uV"), ("ECG V5", "mV"))):
            high = 5000 if unit == "uV" else 5
            settings = {"label": label, "dimension": unit, "sample_frequency": FS_HZ, "transducer": "", "prefilter": ""}
            limits = {"physical_min": -high, "physical_max": high, "digital_min": -32768, "digital_max": 32767}
            writer.setSignalHeader(k, settings | limits | other)
        whole_s = TWO_MV.shape[1] // FS_HZ * FS_HZ
        writer.writeSamples([1000 * TWO_MV[0, :whole_s].astype(float), TWO_MV[1, :whole_s].astype(float)])
    return path


def write_csv(folder: Path, text: str | None = None, name: str = "a") -> Path:
    path = folder / f"{name}.csv"
    rows = "\n".join(f"{k / FS_HZ:.3f},{a:.3f},{b:.4f}" for k, (a, b) in enumerate(TWO_MV.T.tolist()))
    path.write_text(f"time,MLII,V5\n{rows}\n" if text is None else text, encoding="utf-8")
    return path


def write_npy(folder: Path, array: np.ndarray = TWO_MV, name: str = "a") -> Path:
    np.save(folder / f"{name}.npy", array)
    return folder / f"{name}.npy"


def refused(path: Path, said: Said = SAID, wanted: tuple[str, ...] = ("MLII",)) -> str:
    with pytest.raises(BadRecord) as caught:
        read_recording(path, wanted, said)
    assert str(caught.value).startswith(f"record {path.stem}")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("write", [write_wfdb, write_edf, write_csv, write_npy])
def test_the_same_ecg_comes_out_of_every_format(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    said = {".csv": OF_TABLE, ".npy": SAID}.get(path.suffix, Said())
    record = read_recording(path, ("V5", "MLII"), said).record
    assert (record.name, record.leads, record.unit, record.fs_hz) == ("a", ("V5", "MLII"), "mV", FS_HZ)
    assert record.ecg_mv.dtype == np.float32
    n_samples = record.ecg_mv.shape[1]
    assert TWO_MV.shape[1] - n_samples < FS_HZ
    np.testing.assert_allclose(record.ecg_mv, TWO_MV[::-1, :n_samples], atol=2e-4)
    assert len(find_r_peaks(record.ecg_mv[1:], FS_HZ)) == 10


def test_what_was_done_is_said(tmp_path: Path) -> None:
    assert read_recording(write_wfdb(tmp_path), ("MLII", "V5"), Said()).notes == ()
    notes = read_recording(write_csv(tmp_path), ("MLII",), SAID).notes
    assert notes == ("column 'time' is taken as time and not as a lead",)
    notes = read_recording(write_edf(tmp_path), ("MLII", "V5"), Said()).notes
    assert notes[0].startswith("lead 'ECG II' of the file stands for MLII")
    assert notes[1] == "'ECG V5' of the file is lead V5"


def test_lost_samples_are_bridged_and_counted(tmp_path: Path) -> None:
    array = TWO_MV.copy()
    array[0, 500:600] = np.nan
    array[0, :5] = np.inf
    found = read_recording(write_npy(tmp_path, array), ("MLII", "V5"), SAID)
    assert np.isfinite(found.record.ecg_mv).all()
    line = np.linspace(TWO_MV[0, 499], TWO_MV[0, 600], 102)[1:-1]
    np.testing.assert_allclose(found.record.ecg_mv[0, 500:600], line, atol=1e-6)
    np.testing.assert_array_equal(found.record.ecg_mv[0, :5], TWO_MV[0, 5])
    np.testing.assert_array_equal(found.record.ecg_mv[1], TWO_MV[1].astype(np.float32))
    assert len(found.notes) == 1
    assert found.notes[0].startswith("0.42 s (3.77%) of lead MLII were lost, in 2 stretches of up to 0.4 s")
    array[0, 500:800] = np.nan
    assert "11% of lead MLII is lost (invalid or missing samples), more than 10%" in refused(write_npy(tmp_path, array))


@pytest.mark.parametrize(("scale", "unit", "hint"), [(1000, "mV", "in uV"), (1e-3, "mV", "in V"), (1, "V", "in mV")])
def test_an_amplitude_that_no_ecg_has_is_refused_with_the_unit_that_fits(
    tmp_path: Path, scale: float, unit: str, hint: str
) -> None:
    message = refused(write_npy(tmp_path, scale * TWO_MV), Said(FS_HZ, unit, ("MLII", "V5")))
    assert f"which no ECG does (0.02 to 20 mV); its unit is given as {unit}, {hint} it would be usual" in message


def test_an_amplitude_that_no_unit_explains_is_refused(tmp_path: Path) -> None:
    assert "no unit would make it ECG (or they are counts of the converter: divide" in refused(
        write_npy(tmp_path, 40 * TWO_MV)
    )


def test_a_network_without_units_is_given_none(tmp_path: Path) -> None:
    said = Said(FS_HZ, "NU", ("MLII", "V5"))
    record = read_recording(write_npy(tmp_path, 5000 * TWO_MV), ("MLII",), said).record
    assert record.unit == "NU"
    np.testing.assert_allclose(record.ecg_mv[0], 5000 * TWO_MV[0], rtol=1e-6)
    header = write_wfdb(tmp_path, units=["NU", "mV"])
    assert "lead MLII has no amplitude (NU), others have: all or none" in refused(header, Said(), ("MLII", "V5"))


def test_too_short_flat_and_slow_recordings_are_refused(tmp_path: Path) -> None:
    assert "has 100 samples, 0.40 s at 250 Hz: give at least 1 s" in refused(write_npy(tmp_path, TWO_MV[:, :100]))
    assert "MLII never changes: the electrodes were off" in refused(write_npy(tmp_path, np.ones((2, 1000))))
    assert "50 Hz is too low for ECG, at least 60 are" in refused(write_npy(tmp_path), Said(50, "mV", ("MLII", "V5")))
    one_off = np.stack([TWO_MV[0], np.ones_like(TWO_MV[0])])
    assert read_recording(write_npy(tmp_path, one_off), ("MLII", "V5"), SAID).notes == ("lead V5 never changes",)


def test_unknown_units_and_leads_are_refused(tmp_path: Path) -> None:
    assert "unit 'furlong' of lead MLII is unknown: say --units with one of V, mV" in refused(
        write_npy(tmp_path), Said(FS_HZ, "furlong", ("MLII", "V5"))
    )
    assert "lead MLII has no unit: say --units" in refused(write_npy(tmp_path), Said(FS_HZ, None, ("MLII", "V5")))
    assert "no lead aVR among MLII, V5; the network takes aVR." in refused(write_wfdb(tmp_path), Said(), ("aVR",))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(fs_hz=500), "the file says 250 Hz, --fs-hz says 500: leave --fs-hz out for this file"),
        (Said(units="V"), "is in uV, --units says V: leave --units out for this file"),
        (Said(leads=("II", "V1")), "V5, --leads calls it V1: leave --leads out for this file"),
        (Said(leads=("II",)), "--leads names 1 signals (II), but the file has 2"),
    ],
)
def test_what_a_file_says_itself_is_not_overruled(tmp_path: Path, said: Said, words: str) -> None:
    wfdb_file = write_wfdb(tmp_path, units=["uV", "uV"], adc_gain=[0.2, 0.4])
    for path in (wfdb_file, write_edf(tmp_path)):
        assert words in refused(path, said)
        equal = read_recording(path, ("MLII",), Said(250.0, "uV", ("MLII", "V5")))
        assert (equal.record.fs_hz, equal.record.leads) == (250, ("MLII",))


def test_names_are_asked_for_only_where_they_could_help(tmp_path: Path) -> None:
    two, hint = write_wfdb(tmp_path), "--leads with one name per signal"
    assert "The file names its leads, and this is none of them: give a recording" in refused(two, Said(), ("aVR",))
    few = refused(two, Said(), ("I", "II", "V1"))
    assert "no lead I among MLII, V5; the network takes I, II, V1. The file has 2 signals, 3 are needed" in few
    named = write_wfdb(tmp_path, sig_name=["left", "right"])
    assert hint in refused(named, Said(), ("aVR",))
    assert hint not in refused(named, Said(), ("I", "II", "V1"))


def test_a_lead_that_is_there_is_taken_whatever_its_alternatives_are(tmp_path: Path) -> None:
    rows = "\n".join(f"{a:.3f},{b:.4f},{b:.4f}" for a, b in TWO_MV.T.tolist())
    path = write_csv(tmp_path, f"MLII,Lead V5,ECG-V5\n{rows}")
    assert read_recording(path, ("MLII|V5",), OF_TABLE).record.leads == ("MLII",)


def test_records_are_found_once_each_in_folders_and_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    (folder / "below").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    header = write_wfdb(folder)
    for name in ("a.atr", "notes.txt", ".hidden/x.npy", ".x.csv"):
        (folder / name).write_bytes(b"")
    others = [write_edf(folder, "B"), write_npy(folder / "below", name="c")]
    assert inputs_below([folder]) == sorted([header, *others])
    for typed in ("a", "a.hea", "a.dat", "a.atr"):
        assert inputs_below([folder / typed, header]) == [header]
    assert inputs_below([others[1], folder])[0] == others[1]
    assert len(inputs_below([others[1], folder])) == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "there is no such file or folder, nor a WFDB header nowhere.hea"),
        ("alone.dat", "its header alone.hea is missing"),
        ("text.txt", "is no recording that can be read: give .hea, .edf, .csv, .npy"),
        ("empty", "holds no recording: .hea, .edf, .csv, .npy are looked for"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    for file in ("alone.dat", "text.txt"):
        (tmp_path / file).write_bytes(b"")
    with pytest.raises(Refused, match=words.replace(".", r"\.")):
        inputs_below([tmp_path / name])


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    write_npy(outside)
    write_wfdb(folder)
    (folder / "more").symlink_to(outside)
    assert inputs_below([folder]) == [folder / "a.hea"]  # the folder behind the link is another one
    (folder / "b.npy").symlink_to(outside / "a.npy")
    with pytest.raises(Refused, match=r"b.npy is a link that leads out of"):
        inputs_below([folder])
    assert inputs_below([folder / "b.npy"]) == [folder / "b.npy"]  # named by the user


def test_a_file_that_may_not_be_read_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "gone.npy"
    assert "cannot be read (No such file or directory)" in refused(path)
    if os.geteuid():
        write_npy(tmp_path, name="gone").chmod(0)
        assert "cannot be read (Permission denied)" in refused(path)


def test_a_recording_is_a_record_and_notes(tmp_path: Path) -> None:
    found = read_recording(write_npy(tmp_path), ("MLII",), SAID)
    assert isinstance(found, Recording)
    assert found.record.patient == "unknown-a"
    assert np.isnan(found.record.begin_s)
    assert len(found.record.peak_sample) == 0


@pytest.mark.parametrize(("write", "n_head"), [(write_wfdb, 0), (write_edf, 1024), (write_csv, 200), (write_npy, 128)])
def test_a_damaged_file_gives_a_recording_or_one_sentence(
    tmp_path: Path, write: Callable[[Path], Path], n_head: int
) -> None:
    rng, path = np.random.default_rng(0), write(tmp_path)
    whole = path.read_bytes()
    said: list[str] = []
    for _ in range(200):
        content = bytearray(whole)
        for at_byte in rng.integers(0, n_head or len(whole), rng.integers(1, 6)):
            content[at_byte] = rng.choice([rng.integers(0, 256), *b"0123456789-+./: xeE(\n"])
        path.write_bytes(content)
        try:
            read_recording(path, ("MLII",), SAID if path.suffix in (".csv", ".npy") else Said())
        except BadRecord as error:
            said.append(str(error))
    assert all(one.startswith("record a") for one in said)
    assert 20 < len(said) < 200
