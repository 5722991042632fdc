"""From a graph to instructions: each operation of ONNX that a network of `model` uses, one method each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from export.forward import instructions as kinds
from export.forward.onnx_file import Graph, Node
from export.forward.values import Operand, Value, new
from export.forward.writer import Writer, product_shape
from model.errors import UnknownNetworkError

OF_ONE = {"Sigmoid": kinds.SIGMOID, "Tanh": kinds.TANH, "Sqrt": kinds.SQRT, "Erf": kinds.ERF}
OF_TWO = {
    "Sub": kinds.SUB,
    "Mul": kinds.MUL,
    "Div": kinds.DIV,
    "Max": kinds.MAX,
    "Min": kinds.MIN,
    "Greater": kinds.GREATER,
    "Equal": kinds.EQUAL,
}
MOST_SUMMED = 64
FLOATS = 1
"""The number of float32 among ONNX's types."""


class Lowering:
    """`sizes`: of the free sizes of the graph's inputs, by name. After `run`, `values` has the inputs and the
    outputs, and `write.tape` the instructions.
    """

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph = graph
        self.write = Writer()
        self.values: dict[str, Value] = {name: Value(each) for name, each in graph.constants.items()}
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._uses.update(graph.outputs)
        self._adds = {name: node for node in graph.nodes if node.kind == "Add" for name in node.inputs}
        self._waiting: dict[str, tuple[Value, Value]] = {}
        for name, shape in graph.inputs.items():
            try:
                self.values[name] = new([sizes[size] if isinstance(size, str) else size for size in shape])
            except KeyError as error:
                raise UnknownNetworkError(f"{name} has a free size {error}, which nobody names") from None

    def run(self) -> None:
        """Lower all nodes; `UnknownNetworkError` names the first that can't be."""
        for node in self.graph.nodes:
            try:
                self._lower(node)
            except (AssertionError, IndexError, KeyError, TypeError, ValueError) as error:
                raise UnknownNetworkError(f"{node.kind} -> {node.outputs[0]}: {error!r}") from error

    def _lower(self, node: Node) -> None:
        if node.kind in OF_ONE:
            self.values[node.outputs[0]] = self.write.of_one(OF_ONE[node.kind], self._rooted(node.inputs[0]))
        elif node.kind in OF_TWO:
            first, second = (self._rooted(name) for name in node.inputs)
            self.values[node.outputs[0]] = self.write.of_two(OF_TWO[node.kind], first, second)
        else:
            method: Callable[[Node], Any] | None = getattr(self, f"_{node.kind.lower()}", None)
            if method is None:
                raise UnknownNetworkError(f"no instruction does {node.kind}")
            found = method(node)
            if isinstance(found, Value):
                self.values[node.outputs[0]] = found

    # What only looks at numbers in another way

    def _reshape(self, node: Node) -> Value:
        value, shape = self.values[node.inputs[0]], self._whole(node.inputs[1])
        return self.write.seen(value, lambda view: view.reshape([int(size) for size in shape]))

    def _transpose(self, node: Node) -> Value:
        return self.write.seen(self.values[node.inputs[0]], lambda view: view.transpose(_ints(node, "perm")))

    def _squeeze(self, node: Node) -> Value:
        axes = tuple(self._whole(node.inputs[1]))
        return self.write.seen(self.values[node.inputs[0]], lambda view: np.squeeze(view, axes))

    def _unsqueeze(self, node: Node) -> Value:
        axes = tuple(self._whole(node.inputs[1]))
        return self.write.seen(self.values[node.inputs[0]], lambda view: np.expand_dims(view, axes))

    def _expand(self, node: Node) -> Value:
        value, shape = self.values[node.inputs[0]], tuple(self._whole(node.inputs[1]))
        shape = np.broadcast_shapes(value.shape, shape)
        return self.write.seen(value, lambda view: np.broadcast_to(view, shape))

    def _slice(self, node: Node) -> Value:
        value = self.values[node.inputs[0]]
        starts, ends, axes, *steps = (self._whole(name) for name in node.inputs[1:])
        cut = [slice(None)] * len(value.shape)
        for k, axis in enumerate(axes):
            cut[axis] = slice(starts[k], ends[k], steps[0][k] if steps else 1)
        return self._part(value, cut)

    def _part(self, value: Value, cut: Sequence[slice]) -> Value:
        return self.write.seen(value, lambda view: view[tuple(cut)])

    def _split(self, node: Node) -> None:
        value, axis = self.values[node.inputs[0]], _int(node, "axis", 0)
        size = value.shape[axis]
        sizes = (
            self._whole(node.inputs[1])
            if len(node.inputs) > 1
            else [-(-size // len(node.outputs))] * len(node.outputs)
        )
        ends = np.cumsum(sizes)
        for name, end, width in zip(node.outputs, ends.tolist(), sizes, strict=True):
            cut = [slice(None)] * len(value.shape)
            cut[axis] = slice(end - width, end)
            self.values[name] = self._part(value, cut)

    def _cast(self, node: Node) -> Value:
        value = self.values[node.inputs[0]]
        if node.attributes["to"] != FLOATS:
            raise UnknownNetworkError("a cast to anything but float32")
        return value if value.root is not None else Value(value.view.astype(np.float32))

    def _shape(self, node: Node) -> Value:
        shape = self.values[node.inputs[0]].shape
        return Value(np.array(shape[_int(node, "start", 0) : _int(node, "end", len(shape))], np.int64))

    # What makes numbers

    def _add(self, node: Node) -> Value:
        for product, other in (node.inputs, node.inputs[::-1]):
            if product in self._waiting:
                return self.write.product(*self._waiting.pop(product), self._rooted(other))
        return self.write.of_two(kinds.ADD, *(self._rooted(name) for name in node.inputs))

    def _matmul(self, node: Node) -> Value | None:
        first, second = (self._rooted(name) for name in node.inputs)
        name = node.outputs[0]
        if self._uses[name] == 1 and name in self._adds:
            shape = product_shape(first, second)
            other = next(each for each in self._adds[name].inputs if each != name)
            if other in self.values and np.broadcast_shapes(shape, self.values[other].shape) == shape:
                self._waiting[name] = first, second
                return None
        return self.write.product(first, second)

    def _gemm(self, node: Node) -> Value:
        first, second, third = (self.values[name] for name in node.inputs)
        scales = [node.attributes.get(name, 1.0) for name in ("alpha", "beta")]
        if scales != [1.0, 1.0] or node.attributes.get("transA", 0):
            raise UnknownNetworkError("a Gemm with factors, or of a transposed first matrix")
        if node.attributes.get("transB", 0):
            second = self.write.seen(second, lambda view: view.T)
        return self.write.product(*(self.write.rooted(each) for each in (first, second, third)))

    def _relu(self, node: Node) -> Value:
        return self.write.of_two(kinds.MAX, self._rooted(node.inputs[0]), self.write.number(0.0))

    def _clip(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        for kind, name in zip((kinds.MAX, kinds.MIN), node.inputs[1:], strict=False):
            value = self.write.of_two(kind, value, self._rooted(name)) if name else value
        return value

    def _gelu(self, node: Node) -> Value:
        if node.attributes.get("approximate", "none") != "none":
            raise UnknownNetworkError("an approximate Gelu")
        x = self._rooted(node.inputs[0])
        curve = self.write.of_one(kinds.ERF, self.write.of_two(kinds.MUL, x, self.write.number(0.5**0.5)))
        half = self.write.of_two(kinds.MUL, x, self.write.number(0.5))
        return self.write.of_two(kinds.MUL, half, self.write.of_two(kinds.ADD, curve, self.write.number(1.0)))

    def _where(self, node: Node) -> Value:
        condition, yes, no = (self._rooted(name) for name in node.inputs)
        shape = np.broadcast_shapes(condition.shape, yes.shape, no.shape)
        condition, yes, no = (self.write.wide(each, shape) for each in (condition, yes, no))
        return self.write.rows(kinds.SELECT, new(shape), [self.write.close(condition), yes, no])

    def _softmax(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        _last(node, value)
        return self.write.whole_rows(kinds.SOFTMAX, value, [])

    def _layernormalization(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        _last(node, value)
        wide = [self.write.wide(self._rooted(name), value.shape) for name in node.inputs[1:]]
        epsilon = self.write.number(_float(node, "epsilon", 1e-5))
        assert epsilon.root is not None
        return self.write.whole_rows(kinds.NORMALISE, value, wide, Operand(epsilon.root, 0, (0, 0, 0)))

    def _reducesum(self, node: Node) -> Value:
        return self._summed(self._rooted(node.inputs[0]), node)

    def _reducemean(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        found = self._summed(value, node)
        return self.write.of_two(kinds.MUL, found, self.write.number(found.view.size / value.view.size))

    def _reducel2(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        return self.write.of_one(kinds.SQRT, self._summed(self.write.of_two(kinds.MUL, value, value), node))

    def _summed(self, value: Value, node: Node) -> Value:
        (axis,) = self._whole(node.inputs[1])
        axis %= len(value.shape)
        if axis == len(value.shape) - 1:
            out = new((*value.shape[:-1], 1))
            found = self.write.whole_rows(kinds.ROW_SUM, value, [], out=out)
        else:
            size = value.shape[axis]
            if not 1 < size <= MOST_SUMMED:
                raise UnknownNetworkError(f"a sum of {size} along axis {axis}")
            parts = [Value(each, value.root) for each in np.split(value.view, size, axis)]
            found = parts[0]
            for part in parts[1:]:
                found = self.write.of_two(kinds.ADD, found, part)
        if node.attributes.get("keepdims", 1):
            return found
        return self.write.seen(found, lambda view: np.squeeze(view, axis))

    def _concat(self, node: Node) -> Value:
        values, axis = [self.values[name] for name in node.inputs], _int(node, "axis", 0)
        if all(each.root is None for each in values):
            return Value(np.concatenate([each.view for each in values], axis))
        shape = list(values[0].shape)
        shape[axis] = sum(each.shape[axis] for each in values)
        out, end = new(shape), 0
        for each in values:
            cut = [slice(None)] * len(shape)
            cut[axis] = slice(end, end := end + each.shape[axis])
            self.write.rows(kinds.COPY, Value(out.view[tuple(cut)], out.root), [self.write.rooted(each)])
        return out

    def _gather(self, node: Node) -> Value:
        table, at = (self.values[name] for name in node.inputs)
        if node.attributes.get("axis", 0) != 0 or table.root is not None or len(table.shape) != 2:
            raise UnknownNetworkError("a Gather of anything but rows of a constant table")
        numbers, wanted = self.write.rooted(table), self.write.close(self.write.rooted(at))
        rows = self.write.seen(wanted, lambda view: view.reshape(-1, 1))
        return self.write.gathered(numbers, rows, at.shape)

    def _rooted(self, name: str) -> Value:
        return self.write.rooted(self.values[name])

    def _whole(self, name: str) -> list[int]:
        """A constant of whole numbers."""
        value = self.values[name]
        if value.root is not None:
            raise UnknownNetworkError(f"{name} is no constant")
        return [int(each) for each in value.view.reshape(-1)]


def _last(node: Node, value: Value) -> None:
    if node.attributes.get("axis", -1) not in (-1, len(value.shape) - 1):
        raise UnknownNetworkError(f"{node.kind} along another axis than the last")


def _ints(node: Node, name: str) -> tuple[int, ...]:
    found = node.attributes[name]
    assert isinstance(found, tuple)
    return found


def _float(node: Node, name: str, otherwise: float) -> float:
    found = node.attributes.get(name, otherwise)
    assert isinstance(found, float)
    return found


def _int(node: Node, name: str, otherwise: int) -> int:
    found = node.attributes.get(name, otherwise)
    assert isinstance(found, int)
    return found
