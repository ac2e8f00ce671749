"""A bundle for machines without PyTorch: ONNX, int8, ExecuTorch."""
