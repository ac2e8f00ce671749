"""The pictures of anomalies say which rows they show, by which rule they are called, and what the run did not keep."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.report.anomaly_pictures import groups, patients, scores, windows
from ecg_lightning.report.binary_figures import point_of
from ecg_lightning.report.contents import Contents, read_contents
from ecg_lightning.report.picture import Picture
from tests.corpora.anomaly_folder import TWELVE, write_anomaly_run_folder

Run = tuple[Contents, Decisions, Evaluation]


@pytest.fixture(scope="module")
def beats(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return read(write_anomaly_run_folder(tmp_path_factory.mktemp("beats")))


@pytest.fixture(scope="module")
def pictures(beats: Run) -> dict[str, Picture]:
    return drawn(beats)


def read(folder: Path) -> Run:
    contents = read_contents(folder)
    about, found = contents.predictions, evaluate(contents.predictions, n_boot=20)
    p = probabilities(about, found.temperatures, found.offsets, found.standards)
    decided = decide(about, p, found.thresholds)
    return contents, decided.where(decided.column("side") == "test"), found


def drawn(run: Run) -> dict[str, Picture]:
    contents, shown, found = run
    pictures = [*scores(shown, found, contents.card, "test", ""), *windows(shown, found, contents.examples, "test", "")]
    return {picture.name: picture for picture in pictures}


def titles(picture: Picture) -> list[str]:
    assert picture.figure is not None
    return [axes.get_title(loc="left") for axes in picture.figure.axes if axes.get_title(loc="left")]


def test_every_picture_is_drawn_and_the_oracle_is_called_so(beats: Run, pictures: dict[str, Picture]) -> None:
    _, shown, found = beats
    assert list(pictures) == [
        *("class_shares", "confusion_matrix", "ranking", "kinds"),
        *("score_histogram", "reconstructions", "latent_space"),
    ]
    assert all(picture.figure is not None for picture in pictures.values())
    figure = pictures["ranking"].figure
    assert figure is not None
    said = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    positive = shown.about.label == 1
    oracle = point_of(positive, shown.p[:, 0] >= found.metrics["test/oracle/threshold"])
    assert f"oracle, best F1: precision {oracle.precision:.3f}" in said
    assert f"always anomaly {positive.mean():.3f}" in said
    assert "mean + 2 SD of validation normals" in pictures["ranking"].caption


def test_kinds_and_parts_have_the_numbers_of_the_evaluation(beats: Run, pictures: dict[str, Picture]) -> None:
    found = beats[2].metrics
    figure = pictures["kinds"].figure
    assert figure is not None
    kinds, parts = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    assert "95 % intervals over patients" in pictures["kinds"].caption
    assert kinds[2].startswith(f"{found['test/auroc/V']:.3f} ({found['test/auroc/V_low']:.3f} to ")
    assert parts == [f"{found[f'test/by_part/{part}/auroc']:.3f}" for part in ("mae", "weighted", "latent", "rhythm")]


def test_a_kind_that_is_absent_has_no_histogram_and_no_bar(beats: Run) -> None:
    contents, shown, _ = beats
    table = contents.predictions.table.assign(kind_F=np.int8(0))
    assert [group.name for group in groups(replace(shown.about, table=table))] == ["normal", "S", "V"]
    about = replace(contents.predictions, table=table)
    found = evaluate(about, n_boot=0)
    decided = decide(about, probabilities(about, {}, {}), found.thresholds)
    bars = {p.name: p for p in scores(decided.where(decided.column("side") == "test"), found, {}, "test", "")}["kinds"]
    assert bars.figure is not None
    assert "interval" not in bars.caption, "there is none"
    assert [label.get_text() for label in bars.figure.axes[0].get_yticklabels()] == ["all anomalies", "S", "V"]


def test_a_score_in_the_unit_of_the_ecg_says_so_and_another_does_not(
    pictures: dict[str, Picture], tmp_path: Path
) -> None:
    figure = pictures["score_histogram"].figure
    assert figure is not None
    assert figure.axes[-1].get_xlabel() == "mean absolute error, SD"
    figure = drawn(read(write_anomaly_run_folder(tmp_path, score=("latent",))))["score_histogram"].figure
    assert figure is not None
    assert figure.axes[-1].get_xlabel().startswith("latent distance")
    assert "SD" not in figure.axes[-1].get_xlabel()


def test_a_window_is_captioned_by_kind_score_threshold_record_and_time(
    beats: Run, pictures: dict[str, Picture]
) -> None:
    contents, shown, found = beats
    at = int(np.flatnonzero(shown.column("row") == contents.examples["made_row"][0])[0])
    seconds = float(shown.column("time_s")[at])
    said = f"normal: {shown.p[at, 0]:.3g}, threshold {found.thresholds[0][0]:.3g}"
    said += f"\n{shown.column('record')[at]}, {int(seconds // 60)}:{seconds % 60:04.1f}"
    assert said in titles(pictures["reconstructions"])
    assert "mean absolute error" not in pictures["reconstructions"].caption
    both = shown.about.table[["kind_S", "kind_V"]].all(axis=1)
    kept = set(contents.examples["made_row"]) & set(shown.about.table.loc[both, "row"])
    assert any(title.startswith("S + V: ") for title in titles(pictures["reconstructions"])) == bool(kept)


def test_a_score_that_is_not_the_error_drawn_has_the_error_beside_it(tmp_path: Path) -> None:
    run = contents, shown, _ = read(write_anomaly_run_folder(tmp_path, score=("mae", "rhythm")))
    picture = drawn(run)["reconstructions"]
    at = int(np.flatnonzero(shown.column("row") == contents.examples["made_row"][0])[0])
    title = next(title for title in titles(picture) if title.startswith(f"normal: {shown.p[at, 0]:.3g}, "))
    assert title.endswith(f"\nerror {shown.column('score_mae')[at]:.3g}")
    assert "and the mean absolute error" in picture.caption


def test_of_twelve_leads_four_are_shown_from_the_windows_beginning_on(tmp_path: Path) -> None:
    run = read(write_anomaly_run_folder(tmp_path, TWELVE, "NU"))
    run[0].examples["made_n_crops"] = np.array(7)
    picture = drawn(run)["reconstructions"]
    assert picture.figure is not None
    assert "(I, II, V1, V5 of 12 leads)" in picture.caption
    assert "the first of 7 crops" in picture.caption
    assert {text.get_text() for axes in picture.figure.axes for text in axes.texts} - {"none"} == {
        "I",
        "II",
        "V1",
        "V5",
    }
    words = [text.get_text() for text in picture.figure.texts]
    assert "seconds from the window's beginning" in words
    assert "normal, no unit" in words


def placed(run: Run, time_s: np.ndarray) -> Picture:
    """The reconstructions of windows that begin at these times."""
    contents, shown, found = run
    about = replace(shown.about, table=shown.about.table.assign(time_s=time_s))
    return drawn((contents, Decisions(about, shown.p, shown.called), found))["reconstructions"]


def test_a_row_of_a_csv_file_has_its_number_and_a_whole_recording_stands_alone(tmp_path: Path) -> None:
    run = contents, shown, _ = read(write_anomaly_run_folder(tmp_path))
    contents.examples["made_n_before"] = np.array(0)
    at = int(np.flatnonzero(shown.column("row") == contents.examples["made_row"][0])[0])
    record = shown.column("record")[at]
    place = 1500 * np.arange(len(shown.p))
    rows = placed(run, place * 280 / 360)
    assert "then record and row (of its file, or of its patient's rows there). A" in rows.caption
    assert any(title.endswith(f"\n{record}, row {1 + place[at]:,}") for title in titles(rows))
    whole = placed(run, np.zeros(len(shown.p)))
    assert "then record. A" in whole.caption
    assert any(title.endswith(f"\n{record}") for title in titles(whole))
    moved = placed(run, place * 280 / 360 + 0.1)
    assert "then record and time. A" in moved.caption


def test_patients_are_left_out_where_nobody_has_windows_of_both_classes(beats: Run) -> None:
    _, shown, found = beats
    assert [picture.name for picture in patients(shown, found, "test", "")] == ["patients"]
    alone = replace(found, per_patient=found.per_patient.assign(auroc=np.nan))
    assert not list(patients(shown, alone, "test", ""))


def test_windows_of_several_kinds_are_apart_in_latent_space(beats: Run, pictures: dict[str, Picture]) -> None:
    picture = pictures["latent_space"]
    assert picture.figure is not None
    said = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    several = int((beats[1].about.table[["kind_S", "kind_V", "kind_F"]].sum(axis=1) > 1).sum())
    assert said[-1] == f"several kinds ({several})"
    assert sum(int(name.partition("(")[2][:-1]) for name in said) == len(beats[0].examples["latent_row"])


def test_a_kind_that_never_comes_alone_is_not_named_in_latent_space(beats: Run) -> None:
    contents, shown, found = beats
    table = shown.about.table
    about = replace(shown.about, table=table.assign(kind_S=table["kind_S"] & table["kind_V"]))
    run = contents, Decisions(about, shown.p, shown.called), found
    figure = drawn(run)["latent_space"].figure
    assert figure is not None
    said = [text.get_text().partition(" (")[0] for text in figure.axes[0].get_legend().get_texts()]
    assert said == ["normal", "V", "F", "several kinds"]


def test_what_cannot_be_shown_is_said(beats: Run) -> None:
    contents, shown, found = beats
    bare = {p.name: p.caption for p in windows(shown, found, {}, "test", "")}
    assert "kept no reconstructions" in bare["reconstructions"]
    assert "kept no latent vectors" in bare["latent_space"]
    normal = shown.where(shown.about.label == 0)
    last = list(scores(normal, found, {}, "test", ""))[-1]
    assert last.figure is None
    assert "it takes windows of two classes to rank" in last.caption
    odd = shown.where(shown.about.label == 1)
    others = {p.name: p.caption for p in windows(odd, found, contents.examples, "test", "")}
    assert "it takes two normal windows" in others["latent_space"]
    gone = contents.examples | {"made_row": np.full(len(contents.examples["made_row"]), -1)}
    missing = {p.name: p.caption for p in windows(shown, found, gone, "test", "")}
    assert "no window that the run kept stands in its table" in missing["reconstructions"]
