"""A bundle as one ONNX file that says by itself how it is used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import onnx
import torch
from onnx import ModelProto, NodeProto

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle, Contract
from ecg_lightning.export.portable import Portable
from ecg_lightning.export.quiet import quiet
from ecg_lightning.predict.answers import outputs
from ecg_lightning.windowing import Crops

LEFT_OUT: dict[str, dict[str, str]] = {"patients": {}, "test": {}}  # of the contract: who they were is private, and
# numbers of the test rows are those of the run's weights, not of a file made of them


def exported(bundle: Bundle, shapes: Mapping[str, tuple[int, ...]]) -> ModelProto:
    """Make an ONNX graph of a bundle, with any number of rows per call.

    Args:
        bundle: of a network of single windows.
        shapes: of its inputs, as `portable.shapes` gives them.

    Raises:
        BadBundle: a part of the network has no counterpart in ONNX.
    """
    names = tuple(shapes)
    module = Portable(bundle, names).eval()
    rows = torch.export.Dim("batch")
    example = tuple(torch.randn(3, *shape) for shape in shapes.values())
    try:
        with quiet(), torch.no_grad():
            program = torch.onnx.export(
                module,
                example,
                dynamo=True,
                verbose=False,
                input_names=names,
                output_names=[output_name(bundle.contract)],
                dynamic_shapes={"given": tuple({0: rows} for _ in names)},
            )
    except (torch.onnx.errors.OnnxExporterError, torch._dynamo.exc.TorchDynamoException) as error:
        raise BadBundle(
            f"network={bundle.contract.network} cannot be exported to ONNX ({_reason(error)}): choose another network"
        ) from None
    model = cast(torch.onnx.ONNXProgram, program).model_proto
    if fixed := [one.name for one in model.graph.input if not one.type.tensor_type.shape.dim[0].dim_param]:
        raise BadBundle(
            f"network={bundle.contract.network} builds the number of rows into its graph (of {', '.join(fixed)}): in "
            f"its forward, take ecg.shape[0] instead of len(ecg)"
        )
    return _relu_first(model)


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200]


def output_name(contract: Contract) -> str:
    """What the output is called: logits, or the parts of a score of anomalies."""
    return "parts" if contract.problem == "anomaly" else "logits"


def _relu_first(model: ModelProto) -> ModelProto:
    """Rectify in front of a maximum over time, not behind it: the same numbers, in one kernel with the convolution.

    In training the other order is faster.
    """
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for pool in model.graph.node:
        behind = readers.get(pool.output[0], []) if pool.output else []
        if pool.op_type == "MaxPool" and [node.op_type for node in behind] == ["Relu"]:
            pool.op_type, behind[0].op_type = "Relu", "MaxPool"
            behind[0].attribute.extend(pool.attribute)
            del pool.attribute[:]
    del model.graph.value_info[:]  # says how long tensors were before
    return model


def stripped(model: ModelProto) -> ModelProto:
    """The same graph without what no machine reads: long names, doc strings, traces of the exporter, equal numbers."""
    graph = model.graph
    kept, short = {one.name for one in (*graph.input, *graph.output)} | {""}, dict[str, str]()

    def renamed(name: str) -> str:
        return name if name in kept else short.setdefault(name, format(len(short), "x"))

    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    for tensor in graph.initializer:
        value = onnx.numpy_helper.to_array(tensor).tobytes()
        short[tensor.name] = renamed(first.setdefault((tensor.data_type, tuple(tensor.dims), value), tensor.name))
    twice = [tensor for tensor in graph.initializer if tensor.name not in first.values()]
    for tensor in twice:
        graph.initializer.remove(tensor)
    for node in graph.node:
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
        node.name = node.doc_string = ""
        del node.metadata_props[:]
    for tensor in graph.initializer:
        tensor.name, tensor.doc_string = renamed(tensor.name), ""
        del tensor.metadata_props[:]
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:], model.functions[:]
    model.doc_string = graph.doc_string = ""
    return model


def metadata(contract: Contract) -> dict[str, str]:
    """What a file says of itself: the contract without patients and test numbers, and how the file is used."""
    said = json.loads(contract.to_json()) | LEFT_OUT
    scale = contract.preprocess.scale
    window = "z-score of the window is in the file" if scale == "window" else f"scale={scale} is not in the file"
    crops = isinstance(contract.window, Crops)
    each = "one crop per row: aggregate the answers of a recording" if crops else "one window per row"
    return {
        "contract": json.dumps(said, separators=(",", ":")),
        "classes": json.dumps(contract.classes),
        "outputs": json.dumps(outputs(contract)),
        "package_version": contract.package_version,
        "usage": f"{each}, filtered, in {contract.preprocess.unit}; {window}; features raw, NaN where not known",
    }


def described(model: ModelProto, contract: Contract) -> ModelProto:
    """The graph, stripped, with its metadata."""
    model = stripped(model)
    onnx.helper.set_model_props(model, metadata(contract))
    model.producer_name, model.producer_version = "ecg-lightning", contract.package_version
    return model


def save(model: ModelProto, path: Path) -> None:
    """Check the graph, and write it."""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
