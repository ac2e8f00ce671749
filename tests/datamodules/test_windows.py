"""Row numbers to batches: the gather, the order of an epoch, the ranks, and beats in a row."""

import numpy as np
import pytest
import torch

from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.windows import Beside, Epochs, Items, WindowSource, beats_in_a_row, fits, loader
from ecg_lightning.sampling import Balanced, Shuffle
from ecg_lightning.store import Extra
from ecg_lightning.structures import Refused, WindowTable
from ecg_lightning.windowing import Crops, Window

LABEL = np.repeat([0, 1, 2], [90, 20, 7])


def table_of(n_beats: tuple[int, ...], length: int = 5000) -> WindowTable:
    """Records of so many beats."""
    random = np.random.default_rng(0)
    record = np.repeat(np.arange(len(n_beats)), n_beats)
    return WindowTable(
        record=record,
        patient=record,
        time_s=np.concatenate([np.arange(n, dtype=np.float64) for n in n_beats]),
        start=random.integers(-100, length - 20, len(record)),
        first=2 * length * record,
        length=np.full(len(record), length),
        label=random.integers(0, 5, len(record)),
        features=random.normal(size=(len(record), 3)).astype(np.float32),
        record_names=tuple(str(i) for i in range(len(n_beats))),
        patient_names=tuple(str(i) for i in range(len(n_beats))),
    )


def source_of(table: WindowTable, scale: str = "window") -> WindowSource:
    random = np.random.default_rng(1)
    signal = random.normal(size=2 * 5000 * len(table.record_names)).astype(np.float32)
    return WindowSource(signal, table, 2, Window(280, 140), scale)


def all_scored(row: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(row, dtype=torch.bool)


def test_a_batch_is_its_rows_one_by_one() -> None:
    table = table_of((30, 40))
    source, row = source_of(table), torch.tensor([5, 69, 0, 5])
    batch = source.gather(row, all_scored(row))
    assert batch.ecg.shape == (4, 2, 280)
    for i, one in enumerate(row):
        alone = source.gather(one[None], all_scored(one[None]))
        assert torch.equal(batch.ecg[i : i + 1], alone.ecg)
    np.testing.assert_array_equal(batch.features, table.features[row])
    np.testing.assert_array_equal(batch.label, table.label[row])


def test_sequences_hold_the_windows_of_their_rows_and_zeros_for_padding() -> None:
    source, row = source_of(table_of((30, 40))), torch.tensor([[3, 4, 5], [69, -1, -1]])
    batch = source.gather(row, row >= 0)
    flat = row.reshape(-1)[:4]
    alone = source.gather(flat, all_scored(flat))
    assert batch.ecg.shape == (2, 3, 2, 280)
    assert torch.equal(batch.ecg.reshape(6, 2, 280)[:4], alone.ecg)
    assert torch.equal(batch.features.reshape(6, 3)[:4], alone.features)
    for part in (batch.ecg, batch.features, batch.label):
        assert (part[1, 1:] == 0).all()
    assert torch.equal(batch.row, row)


def test_a_source_moved_to_a_device_gives_the_same_batch() -> None:
    source, row = source_of(table_of((30,))), torch.arange(30)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = source.to(device).gather(row.to(device), all_scored(row).to(device))
    here = source.gather(row, all_scored(row))
    for a, b in zip(there[:5], here[:5], strict=True):
        torch.testing.assert_close(a.cpu(), b, atol=1e-5, rtol=1e-5)
    assert source.to(torch.device("meta")).signal.device.type == "meta"
    assert source.to(torch.device("meta")).place.device.type == "meta"
    assert source.signal.device.type == "cpu"


def test_batches_gathered_by_workers_equal_those_gathered_on_the_device() -> None:
    table = table_of((60, 57))
    source, row = source_of(table), torch.arange(117)
    scored = all_scored(row)
    epochs = Epochs(LABEL, 50, Shuffle(), seed=3)
    by_workers = [batch for batch, _ in loader(Items(row, scored, source), epochs)]
    on_device = [source.gather(*batch) for batch in loader(Items(row, scored, None), epochs)]
    assert [len(batch.row) for batch in by_workers] == [50, 50, 17]
    for a, b in zip(by_workers, on_device, strict=True):
        assert isinstance(a, Batch)
        for left, right in zip(a[:5], b[:5], strict=True):
            assert torch.equal(left, right)


def order(seed: int = 0, epoch: int = 0, drawing: Shuffle | Balanced | None = None, rank: int = 0, of: int = 1) -> list:
    epochs = Epochs(LABEL, 10, drawing, seed, (rank, of))
    epochs.set_epoch(epoch)
    batches = list(epochs)
    assert len(batches) == len(epochs)
    return np.concatenate([drawn.item for drawn in batches]).tolist()


@pytest.mark.parametrize("drawing", [Shuffle(), Balanced(1.0)])
def test_the_order_depends_on_seed_and_epoch_alone(drawing: Shuffle | Balanced) -> None:
    first = order(0, 3, drawing)
    np.random.default_rng(9).random(3)
    torch.manual_seed(9)
    assert order(0, 3, drawing) == first
    assert order(0, 4, drawing) != first
    assert order(1, 3, drawing) != first


def test_without_a_sampler_rows_come_as_they_stand() -> None:
    assert order(seed=5, epoch=2) == list(range(len(LABEL)))


@pytest.mark.parametrize("n_ranks", [2, 3, 4])
def test_ranks_share_an_epoch_without_overlap_in_equal_parts(n_ranks: int) -> None:
    parts = [order(0, 1, Shuffle(), rank, n_ranks) for rank in range(n_ranks)]
    assert len({len(part) for part in parts}) == 1
    together = [item for part in parts for item in part]
    assert len(set(together)) == len(together) == len(LABEL) - len(LABEL) % n_ranks


def test_ranks_score_every_row_once() -> None:
    parts = [order(0, 1, None, rank, 2) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == list(range(len(LABEL)))


@pytest.mark.parametrize(("room", "answer"), [(3.9, False), (4.1, True)])
def test_signals_move_to_a_device_with_four_times_their_size_free(
    monkeypatch: pytest.MonkeyPatch, room: float, answer: bool
) -> None:
    source = source_of(table_of((3,)))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room * source.n_bytes, 10**12))  # noqa: ARG005
    assert fits(source, torch.device("cuda")) is answer


