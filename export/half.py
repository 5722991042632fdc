"""fp16: half the bytes, for GPUs and for CPUs with fp16 arithmetic.

onnxruntime has few fp16 kernels for x86: there it casts to fp32 and back around most operators, so the file
is half as large and slower. Inputs and outputs stay fp32, since all callers pass and take fp32.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

SCALES = ("Sub", "Mul", "Clip")
"""The operators that scale raw features: counts and seconds may exceed 65,504, the largest fp16 number."""


def halve_rescorer(source: Path, target: Path) -> list[str]:
    """Write the fp16 rescorer; returns the names of the nodes that stay in fp32."""
    model = onnx.load(source)
    kept = scaling_nodes(model)
    halved = convert_float_to_float16(model, keep_io_types=True, node_block_list=kept)
    onnx.save(without_detours(halved), target)
    return kept


def without_detours(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without detours from fp32 to fp16 and back, which make large numbers infinite."""
    graph = model.graph
    casts: dict[int, dict[str, str]] = {onnx.TensorProto.FLOAT: {}, onnx.TensorProto.FLOAT16: {}}
    for node in graph.node:
        if node.op_type == "Cast":
            casts.setdefault(node.attribute[0].i, {})[node.output[0]] = node.input[0]
    there, back = casts[onnx.TensorProto.FLOAT16], casts[onnx.TensorProto.FLOAT]
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = there.get(back.get(name, ""), name)
    read = {name for node in graph.node for name in node.input} | {each.name for each in graph.output}
    # onnxruntime up to 1.30 writes a cast again for each of its readers, all with one name.
    kept = {node.output[0]: node for node in graph.node if read.intersection(node.output)}
    del graph.node[:]
    graph.node.extend(kept.values())
    return model


def scaling_nodes(model: onnx.ModelProto) -> list[str]:
    """The nodes that shift, scale and cut the inputs, before all other nodes."""
    raw, found = {each.name for each in model.graph.input}, []
    for node in model.graph.node:
        if node.op_type in SCALES and node.input[0] in raw:
            found.append(node.name)
            raw.update(node.output)
    return found
