"""Records to batches of beats: labels, features, facts, sides, and no skew between training and use."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ecg_lightning import prepare
from ecg_lightning.augment import Augment, Noise
from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.datasets.wfdb_beats import AAMI_BEATS
from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.sampling import Balanced
from ecg_lightning.structures import AAMI
from ecg_lightning.windowing import Window
from tests.corpora.beat_data import ByRecord, beat_data
from tests.corpora.mitdb import write_mitdb

ON_CPU = SimpleNamespace(root_device=torch.device("cpu"))
RECORDS = ["100", "101", "114", "119", "201"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_mitdb(folder / "mitdb", RECORDS, seconds=40)
    return folder


@pytest.fixture(scope="module")
def data(data_dir: Path) -> BeatData:
    return beat_data(data_dir)


def batches(data: BeatData, side: str) -> list[Batch]:
    data.scored_sides = (side,)
    return [data.on_after_batch_transfer(batch, 0) for batch in data.predict_dataloader()]


def test_every_beat_symbol_belongs_to_one_class() -> None:
    assert sorted("".join(AAMI.values())) == sorted(AAMI_BEATS)


def test_beats_carry_the_aami_class_of_their_symbol(data: BeatData) -> None:
    table, store = data.table, data.store
    assert len(table) == int(store.n_beats.sum())
    letter = np.array(data.classes)[table.label]
    assert all(symbol in AAMI[c] for symbol, c in zip(store.symbol, letter, strict=True))
    assert set(letter) == set("NSVFQ")


def test_patient_time_and_place_are_those_of_the_record(data: BeatData) -> None:
    table = data.table
    assert table.record_names == tuple(RECORDS)
    assert table.patient_names == tuple(RECORDS)
    record = data.corpus.read("114", ("MLII",))
    rows = np.flatnonzero(table.record == 2)
    np.testing.assert_allclose(table.time_s[rows], record.peak_sample / 360)
    np.testing.assert_array_equal(table.start[rows], record.peak_sample - 140)


@pytest.mark.parametrize("n_samples", [280, 1440])
@pytest.mark.parametrize("scale", ["window", "record", "none"])
def test_training_sees_the_windows_and_features_that_prepare_gives(data_dir: Path, n_samples: int, scale: str) -> None:
    data = beat_data(
        data_dir,
        window=Window(n_samples, n_samples // 3),
        preprocess=Preprocess(("MLII", "V*"), 360.0, "diagnostic", "butterworth", scale=scale),
    )
    for i, name in enumerate(RECORDS):
        record = data.corpus.read(name, ("MLII", "V*"))
        prepared = prepare.prepare(record, data.preprocess, data.features)
        row = torch.from_numpy(np.flatnonzero(data.table.record == i))
        batch = data.source.gather(row, torch.ones_like(row, dtype=torch.bool))
        assert torch.equal(batch.ecg, prepare.windows(prepared, data.preprocess, data.window))
        assert torch.equal(batch.features, torch.from_numpy(prepared.features))


def test_beats_of_other_classes_are_neighbours_but_no_rows(data_dir: Path, data: BeatData) -> None:
    few = beat_data(data_dir, classes=("V", "N"))
    kept = np.isin(np.array(data.classes)[data.table.label], ["V", "N"])
    assert len(few.table) == kept.sum() < len(data.table)
    np.testing.assert_array_equal(few.table.features, data.table.features[kept])
    np.testing.assert_array_equal(
        np.array(few.classes)[few.table.label], np.array(data.classes)[data.table.label[kept]]
    )


def test_facts_come_from_training_rows_alone(data: BeatData) -> None:
    train = data.fold.train
    rows = data.table.features[train].astype(np.float64)
    np.testing.assert_allclose(data.facts.feature_mean, rows.mean(axis=0))
    np.testing.assert_allclose(data.facts.feature_std, rows.std(axis=0))
    assert data.facts.class_counts == tuple(np.bincount(data.table.label[train], minlength=5))


def test_facts_do_not_change_with_what_is_reported_on(data_dir: Path) -> None:
    first, second = beat_data(data_dir), beat_data(data_dir)
    other = np.concatenate([second.fold.val, second.fold.test])
    second.table.features[other] += 100
    second.table.label[other] = 0
    assert first.facts == second.facts


def test_a_feature_that_never_varies_has_spread_1(data_dir: Path) -> None:
    data = beat_data(data_dir)
    data.table.features[:, 1] = 3.0
    assert data.facts.feature_std[1] == 1.0


def test_a_side_is_scored_once_row_by_row(data: BeatData) -> None:
    for side in ("val", "test"):
        row = torch.cat([batch.row for batch in batches(data, side)])
        np.testing.assert_array_equal(row, getattr(data.fold, side))


def test_two_sides_are_scored_one_after_the_other(data: BeatData) -> None:
    data.scored_sides = ("val", "test")
    row = torch.cat([data.on_after_batch_transfer(batch, 0).row for batch in data.predict_dataloader()])
    np.testing.assert_array_equal(row, np.concatenate([data.fold.val, data.fold.test]))


def test_a_training_epoch_follows_the_sampler(data_dir: Path) -> None:
    data = beat_data(data_dir, sampler=Balanced(1.0), batch_size=16)
    drawn = [data.on_after_batch_transfer(batch, 0) for batch in data.train_dataloader()]
    row = torch.cat([batch.row for batch in drawn]).numpy()
    assert set(row) <= set(data.fold.train)
    assert len(row) == len(data.fold.train)
    share = np.bincount(data.table.label[row], minlength=5) / len(row)
    assert share[0] < 0.4 < (np.array(data.facts.class_counts) / len(row))[0]


def test_a_validation_epoch_is_not_rebalanced(data_dir: Path) -> None:
    data = beat_data(data_dir, sampler=Balanced(1.0))
    row = torch.cat([data.on_after_batch_transfer(batch, 0).row for batch in data.val_dataloader()])
    np.testing.assert_array_equal(row, data.fold.val)


def test_batches_of_sequences_hold_as_many_beats_as_batches_of_windows(data_dir: Path) -> None:
    data = beat_data(data_dir, scope="sequence", n_beats=8, context=2, batch_size=32)
    first = data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
    assert first.row.shape == (4, 8)
    assert first.ecg.shape == (4, 8, 1, 280)


@pytest.mark.parametrize("mode", ["diagnostic", "real_time"])
def test_sequences_score_every_row_of_a_side_once(data_dir: Path, mode: str) -> None:
    data = beat_data(data_dir, scope="sequence", n_beats=8, context=2, mode=mode)
    for side in ("val", "test"):
        scored = torch.cat([batch.row[batch.scored] for batch in batches(data, side)])
        np.testing.assert_array_equal(np.sort(scored), getattr(data.fold, side))


def test_in_real_time_no_beat_follows_the_last_scored_one(data_dir: Path) -> None:
    data = beat_data(data_dir, scope="sequence", n_beats=8, context=2, mode="real_time")
    row, scored = data.items("test")
    assert (row.max(axis=1) == np.where(scored, row, -1).max(axis=1)).all()


def test_the_ranks_of_a_trainer_share_the_rows(data_dir: Path) -> None:
    data = beat_data(data_dir, batch_size=16)
    rows = []
    for rank in (0, 1):
        data.trainer = SimpleNamespace(global_rank=rank, world_size=2, strategy=ON_CPU)  # type: ignore[assignment]
        rows.append(torch.cat([row for row, _, _ in data.train_dataloader()]).tolist())
    assert len(rows[0]) == len(rows[1])
    assert len({*rows[0], *rows[1]}) == len(data.fold.train) // 2 * 2


def test_classes_that_aami_does_not_know_are_refused_in_words(data_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"task.classes holds \['X'\]: choose from N, S, V, F, Q"):
        beat_data(data_dir, classes=("N", "X"))


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batches_of_nothing_are_refused_in_words(data_dir: Path, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"task.data.batch_size={batch_size} must be at least 1"):
        beat_data(data_dir, batch_size=batch_size)


def test_no_features_are_features_of_width_0(data_dir: Path) -> None:
    data = beat_data(data_dir, features=Features((), "diagnostic"), split=ByRecord(2, 2))
    assert data.facts.feature_mean == data.facts.feature_std == ()
    assert batches(data, "val")[0].features.shape[1] == 0


@pytest.mark.parametrize("scope", ["window", "sequence"])
def test_chance_touches_training_batches_alone_and_repeats_with_the_epoch(data_dir: Path, scope: str) -> None:
    row = {"scope": scope, "n_beats": 8, "context": 2, "split": ByRecord(1, 1)}
    noisy = {**row, "augment": Augment({"noise": Noise(1.0, 0.5)})}
    plain, shaken, again = beat_data(data_dir, **row), beat_data(data_dir, **noisy), beat_data(data_dir, **noisy)
    epochs = [
        [data.on_after_batch_transfer(batch, 0) for batch in data.train_dataloader()] for data in (plain, shaken, again)
    ]
    for a, b, c in zip(*epochs, strict=True):
        assert torch.equal(a.row, b.row)
        assert not torch.equal(a.ecg, b.ecg)
        assert torch.equal(b.ecg, c.ecg)
        assert (b.ecg[b.row < 0] == 0).all(), "padding stays zero"
    for a, b in zip(batches(plain, "val"), batches(shaken, "val"), strict=True):
        assert torch.equal(a.ecg, b.ecg)


def test_beats_are_told_apart_by_sex_and_age_where_the_headers_say_them(tmp_path: Path) -> None:
    for record, comment in (("100", "69 M 1085"), ("101", "24 F 1581"), ("119", "-1 F 1581")):
        write_mitdb(tmp_path / "mitdb", [record], comments=[comment])
    table = beat_data(tmp_path).table
    found = {name: [set(word[table.record == k].tolist()) for k in range(3)] for name, word in table.groups.items()}
    assert found == {"sex": [{"male"}, {"female"}, {"female"}], "age": [{"60-79"}, {"under 40"}, {"unknown"}]}


def test_nobody_is_told_apart_where_no_header_says_anything(tmp_path: Path) -> None:
    write_mitdb(tmp_path / "mitdb", ["100", "101", "119"], comments=["synthetic: no patient"])
    assert dict(beat_data(tmp_path).table.groups) == {}
