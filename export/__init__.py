"""From a checkpoint to a served model: ONNX, int8, parity, registry, inference sessions."""
