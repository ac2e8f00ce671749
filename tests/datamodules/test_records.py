"""Records to batches of whole recordings: labels, persons, folds, crops and units; training sees what use will see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecg_lightning import prepare
from ecg_lightning.augment import Augment, Noise
from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.records import RecordData, groups
from ecg_lightning.dsp import normalise
from ecg_lightning.features import Features
from ecg_lightning.sampling import Balanced
from ecg_lightning.splits import Holdout
from ecg_lightning.structures import BadRecord, Refused
from ecg_lightning.windowing import Crops
from tests.corpora.ptbxl import write_record
from tests.corpora.record_data import LEADS, SUPER, corpus_in, preprocess_of, record_data, write_records

N = 40
CROPS = Crops(250, 125, "mean")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_records(folder, N)
    return folder


@pytest.fixture(scope="module")
def data(data_dir: Path) -> RecordData:
    return record_data(data_dir)


def batches(data: RecordData, side: str) -> list[Batch]:
    data.scored_sides = (side,)
    return [data.on_after_batch_transfer(batch, 0) for batch in data.predict_dataloader()]


def epoch(data: RecordData, number: int = 0) -> list[Batch]:
    """The batches of one training epoch."""
    made = data.train_dataloader()
    made.sampler.set_epoch(number)  # type: ignore[attr-defined]
    return [data.on_after_batch_transfer(batch, 0) for batch in made]


def test_every_record_with_a_label_is_one_row(data: RecordData) -> None:
    label = data.corpus.labels("super", 0)  # type: ignore[attr-defined]
    kept = np.flatnonzero(label.any(axis=1))
    assert len(data.table) == N - N // 10 == len(kept)
    np.testing.assert_array_equal(data.table.label, label[kept])
    np.testing.assert_array_equal(data.table.record, kept)
    assert data.table.record_names == data.corpus.records()


def test_the_reader_is_told_what_was_left_out_and_who_is_unknown(data: RecordData) -> None:
    said = data.remarks()
    assert said[-1] == "4 of 40 records have no label of kind super and are left out"
    assert any("6 of 40 records name no patient" in sentence for sentence in said)


def test_where_every_record_has_a_label_nothing_is_said_of_it(data_dir: Path) -> None:
    classes = record_data(data_dir).labelled.labels("rhythm", 0).shape[1]
    data = record_data(data_dir, labels="rhythm", classes=[str(c) for c in range(classes)])
    assert len(data.table) == N
    assert not any("left out" in sentence for sentence in data.remarks())


def test_folds_persons_and_patients_are_those_of_the_record(data: RecordData) -> None:
    table, sheet, store = data.table, data.labelled.sheet(), data.store
    np.testing.assert_array_equal(table.official_fold, sheet.official_fold[table.record])
    np.testing.assert_array_equal(table.patient_known, sheet.patient_known[table.record])
    np.testing.assert_array_equal(table.features[:, 0], sheet.person["age_years"][table.record].astype(np.float32))
    np.testing.assert_array_equal(table.features[:, 1], sheet.person["sex_female"][table.record].astype(np.float32))
    assert [table.patient_names[i] for i in table.patient] == [store.patients[i] for i in table.record]
    for side, folds in (("train", range(1, 9)), ("val", [9]), ("test", [10])):
        assert set(table.official_fold[getattr(data.fold, side)].tolist()) == set(folds) - {2}  # no label in fold 2


def test_a_record_that_was_skipped_moves_no_label_of_another(tmp_path: Path) -> None:
    write_records(tmp_path, N)
    (tmp_path / "ptbxl/records100/00000/00004_lr.dat").write_bytes(b"")
    corpus = corpus_in(tmp_path)
    corpus.on_bad_record = "skip"
    data = record_data(tmp_path, corpus=corpus)
    assert "00004" not in data.table.record_names
    row = int(np.flatnonzero(data.table.record == data.table.record_names.index("00005"))[0])
    place = corpus.records().index("00005")
    np.testing.assert_array_equal(data.table.label[row], corpus.labels("super", 0)[place])
    assert data.table.official_fold is not None
    assert data.table.official_fold[row] == 5
    assert data.table.features[row, 0] == corpus.sheet().person["age_years"][place]
    ecg = data.source.gather(torch.tensor([row]), torch.tensor([True])).ecg[0]
    np.testing.assert_array_equal(ecg, corpus.read("00005", LEADS).ecg_mv)


@pytest.mark.parametrize("window", [Crops(1000, 500, "mean"), CROPS])
@pytest.mark.parametrize("scale", ["none", "window", "record"])
def test_training_sees_the_recordings_and_features_that_prepare_gives(
    data_dir: Path, window: Crops, scale: str
) -> None:
    data = record_data(data_dir, window=window, preprocess=preprocess_of(scale=scale))
    row = torch.tensor([0, 7, 20])
    batch = data.source.gather(row, torch.ones(3, dtype=torch.bool))
    assert batch.ecg.shape == ((3, 12, 1000) if window.n_samples == 1000 else (3, 7, 12, 250))
    for i, one in enumerate(row):
        record = data.corpus.read(data.table.record_names[data.table.record[one]], LEADS)
        prepared = prepare.prepare(record, data.preprocess, data.features)
        torch.testing.assert_close(
            batch.ecg[i].reshape(-1, 12, window.n_samples), prepare.crops(prepared, data.preprocess, window)
        )
        np.testing.assert_array_equal(batch.features[i], prepared.features[0])


def test_facts_come_from_training_rows_and_from_what_is_known(data: RecordData) -> None:
    train = data.fold.train
    assert data.facts.n_rows == len(train)
    assert data.facts.class_counts == tuple(data.table.label[train].sum(axis=0).tolist())
    assert sum(data.facts.class_counts) > len(train)
    rows = data.table.features[train].astype(np.float64)
    assert np.isnan(rows).any()
    np.testing.assert_allclose(data.facts.feature_mean, np.nanmean(rows, axis=0))
    np.testing.assert_allclose(data.facts.feature_std, np.nanstd(rows, axis=0))


def test_a_feature_that_nobody_knows_has_mean_0_and_spread_1(data_dir: Path) -> None:
    data = record_data(data_dir)
    data.table.features[:, 0] = np.nan
    assert (data.facts.feature_mean[0], data.facts.feature_std[0]) == (0.0, 1.0)


def test_facts_do_not_change_with_what_is_reported_on(data_dir: Path) -> None:
    first, second = record_data(data_dir), record_data(data_dir)
    other = np.concatenate([second.fold.val, second.fold.test])
    second.table.features[other] = 100
    second.table.label[other] = 1
    assert first.facts == second.facts
    for a, b in zip(epoch(first), epoch(second), strict=True):
        assert torch.equal(a.row, b.row)


def test_no_features_are_features_of_width_0(data_dir: Path) -> None:
    data = record_data(data_dir, features=Features((), "diagnostic"))
    assert data.facts.feature_mean == data.facts.feature_std == ()
    assert batches(data, "val")[0].features.shape == (4, 0)


def test_crops_differ_from_epoch_to_epoch_and_repeat_with_the_epoch(data_dir: Path) -> None:
    data = record_data(data_dir, window=CROPS)
    first, again, later = epoch(data), epoch(record_data(data_dir, window=CROPS), 0), epoch(data, 1)
    assert all(torch.equal(a.ecg, b.ecg) for a, b in zip(first, again, strict=True))
    crop = {int(row): ecg for batch in first for row, ecg in zip(batch.row, batch.ecg, strict=True)}
    moved = [
        not torch.equal(crop[int(row)], ecg) for batch in later for row, ecg in zip(batch.row, batch.ecg, strict=True)
    ]
    assert np.mean(moved) > 0.9
    assert not torch.equal(epoch(record_data(data_dir, window=CROPS, seed=1))[0].row, first[0].row)


def test_a_training_crop_is_a_stretch_of_its_recording(data_dir: Path) -> None:
    data = record_data(data_dir, window=CROPS)
    whole = record_data(data_dir).source
    for batch in epoch(data):
        assert batch.ecg.shape[1:] == (12, 250)
        records = whole.gather(batch.row, batch.scored).ecg
        for record, crop in zip(records, batch.ecg, strict=True):
            stretches = record.unfold(1, 250, 1).transpose(0, 1)  # start, lead, time
            assert (stretches == crop).all(dim=(1, 2)).any()


def test_chance_touches_training_batches_alone(data_dir: Path) -> None:
    noisy = Augment({"noise": Noise(1.0, 0.5)})
    plain, shaken = record_data(data_dir), record_data(data_dir, augment=noisy)
    for a, b, c in zip(epoch(plain), epoch(shaken), epoch(record_data(data_dir, augment=noisy)), strict=True):
        assert torch.equal(a.row, b.row)
        assert not torch.equal(a.ecg, b.ecg)
        assert torch.equal(b.ecg, c.ecg), "chance is seeded"
    for a, b in zip(batches(plain, "val"), batches(shaken, "val"), strict=True):
        assert torch.equal(a.ecg, b.ecg)


def test_samplers_see_the_rarest_label_of_a_row(data_dir: Path) -> None:
    data = record_data(data_dir, sampler=Balanced(1.0))
    data.table.label[:] = 0
    data.table.label[:, 0] = 1  # everybody has the first class, two training rows the second as well
    rare = data.fold.train[:2]
    data.table.label[rare, 1] = 1
    drawn = torch.cat([batch.row for number in range(20) for batch in epoch(data, number)]).numpy()
    assert 0.4 < np.isin(drawn, rare).mean() < 0.6


def test_what_is_rare_is_counted_in_training_rows(data_dir: Path) -> None:
    data = record_data(data_dir)
    data.table.label[:] = 0
    data.table.label[data.fold.test, 1] = 1  # often in the test rows, rarest in training
    data.table.label[:, 0] = 1
    data.table.label[:, 2] = np.arange(len(data.table)) % 2
    row = data.fold.train[2:4]
    data.table.label[row] = [1, 1, 1, 0, 0]
    epochs = data.train_dataloader().sampler
    label = dict(zip(data.fold.train.tolist(), epochs.label.tolist(), strict=True))  # type: ignore[attr-defined]
    assert [label[int(one)] for one in row] == [1, 1]
    assert set(label.values()) == {0, 1, 2}


def test_groups_are_words() -> None:
    age_years = np.array([0.0, 39.9, 40.0, 59.0, 60.0, 79.5, 80.0, 90.0, np.nan])
    sex_female = np.array([1.0, 0.0, np.nan, 1, 1, 1, 1, 1, 1])
    found = groups({"age_years": age_years, "sex_female": sex_female})
    assert found["sex"].tolist() == ["female", "male", "unknown", *["female"] * 6]
    assert found["age"].tolist() == [
        *("under 40", "under 40", "40-59", "40-59", "60-79", "60-79", "80 and over", "80 and over", "unknown")
    ]


def test_the_table_tells_the_rows_apart_by_sex_and_age(data: RecordData) -> None:
    assert list(data.table.groups) == ["sex", "age"]
    unknown = np.isnan(data.table.features[:, 0])
    assert (data.table.groups["age"] == "unknown").tolist() == unknown.tolist()
    assert (data.table.groups["sex"] == "unknown").tolist() == unknown.tolist()


def test_likelihoods_below_the_floor_leave_a_label_out(tmp_path: Path) -> None:
    write_records(tmp_path, 20)
    assert len(record_data(tmp_path, least_percent=100.0).table) == 18
    table = tmp_path / "ptbxl" / "ptbxl_database.csv"
    table.write_text(table.read_text().replace("'NORM': 100.0", "'NORM': 40.0"))
    data = record_data(tmp_path, least_percent=50.0)
    assert data.table.label[:, 0].sum() == 0
    assert record_data(tmp_path).table.label[:, 0].sum() > 0


def without_amplitude(folder: Path) -> RecordData:
    """Recordings whose unit is lost."""
    write_records(folder, 20)
    for ecg_id in range(1, 21):
        write_record(folder / "ptbxl", ecg_id, unit="NU")
    return record_data(folder)


def test_recordings_without_amplitude_are_z_scored(tmp_path: Path) -> None:
    data = without_amplitude(tmp_path)
    assert (data.preprocess.unit, data.preprocess.scale) == ("NU", "record")
    ecg = batches(data, "val")[0].ecg
    torch.testing.assert_close(ecg.mean(dim=2), torch.zeros(2, 12), atol=1e-4, rtol=0)
    torch.testing.assert_close(ecg.std(dim=2, correction=0), torch.ones(2, 12), atol=1e-4, rtol=0)
    raw = corpus_in(tmp_path).read("00009", LEADS).ecg_mv
    np.testing.assert_allclose(ecg[0], normalise.zscore(raw), atol=1e-5)
    by_window = record_data(tmp_path, preprocess=preprocess_of(scale="window"))
    assert (by_window.preprocess.unit, by_window.preprocess.scale) == ("NU", "window")


def test_a_record_in_another_unit_than_the_first_is_bad(tmp_path: Path) -> None:
    write_records(tmp_path, 20)
    write_record(tmp_path / "ptbxl", 5, unit="NU")
    with pytest.raises(BadRecord, match="record 00005: its unit is NU, that of the first record is mV"):
        _ = record_data(tmp_path).store


def test_records_of_a_corpus_without_patients_go_by_its_own_folds(data_dir: Path) -> None:
    with pytest.raises(Refused, match=r"6 of 40 rows have no patient id.*use split=official"):
        _ = record_data(data_dir, split=Holdout(0.2, 0.2, seed=0)).fold


def test_other_classes_than_those_of_the_kind_are_refused_in_words(data_dir: Path) -> None:
    data = record_data(data_dir, classes=SUPER[:3])
    with pytest.raises(Refused, match=r"task.classes holds 3 classes, but labels of kind super have 5: leave"):
        _ = data.table


def test_a_corpus_without_such_labels_is_refused_in_words(tmp_path: Path) -> None:
    write_records(tmp_path, 10)
    table = tmp_path / "ptbxl" / "ptbxl_database.csv"
    table.write_text(table.read_text().replace(": 100.0", ": 30.0"))
    with pytest.raises(Refused, match="no record has a label of kind super with a likelihood of 50 % or more: lower"):
        _ = record_data(tmp_path, least_percent=50.0).table


@pytest.mark.parametrize("least_percent", [-1, 101])
def test_a_likelihood_that_is_no_percentage_is_refused_in_words(data_dir: Path, least_percent: float) -> None:
    with pytest.raises(ValueError, match=f"task.data.least_percent={least_percent} must lie between 0 and 100"):
        record_data(data_dir, least_percent=least_percent)


def test_crops_longer_than_the_recordings_are_refused_in_words(data_dir: Path) -> None:
    data = record_data(data_dir, window=Crops(1001, 500, "mean"))
    with pytest.raises(Refused, match=r"task.signal.window_s asks for 1001 samples, but records have 1000: take less"):
        _ = data.source


def test_recordings_of_another_rate_are_resampled_before_they_are_cut(tmp_path: Path) -> None:
    write_records(tmp_path, 10, fs_hz=500)
    data = record_data(tmp_path, corpus=corpus_in(tmp_path, 500), window=CROPS)
    assert batches(data, "val")[0].ecg.shape == (1, 7, 12, 250)
    whole = replace(data.preprocess, scale="none").apply(corpus_in(tmp_path, 500).read("00009", LEADS).ecg_mv, 500.0)
    np.testing.assert_allclose(batches(data, "val")[0].ecg[0, -1], whole[:, -250:], atol=1e-6)


def test_what_draws_a_crop_draws_nothing_else(data_dir: Path) -> None:
    data, heard = record_data(data_dir, window=CROPS), []

    def listen(batch: Batch, fs_hz: float, generator: torch.Generator) -> Batch:  # noqa: ARG001
        heard.append(generator.initial_seed())
        return batch

    data.augment = listen  # type: ignore[assignment]
    drawn = []
    for handed in data.train_dataloader():
        drawn.append(handed[-1])
        data.on_after_batch_transfer(handed, 0)
    assert len(heard) == len(drawn) > 0
    assert not set(heard) & set(drawn)
