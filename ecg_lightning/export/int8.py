"""Weights and activations in eight bits."""

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from jaxtyping import Int
from onnx import ModelProto, TensorProto, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from ecg_lightning.export.quiet import quiet
from ecg_lightning.predictions import FITTED_ON, Predictions

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
BATCH = 50  # calibration rows at a time
CONVOLUTIONS = ("Conv", "ConvTranspose")
STATIC = ("Conv", "Gemm", "MatMul", "Relu", "MaxPool", "Add")
WEIGHT_ONLY = ("GRU", "ConvTranspose")  # onnxruntime computes neither in int8
LEAST_INPUTS = 32  # of a linear layer; with fewer, a scale and what goes with it take more than they save
LEAST_WEIGHTS = 8  # per scale; fewer, as of a bias, are not worth it
Feed = Mapping[str, np.ndarray]


def chosen(predictions: Predictions, n_rows: int) -> Int[np.ndarray, " some"]:
    """Validation rows to calibrate by, as many of each class as there are, up to an equal share; never a test row.

    Args:
        predictions: of the run.
        n_rows: of all classes together.

    Returns:
        Positions in the table, in a random order that depends on the run's seed alone.
    """
    drawn = np.random.default_rng(predictions.seed)
    label, allowed = predictions.label, (predictions.table["side"] == FITTED_ON).to_numpy()
    carries = label.astype(bool) if label.ndim == 2 else label[:, None] == np.arange(len(predictions.classes))
    share = -(-n_rows // carries.shape[1])
    found = [drawn.permutation(np.flatnonzero(allowed & one))[:share] for one in carries.T]
    return drawn.permutation(np.unique(np.concatenate(found)))[:n_rows]


def in_batches(n_windows: int) -> int:
    """How many of the calibration windows are looked at: histograms want batches of one size."""
    return n_windows - n_windows % min(BATCH, n_windows)


class _Reader(CalibrationDataReader):
    """Batches of one size."""

    def __init__(self, feed: Feed) -> None:
        n_windows = len(next(iter(feed.values())))
        size = min(BATCH, n_windows)
        starts = range(0, in_batches(n_windows), size)
        self.batches: Iterator[Feed] = ({name: one[k : k + size] for name, one in feed.items()} for k in starts)

    def get_next(self) -> Feed | None:
        return next(self.batches, None)


def quantised(model: ModelProto, feed: Feed, method: str) -> tuple[ModelProto, str]:
    """Make a graph of int8 of one of float32, by what the network has.

    With convolutions: static, scales per channel, activations by the calibration rows; LSTMs dynamic. Without: all
    dynamic, with one scale per tensor, as a scale per output of a linear layer is paid for in float32. Weights of GRUs
    and transposed convolutions are kept in int8 and computed with in float32.

    Args:
        model: in float32.
        feed: inputs of the calibration rows.
        method: how ranges of activations are found, of `METHODS`.

    Returns:
        The graph, and in words what was done.
    """
    with tempfile.TemporaryDirectory() as folder, quiet():
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        quant_pre_process(before, before, skip_symbolic_shape=True)
        kinds = {node.op_type for node in onnx.load(before).graph.node}
        done = []
        if kinds & set(CONVOLUTIONS):
            _static(before, after, feed, method)
            done.append(f"static QDQ per channel, {method}")
        dynamic = ["LSTM"] if done else ["LSTM", "Gemm", "MatMul"]
        if kinds & set(dynamic):
            source = after if done else before
            quantize_dynamic(source, after, op_types_to_quantize=dynamic, weight_type=QuantType.QInt8)
            done.append(f"dynamic {' and '.join(sorted(kinds & set(dynamic)))}")
        found = onnx.load(after if done else before)
    only = weights_alone(found)
    _without_zeros(found)
    return found, "; ".join([*done, *(f"weights alone of {kind}" for kind in only)])


def _static(before: Path, after: Path, feed: Feed, method: str) -> None:
    graph = onnx.load(before).graph
    constant = {tensor.name for tensor in graph.initializer}
    products = [node.name for node in graph.node if node.op_type == "MatMul" and not constant & set(node.input)]
    quantize_static(
        before,
        after,
        _Reader(feed),
        op_types_to_quantize=list(STATIC),
        nodes_to_exclude=products,
        per_channel=True,
        activation_type=QuantType.QUInt8,  # of int8 some convolutions stay in float32 on x86, where u8 is mixed in
        weight_type=QuantType.QInt8,
        calibrate_method=METHODS[method],
        extra_options={"TensorQuantOverrides": _one_scale(graph)},
    )


def _one_scale(graph: onnx.GraphProto) -> dict[str, list[dict[str, object]]]:
    """Weights of linear layers with so few inputs that a scale per output would be larger than what it saves."""
    shape = {tensor.name: tensor.dims for tensor in graph.initializer}
    kinds = {
        node.input[1]: node for node in graph.node if node.op_type in ("Gemm", "MatMul") and node.input[1] in shape
    }
    found = {}
    for name, node in kinds.items():
        turned = any(one.name == "transB" and one.i for one in node.attribute)
        if shape[name][-1 if turned else 0] < LEAST_INPUTS:
            found[name] = [{"quant_type": QuantType.QInt8, "symmetric": True}]
    return found


def _without_zeros(model: ModelProto) -> None:
    """Leave out zero points of weights and biases, which are all 0: that is what a missing one means."""
    graph = model.graph
    value = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        of_weights = node.op_type == "DequantizeLinear" and len(node.input) == 3 and node.input[0] in value
        if of_weights and node.input[2] in value and not numpy_helper.to_array(value[node.input[2]]).any():
            del node.input[2]
    used = {name for node in graph.node for name in node.input}
    for tensor in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(tensor)


def weights_alone(model: ModelProto) -> Sequence[str]:
    """Keep the large weights of `WEIGHT_ONLY` in int8, one scale per row of their second axis; say of which kinds."""
    graph, kinds = model.graph, set[str]()
    large = {tensor.name: tensor for tensor in graph.initializer if _large(tensor)}
    added = []
    for node in graph.node:
        for place, name in enumerate(node.input):
            if node.op_type in WEIGHT_ONLY and name in large:
                added += _dequantised(model, large.pop(name))
                kinds.add(node.op_type)
                node.input[place] = f"{name}_again"
    for number, node in enumerate(added):
        graph.node.insert(number, node)
    return sorted(kinds)


def _large(tensor: TensorProto) -> bool:
    dims = tensor.dims
    if tensor.data_type != TensorProto.FLOAT or len(dims) < 2:
        return False
    return math.prod(dims) >= LEAST_WEIGHTS * dims[1]


def _dequantised(model: ModelProto, tensor: TensorProto) -> list[onnx.NodeProto]:
    """Put int8 and scales in the place of a tensor, and a node that makes it again."""
    weight = numpy_helper.to_array(tensor)
    others = tuple(axis for axis in range(weight.ndim) if axis != 1)
    scale = np.maximum(np.abs(weight).max(axis=others), 1e-12) / 127
    whole = np.rint(weight / np.expand_dims(scale, others)).astype(np.int8)
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(whole, f"{name}_int8"))
    model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
    made = onnx.helper.make_node(
        "DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [f"{name}_again"], axis=1, name=f"{name}_dq"
    )
    return [made]
