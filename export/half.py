"""fp16: half the bytes, for GPUs and for CPUs with fp16 arithmetic.

onnxruntime has few fp16 kernels for x86: there it casts to fp32 and back around most operators, so that the
file is half as large and slower. Inputs and outputs stay fp32, as all callers pass and take them.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

SCALES = ("Sub", "Mul", "Clip")
"""What brings raw features onto one scale: counts and seconds may exceed 65,504, the largest fp16 number."""


def halve_rescorer(source: Path, target: Path) -> list[str]:
    """Write the fp16 rescorer; the names of the nodes that stay in fp32."""
    model = onnx.load(source)
    kept = scaling_nodes(model)
    halved = convert_float_to_float16(model, keep_io_types=True, node_block_list=kept)
    onnx.save(without_detours(halved), target)
    return kept


def without_detours(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same without detours from fp32 to fp16 and back, on which large numbers become infinite."""
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
    # onnxruntime up to 1.30 writes a cast anew for each of its readers, all with one name.
    kept = {node.output[0]: node for node in graph.node if read.intersection(node.output)}
    del graph.node[:]
    graph.node.extend(kept.values())
    return model


def scaling_nodes(model: onnx.ModelProto) -> list[str]:
    """The nodes that shift, scale and cut the inputs, before anything else is done with them."""
    raw, found = {each.name for each in model.graph.input}, []
    for node in model.graph.node:
        if node.op_type in SCALES and node.input[0] in raw:
            found.append(node.name)
            raw.update(node.output)
    return found
