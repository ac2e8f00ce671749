"""Windows trained per second: the whole framework, a bare loop over the same batches, and plain code."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from omegaconf import DictConfig
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks import plain
from benchmarks.measure import Row, fastest, has_bf16
from benchmarks.parts import beat_data, composed
from ecg_lightning import assembly, config, run
from ecg_lightning.callbacks import Speed
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.history import History

N_ROUNDS = 4
N_BATCHES = 20
N_ATTENTION = 256  # windows per step of the transformers


def training() -> list[Row]:
    """Three ratios of the default network at batch 512, all sides taking turns."""
    limits = (f"+trainer.limit_train_batches={N_BATCHES}", "+trainer.limit_val_batches=1", "trainer.max_epochs=1")
    cfg = composed("trainer=cpu", *limits)
    data = beat_data(cfg)
    batches = pre_cut(data)
    n_windows = sum(len(label) for _, _, label in batches)
    precisions = ["32-true", "bf16-mixed"] if has_bf16() else ["32-true"]
    turns = {"plain": plain_turn(data, batches)}
    seconds = {f"framework {precision}": float("inf") for precision in precisions}
    turns |= {f"bare {precision}": bare_turn(cfg, data, batches, precision) for precision in precisions}
    for precision in precisions:

        def whole(precision: str = precision) -> None:
            name = f"framework {precision}"
            seconds[name] = min(seconds[name], framework_seconds(cfg, data, precision))

        turns[f"whole fit {precision}"] = whole
    seconds |= fastest(turns, N_ROUNDS)
    return ratios({name: n_windows / value for name, value in seconds.items()})


def ratios(speed: dict[str, float]) -> list[Row]:
    """From windows per second to the rows of the table."""
    ours, detail = speed["framework 32-true"], {f"{name}_per_s": value for name, value in speed.items()}
    half = speed.get("framework bf16-mixed")
    ratio, why = (half / speed["plain"], {}) if half else (None, {"reason": "the processor has no bfloat16"})
    return [
        Row("training against a bare loop", ours / speed["bare 32-true"], "at least", 0.95, "x", detail),
        Row("training in fp32 against plain fp32 code", ours / speed["plain"], "at least", 1.5, "x"),
        Row("training in bf16 against plain fp32 code", ratio, "at least", 2, "x", why),
    ]


def pre_cut(data: BeatData) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The windows of the first batches, cut, scaled and kept in memory."""
    found = []
    for _, (row, scored) in zip(range(N_BATCHES), data.train_dataloader(), strict=False):
        batch = data.source.gather(row, scored)
        found.append((batch.ecg, batch.features, batch.label))
    return found


def framework_seconds(cfg: DictConfig, data: BeatData, precision: str) -> float:
    """Seconds of training steps of one short epoch, with all that a run does beside them but tracking."""
    cfg = cfg.copy()
    cfg.trainer.precision = precision
    network, _ = assembly.build_network(cfg, data.facts)
    speed = Speed(first_step=lambda: None)
    with TemporaryDirectory() as folder:
        history = History(Path(folder), lambda *_: None)
        run.fit(cfg, assembly.build_module(cfg, network, data.facts), data, speed, history)
    return speed.steps_s


def bare_turn(
    cfg: DictConfig, data: BeatData, batches: list[tuple[Tensor, Tensor, Tensor]], precision: str
) -> Callable[[], None]:
    """One pass of our network over batches that are there."""
    network, _ = assembly.build_network(cfg, data.facts)
    loss = config.constructed(cfg.loss, **assembly.with_facts(cfg.loss, data.facts))
    optimizer = config.constructed(cfg.optim)(network.parameters())
    return lambda: plain.train(network, loss, batches, optimizer, precision)


def plain_turn(data: BeatData, batches: list[tuple[Tensor, Tensor, Tensor]]) -> Callable[[], None]:
    """One pass of plain code: Conv1d, eager, a window at a time from a Dataset."""
    ecg, features, label = (torch.cat(part) for part in zip(*batches, strict=True))
    mean, std = torch.tensor(data.facts.feature_mean), torch.tensor(data.facts.feature_std)
    samples = plain.Samples(ecg, (features - mean) / std, label)
    loader = DataLoader(samples, batch_size=512, shuffle=True)
    network = plain.Conv1dHybrid(ecg.shape[1], ecg.shape[2], features.shape[1], len(data.classes))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    return lambda: plain.train(network, torch.nn.CrossEntropyLoss(), loader, optimizer)


def attention() -> Row:
    """Training steps of the transformer on one thread, patches against a token per sample."""
    cfg = composed("model=transformer")
    data = beat_data(cfg)
    ecg, features, label = (part[:N_ATTENTION] for part in pre_cut(data)[0])
    ours, _ = assembly.build_network(cfg, data.facts)
    plain_one = plain.SampleTransformer(ecg.shape[1], ecg.shape[2], features.shape[1], len(data.classes))
    turns = {}
    for name, network, n in (("patches", ours, N_ATTENTION), ("samples", plain_one, N_ATTENTION // 4)):
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
        batch = [(ecg[:n], features[:n], label[:n])]
        turns[name] = lambda net=network, b=batch, o=optimizer: plain.train(net, torch.nn.CrossEntropyLoss(), b, o)
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
    found = [*training(), attention()]
    print(f"throughput: {time.perf_counter() - began:.0f} s")
    return found
