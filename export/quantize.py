"""int8 for CPUs: weights per channel, scales of activations from each run (dynamic quantization).

On all-MiniLM-L6-v2 (benchmarks/text_encoder.py), one scale a matrix keeps .960 of the cosine to fp32, one a
column .993, in the same time. An activation has one scale over all rows of a run, so a row's result depends,
within the error of int8, on the other rows of the run; if that matters, run rows alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

HEAD_COLUMNS = 16
"""Matrices with fewer columns are heads or gates: little to gain, and their error lands on the scores."""


def quantize_rescorer(source: Path, target: Path) -> list[str]:
    """Write the int8 rescorer; returns the names of the nodes that stay in fp32."""
    model = onnx.load(source)
    kept = narrow_matrices(model, HEAD_COLUMNS)
    _quantize(model, target, ("MatMul",), kept)
    return kept


def quantize_text_encoder(source: Path, target: Path) -> None:
    """Write the int8 text encoder: its matrices, and its table of token vectors (half of the file)."""
    _quantize(onnx.load(source), target, ("MatMul", "Gather"), [])


def quantize_matrices(model: onnx.ModelProto, target: Path, kept: list[str]) -> None:
    """Write the int8 form of the matrices alone, but of those that the nodes `kept` multiply by."""
    _quantize(model, target, ("MatMul",), kept)


def narrow_matrices(model: onnx.ModelProto, columns: int) -> list[str]:
    """The nodes that multiply by a constant with fewer than `columns` columns."""
    constants = {each.name: each.dims for each in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm")
        and node.input[1] in constants
        and _columns(node, constants[node.input[1]]) < columns
    ]


def _columns(node: onnx.NodeProto, dims: list[int]) -> int:
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return dims[0] if transposed or len(dims) == 1 else dims[-1]


def _quantize(model: onnx.ModelProto, target: Path, operators: tuple[str, ...], kept: list[str]) -> None:
    with quiet():
        quantize_dynamic(
            without_shapes(model),
            target,
            op_types_to_quantize=list(operators),
            nodes_to_exclude=kept,
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


def without_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the shapes between its nodes: the quantizer infers them again. It stops at wrong
    ones, and some versions of torch's exporter write wrong ones.
    """
    del model.graph.value_info[:]
    return model


@contextmanager
def quiet() -> Iterator[None]:
    """Silence onnxruntime, which logs a line a node to the root logger, and gives that logger a handler."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    root.addFilter(_errors_only)
    try:
        yield
    finally:
        root.removeFilter(_errors_only)
        root.removeHandler(handler)


def _errors_only(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
