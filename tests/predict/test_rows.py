"""The rows of a run are cut again as training cut them: no skew between training and use."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecg_lightning import bundle, config
from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.predict.place import Place, find
from ecg_lightning.predict.rows import Rows, answers, check_same, corpus_of, cut_again, predictions_of
from ecg_lightning.structures import Refused
from tests.conftest import FinishedRun, RecordRun

SAME = 1e-6


@pytest.fixture(autouse=True)
def words() -> None:
    config.register()


def of(run: Path) -> tuple[Bundle, Place]:
    place = find(str(run))
    return bundle.read(place.model), place


def every_row(run: Path) -> tuple[Bundle, Rows]:
    made, place = of(run)
    return made, cut_again(made, predictions_of(place), corpus_of(place))


def test_beats_are_answered_as_in_the_run(finished_run: FinishedRun) -> None:
    made, rows = every_row(finished_run.folder)
    assert len(rows) == len(rows.predictions.table) > 100
    assert check_same(made, rows) < SAME
    assert all(made.contract.window.n_before in peaks for peaks in rows.peaks[:50]), "its own R peak lies in a window"


def test_recordings_are_answered_as_in_the_run(finished_record_run: RecordRun) -> None:
    made, rows = every_row(finished_record_run.folder)
    assert check_same(made, rows) < SAME


def test_segments_with_other_signals_are_answered_as_in_the_run(finished_belt_run: Path) -> None:
    made, rows = every_row(finished_belt_run)
    assert set(rows.extra) == {"breathing", "activity"}
    assert check_same(made, rows) < SAME


def test_some_rows_come_back_in_the_order_that_was_asked_for(finished_run: FinishedRun) -> None:
    made, place = of(finished_run.folder)
    predictions, corpus = predictions_of(place), corpus_of(place)
    every = cut_again(made, predictions, corpus)
    chosen = np.random.default_rng(0).permutation(len(every))[:40]
    some = cut_again(made, predictions, corpus, chosen)
    assert torch.equal(some.ecg, every.ecg[chosen])
    assert torch.equal(some.features, every.features[chosen])
    assert (some.label == every.label[chosen]).all()
    torch.testing.assert_close(answers(made, some), answers(made, every)[chosen])


def test_other_weights_are_found_out(finished_run: FinishedRun) -> None:
    made, rows = every_row(finished_run.folder)
    with torch.no_grad():
        next(made.network.parameters()).add_(0.1)
    with pytest.raises(BadBundle, match=r"differ from those that its run recorded by up to .*, more than 0.001"):
        check_same(made, rows)


def test_a_database_without_these_rows_is_found_out(finished_run: FinishedRun) -> None:
    made, place = of(finished_run.folder)
    predictions = predictions_of(place)
    moved = replace(predictions, table=predictions.table.assign(time_s=predictions.table["time_s"] + 0.05))
    with pytest.raises(Refused, match=r"record \d+ has no row at [0-9.]+ s any more: the database is not the one"):
        cut_again(made, moved, corpus_of(place))


def test_a_bundle_alone_has_no_rows(finished_run: FinishedRun, tmp_path: Path) -> None:
    place = Place(finished_run.folder / "model", None)
    with pytest.raises(BadBundle, match="stands alone, but the rows that it was judged by are asked for: name its run"):
        predictions_of(place)
    with pytest.raises(BadBundle, match=r"has no config.yaml, which names its database: copy it again"):
        corpus_of(Place(tmp_path, tmp_path))


def test_a_config_that_names_a_foreign_class_runs_nothing(finished_run: FinishedRun, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    text = (run / "config.yaml").read_text(encoding="utf-8")
    hostile = text.replace("ecg_lightning.datasets.mitdb.MITDB", "subprocess.Popen")
    assert hostile != text
    (run / "config.yaml").write_text(hostile, encoding="utf-8")
    with pytest.raises(config.ConfigError, match=r"_target_=subprocess.Popen is not below"):
        corpus_of(find(str(run)))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"dataset: [", b"task: 3", b"- 1"])
def test_a_broken_config_is_refused_in_words(content: bytes, finished_run: FinishedRun, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    (run / "config.yaml").write_bytes(content)
    with pytest.raises(BadBundle, match=r"config.yaml is no config of a run .*: copy the run again"):
        corpus_of(find(str(run)))


def test_predictions_that_cannot_be_read_are_refused_in_words(finished_run: FinishedRun, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    (run / "predictions.parquet").write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(BadBundle, match=r"predictions.parquet is not a whole parquet file"):
        predictions_of(find(str(run)))