def test_mapped_signals_fit_a_cpu_whatever_their_size() -> None:
    assert fits(source_of(table_of((3,))), torch.device("cpu"))


@pytest.mark.parametrize("n_beats", [1, 7, 30])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 3), (6, 0)])
@pytest.mark.parametrize("records", [(1,), (29, 30, 31), (100, 3)])
def test_every_row_of_a_side_is_scored_exactly_once(
    n_beats: int, before: int, after: int, records: tuple[int, ...]
) -> None:
    if n_beats <= before + after:
        return
    table = table_of(records)
    row, scored = beats_in_a_row(np.arange(len(table)), table, n_beats, before, after)
    assert row.shape[1] == n_beats
    np.testing.assert_array_equal(np.sort(row[scored]), np.arange(len(table)))


def test_context_stands_beside_the_scored_beats_and_padding_where_the_record_ends() -> None:
    row, scored = beats_in_a_row(np.arange(5, 12), table_of((5, 7, 4)), n_beats=6, before=1, after=2)
    assert row.tolist() == [[-1, 5, 6, 7, 8, 9], [7, 8, 9, 10, 11, -1], [10, 11, -1, -1, -1, -1]]
    assert [r[s].tolist() for r, s in zip(row, scored, strict=True)] == [[5, 6, 7], [8, 9, 10], [11]]


def test_in_real_time_context_lies_before_alone() -> None:
    row, scored = beats_in_a_row(np.arange(9), table_of((9,)), n_beats=6, before=4, after=0)
    for beats, counts in zip(row, scored, strict=True):
        last = beats.max()
        assert beats[counts].max() == last  # nothing comes after the last scored beat
    assert row[1].tolist() == [-1, -1, 0, 1, 2, 3]


def test_stretches_never_leave_their_record() -> None:
    table = table_of((29, 30, 31))
    row, _ = beats_in_a_row(np.arange(len(table)), table, n_beats=7, before=2, after=2)
    for beats in row:
        assert len(set(table.record[beats[beats >= 0]])) == 1


def test_rows_of_another_side_are_context_and_not_scored() -> None:
    row, scored = beats_in_a_row(np.array([0, 2, 4]), table_of((6,)), n_beats=4, before=1, after=1)
    assert sorted(row[scored].tolist()) == [0, 2, 4]
    assert row[0].tolist() == [-1, 0, 1, 2]


def test_context_that_leaves_no_beat_to_score_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"n_beats=10 must exceed the context of 10 beats: lower task.data.context"):
        beats_in_a_row(np.arange(3), table_of((3,)), n_beats=10, before=5, after=5)


