"""`python -m ecg_lightning.predict`: recordings go in; tables, annotations, pictures and one page come out."""

import csv
import html
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import wfdb

from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Score
from ecg_lightning.features import Features
from ecg_lightning.predict import findings, long_recordings
from ecg_lightning.predict.__main__ import FORMATS, HOW, main
from ecg_lightning.predict.answers import probabilities
from ecg_lightning.predict.beats import classify
from ecg_lightning.predict.files import FORMATS as OF_FILES
from ecg_lightning.predict.job import check_kind
from ecg_lightning.predict.place import find
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predict.rows import corpus_of
from ecg_lightning.prepare import Preprocess
from ecg_lightning.reading.recordings import Said, inputs_below, read_recording
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Crops, Segments
from tests.conftest import FinishedRun, RecordRun
from tests.corpora.anomaly_bundle import RULE
from tests.corpora.sequence_gru import SequenceGRU
from tests.corpora.user_files import (
    FS_HZ,
    TWELVE,
    beat_contract,
    peaks_of,
    write_heart,
    written_anomaly,
    written_beats,
    written_labels,
    written_windows,
)

NO_PICTURES = ("--figures", "0")


def answered(*words: Any) -> int:
    """The command, in this process."""
    return main([str(word) for word in words])


def summary(output: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / name / "summary.json").read_text(encoding="utf-8"))
    return found


