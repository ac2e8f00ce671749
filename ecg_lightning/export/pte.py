"""A bundle as an ExecuTorch program, for machines whose only runtime is a C++ library."""

import copy
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.export.onnx_file import metadata
from ecg_lightning.export.portable import Portable, given
from ecg_lightning.export.quiet import quiet


def program(bundle: Bundle, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """Make a program of a bundle that answers one window per call, by XNNPACK where that knows the layer.

    Args:
        bundle: of a network of single windows.
        shapes: of its inputs, as `portable.shapes` gives them.

    Returns:
        The program; its method `forward` takes the inputs in order, and its methods `contract`, `classes`, `outputs`,
        `package_version` and `usage` return what an ONNX file has as metadata.

    Raises:
        BadBundle: ExecuTorch is not installed, or has no counterpart of a layer.
    """
    network = copy.deepcopy(bundle.network)
    for weight in network.parameters():
        weight.data = weight.data.contiguous()  # XNNPACK takes no channels_last
    module = Portable(Bundle(network, bundle.contract), tuple(shapes)).eval()
    example = tuple(torch.randn(1, *shape) for shape in shapes.values())
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports, and of every pass
        try:
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower
        except ImportError:
            raise BadBundle(
                "--format=executorch takes the package of that name: pip install 'ecg-lightning[executorch]'"
            ) from None
        try:
            traced = torch.export.export(module, example)
            lowered = to_edge_transform_and_lower(
                traced, partitioner=[XnnpackPartitioner()], constant_methods=metadata(bundle.contract)
            )
            return bytes(lowered.to_executorch().buffer)
        except Exception as error:  # its verifiers and passes raise bare exceptions
            reason = " ".join(str(error).split())[:200]
            raise BadBundle(
                f"network={bundle.contract.network} cannot be exported to ExecuTorch ({reason}): take --format onnx"
            ) from None


def runner(path: Path, names: tuple[str, ...]) -> Callable[[dict[str, Any]], Tensor]:
    """Ask a program window by window, by ExecuTorch's own runtime.

    Args:
        path: of the program.
        names: of its inputs, in order.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its bindings call themselves experimental
        from executorch.runtime import Runtime

        forward = Runtime.get().load_program(path).load_method("forward")

    def says(fields: dict[str, Any]) -> Tensor:
        inputs = given(names, fields)
        rows = [[one[k : k + 1].contiguous() for one in inputs] for k in range(len(inputs[0]))]
        return torch.cat([forward.execute(row)[0].clone() for row in rows])

    return says