def test_devices_that_are_not_cuda_are_not_asked_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(device: torch.device) -> tuple[int, int]:
        raise AssertionError(f"CUDA was asked about {device}")

    monkeypatch.setattr(torch.cuda, "mem_get_info", asked)
    assert not fits(source_of(table_of((3,))), torch.device("mps"))


def recordings_of(n: int, length: int = 1000) -> WindowTable:
    """So many recordings of one length, two labels each."""
    record, nothing = np.arange(n), np.zeros(n, np.int64)
    return WindowTable(
        record=record,
        patient=record,
        time_s=np.zeros(n),
        start=nothing,
        first=2 * length * record,
        length=nothing + length,
        label=np.tile([1, 0, 1], (n, 1)),
        features=np.zeros((n, 0), np.float32),
        record_names=tuple(str(i) for i in range(n)),
        patient_names=tuple(str(i) for i in range(n)),
    )


def cropped(table: WindowTable, n_samples: int = 250, hop: int = 125, scale: str = "none") -> WindowSource:
    """Samples that say where they lie: record, lead and time."""
    length = int(table.length[0])
    record, lead = np.arange(len(table))[:, None, None], np.arange(2)[None, :, None]
    signal = (10000 * record + 1000 * lead + np.arange(length)).astype(np.float32).reshape(-1)
    return WindowSource(signal, table, 2, Crops(n_samples, hop, "mean"), scale)


def test_all_crops_of_a_recording_cover_it_and_the_last_ends_with_it() -> None:
    source, row = cropped(recordings_of(4)), torch.tensor([3, 1])
    batch = source.gather(row, all_scored(row))
    assert batch.ecg.shape == (2, 7, 2, 250)
    seen = batch.ecg[0, :, 1].reshape(-1) - 31000
    assert set(seen.int().tolist()) == set(range(1000))
    assert batch.ecg[0, -1, 0, -1] == 30999
    assert batch.ecg[1, :, 0, 0].tolist() == [10000 + begin for begin in (0, 125, 250, 375, 500, 625, 750)]
    assert batch.label.shape == (2, 3)


@pytest.mark.parametrize(("length", "begins"), [(1000, [0, 300, 600]), (1001, [0, 300, 600, 601]), (400, [0])])
def test_where_the_hop_does_not_divide_the_rest_the_last_crop_still_ends_with_the_recording(
    length: int, begins: list[int]
) -> None:
    source, row = cropped(recordings_of(1, length), 400, 300), torch.tensor([0])
    ecg = source.gather(row, all_scored(row)).ecg.reshape(-1, 2, 400)
    assert ecg[:, 0, 0].tolist() == begins


def test_one_crop_is_a_plain_window() -> None:
    source, row = cropped(recordings_of(3), 1000, 500), torch.tensor([2, 0])
    for seed in (None, 5):
        batch = source.gather(row, all_scored(row), seed)
        assert batch.ecg.shape == (2, 2, 1000)
        assert torch.equal(batch.ecg[0, 0], torch.arange(20000.0, 21000.0))


def test_random_crops_lie_within_and_reach_from_end_to_end() -> None:
    source, row = cropped(recordings_of(1, 253)), torch.zeros(400, dtype=torch.int64)
    batch = source.gather(row, all_scored(row), seed=1)
    assert batch.ecg.shape == (400, 2, 250)
    begins = batch.ecg[:, 0, 0].int()
    assert set(begins.tolist()) == {0, 1, 2, 3}
    assert torch.bincount(begins).min() > 60
    assert (batch.ecg[:, 1] - batch.ecg[:, 0] == 1000).all(), "leads are cut at the same place"


def test_random_crops_are_those_of_the_seed() -> None:
    source, row = cropped(recordings_of(30)), torch.arange(30)
    torch.manual_seed(3)
    first = source.gather(row, all_scored(row), seed=7).ecg
    assert torch.equal(source.gather(row, all_scored(row), seed=7).ecg, first)
    assert not torch.equal(source.gather(row, all_scored(row), seed=8).ecg, first)


