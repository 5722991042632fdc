"""A network's forward pass without onnxruntime: its ONNX graph becomes a tape that one compiled loop runs."""
