"""The page is complete, closed in itself, honest, and safe against what files say."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecg_lightning.predictions import Predictions
from ecg_lightning.report.__main__ import main
from ecg_lightning.report.page import write
from tests.corpora.anomaly_folder import write_anomaly_run_folder
from tests.corpora.binary import draw_binary
from tests.corpora.binary_folder import write_binary_run_folder
from tests.corpora.run_folder import write_multilabel_run_folder, write_run_folder

EVERY = ("raw_and_filtered", "learning_curves", "confusion_matrix", "ranking", "reliability")
FIGURES = (*EVERY, "sample_beats", "patients")
OF_RECORDS = (*EVERY, "co_occurrence", "groups", *(f"record_{number}" for number in range(1, 7)))
OF_TWO = (*EVERY, "class_shares", "sample_windows", "patients", "pretraining_curves")
OF_ANOMALIES = (
    *("learning_curves", "class_shares", "confusion_matrix", "ranking", "kinds"),
    *("score_histogram", "reconstructions", "latent_space", "patients"),
)
OF_BEATS = (*OF_TWO, "beats_in_a_row", "abnormal_beats", "spectrograms")
VOID = {"meta", "link", "img", "br"}


class Closed(HTMLParser):
    """Collects what is left open and what points outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pictures += tag == "img"
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("data:"):
                self.outside.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_run_folder(tmp_path_factory.mktemp("runs") / "real", strange_name='<script>alert("x")</script>$^_')
    write(run)
    return run


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_multilabel_run_folder(tmp_path_factory.mktemp("runs") / "records")
    write(run)
    return run


@pytest.fixture(scope="module")
def page(real: Path) -> str:
    return (real / "report.html").read_text(encoding="utf-8")


def test_the_page_is_whole_and_needs_no_network(page: str) -> None:
    parser = Closed()
    parser.feed(page)
    assert parser.open == []
    assert parser.outside == []
    assert parser.pictures == len(FIGURES)


