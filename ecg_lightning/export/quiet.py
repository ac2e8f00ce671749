"""What exporters say of their own inner affairs, which no user can act on."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

OF_TORCH = (  # of torch.export and its ONNX exporter, about calls that they make themselves
    "# The axis name: batch will not be used",
    r".*isinstance\(treespec, LeafSpec\)",
    "_check_is_size will be removed",
    "The tensor attributes .* were assigned during export",
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep known warnings, log lines and prints of torch.export and onnxruntime.quantization from the user."""
    import onnxruntime

    disabled = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        for message in OF_TORCH:
            warnings.filterwarnings("ignore", message=message)
        logging.disable(logging.WARNING)
        onnxruntime.set_default_logger_severity(3)  # errors
        try:
            yield
        finally:
            onnxruntime.set_default_logger_severity(2)
            logging.disable(disabled)