def read(path: Path, made: Bundle) -> Record:
    (file,) = inputs_below([path])
    return read_recording(file, made.contract.preprocess.leads, Said(None, None, ())).record


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle, a recording of 40 s and its answer; to be looked at alone."""
    folder = tmp_path_factory.mktemp("answer")
    written_beats(folder / "model")
    write_heart(folder / "data", "a1")
    assert answered(folder / "model", folder / "data", "--output", folder / "out", "--figures", "3") == 0
    return folder


def test_the_table_holds_what_the_network_says_of_every_beat(answer: Path) -> None:
    table = pd.read_csv(answer / "out" / "a1" / "beats.csv")
    made = bundle.read(answer / "model")
    expected = classify(made, read(answer / "data" / "a1", made))
    assert table["class"].tolist() == expected["class"].tolist()
    np.testing.assert_allclose(table[["p_N", "p_S", "p_V"]], expected[["p_N", "p_S", "p_V"]], rtol=1e-5)
    np.testing.assert_allclose(table["p"], table[["p_N", "p_S", "p_V"]].max(axis=1))
    np.testing.assert_array_equal(table["sample"], peaks_of(40))
    np.testing.assert_allclose(table["rr_s"][1:], 0.8)
    assert table["class_name"].tolist() == [made.contract.class_names[name] for name in table["class"]]


def test_a_beat_in_a_second_that_is_off_is_refused_and_counts_nowhere(answer: Path) -> None:
    table, said = pd.read_csv(answer / "out" / "a1" / "beats.csv"), summary(answer / "out", "a1")
    second = table["time_s"].astype(int)
    assert table["refused"].tolist() == second.isin([20, 21, 22]).tolist()
    assert set(table["why"][table["refused"]]) == {"flat"}
    assert said["refused"] == [{"start_s": 20.0, "stop_s": 23.0, "why": "flat"}]
    assert (said["duration_s"], said["analysed_s"]) == (40.0, 37.0)
    kept = table[~table["refused"]]
    counts = {name: one["n"] for name, one in said["found"]["classes"].items()}
    assert counts == {name: int((kept["class"] == name).sum()) for name in ("N", "S", "V")}
    assert sum(one["share"] for one in said["found"]["classes"].values()) == pytest.approx(1)


def test_the_annotation_file_is_read_by_wfdb_and_lies_beside_the_samples(answer: Path) -> None:
    read = wfdb.rdann(str(answer / "out" / "a1" / "a1"), "pred")
    table = pd.read_csv(answer / "out" / "a1" / "beats.csv")
    beats = [k for k, symbol in enumerate(read.symbol) if symbol in "NSVQ"]
    assert read.fs == FS_HZ
    np.testing.assert_array_equal(read.sample[beats], table["sample"])
    expected = np.where(table["refused"], "Q", table["class"])
    assert [read.symbol[k] for k in beats] == expected.tolist()
    quality = [(int(at), note) for at, s, note in zip(read.sample, read.symbol, read.aux_note, strict=True) if s == "~"]
    assert quality == [(2000, "refused: flat"), (2300, "trusted again")]


def test_there_are_pictures_a_summary_and_a_page_without_a_link_outside(answer: Path) -> None:
    said = summary(answer / "out", "a1")
    assert len(said["figures"]) == 3
    for one in said["figures"]:
        assert (answer / "out" / "a1" / one["file"]).read_bytes().startswith(b"\x89PNG")
    page = (answer / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "http://" not in page
    assert "https://" not in page
    words = (answer / "out" / "a1" / "summary.md").read_text(encoding="utf-8")
    for text in (page, words):
        assert "Not a medical device" in text
        assert "ventricular ectopic" in text
    assert "macro_f1 0.500 (0.400 to 0.600)" in page


def test_every_file_that_is_named_is_there_and_no_other(answer: Path) -> None:
    content = json.loads((answer / "out" / "predict.json").read_text(encoding="utf-8"))
    there = {str(path.relative_to(answer / "out")) for path in (answer / "out").rglob("*") if path.is_file()}
    assert set(content["files"]) == there
    assert content["state"] == "finished"


def test_with_json_stdout_holds_one_object_and_nothing_else(
    answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answered(answer / "model", answer / "data" / "a1", "--output", tmp_path, "--json", *NO_PICTURES) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == json.loads((tmp_path / "predict.json").read_text(encoding="utf-8"))
    assert out.count("\n") == 1
    assert "look next at" in err
    assert not list(tmp_path.rglob("*.png"))


def test_one_bad_file_does_not_stop_the_rest(answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_heart(tmp_path / "data", "good")
    write_heart(tmp_path / "data", "other_lead", leads=("V1",))
    (tmp_path / "data" / "broken.hea").write_text("nonsense\n")
    words = (answer / "model", tmp_path / "data", "--output", tmp_path / "out", *NO_PICTURES)
    assert answered(*words, "--json") == 1
    content = json.loads(capsys.readouterr().out)
    assert [one["recording"] for one in content["recordings"]] == ["good"]
    reasons = {Path(one["input"]).stem: one["reason"] for one in content["refused"]}
    assert set(reasons) == {"other_lead", "broken"}
    assert "no lead MLII" in reasons["other_lead"]
    page = html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert all(reason in page for reason in reasons.values())


def test_a_path_that_does_not_exist_and_a_file_of_the_same_name_do_not_confuse(
    answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("recording,age_years,sex\na1,60,\nb7,60,\n")
    same = [write_heart(tmp_path / name, "a1", annotated=False) for name in ("x", "y")]
    words = (answer / "model", tmp_path / "nowhere", *same, "--people", people, "--output", tmp_path / "out")
    assert answered(*words, *NO_PICTURES) == 1
    told = " ".join(capsys.readouterr().out.split())
    content = json.loads((tmp_path / "out" / "predict.json").read_text(encoding="utf-8"))
    assert [one["folder"] for one in content["recordings"]] == ["a1", "a1-2"]
    (wrong,) = content["refused"]
    assert "there is no such file or folder" in wrong["reason"]
    unused = "this network does not take age: --people is not used"
    assert content["notes"] == [unused, "--people: no recording is called b7: this line is not used"]
    assert unused in (tmp_path / "out" / "a1" / "summary.md").read_text(encoding="utf-8")
    page = html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    for path in same:
        assert f"a1 ({path}.hea)" in page
        assert f"{path}.hea)".replace(" ", "") in told.replace(" ", "")


def test_where_nothing_could_be_done_the_command_says_so(
    answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_heart(tmp_path / "data", "other_lead", leads=("V1",))
    assert answered(answer / "model", tmp_path / "data", "--output", tmp_path / "out", *NO_PICTURES) == 2
    assert "refused:" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    refusals = {
        ("nowhere", answer / "data"): "bundle=nowhere: there is no such folder",
        (answer / "model", tmp_path / "empty"): "holds no recording",
        (answer / "model", tmp_path / "none"): "there is no such file or folder",
    }
    for (model, data), words in refusals.items():
        assert answered(model, data, "--output", tmp_path / "new", "--json") == 2
        out, err = capsys.readouterr()
        assert err.startswith("error: ")
        assert words in err
        assert json.loads(out)["reason"] in err
        assert not (tmp_path / "new").exists()
    assert answered(answer / "model", answer / "data", "--output", tmp_path / "new", "--figures", "-1") == 2
    assert "--figures=-1 must be 0 or more" in capsys.readouterr().err


def test_somebodys_files_are_not_touched(answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert answered(answer / "model", answer / "data", "--output", tmp_path) == 2
    assert "holds other files than an earlier answer of this command" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_earlier_answer_is_replaced_and_what_it_left_is_removed(answer: Path, tmp_path: Path) -> None:
    first, second = write_heart(tmp_path / "data", "first"), write_heart(tmp_path / "data", "second")
    output = tmp_path / "out"
    assert answered(answer / "model", first, second, "--output", output, *NO_PICTURES) == 0
    (output / "first" / "note.txt").write_text("mine")
    assert answered(answer / "model", second, "--output", output, "--format", "parquet", *NO_PICTURES) == 0
    left = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    own = [f"second/{name}" for name in ("beats.parquet", "second.pred", "summary.json", "summary.md")]
    assert left == sorted(["first/note.txt", "predict.json", "report.html", *own])


def test_an_answer_beside_the_recordings_is_no_recording(
    answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_heart(tmp_path, "a1")
    for _ in range(2):
        assert answered(answer / "model", tmp_path, "--output", tmp_path / "out", *NO_PICTURES) == 0
    capsys.readouterr()
    assert answered(answer / "model", tmp_path / "out", "--output", tmp_path / "out") == 2
    assert "error: no recording in " in capsys.readouterr().err


def test_beats_are_found_where_nobody_has_annotated_them(answer: Path, tmp_path: Path) -> None:
    path = write_heart(tmp_path, "bare", annotated=False)
    assert answered(answer / "model", path, "--output", tmp_path / "out", *NO_PICTURES) == 0
    table, said = pd.read_csv(tmp_path / "out" / "bare" / "beats.csv"), summary(tmp_path / "out", "bare")
    assert said["beats"]["how"] == "detected"
    there = [at for at in peaks_of(40) if not 1990 <= at < 2310]
    assert all(np.abs(table["sample"] - at).min() <= 1 for at in there)
    assert said["heart_rate"]["mean_bpm"] == pytest.approx(75, abs=0.5)
    assert said["longest_pause"]["rr_s"] < 1
    assert isinstance(said["longest_pause"]["beside_refused"], bool)
    words = (tmp_path / "out" / "bare" / "summary.md").read_text(encoding="utf-8")
    assert f"| without a beat | {said['longest_gap']['rr_s']:.2f} s after 0:00:19." in words


def test_annotated_beats_that_are_asked_for_must_be_there(
    answer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_heart(tmp_path, "bare", annotated=False)
    words = (answer / "model", path, "--output", tmp_path / "out", "--beats", "annotated", *NO_PICTURES)
    assert answered(*words) == 2
    assert "recording bare has no annotated beats" in " ".join(capsys.readouterr().out.split())


def test_anomalies_come_with_score_threshold_and_reconstruction(tmp_path: Path) -> None:
    made = written_anomaly(tmp_path / "model")
    path = write_heart(tmp_path, "a1")
    assert answered(tmp_path / "model", path, "--output", tmp_path / "out", "--figures", "2") == 0
    table, said = pd.read_csv(tmp_path / "out" / "a1" / "beats.csv"), summary(tmp_path / "out", "a1")
    expected = classify(made, read(path, made))
    np.testing.assert_allclose(table["score"], expected["score"], rtol=1e-5)
    assert set(table["threshold"]) == {0.3}
    assert said["found"]["score"]["highest"]["score"] == pytest.approx(
        table["score"][~table["refused"]].max(), rel=1e-5
    )
    assert [one["file"] for one in said["figures"]] == ["01_course.png", "02_reconstructions.png"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'data-stamp="MODEL OF SYNTHETIC DATA"' in page
    symbols = set(wfdb.rdann(str(tmp_path / "out" / "a1" / "a1"), "pred").symbol)
    assert symbols <= {"N", "Q", "~"}


def test_a_long_recording_that_is_scored_whole_is_scored_stretch_by_stretch(tmp_path: Path) -> None:
    no_features = {"features": Features((), "diagnostic"), "feature_mean": (), "feature_std": ()}
    size = {"n_leads": 1, "n_samples": 240, "latent_size": 4, "channels": 2}
    score = Score(("mae",), (0.1,), (0.1,), RULE)
    made = written_anomaly(
        tmp_path / "model", window=Crops(240, 120, "max"), arguments=size, score=score, **no_features
    )
    path = write_heart(tmp_path, "a1")
    assert answered(tmp_path / "model", path, "--output", tmp_path / "out", "--figures", "5") == 0
    table, said = pd.read_csv(tmp_path / "out" / "a1" / "labels.csv"), summary(tmp_path / "out", "a1")
    assert table["start_s"].tolist() == [0.0, 10.0, 20.0, 30.0]
    record = read(path, made)
    alone = replace(record, ecg_mv=record.ecg_mv[:, 1000:2000], peak_sample=np.zeros(0, int), symbol=())
    assert table["score"][1] == pytest.approx(diagnose(made, alone)["score"][0], rel=1e-5)
    assert table["refused"].tolist() == [False, False, True, False], "3 s of it are off"
    kept = table[~table["refused"]]
    highest = kept.iloc[int(kept["score"].argmax())]
    assert said["found"]["score"]["highest"]["at_s"] == highest["start_s"]
    assert said["found"]["n_called"] == (kept["class"] == "anomaly").sum()
    names = [one["file"] for one in said["figures"]]
    assert names == [f"01_at_{highest['start_s']:.0f}_s.png", "02_reconstructions.png"]


def test_windows_are_watched_one_after_another(tmp_path: Path) -> None:
    written_windows(tmp_path / "model")
    path = write_heart(tmp_path, "a1")
    assert answered(tmp_path / "model", path, "--output", tmp_path / "out", "--figures", "2") == 0
    table, said = pd.read_csv(tmp_path / "out" / "a1" / "windows.csv"), summary(tmp_path / "out", "a1")
    assert table["time_s"].tolist() == [2.0 * k for k in range(20)]
    assert table["refused"].tolist() == [k in (10, 11) for k in range(20)]
    kept = table[~table["refused"]]
    assert said["found"]["n_called"] == kept["called"].sum()
    assert said["found"]["highest"]["p"] == pytest.approx(kept["p"].max(), rel=1e-5)
    assert any("the network also takes breathing" in note for note in said["notes"])
    read = wfdb.rdann(str(tmp_path / "out" / "a1" / "a1"), "pred")
    assert read.symbol.count('"') == said["found"]["n_called"]


def test_recordings_of_the_trained_length_are_answered_whole_and_longer_ones_stretch_by_stretch(tmp_path: Path) -> None:
    made = written_labels(tmp_path / "model")
    for name, seconds, starts in (("short", 12.0, [0.0]), ("long", 27.0, [0.0, 10.0, 17.0])):
        path = write_heart(tmp_path / name, name, seconds, leads=TWELVE)
        output = tmp_path / name / "out"
        figures = ("--figures", "1" if name == "long" else "0")
        assert answered(tmp_path / "model", path, "--output", output, "--age", "70", "--sex", "female", *figures) == 0
        table, said = pd.read_csv(output / name / "labels.csv"), summary(output, name)
        assert sorted(set(table["start_s"])) == starts
        kept = table[~table["refused"]]
        assert sorted(set(kept["start_s"])) == starts[:2], "the last one is off for 3 s"
        assert said["found"]["n_stretches"] == len(starts[:2])
        assert {c: of["p"] for c, of in said["found"]["labels"].items()} == pytest.approx(
            kept.groupby("class")["p"].max().to_dict(), rel=1e-5
        )
        whole = replace(read(path, made), person={"age_years": 70.0, "sex_female": 1.0}, peak_sample=np.zeros(0, int))
        for start_s, own in table.groupby("start_s"):
            first, last = round(start_s * FS_HZ), round(own["stop_s"].iloc[0] * FS_HZ)
            expected = diagnose(made, replace(whole, ecg_mv=whole.ecg_mv[:, first:last], symbol=()))
            np.testing.assert_allclose(own["p"], expected["p"], rtol=1e-5)
            assert own["called"].tolist() == expected["called"].tolist()
    words = (tmp_path / "long" / "out" / "long" / "summary.md").read_text(encoding="utf-8")
    assert "in 2 stretches of 10 s one after another, each as a recording; 1 more refused for quality" in words


def test_what_nobody_says_of_a_person_counts_as_the_mean_and_is_said(tmp_path: Path) -> None:
    written_labels(tmp_path / "model")
    path = write_heart(tmp_path, "r1", 10.0, leads=TWELVE)
    people = tmp_path / "people.csv"
    people.write_text("recording,age_years,sex\nr1,60,\n")
    p = []
    for words in ((), ("--people", people), ("--age", "60"), ("--age", "20")):
        assert answered(tmp_path / "model", path, "--output", tmp_path / "out", *words, *NO_PICTURES) == 0
        p.append(pd.read_csv(tmp_path / "out" / "r1" / "labels.csv")["p"].tolist())
    assert p[0] == p[1] == p[2]
    assert p[3] != p[0]
    notes = summary(tmp_path / "out", "r1")["notes"]
    assert "sex_female is not said: it counts as the mean of the training rows" in notes
    assert not any("age_years" in note for note in notes)


def test_a_recording_in_another_unit_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = Preprocess(("MLII",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0, unit="NU")
    written_beats(tmp_path / "model", preprocess=lost)
    path = write_heart(tmp_path, "a1")
    assert answered(tmp_path / "model", path, "--output", tmp_path / "out", *NO_PICTURES) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "recording a1 is in mV, but the network learned from records whose amplitude is lost (NU)" in said


def test_in_real_time_nothing_is_resampled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    causal = Preprocess(("MLII",), FS_HZ, "real_time", "butterworth", phase="causal", high_hz=40.0)
    written_beats(tmp_path / "model", preprocess=causal)
    same, other = write_heart(tmp_path, "same"), write_heart(tmp_path, "other", fs_hz=125.0)
    assert answered(tmp_path / "model", same, other, "--output", tmp_path / "out", *NO_PICTURES) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "recording other has 125 Hz, but the bundle works in real time at 100 Hz and cannot resample" in said


def test_synthetic_recordings_are_stamped(answer: Path, tmp_path: Path) -> None:
    path = write_heart(tmp_path, "twin", comments=("synthetic: made up",))
    assert answered(answer / "model", path, "--output", tmp_path / "out", *NO_PICTURES) == 0
    assert summary(tmp_path / "out", "twin")["synthetic"] is True
    assert 'data-stamp="SYNTHETIC"' in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "**SYNTHETIC recording.**" in (tmp_path / "out" / "twin" / "summary.md").read_text(encoding="utf-8")


def test_bundles_that_answer_for_nothing_a_recording_has_are_refused() -> None:
    row = SequenceGRU(60, 1, 3, both_ways=False)
    with pytest.raises(ValueError, match="takes beats in a row: choose a bundle of a network of single beats"):
        check_kind(Bundle(row, beat_contract()))
    with pytest.raises(ValueError, match=r"problem=multiclass .* cannot be watched: choose a bundle of problem=binary"):
        check_kind(Bundle(torch_window(), beat_contract(window=Segments(60, 60))))


def torch_window() -> torch.nn.Module:
    network = torch.nn.Linear(1, 1)
    network.scope = "window"  # type: ignore[assignment]
    return network


def test_the_words_of_the_command_are_those_of_its_parts() -> None:
    assert HOW == findings.HOW
    assert FORMATS == OF_FILES


def test_beats_are_answered_as_in_the_run_that_trained_the_network(
    finished_run: FinishedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.read_parquet(finished_run.folder / "predictions.parquet")
    name = rows["record"].iloc[-1]
    corpus: Any = corpus_of(find(str(finished_run.folder)))
    words = ("--beats", "annotated", "--format", "parquet", "--json", *NO_PICTURES)
    assert answered(finished_run.folder, corpus.root / name, "--output", tmp_path / "out", *words) == 0
    assert json.loads(capsys.readouterr().out)["recordings"][0]["synthetic"]
    contract = bundle.read(finished_run.folder / "model").contract
    own = rows[rows["record"] == name].sort_values("time_s")
    expected = probabilities(contract, torch.from_numpy(own[[f"logit_{c}" for c in contract.classes]].to_numpy()))
    table = pd.read_parquet(tmp_path / "out" / name / "beats.parquet")
    np.testing.assert_allclose(table["time_s"], own["time_s"], atol=1e-9)
    np.testing.assert_allclose(table[[f"p_{c}" for c in contract.classes]], expected, atol=1e-6)


def test_recordings_are_answered_as_in_the_run_that_trained_the_network(
    finished_record_run: RecordRun, tmp_path: Path
) -> None:
    rows = pd.read_parquet(finished_record_run.folder / "predictions.parquet")
    row = rows.iloc[-1]
    corpus: Any = corpus_of(find(str(finished_record_run.folder)))
    (path,) = (corpus.root / "records100").rglob(f"{int(row['record']):05d}_lr.hea")
    person = corpus.read(row["record"], TWELVE).person
    people = tmp_path / "people.csv"
    sex = {1.0: "female", 0.0: "male"}.get(person["sex_female"], "")
    with people.open("w", newline="") as file:
        age = "" if np.isnan(person["age_years"]) else person["age_years"]
        csv.writer(file).writerows([("recording", "age_years", "sex"), (path.stem, age, sex)])
    words = ("--people", people, "--format", "parquet", *NO_PICTURES)
    assert answered(finished_record_run.folder, path.with_suffix(""), "--output", tmp_path / "out", *words) == 0
    contract = bundle.read(finished_record_run.folder / "model").contract
    logits = torch.tensor([[float(row[f"logit_{c}"]) for c in contract.classes]])
    table = pd.read_parquet(tmp_path / "out" / path.stem / "labels.parquet")
    np.testing.assert_allclose(table["p"], probabilities(contract, logits)[0], atol=1e-6)


def test_the_last_stretch_ends_with_the_recording() -> None:
    assert long_recordings.starts(1500, 1000).tolist() == [0]
    assert long_recordings.starts(1501, 1000).tolist() == [0, 501]
    assert long_recordings.starts(3000, 1000).tolist() == [0, 1000, 2000]
