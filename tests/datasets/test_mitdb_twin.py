"""The twin has the original's names, leads, cast and format, and says in every file that it is none."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_lightning.datasets import mitdb_twin

AAMI = dict.fromkeys("NLRej", "N") | dict.fromkeys("AaJS", "S") | dict.fromkeys("VE", "V") | {"F": "F"}
AAMI |= dict.fromkeys("/fQ", "Q")
PACED = ("102", "104", "107", "217")
DS1 = (
    *("101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122"),
    *("124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230"),
)
DS2 = (
    *("100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210"),
    *("212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234"),
)
ALL = DS1 + DS2 + PACED


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    mitdb_twin.write(folder, seed=3)
    return folder


@pytest.fixture(scope="module")
def annotations(root: Path) -> dict[str, wfdb.Annotation]:
    return {name: wfdb.rdann(str(root / name), "atr") for name in ALL}


def classes(annotation: wfdb.Annotation) -> Counter[str]:
    return Counter(AAMI[symbol] for symbol in annotation.symbol if symbol in AAMI)


def template_mv(root: Path, name: str, annotation: wfdb.Annotation, symbol: str) -> np.ndarray:
    """Median QRS of one kind of beat in MLII."""
    record = wfdb.rdrecord(str(root / name))
    ecg_mv = record.p_signal[:, record.sig_name.index("MLII")]
    peaks = [at for at, what in zip(annotation.sample, annotation.symbol, strict=True) if what == symbol and at > 60]
    beats = np.stack([ecg_mv[at - 30 : at + 40] for at in peaks])
    return np.median(beats - beats.mean(axis=1, keepdims=True), axis=0)


def test_all_48_records_are_there(root: Path) -> None:
    assert sorted(ALL) == (root / "RECORDS").read_text().split()
    assert len(list(root.iterdir())) == 3 * 48 + 1


def test_headers_are_those_of_the_original_and_say_synthetic(root: Path) -> None:
    for name in ALL:
        header = wfdb.rdheader(str(root / name))
        assert header.comments == ["synthetic: written by ecg_lightning, seed 3, no patient"]
        assert (header.fs, header.n_sig, header.fmt) == (360, 2, ["212", "212"])
        assert header.adc_gain == [200.0, 200.0]
        assert header.baseline == header.adc_zero == [1024, 1024]
        assert 180 <= header.sig_len / header.fs <= 300


def test_lead_order_is_that_of_the_original(root: Path) -> None:
    leads = {name: wfdb.rdheader(str(root / name)).sig_name for name in ("100", "102", "104", "114", "200")}
    assert leads == {
        "100": ["MLII", "V5"],
        "102": ["V5", "V2"],
        "104": ["V5", "V2"],
        "114": ["V5", "MLII"],
        "200": ["MLII", "V1"],
    }


def test_annotations_begin_with_a_note_and_hold_what_is_no_beat(annotations: dict[str, wfdb.Annotation]) -> None:
    seen: Counter[str] = Counter()
    for annotation in annotations.values():
        assert (annotation.sample[0], annotation.symbol[0], annotation.aux_note[0]) == (1, '"', "synthetic")
        assert (np.diff(annotation.sample) >= 0).all()
        seen.update(annotation.symbol)
    assert set(seen) >= set('NLRejAaJSVEF/fQ+~|"')


def test_rhythms_are_named_as_in_the_original(annotations: dict[str, wfdb.Annotation]) -> None:
    notes = {note for annotation in annotations.values() for note in annotation.aux_note if note}
    assert notes == {"synthetic", "(N", "(P", "(AFIB", "(B", "(T", "(VT", "(IVR", "(SVTA"}
    for annotation in annotations.values():
        named = [note for what, note in zip(annotation.symbol, annotation.aux_note, strict=True) if what == "+"]
        assert all(before != after for before, after in pairwise(named))


def test_each_side_has_every_class_in_several_patients(annotations: dict[str, wfdb.Annotation]) -> None:
    for side in (DS1, DS2):
        counts = [classes(annotations[name]) for name in side]
        total = sum(counts, Counter())
        patients = {label: sum(label in count for count in counts) for label in "NSVFQ"}
        assert min(patients.values()) >= 3
        share = {label: total[label] / total.total() for label in "SVFQ"}
        assert 0.02 < share["S"] < 0.06
        assert 0.04 < share["V"] < 0.08
        assert 0.006 < share["F"] < 0.015
        assert 4 <= total["Q"] <= 12


def test_201_and_202_are_one_heart(root: Path, annotations: dict[str, wfdb.Annotation]) -> None:
    normal = {name: template_mv(root, name, annotations[name], "N") for name in ("201", "202", "100", "103")}
    assert np.abs(normal["201"] - normal["202"]).max() < 0.08
    assert np.abs(normal["201"] - normal["100"]).max() > 0.15
    assert np.abs(normal["201"] - normal["103"]).max() > 0.15
    assert (root / "201.dat").read_bytes()[:3000] != (root / "202.dat").read_bytes()[:3000]


def test_pacing_spikes_show_in_both_leads(root: Path, annotations: dict[str, wfdb.Annotation]) -> None:
    for name in PACED:
        ecg_mv = wfdb.rdrecord(str(root / name)).p_signal
        paced = np.array(annotations[name].sample)[np.array(annotations[name].symbol) == "/"]
        steps_mv = [np.abs(np.diff(ecg_mv[at - 36 : at - 18], axis=0)).max(axis=0) for at in paced]
        assert (np.median(steps_mv, axis=0) > 0.12).all(), name


def test_supraventricular_and_ventricular_beats_are_early_and_fusion_is_not(
    annotations: dict[str, wfdb.Annotation],
) -> None:
    early: dict[str, list[float]] = {label: [] for label in "NSVFQ"}
    for annotation in annotations.values():
        beats = [
            (at, AAMI[what]) for at, what in zip(annotation.sample, annotation.symbol, strict=True) if what in AAMI
        ]
        rr = np.diff([at for at, _ in beats])
        for (_, label), share in zip(beats[1:], rr / np.median(rr), strict=True):
            early[label].append(share)
    medians = {label: np.median(shares) for label, shares in early.items()}
    assert medians["S"] < 0.85 < medians["F"]
    assert medians["V"] < 0.85 < medians["N"]


def test_no_sample_is_cut_off(root: Path) -> None:
    for name in ALL:
        digital = wfdb.rdrecord(str(root / name), physical=False).d_signal
        assert digital.min() > 0
        assert digital.max() < 2047


def test_the_same_seed_gives_the_same_bytes_in_any_order(root: Path, tmp_path: Path) -> None:
    for name in ("232", "100"):
        mitdb_twin.write_record(tmp_path, name, seed=3)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (root / path.name).read_bytes()


def test_another_seed_gives_other_hearts(root: Path, tmp_path: Path) -> None:
    mitdb_twin.write_record(tmp_path, "100", seed=4)
    assert (tmp_path / "100.dat").read_bytes() != (root / "100.dat").read_bytes()


def test_writing_is_quiet_where_nobody_watches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mitdb_twin, "CAST", {"100": mitdb_twin.CAST["100"]})
    mitdb_twin.write(tmp_path, seed=0)
    assert "".join(capsys.readouterr()) == ""
