"""From row numbers to batches: one gather for a whole batch, on the device where the signals fit there."""

import copy
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ecg_lightning.batch import Batch
from ecg_lightning.sampling import Sampler as Drawing
from ecg_lightning.store import Extra
from ecg_lightning.structures import Refused, WindowTable
from ecg_lightning.windowing import Crops, Segments, Window, beside, cut, scale_windows

FREE_SHARE = 0.25  # of the device's free memory that signals may take; the rest is for the network


class Beside:
    """Another signal, and what of it belongs to each window.

    Args:
        extra: of all records.
        table: one row per window.
        n_samples: of a window, at fs_hz.
        fs_hz: of the ECG, at which the table counts.
    """

    def __init__(self, extra: Extra, table: WindowTable, n_samples: int, fs_hz: float) -> None:
        self.signal, self.n_channels = torch.from_numpy(extra.signal), extra.n_channels
        start, self.n_samples = beside(table.start, n_samples, fs_hz, extra.fs_hz)
        place = (extra.first[table.record], extra.length[table.record], start)
        self.place = torch.stack([torch.from_numpy(part) for part in place])

    def to(self, device: torch.device) -> "Beside":
        """The same signal on another device."""
        moved = copy.copy(self)
        moved.signal, moved.place = self.signal.to(device), self.place.to(device)
        return moved

    def gather(self, flat: Int[Tensor, " row"]) -> Float[Tensor, "row channel time"]:
        """What belongs to the windows of these rows."""
        return cut(self.signal, self.place[:, flat], self.n_channels, self.n_samples)


class WindowSource:
    """Signals and window table as tensors, and the gather that makes a batch of them.

    Args:
        signal: the store's flat array.
        table: one row per window.
        n_leads: leads of every record.
        window: what to cut.
        scale: "window" for a z-score of every lead of every window.
        others: other signals by name.

    Raises:
        Refused: crops are longer than a record, or records differ in length.
    """

    def __init__(
        self,
        signal: Float[np.ndarray, " sample"],
        table: WindowTable,
        n_leads: int,
        window: Window | Crops | Segments,
        scale: str,
        others: Mapping[str, Beside] = MappingProxyType({}),
    ) -> None:
        self.signal = torch.from_numpy(signal)
        self.place = torch.stack([torch.from_numpy(part) for part in (table.first, table.length, table.start)])
        self.label = torch.from_numpy(table.label)
        self.features = torch.from_numpy(table.features)
        self.n_leads, self.window, self.scale, self.others = n_leads, window, scale, others
        self.crop_start = torch.from_numpy(_crop_starts(window, table)) if isinstance(window, Crops) else None
        self._there: tuple[torch.device, WindowSource] | None = None

    @property
    def n_bytes(self) -> int:
        signals = self.signal.nbytes + sum(other.signal.nbytes for other in self.others.values())
        return signals + self.features.nbytes + self.label.nbytes

    def to(self, device: torch.device) -> "WindowSource":
        """The same source with everything on another device."""
        moved = copy.copy(self)
        moved.signal, moved.place = self.signal.to(device), self.place.to(device)
        moved.label, moved.features = self.label.to(device), self.features.to(device)
        moved.others = {name: other.to(device) for name, other in self.others.items()}
        moved.crop_start = None if self.crop_start is None else self.crop_start.to(device)
        return moved

    def on(self, device: torch.device) -> "WindowSource":
        """The same source where batches are wanted; copied once, and not at all for the CPU."""
        if device.type == "cpu":
            return self
        if self._there is None or self._there[0] != device:
            self._there = (device, self.to(device))
        return self._there[1]

    def gather(
        self, row: Int[Tensor, "batch *beat"], scored: Bool[Tensor, "batch *beat"], seed: int | None = None
    ) -> Batch:
        """The windows of these rows; row -1 is padding and comes out as zeros, label 0.

        Args:
            row: into the window table.
            scored: which of them count.
            seed: of random crops, one of each record; None gives all of its crops, where it has several.
        """
        flat, real = row.reshape(-1).clamp(min=0), row >= 0
        place, crops = self._places(flat, seed)
        ecg = cut(self.signal, place, self.n_leads, self.window.n_samples)
        ecg = scale_windows(ecg, self.scale).reshape(*row.shape, *crops, self.n_leads, self.window.n_samples)
        features = self.features[flat].reshape(*row.shape, self.features.shape[1])
        label = self.label[flat].reshape(*row.shape, *self.label.shape[1:])
        if row.dim() > 1:  # only sequences hold padding
            ecg = ecg * real[..., None, None]
            features = features * real[..., None]
            label = label * real.reshape(*real.shape, *[1] * (label.dim() - real.dim()))
        extra = {name: one.gather(flat).unflatten(0, tuple(row.shape)) for name, one in self.others.items()}
        return Batch(ecg, features, label, row, scored, extra)

    def _places(self, flat: Int[Tensor, " row"], seed: int | None) -> tuple[Int[Tensor, "3 window"], tuple[int, ...]]:
        """Where the windows of these rows lie, and how many each row has where that is an axis of its own."""
        first, length, _ = place = self.place[:, flat]
        if self.crop_start is None:
            return place, ()
        if seed is not None:  # drawn on the CPU, so that every device sees the same crops
            share = torch.rand(len(flat), generator=torch.Generator().manual_seed(seed)).to(flat.device)
            return torch.stack([first, length, (share * (length - self.window.n_samples + 1)).long()]), ()
        n_crops = len(self.crop_start)
        every = place.repeat_interleave(n_crops, dim=1)
        every[2] = self.crop_start.repeat(len(flat))
        return every, (n_crops,) if n_crops > 1 else ()