def test_every_crop_is_scaled_by_itself() -> None:
    source, row = cropped(recordings_of(3), scale="window"), torch.arange(3)
    ecg = source.gather(row, all_scored(row)).ecg
    torch.testing.assert_close(ecg.mean(dim=-1), torch.zeros(3, 7, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(ecg.std(dim=-1, correction=0), torch.ones(3, 7, 2), atol=1e-4, rtol=0)


def test_a_source_of_crops_moved_to_a_device_gives_the_same_crops() -> None:
    source, row = cropped(recordings_of(20)), torch.arange(20)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for seed in (None, 4):
        there = source.to(device).gather(row.to(device), all_scored(row).to(device), seed)
        assert torch.equal(there.ecg.cpu(), source.gather(row, all_scored(row), seed).ecg)
    moved = source.to(torch.device("meta"))
    assert moved.crop_start is not None
    assert moved.crop_start.device.type == "meta"


def test_random_crops_of_workers_are_those_of_the_device() -> None:
    source, row = cropped(recordings_of(117)), torch.arange(117)
    epochs = Epochs(LABEL, 50, Shuffle(), seed=3)
    epochs.set_epoch(2)
    by_workers = list(loader(Items(row, all_scored(row), source), epochs))
    on_device = list(loader(Items(row, all_scored(row), None), epochs))
    for (batch, seed), (rows, scored, same) in zip(by_workers, on_device, strict=True):
        assert seed == same
        assert torch.equal(batch.ecg, source.gather(rows, scored, same).ecg)


def chances(seed: int = 0, epoch: int = 0, rank: int = 0, drawing: Shuffle | None = Shuffle()) -> list[int | None]:  # noqa: B008
    epochs = Epochs(LABEL, 10, drawing, seed, (rank, 2))
    epochs.set_epoch(epoch)
    return [drawn.seed for drawn in epochs]


def test_chance_depends_on_seed_epoch_rank_and_batch() -> None:
    first = chances(0, 3, 1)
    np.random.default_rng(9).random(3)
    assert chances(0, 3, 1) == first
    others = [*chances(1, 3, 1), *chances(0, 4, 1), *chances(0, 3, 0)]
    assert len({*first, *others}) == len(first) + len(others)


def test_nothing_is_left_to_chance_where_rows_are_scored() -> None:
    assert set(chances(drawing=None)) == {None}


def test_recordings_of_several_lengths_cannot_be_cropped() -> None:
    table = recordings_of(3)
    table.length[1] = 900
    with pytest.raises(Refused, match="records of 900 and of 1000 samples stand side by side: crops need records of"):
        cropped(table)


def test_a_crop_longer_than_the_recordings_is_refused_in_words() -> None:
    with pytest.raises(Refused, match=r"task.signal.window_s asks for 1001 samples, but records have 1000: take less"):
        cropped(recordings_of(2), 1001, 500)


@pytest.mark.parametrize("n_ranks", [1, 2])
@pytest.mark.parametrize("batch_size", [2, 29, 58, 116, 1])
def test_no_training_batch_holds_a_single_item(batch_size: int, n_ranks: int) -> None:
    for rank in range(n_ranks):
        sizes = [len(drawn.item) for drawn in Epochs(LABEL, batch_size, Shuffle(), 0, (rank, n_ranks))]
        assert min(sizes) > 1 or batch_size == 1
        assert sum(sizes) >= len(LABEL) // n_ranks - 1
    assert sum(len(drawn.item) for drawn in Epochs(LABEL, batch_size, None, 0)) == len(LABEL)


def test_another_signal_is_cut_at_its_own_rate() -> None:
    table = table_of((3, 2))
    table.start[:] = [0, 250, 499, -360, 720]
    ramp = np.arange(2 * 1000, dtype=np.float32)  # two records of 500 samples, two channels
    extra = Extra(ramp, np.array([0, 1000]), np.array([500, 500]), 2, 25.0)
    beside = Beside(extra, table, n_samples=250, fs_hz=250.0)
    source = WindowSource(np.zeros(20_000, np.float32), table, 2, Window(250, 0), "none", {"breathing": beside})
    row = torch.arange(5)
    found = source.gather(row, all_scored(row)).extra["breathing"]
    assert found.shape == (5, 2, 25)
    np.testing.assert_array_equal(found[0, 0], np.arange(25))
    np.testing.assert_array_equal(found[1, 1], 525 + np.arange(25))  # a second later, in the second channel
    np.testing.assert_array_equal(found[3, 0], np.full(25, 1000))  # before the record's beginning its edge is repeated
    np.testing.assert_array_equal(found[4, 0], 1072 + np.arange(25))
    in_a_row = source.gather(row[None, :3], all_scored(row[None, :3])).extra["breathing"]
    assert torch.equal(in_a_row[0], found[:3])
