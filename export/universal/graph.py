"""The universal sentence encoder as an ONNX graph: token vectors, three convolutions beside them, their sum
over the text divided by the root of its length, four layers with shortcuts, length one.

The weights are those of the wheel, which has the same in numpy. A token vector has six bits a number, with a
scale and an offset for each seventeenth row. The table of them is no part of the graph (`files.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.text import TEXT_INPUTS, TEXT_OUTPUTS
from export.universal.sizes import CHUNKS, LEFT

TABLE = "table"
OPSET, IR_VERSION = 18, 9
TO_THE_END = int(np.iinfo(np.int64).max)
Array = np.ndarray[Any, Any]
Weights = Mapping[str, Array]


def universal_graph(weights: Weights, dim: int) -> tuple[onnx.ModelProto, str]:
    """tokens int64 [texts, length], mask int64 (1: a token) -> vectors float32 [texts, dim] of length one.

    Its input `TABLE` is an initializer that the caller adds. Also the name of the first product: its factors
    are the token vectors.
    """
    made = _Graph(weights)
    first = made.write()
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "length"]) for name in TEXT_INPUTS
    ]
    vectors = helper.make_tensor_value_info(TEXT_OUTPUTS[0], TensorProto.FLOAT, ["texts", dim])
    graph = helper.make_graph(made.nodes, "universal", given, [vectors], list(made.constants.values()))
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset]), first


class _Graph:
    """Nodes and constants as they come; a method returns the name of what it has made."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._weights, self._epsilon = weights, float(weights["eps"])

    def write(self) -> str:
        """Everything, up to the vectors; the name of the first product's node."""
        tokens, mask = TEXT_INPUTS
        there = self._add("Unsqueeze", self._add("Cast", mask, to=TensorProto.FLOAT), self._ints(-1))
        said = self._token_vectors(tokens)
        projected = self._times(said, self._joined("proj"))
        first = self.nodes[-1].name
        heard = self._convolved(self._add("Add", projected, self._joined("proj_b")), there)
        features = self._normed(
            self._add("Concat", said, *heard, axis=-1), self._weight("ln_g"), self._weight("ln_b")
        )
        summed = self._add("ReduceSum", self._add("Mul", features, there), self._ints(1), keepdims=0)
        length = self._add("ReduceSum", there, self._ints(1), keepdims=0)
        offsets = self._add("Mul", length, self._weight("cnn_b"))
        total = self._add("Add", self._times(summed, self._weight("cnn_W")), offsets)
        self._at_length_one(self._layers(self._add("Div", total, self._add("Sqrt", length))))
        return first

    def _token_vectors(self, tokens: str) -> str:
        chunk = self._add("Mod", tokens, self._ints(CHUNKS))
        bits = self._add("Cast", self._add("Gather", TABLE, tokens, axis=0), to=TensorProto.FLOAT)
        scale, offset = (
            self._add("Unsqueeze", self._add("Gather", self._weight(name), chunk, axis=0), self._ints(-1))
            for name in ("scale", "lo")
        )
        return self._add("Add", self._add("Mul", bits, scale), offset)

    def _convolved(self, projected: str, there: str) -> list[str]:
        """Two layers for each width; what is outside of a text counts as zero."""
        normed = self._normed(projected, self._joined("ln_g"), self._joined("ln_b"))
        parts = [f"part_{width}" for width in LEFT]
        self.nodes.append(
            helper.make_node("Split", [normed], parts, name="Split", axis=-1, num_outputs=len(parts))
        )
        found = []
        for width, part in zip(LEFT, parts, strict=True):
            inside = self._add("Mul", part, there)
            first = self._add("Add", self._layer(inside, width, "w1"), inside)
            inside = self._add("Mul", first, there)
            found.append(self._add("Add", self._layer(inside, width, "w2"), inside))
        return found

    def _layer(self, inside: str, width: int, layer: str) -> str:
        left = LEFT[width]
        padded = self._add("Pad", inside, self._ints(0, left, 0, 0, width - 1 - left, 0))
        shifted = [
            self._add("Slice", padded, self._ints(k), self._ints(k - width + 1 or TO_THE_END), self._ints(1))
            for k in range(width)
        ]
        around = self._times(self._add("Concat", *shifted, axis=-1), self._weight(f"{layer}_{width}"))
        return self._add("Relu", self._add("Add", around, self._weight(f"b{layer[1]}_{width}")))

    def _layers(self, mean: str) -> str:
        known = {name: self._weight(name) for name in ("d0", "d1", "d2", "d3", "p1", "p3")}
        first = self._add("Relu", self._times(mean, known["d0"]))
        second = self._add(
            "Relu", self._add("Add", self._times(mean, known["p1"]), self._times(first, known["d1"]))
        )
        third = self._add("Relu", self._times(second, known["d2"]))
        return self._add(
            "Tanh", self._add("Add", self._times(second, known["p3"]), self._times(third, known["d3"]))
        )

    def _at_length_one(self, vectors: str) -> None:
        squares = self._add("ReduceSumSquare", vectors, self._ints(1), keepdims=1)
        least = self._constant("epsilon", np.array(self._epsilon, np.float32))
        length = self._add("Sqrt", self._add("Max", squares, least))
        self.nodes.append(helper.make_node("Div", [vectors, length], list(TEXT_OUTPUTS), name="Vectors"))

    def _normed(self, values: str, scale: str, offset: str) -> str:
        return self._add("LayerNormalization", values, scale, offset, axis=-1, epsilon=self._epsilon)

    def _times(self, values: str, matrix: str) -> str:
        return self._add("MatMul", values, matrix)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _joined(self, name: str) -> str:
        """The weights of all widths side by side."""
        return self._constant(
            f"{name}_all", np.concatenate([self._weights[f"{name}{width}"] for width in LEFT], axis=-1)
        )

    def _ints(self, *values: int) -> str:
        return self._constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))

    def _constant(self, name: str, values: Array) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(values, name))
        return name

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name
