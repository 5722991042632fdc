"""From a graph to instructions: each operation of ONNX that a network of `model` uses, one method each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.forward import instructions as kinds
from export.forward.onnx_file import Graph, Node
from export.forward.tape import Instruction
from export.forward.values import Operand, Value, by_rows, constant, new, new_product
from model.errors import ModelError

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
EITHER_WAY = (kinds.ADD, kinds.MUL, kinds.EQUAL)
MOST_SUMMED = 64
FLOATS = 1
"""The number of float32 among ONNX's types."""


class UnknownNetwork(ModelError):
    """A graph has something that no instruction does."""


class Lowering:
    """`sizes`: of the free sizes of the graph's inputs, by name. After `run`, `values` has the inputs and the
    outputs, and `tape` the instructions.
    """

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph = graph
        self.tape: list[Instruction] = []
        self.values: dict[str, Value] = {name: Value(each) for name, each in graph.constants.items()}
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._uses.update(graph.outputs)
        self._adds = {name: node for node in graph.nodes if node.kind == "Add" for name in node.inputs}
        self._waiting: dict[str, tuple[Value, Value]] = {}
        self._constants: dict[int, tuple[NDArray[Any], Value]] = {}
        for name, shape in graph.inputs.items():
            try:
                self.values[name] = new([sizes[size] if isinstance(size, str) else size for size in shape])
            except KeyError as error:
                raise UnknownNetwork(f"{name} has a free size {error}, which nobody names") from None

    def run(self) -> None:
        """Lower all nodes; `UnknownNetwork` names the first that can't be."""
        for node in self.graph.nodes:
            try:
                self._lower(node)
            except (IndexError, KeyError, TypeError, ValueError) as error:
                raise UnknownNetwork(f"{node.kind} -> {node.outputs[0]}: {error!r}") from error

    def _lower(self, node: Node) -> None:
        if node.kind in OF_ONE:
            self.values[node.outputs[0]] = self._of_one(OF_ONE[node.kind], self._rooted(node.inputs[0]))
        elif node.kind in OF_TWO:
            first, second = (self._rooted(name) for name in node.inputs)
            self.values[node.outputs[0]] = self._of_two(OF_TWO[node.kind], first, second)
        else:
            method: Callable[[Node], Any] | None = getattr(self, f"_{node.kind.lower()}", None)
            if method is None:
                raise UnknownNetwork(f"no instruction does {node.kind}")
            found = method(node)
            if isinstance(found, Value):
                self.values[node.outputs[0]] = found

    # What only looks at numbers in another way

    def _reshape(self, node: Node) -> Value:
        value, shape = self.values[node.inputs[0]], self._whole(node.inputs[1])
        return self._seen(value, lambda view: view.reshape([int(size) for size in shape]))

    def _transpose(self, node: Node) -> Value:
        return self._seen(self.values[node.inputs[0]], lambda view: view.transpose(_ints(node, "perm")))

    def _squeeze(self, node: Node) -> Value:
        axes = tuple(self._whole(node.inputs[1]))
        return self._seen(self.values[node.inputs[0]], lambda view: np.squeeze(view, axes))

    def _unsqueeze(self, node: Node) -> Value:
        axes = tuple(self._whole(node.inputs[1]))
        return self._seen(self.values[node.inputs[0]], lambda view: np.expand_dims(view, axes))

    def _expand(self, node: Node) -> Value:
        value, shape = self.values[node.inputs[0]], tuple(self._whole(node.inputs[1]))
        shape = np.broadcast_shapes(value.shape, shape)
        return self._seen(value, lambda view: np.broadcast_to(view, shape))

    def _slice(self, node: Node) -> Value:
        value = self.values[node.inputs[0]]
        starts, ends, axes, *steps = (self._whole(name) for name in node.inputs[1:])
        cut = [slice(None)] * len(value.shape)
        for k, axis in enumerate(axes):
            cut[axis] = slice(starts[k], ends[k], steps[0][k] if steps else 1)
        return self._seen(value, lambda view: view[tuple(cut)])

    def _split(self, node: Node) -> None:
        value, axis = self.values[node.inputs[0]], int(node.attributes.get("axis", 0))  # type: ignore[arg-type]
        size = value.shape[axis]
        sizes = self._whole(node.inputs[1]) if len(node.inputs) > 1 else [-(-size // len(node.outputs))] * len(node.outputs)
        ends = np.cumsum(sizes)
        for name, end, width in zip(node.outputs, ends.tolist(), sizes, strict=True):
            cut = [slice(None)] * len(value.shape)
            cut[axis] = slice(end - width, end)
            self.values[name] = self._seen(value, lambda view, cut=tuple(cut): view[cut])  # type: ignore[misc]

    def _cast(self, node: Node) -> Value:
        value = self.values[node.inputs[0]]
        if node.attributes["to"] != FLOATS:
            raise UnknownNetwork("a cast to anything but float32")
        return value if value.root is not None else Value(value.view.astype(np.float32))

    def _shape(self, node: Node) -> Value:
        shape = self.values[node.inputs[0]].shape
        start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
        return Value(np.array(shape[start:end], np.int64))  # type: ignore[misc]

    def _seen(self, value: Value, look: Callable[[NDArray[Any]], NDArray[Any]]) -> Value:
        found = value.seen_as(look(value.view))
        if found is None:  # the numbers lie so that they must be moved
            found = (moved := self._copied(value)).seen_as(look(moved.view))
        assert found is not None
        return found

    # What makes numbers

    def _add(self, node: Node) -> Value:
        for product, other in (node.inputs, node.inputs[::-1]):
            if product in self._waiting:
                return self._product(*self._waiting.pop(product), self._rooted(other))
        return self._of_two(kinds.ADD, *(self._rooted(name) for name in node.inputs))

    def _matmul(self, node: Node) -> Value | None:
        first, second = (self._rooted(name) for name in node.inputs)
        name = node.outputs[0]
        if self._uses[name] == 1 and name in self._adds:
            shape = _product_shape(first, second)
            other = next(each for each in self._adds[name].inputs if each != name)
            if other in self.values and np.broadcast_shapes(shape, self.values[other].shape) == shape:
                self._waiting[name] = first, second
                return None
        return self._product(first, second, self._number(0.0))

    def _gemm(self, node: Node) -> Value:
        first, second, third = (self.values[name] for name in node.inputs)
        scales = [node.attributes.get(name, 1.0) for name in ("alpha", "beta")]
        if scales != [1.0, 1.0] or node.attributes.get("transA", 0):
            raise UnknownNetwork("a Gemm with factors, or of a transposed first matrix")
        if node.attributes.get("transB", 0):
            second = self._seen(second, lambda view: view.T)
        return self._product(*(self._rooted_value(each) for each in (first, second, third)))

    def _relu(self, node: Node) -> Value:
        return self._of_two(kinds.MAX, self._rooted(node.inputs[0]), self._number(0.0))

    def _clip(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        for kind, name in zip((kinds.MAX, kinds.MIN), node.inputs[1:], strict=False):
            value = self._of_two(kind, value, self._rooted(name)) if name else value
        return value

    def _gelu(self, node: Node) -> Value:
        if node.attributes.get("approximate", "none") != "none":
            raise UnknownNetwork("an approximate Gelu")
        x = self._rooted(node.inputs[0])
        curve = self._of_one(kinds.ERF, self._of_two(kinds.MUL, x, self._number(0.5**0.5)))
        half = self._of_two(kinds.MUL, x, self._number(0.5))
        return self._of_two(kinds.MUL, half, self._of_two(kinds.ADD, curve, self._number(1.0)))

    def _where(self, node: Node) -> Value:
        condition, yes, no = (self._rooted(name) for name in node.inputs)
        shape = np.broadcast_shapes(condition.shape, yes.shape, no.shape)
        condition, yes, no = (self._wide(each, shape) for each in (condition, yes, no))
        return self._rows(kinds.SELECT, new(shape), [self._close(condition), yes, no])

    def _softmax(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        _last(node, value)
        return self._whole_rows(kinds.SOFTMAX, value, [])

    def _layernormalization(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        _last(node, value)
        wide = [self._wide(self._rooted(name), value.shape) for name in node.inputs[1:]]
        epsilon = self._number(float(node.attributes.get("epsilon", 1e-5)))  # type: ignore[arg-type]
        assert epsilon.root is not None
        return self._whole_rows(kinds.NORMALISE, value, wide, Operand(epsilon.root, 0, (0, 0, 0)))

    def _reducesum(self, node: Node) -> Value:
        return self._summed(self._rooted(node.inputs[0]), node)

    def _reducemean(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        found = self._summed(value, node)
        return self._of_two(kinds.MUL, found, self._number(found.view.size / value.view.size))

    def _reducel2(self, node: Node) -> Value:
        value = self._rooted(node.inputs[0])
        return self._of_one(kinds.SQRT, self._summed(self._of_two(kinds.MUL, value, value), node))

    def _summed(self, value: Value, node: Node) -> Value:
        (axis,) = self._whole(node.inputs[1])
        axis %= len(value.shape)
        if axis == len(value.shape) - 1:
            out = new((*value.shape[:-1], 1))
            found = self._whole_rows(kinds.ROW_SUM, value, [], out=out)
        else:
            size = value.shape[axis]
            if not 1 < size <= MOST_SUMMED:
                raise UnknownNetwork(f"a sum of {size} along axis {axis}")
            parts = [Value(each, value.root) for each in np.split(value.view, size, axis)]
            found = parts[0]
            for part in parts[1:]:
                found = self._of_two(kinds.ADD, found, part)
        if node.attributes.get("keepdims", 1):
            return found
        return self._seen(found, lambda view: np.squeeze(view, axis))

    def _concat(self, node: Node) -> Value:
        values, axis = [self.values[name] for name in node.inputs], int(node.attributes["axis"])  # type: ignore[arg-type]
        if all(each.root is None for each in values):
            return Value(np.concatenate([each.view for each in values], axis))
        shape = list(values[0].shape)
        shape[axis] = sum(each.shape[axis] for each in values)
        out, end = new(shape), 0
        for each in values:
            cut = [slice(None)] * len(shape)
            cut[axis] = slice(end, end := end + each.shape[axis])
            self._rows(kinds.COPY, Value(out.view[tuple(cut)], out.root), [self._rooted_value(each)])
        return out

    def _gather(self, node: Node) -> Value:
        table, at = (self.values[name] for name in node.inputs)
        if node.attributes.get("axis", 0) != 0 or table.root is not None or len(table.shape) != 2:
            raise UnknownNetwork("a Gather of anything but rows of a constant table")
        numbers, wanted = self._rooted_value(table), self._close(self._rooted_value(at))
        width = table.shape[1]
        rows = self._seen(wanted, lambda view: view.reshape(-1))
        out = new((*at.shape, width))
        assert rows.root is not None and out.root is not None and numbers.root is not None
        self.tape.append(
            Instruction(
                kinds.GATHER,
                (1, len(rows.view), width),
                Operand(out.root, 0, (0, width, 1)),
                (Operand(rows.root, rows.place, (0, 1, 1)), Operand(numbers.root, numbers.place, (0, width, 1))),
            )
        )
        return out

    # How instructions are written

    def _product(self, first: Value, second: Value, third: Value) -> Value:
        """third + first @ second."""
        shape = _product_shape(first, second)
        outer = int(np.prod(shape[:-2]))
        if len(second.shape) > 2 and any(size != 1 for size in second.shape[:-2]):
            rows = shape[-2]
        else:
            outer, rows = 1, outer * shape[-2]
        inner, columns = first.shape[-1], shape[-1]
        third = self._wide(third, shape)
        if third.steps[-1] != 1 and columns > 1:
            third = self._copied(third, product=True)
        a = self._seen(self._close(first), lambda view: view.reshape(outer, rows, inner))
        b = self._seen(
            self._close(self._wide(second, (*second.shape[:-2], inner, columns))),
            lambda view: np.broadcast_to(view.reshape(-1, inner, columns), (outer, inner, columns)),
        )
        c = third.seen_as(third.view.reshape(outer, rows, columns))
        if c is None:
            third = self._copied(third, product=True)
            c = third.seen_as(third.view.reshape(outer, rows, columns))
        if c is None:
            raise UnknownNetwork("a sum that lies in no rows")
        out = new_product(shape)
        of_out = Value(out.view.reshape(outer, rows, columns), out.root)
        operands = [_operand(each) for each in (a, b, c)]
        self.tape.append(
            Instruction(kinds.MATMUL, (outer, rows, columns), _operand(of_out), tuple(operands), inner)
        )
        return out

    def _of_one(self, kind: int, value: Value) -> Value:
        return self._rows(kind, new(value.shape), [self._close(value)])

    def _of_two(self, kind: int, first: Value, second: Value) -> Value:
        shape = np.broadcast_shapes(first.shape, second.shape)
        if kind in EITHER_WAY and first.view.size < second.view.size:
            first, second = second, first
        first, second = self._close(self._wide(first, shape)), self._wide(second, shape)
        if second.steps and second.steps[-1] not in (0, 1):
            second = self._copied(second)
        return self._rows(kind, new(shape), [first, second])

    def _whole_rows(
        self, kind: int, value: Value, others: list[Value], more: int | Operand = 0, out: Value | None = None
    ) -> Value:
        """An instruction that needs all numbers along the last axis together."""
        value, made = self._close(value), out or new(value.shape)
        views = [each.view for each in (made, value, *others)]
        columns = value.shape[-1]
        rows = [view.reshape(-1, view.shape[-1]) for view in views[:2]]
        operands = []
        for view, each in zip(rows, (made, value), strict=True):
            flat = each.seen_as(view)
            if flat is None:
                value = self._copied(value)
                flat = value.seen_as(value.view.reshape(-1, columns))
            assert flat is not None and flat.root is not None
            operands.append(Operand(flat.root, flat.place, (0, flat.steps[0], 1)))
        for each in others:
            assert each.root is not None
            operands.append(Operand(each.root, each.place, (0, 0, 1)))
        self.tape.append(Instruction(kind, (1, len(rows[0]), columns), operands[0], tuple(operands[1:]), more))
        return made

    def _rows(self, kind: int, out: Value, values: list[Value]) -> Value:
        found = by_rows([out, *values])
        if found is None:
            found = by_rows([out, *(self._copied(each) for each in values)])
        if found is None:
            raise UnknownNetwork(f"numbers of shape {out.shape} lie in more than three steps")
        sizes, operands = found
        if kind != kinds.COPY and operands[1].steps[2] != 1:
            close = [self._copied(values[0]), *values[1:]]
            sizes, operands = by_rows([out, *close]) or found
        self.tape.append(Instruction(kind, sizes, operands[0], tuple(operands[1:])))
        return out

    def _copied(self, value: Value, product: bool = False) -> Value:
        """The same numbers, close together."""
        out = new_product(value.shape) if product else new(value.shape)
        pieces = [(out.view, value.view)]
        while by_rows([Value(pieces[0][0], out.root), Value(pieces[0][1], value.root)]) is None:
            pieces = [(one, other) for first, second in pieces for one, other in zip(first, second, strict=True)]
        for one, other in pieces:
            found = by_rows([Value(one, out.root), Value(other, value.root)])
            assert found is not None
            self.tape.append(Instruction(kinds.COPY, found[0], found[1][0], tuple(found[1][1:])))
        return out

    def _close(self, value: Value) -> Value:
        """The value with the numbers along its last axis one after the other."""
        return value if value.steps == () or value.steps[-1] == 1 or value.shape[-1] == 1 else self._copied(value)

    def _wide(self, value: Value, shape: tuple[int, ...]) -> Value:
        return Value(np.broadcast_to(value.view, shape), value.root)

    def _rooted(self, name: str) -> Value:
        return self._rooted_value(self.values[name])

    def _rooted_value(self, value: Value) -> Value:
        """The value with a place in the arena, where constants have one for all their uses."""
        if value.root is not None:
            return value
        key = id(value.view)
        if key not in self._constants:
            self._constants[key] = value.view, constant(value.view)
        return self._constants[key][1]

    def _number(self, value: float) -> Value:
        return self._rooted_value(Value(np.float32(value).reshape(())))

    def _whole(self, name: str) -> list[int]:
        """A constant of whole numbers."""
        value = self.values[name]
        if value.root is not None:
            raise UnknownNetwork(f"{name} is no constant")
        return [int(each) for each in value.view.reshape(-1)]


def _product_shape(first: Value, second: Value) -> tuple[int, ...]:
    if len(first.shape) < 2 or len(second.shape) < 2:
        raise UnknownNetwork("a product of vectors")
    outer = np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    return (*outer, first.shape[-2], second.shape[-1])


def _operand(value: Value) -> Operand:
    assert value.root is not None
    outer, rows, columns = value.steps
    return Operand(value.root, value.place, (outer, rows, columns))


def _last(node: Node, value: Value) -> None:
    if node.attributes.get("axis", -1) not in (-1, len(value.shape) - 1):
        raise UnknownNetwork(f"{node.kind} along another axis than the last")


def _ints(node: Node, name: str) -> tuple[int, ...]:
    found = node.attributes[name]
    assert isinstance(found, tuple)
    return found
