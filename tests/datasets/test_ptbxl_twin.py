"""The twin of PTB-XL has the original's tables, folders, leads and format, and says in every file that it is none."""

import ast
import csv
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning import scp
from ecg_lightning.datasets import ptbxl_twin
from ecg_lightning.datasets.ptbxl import PTBXL

LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    ptbxl_twin.write(folder, seed=3, fs_hz=100)
    return folder


@pytest.fixture(scope="module")
def rows(root: Path) -> list[dict[str, str]]:
    with (root / "ptbxl_database.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def few(monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int, fs_hz: int) -> dict[str, bytes]:
    """Write twenty records; the content of every file by its path."""
    monkeypatch.setattr(ptbxl_twin, "N_ECGS", 20)
    folder.mkdir()
    ptbxl_twin.write(folder, seed, fs_hz)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def superclasses(row: dict[str, str]) -> set[str]:
    return scp.labels(ast.literal_eval(row["scp_codes"]), "super", 0)


def test_every_record_of_the_table_is_there_in_the_official_format(root: Path, rows: list[dict[str, str]]) -> None:
    assert [int(row["ecg_id"]) for row in rows] == list(range(1, 801))
    assert (rows[16]["filename_lr"], rows[16]["filename_hr"]) == (
        "records100/00000/00017_lr",
        "records500/00000/00017_hr",
    )
    for row in rows:
        header = wfdb.rdheader(str(root / row["filename_lr"]))
        assert (header.fs, header.sig_len, header.sig_name) == (100, 1000, LEADS)
        assert header.fmt == ["16"] * 12
        assert header.units == ["mV"] * 12
        assert header.adc_gain == [1000.0] * 12
        assert header.comments == ["synthetic: written by ecg_lightning, seed 3, no patient"]


def test_wfdb_and_our_reader_agree_on_samples_and_checksums(root: Path, tmp_path: Path) -> None:
    (tmp_path / "ptbxl").symlink_to(root)
    corpus = PTBXL(tmp_path, tmp_path, source="local")
    for name in ("00001", "00400", "00800"):
        theirs = wfdb.rdrecord(str(root / f"records100/00000/{name}_lr"), physical=False)
        assert [total % 65536 for total in theirs.calc_checksum()] == [total % 65536 for total in theirs.checksum]
        assert theirs.init_value == theirs.d_signal[0].tolist()
        ours = corpus.read(name, LEADS)
        np.testing.assert_allclose(ours.ecg_mv, theirs.d_signal.T / 1000, atol=1e-6)
        assert ours.synthetic
        assert ours.unit == "mV"


def test_limb_leads_are_linked_but_for_the_rounding_of_halves(root: Path, rows: list[dict[str, str]]) -> None:
    for row in rows[::10]:
        digital = wfdb.rdrecord(str(root / row["filename_lr"]), physical=False).d_signal.astype(float)
        one, two, three, avr, avl, avf = digital.T[:6]
        np.testing.assert_array_equal(three, two - one)
        for augmented, derived in ((avr, -(one + two) / 2), (avl, one - two / 2), (avf, two - one / 2)):
            assert np.abs(augmented - derived).max() <= 0.5


def test_the_tables_are_read_with_their_gaps(tmp_path: Path, root: Path, rows: list[dict[str, str]]) -> None:
    (tmp_path / "ptbxl").symlink_to(root)
    corpus = PTBXL(tmp_path, tmp_path, source="local")
    sheet = corpus.sheet()
    assert corpus.synthetic
    assert corpus.records() == tuple(f"{ecg_id:05d}" for ecg_id in range(1, 801))
    assert 0.02 < 1 - sheet.patient_known.mean() < 0.09
    assert 1 <= np.isnan(sheet.person["age_years"]).sum() <= 20
    assert 3 <= sum(row["age"] == "300.0" for row in rows) <= 40
    assert set(sheet.person["sex_female"]) == {0.0, 1.0}
    assert set(sheet.official_fold) == set(range(1, 11))


def test_the_table_has_the_columns_of_the_original(rows: list[dict[str, str]]) -> None:
    assert len(rows[0]) == 28
    assert list(rows[0])[:4] == ["ecg_id", "patient_id", "age", "sex"]
    assert all(row["report"].startswith("synthetic: ") for row in rows)


def test_records_of_one_patient_are_in_one_fold(rows: list[dict[str, str]]) -> None:
    folds: dict[str, set[str]] = {}
    for row in rows:
        if row["patient_id"]:
            folds.setdefault(row["patient_id"], set()).add(row["strat_fold"])
    assert all(len(of_patient) == 1 for of_patient in folds.values())
    assert sum(row["patient_id"] != "" for row in rows) > len(folds) + 80


def test_every_super_class_is_in_every_fold_about_as_often_as_in_the_original(rows: list[dict[str, str]]) -> None:
    for fold in range(1, 11):
        found = [superclasses(row) for row in rows if row["strat_fold"] == str(fold)]
        assert all(sum(name in one for one in found) >= 4 for name in scp.classes("super"))
    for name, share in {"NORM": 0.44, "MI": 0.25, "STTC": 0.24, "CD": 0.225, "HYP": 0.12}.items():
        assert abs(np.mean([name in superclasses(row) for row in rows]) - share) < 0.04


def test_every_kind_of_label_has_content(rows: list[dict[str, str]]) -> None:
    for kind, at_least in {"sub": 20, "diag": 30, "form": 14, "rhythm": 8, "all": 50}.items():
        found = set().union(*(scp.labels(ast.literal_eval(row["scp_codes"]), kind, 0) for row in rows))
        assert len(found) >= at_least, kind


def test_heights_are_those_of_a_resting_ecg(root: Path, rows: list[dict[str, str]]) -> None:
    ecg_mv = np.stack([wfdb.rdrecord(str(root / row["filename_lr"])).p_signal for row in rows[::8]])
    assert np.abs(ecg_mv).max() < 15
    height_mv = np.median(np.ptp(ecg_mv, axis=1), axis=0)
    assert ((height_mv > 0.5) & (height_mv < 3.0)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again, other = (few(monkeypatch, tmp_path / str(i), seed, 100) for i, seed in enumerate((0, 0, 1)))
    assert first == again
    assert len(first) == 42
    assert all(first[path] != other[path] for path in first.keys() - {"scp_statements.csv"})


def test_both_rates_show_the_same_people_and_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse, fine = (few(monkeypatch, tmp_path / str(fs_hz), 0, fs_hz) for fs_hz in (100, 500))
    assert coarse["ptbxl_database.csv"] == fine["ptbxl_database.csv"]
    likeness = []
    for ecg_id in range(1, 21):
        low = wfdb.rdrecord(str(tmp_path / f"100/records100/00000/{ecg_id:05d}_lr")).p_signal
        high = wfdb.rdrecord(str(tmp_path / f"500/records500/00000/{ecg_id:05d}_hr")).p_signal
        assert high.shape == (5000, 12)
        likeness.append(np.corrcoef(low[:, 10], high[::5, 10])[0, 1])
    assert np.median(likeness) > 0.8


def test_writing_is_quiet_where_nobody_watches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, tmp_path / "twin", 0, 100)
    assert "".join(capsys.readouterr()) == ""
