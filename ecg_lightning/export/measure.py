"""How large a file is and why, and how fast it answers on one thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
from onnx import ModelProto, TensorProto

N_WARM, N_TIMES, MOST_S = 30, 1000, 2.0  # calls of one window, and after how long to stop
MANY = 512  # windows of the batch whose throughput is told


def parts_of(model: ModelProto) -> dict[str, int]:
    """Bytes of a file by what they are for; they add up to `file`.

    weights: tensors of more than one axis. scales: scales and zero points. other_numbers: biases and the like, with
    the scales that biases of int32 need. metadata: contract and usage. graph: all the rest.
    """
    scaling = {
        name
        for node in model.graph.node
        if node.op_type in ("DequantizeLinear", "QuantizeLinear")
        for name in node.input[1:]
    }
    found = {"weights": 0, "scales": 0, "other_numbers": 0}
    for tensor in model.graph.initializer:
        large = len(tensor.dims) > 1 and tensor.data_type in (TensorProto.INT8, TensorProto.UINT8, TensorProto.FLOAT)
        kind = "scales" if tensor.name in scaling else "weights" if large else "other_numbers"
        found[kind] += _n_bytes(tensor)
    found["metadata"] = sum(len(f"{one.key}{one.value}".encode()) for one in model.metadata_props)
    size = model.ByteSize()
    return {**found, "graph": size - sum(found.values()), "file": size}


def _n_bytes(tensor: TensorProto) -> int:
    sizes: dict[int, int] = {TensorProto.FLOAT: 4, TensorProto.INT32: 4, TensorProto.INT64: 8}
    return int(np.prod(tensor.dims)) * sizes.get(tensor.data_type, 1)


def speed(one: Callable[[], object], many: Callable[[], object]) -> dict[str, float]:
    """Time calls of a single window, and of a batch of `MANY`.

    Args:
        one: answers one window.
        many: answers a batch.

    Returns:
        median_ms and p99_ms of one window; windows_per_s in batches.
    """
    with _one_thread():
        batches = _times(many, 10)
    return latency(one) | {"windows_per_s": MANY / float(np.median(batches))}


def latency(one: Callable[[], object]) -> dict[str, float]:
    """Median and 99th percentile of calls of a single window: median_ms and p99_ms."""
    with _one_thread():
        times = _times(one, N_TIMES)
    return {"median_ms": 1000 * float(np.median(times)), "p99_ms": 1000 * float(np.quantile(times, 0.99))}


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _times(call: Callable[[], object], n_times: int) -> list[float]:
    for _ in range(min(N_WARM, n_times // 5)):
        call()
    times: list[float] = []
    begun = perf_counter()
    while len(times) < 3 or (len(times) < n_times and perf_counter() - begun < MOST_S):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return times
