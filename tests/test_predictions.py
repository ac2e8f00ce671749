"""The prediction table says what it is, and what cannot be scored is refused in words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.structures import NAMELESS
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import SUPER, draw_multilabel

TABLE = pd.DataFrame(
    {
        "row": [4, 7],
        "record": ["100", "101"],
        "patient": ["100", "101"],
        "time_s": [0.5, 1.5],
        "side": ["val", "test"],
        "fold": [0, 0],
        "label": [0, 1],
        "logit_N": [2.0, 0.5],
        "logit_S": [1.0, 1.5],
    }
)
GOOD = Predictions(TABLE, "arrhythmia", "multiclass", ("N", "S"), {"N": "normal"}, False, without=("101",))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    GOOD.write(tmp_path / "predictions.parquet")
    read = Predictions.read(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read.table, TABLE)
    assert replace(read, table=TABLE).__dict__ == GOOD.__dict__
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.parquet"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"problem": "regression"}, "problem='regression' is none of anomaly, binary, multiclass, multilabel"),
        ({"least_specificity": 0.9}, "least_specificity=0.9 has no meaning where problem='multiclass'"),
        ({"resample": "beat"}, "resample='beat' is neither 'patient' nor 'record'"),
        ({"headline_classes": ("V",)}, r"headline_classes names \['V'\], which classes=\['N', 'S'\] does not hold"),
        ({"classes": ("N", "S", "V")}, "the table has no column logit_V"),
        ({"table": TABLE.assign(label=[0, 2])}, r"a label lies outside 0\.\.1"),
        ({"table": TABLE.assign(side="rest")}, "a side is neither of"),
        ({"table": TABLE.assign(logit_S=[float("nan"), 0])}, "a logit is not a finite number"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(GOOD, **changes)


def test_two_faults_are_named_together() -> None:
    with pytest.raises(ValueError, match=r"problem='x' is none of .*; a side is neither of"):
        replace(GOOD, problem="x", table=TABLE.assign(side="rest"))


def test_absent_broken_and_foreign_files_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no predictions at .*nowhere"):
        Predictions.read(tmp_path / "nowhere")
    (tmp_path / "broken").write_text("no parquet")
    with pytest.raises(ValueError, match="broken is not a whole parquet file"):
        Predictions.read(tmp_path / "broken")
    TABLE.to_parquet(tmp_path / "foreign")
    with pytest.raises(ValueError, match="foreign has no metadata under 'ecg_lightning'"):
        Predictions.read(tmp_path / "foreign")


def test_a_file_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(TABLE).replace_schema_metadata({b"ecg_lightning": b'{"task": "arrhythmia"}'})
    pq.write_table(table, tmp_path / "old")
    with pytest.raises(ValueError, match=r"old does not say problem, classes, .*: it was written by another version"):
        Predictions.read(tmp_path / "old")


def test_several_labels_and_groups_are_read_as_they_were_written(tmp_path: Path) -> None:
    drawn = draw_multilabel(30)
    drawn.write(tmp_path / "predictions.parquet")
    read = Predictions.read(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read.table, drawn.table)
    assert read.groups == ("sex", "age")
    assert read.label.shape == read.logits.shape == (60, 5)
    np.testing.assert_array_equal(read.label[:, 1], drawn.table["label_MI"])


def several(**changes: Any) -> Predictions:
    drawn = draw_multilabel(20)
    return replace(drawn, table=drawn.table.assign(**changes))


def test_labels_and_groups_that_cannot_be_scored_are_refused_in_words() -> None:
    drawn = draw_multilabel(20)
    with pytest.raises(ValueError, match="the table has no column label_CD, group_sex"):
        replace(drawn, table=drawn.table.drop(columns=["label_CD", "group_sex"]))
    with pytest.raises(ValueError, match=r"a label_MI lies outside 0\.\.1"):
        several(label_MI=2)
    with pytest.raises(ValueError, match=r"a label_MI lies outside 0\.\.1"):
        several(label_MI=float("nan"))
    with pytest.raises(ValueError, match="a group_age is empty: say 'unknown'"):
        several(group_age=None)
    with pytest.raises(ValueError, match=r"headline_classes=\['MI'\] has no meaning where problem='multilabel'"):
        replace(drawn, headline_classes=("MI",))


def test_two_classes_have_one_logit_and_whatever_was_measured_is_kept(tmp_path: Path) -> None:
    drawn = draw_binary(60, least_specificity=0.9, score_train=True)
    drawn.write(tmp_path / "predictions.parquet")
    read = Predictions.read(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read.table, drawn.table)
    assert read.least_specificity == 0.9
    assert (read.outputs, GOOD.outputs) == (("low",), ("N", "S"))
    assert (read.logits.shape, read.label.shape) == ((60, 1), (60,))
    assert {"measured_glucose_mmol_l", "measured_clock_s"} < set(read.table)
    assert list(SIDES) == ["train", "val", "test"]


def test_two_classes_that_cannot_be_scored_are_refused_in_words() -> None:
    drawn = draw_binary(20)
    with pytest.raises(ValueError, match=r"takes two classes, the negative one first: not \['a', 'b', 'c'\]"):
        replace(drawn, classes=("a", "b", "c"))
    with pytest.raises(ValueError, match="the table has no column logit_low"):
        replace(drawn, table=drawn.table.drop(columns="logit_low"))
    with pytest.raises(ValueError, match=r"headline_classes=\['low'\] has no meaning where problem='binary'"):
        replace(drawn, headline_classes=("low",))
    with pytest.raises(ValueError, match=r"a label lies outside 0\.\.1"):
        replace(drawn, table=drawn.table.assign(label=2))
    for least in (0.0, 1.0):
        with pytest.raises(ValueError, match=f"least_specificity={least} must lie between 0 and 1"):
            replace(drawn, least_specificity=least)


def test_anomalies_have_every_part_of_a_score_and_those_that_count(tmp_path: Path) -> None:
    drawn = draw_anomalies(60, score=("latent", "rhythm"), n_sd=None, percentile=95.0)
    drawn.write(tmp_path / "predictions.parquet")
    read = Predictions.read(tmp_path / "predictions.parquet")
    pd.testing.assert_frame_equal(read.table, drawn.table)
    assert replace(read, table=drawn.table).__dict__ == drawn.__dict__
    assert read.parts == ("mae", "weighted", "latent", "rhythm")
    assert (read.outputs, read.label.shape) == (("anomaly",), (60,))
    np.testing.assert_array_equal(read.logits, drawn.table[["score_latent", "score_rhythm"]])


def test_anomalies_that_cannot_be_scored_are_refused_in_words() -> None:
    drawn = draw_anomalies(40)
    for changes, words in (
        ({"classes": ("normal",)}, r"problem='anomaly' takes two classes, the negative one first: not \['normal'\]"),
        ({"score": ()}, r"score=\[\] must name the parts that count, each once"),
        ({"score": ("mae", "mae")}, r"score=\['mae', 'mae'\] must name the parts that count, each once"),
        ({"score": ("entropy",)}, "the table has no column score_entropy"),
        ({"kinds": {"Q": "paced"}}, "the table has no column kind_Q"),
        ({"kinds": {"anomaly": "any"}}, r"kinds names \['anomaly'\], as classes=.* does: choose other names"),
        ({"n_sd": None}, "n_sd=None and percentile=None: a threshold takes exactly one of the two"),
        ({"percentile": 95.0}, "n_sd=2.0 and percentile=95.0: a threshold takes exactly one of the two"),
        ({"n_sd": None, "percentile": 101.0}, "percentile=101.0 must lie between 0 and 100"),
        ({"least_specificity": 0.9}, "least_specificity=0.9 has no meaning where problem='anomaly'"),
        ({"table": drawn.table.assign(score_latent=float("inf"))}, "a score_latent is not a finite number"),
        ({"table": drawn.table.assign(kind_V=2)}, r"a kind_V lies outside 0\.\.1"),
        ({"table": drawn.table.assign(kind_V=1)}, "a kind_V is 1 in a normal row"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(drawn, **changes)
    with pytest.raises(ValueError, match=r"score=\('mae',\), n_sd=0 has no meaning where problem='multiclass'"):
        replace(GOOD, score=("mae",), n_sd=0)


def test_rows_that_choose_are_the_validation_rows_of_each_fold() -> None:
    both = replace(GOOD, table=pd.concat([TABLE, TABLE.assign(fold=3, side="test")]))
    found = both.fitted_on()
    assert {fold: rows.tolist() for fold, rows in found.items()} == {0: [True, False, False, False], 3: [False] * 4}


def test_a_file_that_says_nothing_of_groups_and_specificity_has_none(tmp_path: Path) -> None:
    GOOD.write(tmp_path / "new")
    stored = pq.read_table(tmp_path / "new")
    metadata = stored.schema.metadata
    said = json.loads(metadata[b"ecg_lightning"])
    for name in ("groups", "least_specificity", "score", "kinds", "n_sd", "percentile"):
        del said[name]
    pq.write_table(
        stored.replace_schema_metadata({**metadata, b"ecg_lightning": json.dumps(said).encode()}), tmp_path / "old"
    )
    old = Predictions.read(tmp_path / "old")
    assert (old.groups, old.least_specificity) == ((), None)
    assert (old.score, old.kinds, old.n_sd, old.percentile) == ((), {}, None, None)
    assert old.logits.shape == (2, 2)


def test_the_drawn_table_is_plausible() -> None:
    drawn = draw_multilabel(2000)
    assert drawn.classes == SUPER
    share = drawn.label.mean(axis=0)
    assert ((share > 0.1) & (share < 0.6)).all()
    assert drawn.table["patient"].nunique() < len(drawn.table)
    assert drawn.table.groupby("patient")["side"].nunique().max() == 1
    normal = drawn.label[:, 0] == 1
    assert (drawn.label[normal].sum(axis=1) == 1).all()


def test_what_is_drawn_is_said_to_be_records_where_each_unknown_patient_counts_as_one() -> None:
    drawn = draw_multilabel(20)
    assert drawn.units == "patients"
    assert replace(drawn, resample="record").units == "records"
    first = drawn.table["patient"].where(drawn.table.index > 0, f"{NAMELESS}17")
    assert replace(drawn, table=drawn.table.assign(patient=first)).units == "patients where known, else records"
    rows_of_csv = drawn.table.assign(patient="unknown")  # all of them as one
    assert replace(drawn, table=rows_of_csv, tags={"unknown_patients": "40"}).units == "patients"


def test_a_sweep_is_told_from_a_run_that_left_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no predictions at .*: name the folder of a run that has finished$"):
        Predictions.read(tmp_path / "predictions.parquet")
    (tmp_path / "multirun.yaml").touch()
    with pytest.raises(FileNotFoundError, match=r"this is a sweep: name one of its jobs, e.g. its folder 0"):
        Predictions.read(tmp_path / "predictions.parquet")
