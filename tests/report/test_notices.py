"""What a reader must know is said in words, and no longer than it is read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_lightning.report.contents import read_contents
from ecg_lightning.report.notices import FEW_NORMALS, in_words, notices, remarks
from ecg_lightning.report.sentences import MAX_NAMES, first
from tests.corpora.anomalies import draw_anomalies
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel


def test_a_long_list_ends_with_how_many_more() -> None:
    names = [str(number) for number in range(MAX_NAMES + 1652)]
    assert first(names).endswith(f"{MAX_NAMES - 1} ... and 1,652 more")
    assert first(names[:MAX_NAMES]).endswith(f", {MAX_NAMES - 1}")
    assert first([]) == ""


def test_tags_are_said_in_words_and_those_that_say_nothing_are_not() -> None:
    tags = {"shared_patient": "201,202", "leaky_split": "false", "unknown_patients": "0", "mood": "a,b"}
    assert in_words(tags, []) == [
        "One person stands on both sides of this published split: records 201, 202.",
        "mood = a, b",
    ]


def test_leaky_numbers_and_those_of_known_people_are_told_apart() -> None:
    leaky, same = in_words({"leaky_split": "true", "same_patients": "true"}, [])
    assert "say nothing about new patients" in leaky
    assert same.startswith("Patients stand on both sides, at other times")


def test_patients_who_never_have_the_class_are_a_notice(tmp_path: Path) -> None:
    draw_binary().write(tmp_path / "predictions.parquet")
    said = notices(read_contents(tmp_path))
    assert [line for line in said if "without windows of the class low: 1 of 6" in line]
    draw_multilabel(300).write(tmp_path / "predictions.parquet")
    assert notices(read_contents(tmp_path)) == []


def test_thresholds_that_few_validation_records_chose_or_none_are_a_notice(tmp_path: Path) -> None:
    drawn = draw_multilabel(300)
    val = drawn.table.index[drawn.table["side"] == "val"]
    drawn.table.loc[val, ["label_HYP", "label_CD"]] = 0
    drawn.table.loc[val[:3], "label_CD"] = 1
    drawn.write(tmp_path / "predictions.parquet")
    assert notices(read_contents(tmp_path)) == [
        "No validation record is of HYP: called from 0.5 on, which nothing chose. "
        "Few validation records are of CD (3): their thresholds are rough."
    ]


def test_remarks_of_the_corpus_are_passed_on_and_may_be_absent() -> None:
    assert remarks({"remarks": ["The amplitudes are lost."]}) == ["The amplitudes are lost."]
    assert remarks({}) == []


def test_what_the_corpus_remarks_is_not_said_twice() -> None:
    tags = {"unknown_patients": "1682", "unit": "NU", "shared_patient": "201,202"}
    assert in_words(tags, [])[0] == (
        "1682 records or rows name no patient: a record of PTB-XL then counts as a patient of its own, and all rows of "
        "csv files as one."
    )
    assert in_words(tags, [])[1] == "The samples have no unit (NU): their amplitude is lost."
    assert len(in_words(tags, ["1,682 of 2,127 records name no patient."])) == 1


def test_test_rows_of_nobody_knows_whom_are_a_notice(tmp_path: Path) -> None:
    drawn = draw_binary()
    alone = replace(drawn, table=drawn.table.assign(patient="unknown"))
    alone.write(tmp_path / "predictions.parquet")
    assert "The test numbers come from a single patient: they have no interval." in notices(read_contents(tmp_path))
    replace(alone, tags={"unknown_patients": "9"}).write(tmp_path / "predictions.parquet")
    said = "Nobody knows how many patients the test numbers come from: they have no interval."
    assert said in notices(read_contents(tmp_path))


def test_a_threshold_of_few_normal_rows_is_called_rough(tmp_path: Path) -> None:
    drawn = draw_anomalies()
    normal = drawn.table["row"][(drawn.table["side"] == "val") & (drawn.table["label"] == 0)].to_numpy()
    rough = "it is rough."
    for n in (6, FEW_NORMALS - 1, FEW_NORMALS):
        kept = drawn.table[~drawn.table["row"].isin(normal[n:])]
        replace(drawn, table=kept).write(tmp_path / "predictions.parquet")
        said = [line for line in notices(read_contents(tmp_path)) if line.endswith(rough)]
        expected = [f"The threshold comes from {n} normal validation rows: {rough}"]
        assert said == (expected if n < FEW_NORMALS else [])
    other = kept[kept["side"] == "val"].assign(fold=np.int16(1))
    few = pd.concat([kept, other[~other["row"].isin(normal[9:])]])
    replace(drawn, table=few).write(tmp_path / "predictions.parquet")
    assert f"The threshold of a fold comes from 9 normal validation rows: {rough}" in notices(read_contents(tmp_path))
