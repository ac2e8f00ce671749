"""Windows trained per second: the whole framework, a bare loop over the same batches, and plain code."""

import time
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from benchmarks import plain
from benchmarks.measure import Row, fastest, has_bf16
from benchmarks.parts import RECORDINGS, composed, data_module
from benchmarks.turns import (
    FRAMEWORK,
    N_PER_ROUND,
    N_WARM,
    bare,
    endless,
    framework,
    per_second,
    pre_cut,
    take_turns,
    times_as_fast,
)
from ecg_lightning import assembly, config
from ecg_lightning.augment import Augment
from ecg_lightning.batch import Batch
from ecg_lightning.datamodules.windowed import Windowed

N_BATCHES = 20  # kept in memory
N_ROUNDS = 4
N_ATTENTION = 256  # windows per step of the transformers


def training() -> list[Row]:
    """Three ratios of the default network at batch 512."""
    cfg = composed("trainer=cpu")
    data = data_module(cfg)
    batches = pre_cut(data, N_BATCHES)
    sides = {"bare": bare(cfg, data, endless(batches)), "plain": beginner(data, batches)}
    full = framework(cfg, data, sides, len(batches))
    n_windows = data.batch_size
    detail = {f"{name}_per_s": per_second(seconds, n_windows) for name, seconds in full.items()}
    ratio, half_detail = None, {"reason": "the processor has no bfloat16"}
    if has_bf16():
        half_sides = {"bare": bare(cfg, data, endless(batches), "bf16-mixed"), "plain": beginner(data, batches)}
        half = framework(cfg, data, half_sides, len(batches), "bf16-mixed")
        ratio = times_as_fast(half, FRAMEWORK, "plain")
        half_detail = {f"{name}_per_s": per_second(seconds, n_windows) for name, seconds in half.items()}
    fp32 = times_as_fast(full, FRAMEWORK, "plain")
    return [
        Row("training against a bare loop", times_as_fast(full, FRAMEWORK, "bare"), "at least", 0.95, "x", detail),
        Row("training in fp32 against plain fp32 code", fp32, "at least", 1.5, "x"),
        Row("training in bf16 against plain fp32 code", ratio, "at least", 2, "x", half_detail),
    ]


def beginner(data: Windowed, batches: list[Batch]) -> Iterator[None]:
    """Plain code: Conv1d, eager, a window at a time from a Dataset."""
    ecg, features, label = (torch.cat([getattr(b, name) for b in batches]) for name in ("ecg", "features", "label"))
    mean, std = torch.tensor(data.facts.feature_mean), torch.tensor(data.facts.feature_std)
    samples = plain.Samples(ecg, (features - mean) / std, label)
    loader = DataLoader(samples, batch_size=data.batch_size, shuffle=True, drop_last=True)
    network = plain.Conv1dHybrid(ecg.shape[1], ecg.shape[2], features.shape[1], len(data.classes))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    return plain.steps(network, torch.nn.CrossEntropyLoss(), endless(loader), optimizer)


def recordings() -> Row:
    """The benchmark's residual network and recipe for whole recordings."""
    cfg = composed("trainer=cpu", *RECORDINGS)
    data = data_module(cfg)
    batches = pre_cut(data, N_BATCHES)
    seconds = framework(cfg, data, {"bare": bare(cfg, data, endless(batches))}, len(batches))
    detail = {f"{name}_per_s": per_second(of_each, data.batch_size) for name, of_each in seconds.items()}
    ratio = times_as_fast(seconds, FRAMEWORK, "bare")
    return Row("training resnet1d_wang against a bare loop", ratio, "at least", 0.95, "x", detail)


def augmentation() -> Row:
    """A step of resnet1d_wang with augmentation, beside one without."""
    cfg = composed("trainer=cpu", *RECORDINGS)
    data = data_module(cfg)
    batches = pre_cut(data, N_BATCHES)
    sides = {}
    for name in ("none", "light", "strong"):
        augment = config.constructed(composed(*RECORDINGS, f"augment={name}").augment)
        sides[name] = bare(cfg, data, augmented(augment, batches, data.preprocess.fs_hz))
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(N_WARM + 3 * N_PER_ROUND):
        take_turns(sides, seconds)
    detail = {"strong": times_as_fast(seconds, "none", "strong")}
    ratio = times_as_fast(seconds, "none", "light")
    return Row("a step with augment=light beside one without", ratio, "at most", 1.1, "x", detail)


def augmented(augment: Augment, batches: list[Batch], fs_hz: float) -> Iterator[Batch]:
    """The same batches again and again, never alike."""
    generator = torch.Generator().manual_seed(0)
    return (augment(batch, fs_hz, generator) for batch in endless(batches))


def attention() -> Row:
    """Training steps of the transformer on one thread, patches against a token per sample."""
    cfg = composed("model=transformer")
    data = data_module(cfg)
    (batch,) = pre_cut(data, 1)
    ecg, features, label = (part[:N_ATTENTION] for part in (batch.ecg, batch.features, batch.label))
    ours, _ = assembly.build_network(cfg, data.facts)
    plain_one = plain.SampleTransformer(ecg.shape[1], ecg.shape[2], features.shape[1], len(data.classes))
    turns = {}
    for name, network, n in (("patches", ours, N_ATTENTION), ("samples", plain_one, N_ATTENTION // 4)):
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
        same = endless([(ecg[:n], features[:n], label[:n])])
        side = plain.steps(network, torch.nn.CrossEntropyLoss(), same, optimizer)
        turns[name] = lambda side=side: next(side)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = fastest(turns, N_ROUNDS)
    finally:
        torch.set_num_threads(n_threads)
    patches, samples = N_ATTENTION / seconds["patches"], N_ATTENTION // 4 / seconds["samples"]
    detail = {"patches_per_s": patches, "samples_per_s": samples}
    return Row("transformer against a token per sample, one thread", patches / samples, "at least", 10, "x", detail)


def rows() -> list[Row]:
    """All of these."""
    began = time.perf_counter()
    found = [*training(), recordings(), augmentation(), attention()]
    print(f"throughput: {time.perf_counter() - began:.0f} s")
    return found