def test_every_figure_is_also_a_file(real: Path) -> None:
    for name in FIGURES:
        assert (real / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_text_from_files_is_escaped(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_says_what_the_run_recorded(real: Path, page: str) -> None:
    recorded = json.loads((real / "metrics.json").read_text())
    for name in ("test/accuracy", "val/macro_f1_nsvf", "test/f1/S", "test/without_202/accuracy"):
        assert f"{recorded[name]:.3f}" in page
    assert f"{recorded['test/kappa_low']:.3f} to {recorded['test/kappa_high']:.3f}" in page
    for words in (
        "without 202",
        "ODC-BY 1.0",
        "9f9f9f",
        "model=hybrid_cnn",
        "fit/seconds",
        "dropout: 0.3",
        "macro F1 of N, S",
    ):
        assert words in page


def test_warnings_stand_on_top(page: str) -> None:
    top = page[: page.index("<h2>Results")]
    for words in (
        "records 201, 202",
        "2 records were not at hand: 214, 219",
        "1 record was skipped: 207 (MLII is flat",
    ):
        assert words in top
    assert "Synthetic" not in top
    assert 'data-stamp=""' in page


def test_a_run_on_records_has_its_own_figures_and_numbers(records: Path) -> None:
    page = (records / "report.html").read_text(encoding="utf-8")
    assert sorted(path.stem for path in (records / "figures").glob("*.png")) == sorted(OF_RECORDS)
    assert page.count("<img") == len(OF_RECORDS)
    recorded = json.loads((records / "metrics.json").read_text())
    for name in ("test/macro_auroc", "val/macro_f1", "test/hamming_loss", "test/specificity/MI", "test/ece"):
        assert f"{recorded[name]:.3f}" in page, name
    for name in ("calibration/threshold/CD", "test/sex_female/macro_auroc", "test/age_under 40/macro_f1"):
        assert f"{recorded[name]:.3f}" in page, name
    for words in (
        "MI, myocardial infarction",
        "sex: female",
        "512 scored records",
        "of calibration on these same rows is too good",
    ):
        assert words in page
    assert "windows" not in page.replace("1,000 bootstrap", "")


@pytest.mark.parametrize(("task", "figures"), [("hypoglycemia", (*OF_TWO, "glucose")), ("abnormal_beat", OF_BEATS)])
def test_a_run_on_two_classes_has_its_own_figures(tmp_path: Path, task: str, figures: tuple[str, ...]) -> None:
    page = write(write_binary_run_folder(tmp_path, task)).read_text(encoding="utf-8")
    assert sorted(path.stem for path in (tmp_path / "figures").glob("*.png")) == sorted(figures)
    assert page.count("<img") == len(figures)
    for words in ("Class percentages", "The threshold in use", "Learning curves of the pretraining"):
        assert words in page
    assert "largest logit" not in page


def test_a_run_on_anomalies_has_its_own_figures_and_what_always_anomaly_and_the_oracle_score(tmp_path: Path) -> None:
    page = write(write_anomaly_run_folder(tmp_path, score=("latent", "rhythm"))).read_text(encoding="utf-8")
    assert sorted(path.stem for path in (tmp_path / "figures").glob("*.png")) == sorted(OF_ANOMALIES)
    assert page.count("<img") == len(OF_ANOMALIES)
    for words in ("F1, always anomaly", "AUPRC, always anomaly", "oracle F1, best of these rows", "AUROC of S"):
        assert words in page
    for words in ("Kind by kind against all normals, test", "V, ventricular", "Part by part, test", "rhythm distance"):
        assert words in page
    for words in ("mean + 2 SD of validation normals", "Patient by patient, scores", "patients of both classes"):
        assert words in page
    for words in ("calibrated", "temperature", "probability with"):
        assert words not in page


def test_a_run_on_two_classes_with_nothing_but_predictions_has_a_page(tmp_path: Path) -> None:
    run = write_binary_run_folder(tmp_path, "abnormal_beat")
    for name in ("examples.npz", "history.csv", "pretrain/history.csv", "data.json", "config.yaml"):
        (run / name).unlink()
    page = write(run).read_text(encoding="utf-8")
    assert "the run kept no windows to show" in page
    assert page.count("<img") == 5


def test_an_adapted_run_has_what_it_was_worth_before(tmp_path: Path) -> None:
    run = write_binary_run_folder(tmp_path)
    sizes = dict.fromkeys(("n_windows", "n_patients", "n_patients_both_classes", "n_classes"), 7)
    recorded = {f"before/test/{name}": value for name, value in ({"auroc": 0.123} | sizes).items()}
    (run / "metrics.json").write_text(json.dumps(recorded), encoding="utf-8")
    page = write(run).read_text(encoding="utf-8")
    assert '<th scope="col">test, before</th>' in page
    assert "<td>0.123</td>" in page
    assert "before it learned from this patient" in page


def test_long_lists_of_records_and_people_are_cut_with_a_count(records: Path) -> None:
    page = (records / "report.html").read_text(encoding="utf-8")
    assert "... and 482 more</td>" in page
    assert "... and 462 more.</p>" in page
    top = page[: page.index("<h2>Results")]
    assert "The amplitudes of this copy are lost (NU)." in top
    assert len(page[page.index("Patient by patient") :].split("<tr>")) < 70


def test_71_classes_absent_ones_and_lost_amplitudes_have_a_page(tmp_path: Path) -> None:
    names = (*(f"C{number}" for number in range(70)), "ABSENT")
    run = write_multilabel_run_folder(tmp_path, 40, names, unit="NU", synthetic=True)
    old = Predictions.read(run / "predictions.parquet")
    replace(old, table=old.table.assign(label_ABSENT=np.int8(0)), groups=()).write(run / "predictions.parquet")
    page = write(run).read_text(encoding="utf-8")
    assert "the 12 largest of 71 classes" in page
    assert 'data-stamp="SYNTHETIC"' in page
    assert (run / "figures" / "record_1.png").is_file()


def test_records_without_examples_groups_or_labels_degrade_to_sentences(tmp_path: Path) -> None:
    run = without_beats(write_multilabel_run_folder(tmp_path, 40))
    old = Predictions.read(run / "predictions.parquet")
    bare = old.table.assign(**{f"label_{name}": np.int8(0) for name in old.classes})
    replace(old, table=bare, groups=()).write(run / "predictions.parquet")
    page = write(run).read_text(encoding="utf-8")
    for words in ("no record has any class", "the run kept no records to show", "no stretch of a record"):
        assert words in page
    assert "Group by group" not in page


def test_synthetic_and_leaky_runs_are_stamped_and_say_so(tmp_path: Path) -> None:
    run = without_beats(write_run_folder(tmp_path, n_rows=300, synthetic=True))
    retag(run, leaky_split="true", same_patients="true", temperament="sanguine")
    page = write(run).read_text(encoding="utf-8")
    assert 'data-stamp="SYNTHETIC · LEAKY SPLIT"' in page
    for words in ("Synthetic data", "Leaky split: patients", "Patients stand on both sides", "temperament = sanguine"):
        assert words in page


def without_beats(run: Path) -> Path:
    """Drawing the beats takes most of a second."""
    (run / "examples.npz").unlink()
    return run


def retag(run: Path, **tags: str) -> None:
    path = run / "predictions.parquet"
    old = Predictions.read(path)
    Predictions(old.table, old.task, old.problem, old.classes, {}, old.synthetic, tags).write(path)


def keep(run: Path, table: pd.DataFrame) -> None:
    path = run / "predictions.parquet"
    old = Predictions.read(path)
    Predictions(table, old.task, old.problem, old.classes, old.class_names, False).write(path)


def test_a_run_with_nothing_but_predictions_has_a_page(tmp_path: Path) -> None:
    run = write_run_folder(tmp_path, n_rows=300)
    for path in tmp_path.glob("*"):
        if path.is_file() and path.name != "predictions.parquet":
            path.unlink()
    page = write(run).read_text(encoding="utf-8")
    for words in ("no stretch of a record", "no epoch was finished", "no windows to show", "no data card"):
        assert words in page
    assert page.count("<img") == 4


def test_one_class_one_patient_and_no_test_rows_degrade_to_sentences(tmp_path: Path) -> None:
    run = without_beats(write_run_folder(tmp_path, n_rows=400))
    table = Predictions.read(run / "predictions.parquet").table
    keep(run, table[(table["patient"] == "100") & (table["label"] == 0)])
    page = write(run).read_text(encoding="utf-8")
    assert "it takes windows of two classes to rank" in page
    assert "come from a single patient: they have no interval" in page
    keep(run, table[table["side"] == "val"])
    page = write(run).read_text(encoding="utf-8")
    assert "Class by class, validation" in page
    keep(run, table.head(0))
    assert "No row was scored" in write(run).read_text(encoding="utf-8")


def test_few_patients_and_an_unfinished_run_are_named(tmp_path: Path) -> None:
    run = without_beats(write_run_folder(tmp_path, n_rows=400))
    table = Predictions.read(run / "predictions.parquet").table
    keep(run, table[table["patient"].isin(["100", "103"])])
    (run / "status.json").write_text('{"state": "failed", "reason": "the disk is full"}')
    page = write(run).read_text(encoding="utf-8")
    assert "come from 2 patients: their intervals are rough" in page
    assert "The run did not finish (failed): the disk is full." in page


def test_the_command_writes_the_page_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = without_beats(write_run_folder(tmp_path / "a run", n_rows=300))
    assert main([str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert not list(run.glob("*.part"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("predictions.parquet", "x", "is not a whole parquet file"),
        ("data.json", "{", "data.json is not JSON"),
        ("status.json", "3", "status.json holds no JSON object"),
        ("config.yaml", "a: [", "config.yaml is not YAML"),
        ("history.csv", 'epoch\n"', "history.csv is no table of numbers"),
        ("history.csv", "step\n1", "history.csv is no table with a column epoch"),
        ("pretrain/history.csv", "step\n1", "history.csv is no table with a column epoch"),
        ("examples.npz", "x", "examples.npz is not a whole npz file"),
    ],
)
def test_a_broken_file_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, words: str
) -> None:
    run = write_run_folder(tmp_path, n_rows=100)
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_text(content)
    assert main([str(run)]) == 2
    said = capsys.readouterr().err
    assert re.match(r"error: .*\n$", said)
    assert words in said


def test_help_needs_no_heavy_import() -> None:
    code = "import sys\nfrom ecg_lightning.report.__main__ import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "run folder" in said
    assert not any(f"'{name}'" in said for name in ("torch", "pandas", "matplotlib"))


def test_the_page_of_two_classes_says_threshold_one_class_for_all_and_patients(tmp_path: Path) -> None:
    draw_binary(score_train=True).write(tmp_path / "predictions.parquet")
    page = write(tmp_path).read_text(encoding="utf-8")
    for words in ("training", "called low from a calibrated", "macro F1 of one class for all", "not defined"):
        assert words in page
    assert "Patient by patient, scores" in page
