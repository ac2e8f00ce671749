"""The data card counts what stood where; the examples are windows of the prediction table."""

import json
from typing import Any

import numpy as np
import pytest

from ecg_lightning import config, data_card, examples
from ecg_lightning.features import Features
from ecg_lightning.predictions import Predictions
from tests.conftest import FinishedRun, RecordRun
from tests.corpora.compose import composed
from tests.corpora.mitdb import write_mitdb
from tests.corpora.record_data import SUPER, corpus_in

RECORDS = ("101", "106", "124", "205", "208", "223", "100", "103", "202", "201")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Ten records, one of them unreadable, the others of the list missing."""
    root = tmp_path_factory.mktemp("data")
    write_mitdb(root / "mitdb", [*RECORDS, "207"], seconds=14)
    (root / "mitdb" / "207.dat").write_bytes(b"")
    words = [f"data_dir={root}", f"cache_dir={root}/cache", "dataset.source=local", "dataset.allow_missing=true"]
    cfg = composed(*words, "dataset.on_bad_record=skip", "split.validation=['101']")
    return config.constructed(cfg.task.data, corpus=config.constructed(cfg.dataset), scope="window")


@pytest.fixture(scope="module")
def card(data: Any) -> dict[str, Any]:
    with pytest.warns(UserWarning, match="201,202 are one person"):
        return data_card.data_card(data, data.corpus, "inter_patient")


def test_counts_are_those_of_the_rows(card: dict[str, Any], data: Any) -> None:
    for side in data_card.SIDES:
        label = data.table.label[getattr(data.fold, side)]
        assert list(card["counts"][side].values()) == np.bincount(label, minlength=5).tolist()
        mine = [one for one in card["per_patient"] if one["side"] == side]
        assert [one["patient"] for one in mine] == card["patients"][side]
        assert {c: sum(one[c] for one in mine) for c in "NSVFQ"} == card["counts"][side]


def test_whatever_is_missing_or_shared_is_said(card: dict[str, Any]) -> None:
    assert card["skipped"].keys() == {"207"}
    assert len(card["missing"]) == 44 - 11
    assert card["tags"]["shared_patient"] == "201,202"
    assert card["tags"]["skipped_records"] == "207"
    assert card["tags"]["missing_records"].split(",") == card["missing"]
    assert (card["source"], card["synthetic"]) == ("local", False)
    assert card["records"] == sorted(RECORDS)
    json.dumps(card)


def test_split_hash_changes_with_the_rows_of_a_side(data: Any, card: dict[str, Any]) -> None:
    assert data_card.split_hash(data) == card["split_hash"]
    whole = data.fold
    try:
        data.fold = data_card.Fold(whole.train[1:], whole.val, whole.test)
        assert data_card.split_hash(data) != card["split_hash"]
    finally:
        data.fold = whole


def test_examples_are_windows_of_the_prediction_table(finished_run: FinishedRun) -> None:
    table = Predictions.read(finished_run.folder / "predictions.parquet").table.set_index("row")
    with np.load(finished_run.folder / "examples.npz") as shown:
        rows, ecg_mv = shown["beats_row"], shown["beats_ecg_mv"]
        assert ecg_mv.shape == (len(rows), 1, 280)
        assert (shown["beats_fs_hz"], shown["beats_n_before"], list(shown["beats_leads"])) == (360, 140, ["MLII"])
        assert shown["strip_raw_mv"].shape == shown["strip_filtered"].shape == (3600,)
        assert str(shown["strip_record"]) in set(table["record"])
        assert str(shown["strip_lead"]) == "MLII"
    assert len(set(rows.tolist())) == len(rows)
    assert set(table.loc[rows, "side"]) == {"test"}
    counts = table.loc[rows, "label"].value_counts()
    assert counts.max() <= 2 * examples.PER_CLASS
    assert counts.index.nunique() == 5
    assert ecg_mv.std() > 0.05, "in millivolts, not scaled"


def test_strip_shows_the_record_before_and_after_filtering(data: Any) -> None:
    found = examples.strip(data, "100")
    record = data.corpus.read("100", ["MLII"])
    begin = round(float(found["strip_start_s"]) * 360)
    np.testing.assert_array_equal(found["strip_raw_mv"], record.ecg_mv[0, begin : begin + 3600])
    np.testing.assert_array_equal(found["strip_filtered"], data.store.record("100", 1)[0, begin : begin + 3600])
    assert abs(found["strip_filtered"].mean()) < abs(found["strip_raw_mv"].mean())


def test_the_card_of_recordings_counts_labels_and_rows_apart(finished_record_run: RecordRun) -> None:
    card = json.loads((finished_record_run.folder / "data.json").read_text(encoding="utf-8"))
    corpus = corpus_in(finished_record_run.data_dir)
    label, fold = corpus.labels("super", 0), corpus.sheet().official_fold
    for side, on_side in (("train", fold < 9), ("val", fold == 9), ("test", fold == 10)):
        assert list(card["counts"][side].values()) == label[on_side].sum(axis=0).tolist()
        assert card["rows"][side] == int(label[on_side].any(axis=1).sum())
        mine = [one for one in card["per_patient"] if one["side"] == side]
        assert [one["patient"] for one in mine] == card["patients"][side]
        assert {c: sum(one[c] for one in mine) for c in SUPER} == card["counts"][side]
    assert sum(card["counts"]["train"].values()) > card["rows"]["train"]
    assert (card["corpus"], card["source"], card["synthetic"], card["split"]) == ("ptbxl", "local", False, "official")
    assert "6 of 60 records have no label of kind super and are left out" in card["remarks"]


def test_what_is_to_be_known_is_said_before_training() -> None:
    both, none = Features(("age_years", "sex_female"), "diagnostic"), Features((), "diagnostic")
    card = {"tags": {"leaky_split": "true", "unit": "NU"}, "remarks": ["signals have no unit."]}
    leaky, unit, unused = data_card.notes(card, both, none)
    assert leaky.startswith("Leaky split: patients stand on both sides.")
    assert unit == "signals have no unit."
    assert unused == "the network does not look at age_years, sex_female: features=none says so"
    assert list(data_card.notes({"tags": {}, "remarks": []}, both, both)) == []