def _crop_starts(crops: Crops, table: WindowTable) -> Int[np.ndarray, " crop"]:
    shortest, longest = int(table.length.min()), int(table.length.max())
    if shortest != longest:
        raise Refused(
            f"records of {shortest} and of {longest} samples stand side by side: crops need records of one length"
        )
    if crops.n_samples > shortest:
        raise Refused(
            f"task.signal.window_s asks for {crops.n_samples} samples, but records have {shortest}: take less"
        )
    return crops.starts(shortest)


class Drawn(NamedTuple):
    """Item numbers of one batch, and the seed of what chance does to it; None where nothing is left to chance."""

    item: Int[np.ndarray, " batch"]
    seed: int | None


class Items(Dataset[Batch]):
    """What a loader may ask for: whole batches by item number; an item is a window or some beats in a row.

    Args:
        row: per item, of the window table.
        scored: per item; False for context and padding.
        source: gathers here, in the loader's worker; None leaves it to the device.
    """

    def __init__(
        self, row: Int[Tensor, "item *beat"], scored: Bool[Tensor, "item *beat"], source: WindowSource | None
    ) -> None:
        self.row, self.scored, self.source = row, scored, source

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, drawn: Drawn) -> tuple[Batch, int | None] | tuple[Tensor, Tensor, int | None]:  # type: ignore[override]
        chosen = torch.from_numpy(drawn.item)
        row, scored = self.row[chosen], self.scored[chosen]
        if self.source is None:
            return row, scored, drawn.seed
        return self.source.gather(row, scored, drawn.seed), drawn.seed


class Epochs(Sampler[Drawn]):
    """Batches of item numbers; they depend on seed, epoch and rank alone, so that a resumed run repeats them.

    Args:
        label: of every item, for samplers that re-balance classes.
        batch_size: items per batch and rank.
        drawing: order of an epoch; None keeps the items as they stand.
        seed: of the order.
        rank: which share of the batches is ours, and of how many.
    """

    def __init__(
        self,
        label: Int[np.ndarray, " item"],
        batch_size: int,
        drawing: Drawing | None,
        seed: int,
        rank: tuple[int, int] = (0, 1),
    ) -> None:
        self.label, self.batch_size, self.drawing, self.seed = label, batch_size, drawing, seed
        self.rank, self.n_ranks = rank
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self.epoch = epoch

    def _order(self) -> Int[np.ndarray, " item"]:
        if self.drawing is None:
            return np.arange(len(self.label))
        order = self.drawing.draw(self.label, np.random.default_rng((self.seed, self.epoch)))
        order = order[: len(order) - len(order) % self.n_ranks]  # every rank takes as many steps
        n_mine = len(order) // self.n_ranks
        lonely = n_mine > self.batch_size and n_mine % self.batch_size == 1  # no batch norm can learn from one item
        return order[: -self.n_ranks] if lonely else order

    def __len__(self) -> int:
        n_items = len(self._order())
        return -(-len(range(self.rank, n_items, self.n_ranks)) // self.batch_size)

    def __iter__(self) -> Iterator[Drawn]:
        mine = self._order()[self.rank :: self.n_ranks]
        chance = np.random.default_rng((self.seed, self.epoch, self.rank, 1))  # another than that of the order
        for begin in range(0, len(mine), self.batch_size):
            seed = None if self.drawing is None else int(chance.integers(2**62))
            yield Drawn(mine[begin : begin + self.batch_size], seed)


def loader(items: Items, epochs: Epochs) -> DataLoader[Batch]:
    """A loader of whole batches; workers only where the gather cannot run on the device."""
    n_workers = 0 if items.source is None else 2
    return DataLoader(
        items,
        sampler=epochs,
        batch_size=None,
        num_workers=n_workers,
        persistent_workers=n_workers > 0,
        generator=torch.Generator(),  # else every start draws from the generator of dropout, and a resumed run differs
    )


def fits(source: WindowSource, device: torch.device) -> bool:
    """Whether the signals may lie on the device; on the CPU they are mapped already."""
    if device.type != "cuda":
        return device.type == "cpu"
    free, _ = torch.cuda.mem_get_info(device)
    return source.n_bytes <= FREE_SHARE * free


def beats_in_a_row(
    rows: Int[np.ndarray, " side"], table: WindowTable, n_beats: int, before: int, after: int
) -> tuple[Int[np.ndarray, "item beat"], Bool[np.ndarray, "item beat"]]:
    """Cut every record into stretches of beats, each row of the side scored exactly once.

    Args:
        rows: of the side.
        table: its rows are in order of time within each record.
        n_beats: length of a stretch.
        before: beats of context at its beginning.
        after: beats of context at its end.

    Returns:
        Row numbers, -1 where the record has no beat, and which of them count.

    Raises:
        ValueError: the context leaves no beat to score.
    """
    n_scored = n_beats - before - after
    if n_scored < 1:
        raise ValueError(
            f"n_beats={n_beats} must exceed the context of {before + after} beats: lower task.data.context"
        )
    on_side = np.zeros(len(table), bool)
    on_side[rows] = True
    stretches = []
    for record in np.unique(table.record[rows]):
        here = np.flatnonzero(table.record == record)
        begins = np.arange(0, len(here), n_scored) - before
        index = begins[:, None] + np.arange(n_beats)
        inside = (index >= 0) & (index < len(here))
        stretches.append(np.where(inside, here[index.clip(0, len(here) - 1)], -1))
    row = np.concatenate(stretches)
    middle = np.zeros(n_beats, bool)
    middle[before : n_beats - after] = True
    scored = middle & (row >= 0) & on_side[row]
    keep = scored.any(axis=1)
    return row[keep], scored[keep]
