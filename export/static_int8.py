"""int8 with fixed scales of activations, from held-out examples (static quantization).

A row's result depends only on the row: the rest of the batch changes no scale, as it does in dynamic
quantization (export/quantize.py). The file cuts a value beyond the range of the calibration. Of the ways to
choose that range, the smallest and the largest value did best (benchmarks/compression.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from export.in_parts import FEATURES
from export.quantize import HEAD_COLUMNS, narrow_matrices, quiet, without_shapes
from model.errors import ModelError
from model.schema import F32


class Recorded(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Batches of recorded inputs by name, each once. It leaves out those of another shape than the first: the
    tool's histograms can't take them.
    """

    def __init__(self, batches: Sequence[Mapping[str, F32]]) -> None:
        shape = batches[0][FEATURES].shape
        self._left = iter([each for each in batches if each[FEATURES].shape == shape])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch by the names of the inputs; None after the last."""
        batch = next(self._left, None)
        return None if batch is None else dict(batch)


def quantize_rescorer_static(
    source: Path,
    target: Path,
    calibration: Sequence[Mapping[str, F32]],
    method: CalibrationMethod = CalibrationMethod.MinMax,
) -> list[str]:
    """Write the static int8 rescorer; returns the names of the quantized matrices. `calibration`: the inputs
    of the file by name (`export.in_parts.InParts.inputs_of`).

    As in the dynamic file, weights are int8 with one scale a column, and narrow heads and gates stay in fp32;
    so do products of two activations, which cost more in int8 than they save.
    """
    if not calibration:
        raise ModelError(
            "int8-static needs held-out examples to set its scales, and got none; train on a longer "
            "stretch, or set model.export.precision to 'int8'"
        )
    model = onnx.load(source)
    chosen = constant_matrices(model)
    with quiet():
        quantize_static(
            without_shapes(model),
            target,
            Recorded(calibration),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=chosen,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=method,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
        )
    onnx.save(with_biases(only_products(onnx.load(target))), target)
    return chosen


def constant_matrices(model: onnx.ModelProto) -> list[str]:
    """The nodes that multiply by a constant with `HEAD_COLUMNS` columns or more."""
    constants = {each.name for each in model.graph.initializer}
    narrow = set(narrow_matrices(model, HEAD_COLUMNS))
    return [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in constants and node.name not in narrow
    ]


def only_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with quantized numbers only for the quantized products: onnxruntime's tool hands them to
    every reader of a tensor, so heads and elementwise operators in fp32 would have errors for nothing.
    """
    graph = model.graph
    maker = {output: node for node in graph.node for output in node.output}
    weights = {each.name for each in graph.initializer}
    for node in graph.node:
        dequantized = [_made_by(maker, name, "DequantizeLinear") for name in node.input]
        if node.op_type in ("MatMul", "Gemm") and dequantized[1] and dequantized[1].input[0] in weights:
            continue
        for place, made in enumerate(dequantized):
            before = _made_by(maker, made.input[0], "QuantizeLinear") if made else None
            if before:
                node.input[place] = before.input[0]
    return model


def _made_by(maker: Mapping[str, onnx.NodeProto], name: str, operator: str) -> onnx.NodeProto | None:
    node = maker.get(name)
    return node if node is not None and node.op_type == operator else None


def with_biases(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with each quantized product and its bias as one operator of onnxruntime.

    onnxruntime itself makes that operator of such a product, but without the bias, which then costs a pass of
    its own over the result. Without this the file is slower than the dynamic one, in which onnxruntime does
    include the bias.
    """
    graph = model.graph
    maker = {output: node for node in graph.node for output in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    vectors = {each.name for each in graph.initializer if len(each.dims) == 1}
    done: dict[str, onnx.NodeProto] = {}
    gone: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMul":
            continue
        rows, weights = (maker.get(name) for name in node.input)
        after = readers.get(node.output[0], [])
        if rows is None or weights is None or len(after) != 1 or after[0].op_type != "Add":
            continue
        bias = [name for name in after[0].input if name in vectors]
        if {rows.op_type, weights.op_type} != {"DequantizeLinear"} or len(bias) != 1:
            continue
        done[after[0].name] = helper.make_node(
            "MatMulIntegerToFloat",
            [
                rows.input[0],
                weights.input[0],
                rows.input[1],
                weights.input[1],
                rows.input[2],
                weights.input[2],
                *bias,
            ],
            list(after[0].output),
            name=f"{node.name}_with_bias",
            domain="com.microsoft",
        )
        gone.add(node.name)
    nodes = [done.get(node.name, node) for node in graph.node if node.name not in gone]
    read = {name for node in nodes for name in node.input} | {each.name for each in graph.output}
    nodes = [node for node in nodes if read.intersection(node.output)]
    del graph.node[:]
    graph.node.extend(nodes)
    if "com.microsoft" not in {each.domain for each in model.opset_import}:
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model
