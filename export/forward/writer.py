"""Writes instructions: values in, a value out that an instruction makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.forward import instructions as kinds
from export.forward.tape import Instruction
from export.forward.values import Operand, Value, by_rows, constant, new, new_product
from model.errors import UnknownNetworkError

EITHER_WAY = (kinds.ADD, kinds.MUL, kinds.EQUAL)


class Writer:
    """`tape`: the instructions so far."""

    def __init__(self) -> None:
        self.tape: list[Instruction] = []
        self._constants: dict[int, tuple[NDArray[Any], Value]] = {}
        self._zeros: dict[int, Value] = {}

    def product(self, first: Value, second: Value, third: Value | None = None) -> Value:
        """third + first @ second."""
        shape = product_shape(first, second)
        outer = math.prod(shape[:-2])
        if len(second.shape) > 2 and any(size != 1 for size in second.shape[:-2]):
            rows = shape[-2]
        else:
            outer, rows = 1, outer * shape[-2]
        inner, columns = first.shape[-1], shape[-1]
        third = self.wide(self.zeros(shape[-1]) if third is None else third, shape)
        if third.steps[-1] != 1 and columns > 1:
            third = self.copied(third, product=True)
        a = self.seen(self.close(first), lambda view: view.reshape(outer, rows, inner))
        b = self.seen(
            self.close(self.wide(second, (*second.shape[:-2], inner, columns))),
            lambda view: np.broadcast_to(view.reshape(-1, inner, columns), (outer, inner, columns)),
        )
        c = third.seen_as(third.view.reshape(outer, rows, columns))
        if c is None:
            third = self.copied(third, product=True)
            c = third.seen_as(third.view.reshape(outer, rows, columns))
        if c is None:
            raise UnknownNetworkError("a sum that lies in no rows")
        out = new_product(shape)
        of_out = Value(out.view.reshape(outer, rows, columns), out.root)
        operands = [_operand(each) for each in (a, b, c)]
        self.tape.append(
            Instruction(kinds.MATMUL, (outer, rows, columns), _operand(of_out), tuple(operands), inner)
        )
        return out

    def gathered(self, table: Value, rows: Value, shape: Sequence[int]) -> Value:
        """The rows [n, 1] of a table, as [*shape, width]."""
        size, width = table.shape
        out = new((*shape, width))
        assert rows.root is not None
        assert out.root is not None
        assert table.root is not None
        of_rows = Operand(rows.root, rows.place, (0, rows.steps[0], 1))
        of_table = Operand(table.root, table.place, (0, width, 1))
        sizes = (1, len(rows.view), width)
        self.tape.append(
            Instruction(
                kinds.GATHER, sizes, Operand(out.root, 0, (0, width, 1)), (of_rows, of_table), size - 1
            )
        )
        return out

    def of_one(self, kind: int, value: Value) -> Value:
        return self.rows(kind, new(value.shape), [self.close(value)])

    def of_two(self, kind: int, first: Value, second: Value) -> Value:
        shape = np.broadcast_shapes(first.shape, second.shape)
        if kind in EITHER_WAY and first.view.size < second.view.size:
            first, second = second, first
        first, second = self.close(self.wide(first, shape)), self.wide(second, shape)
        if second.steps and second.steps[-1] not in (0, 1):
            second = self.copied(second)
        return self.rows(kind, new(shape), [first, second])

    def whole_rows(
        self, kind: int, value: Value, others: list[Value], more: int | Operand = 0, out: Value | None = None
    ) -> Value:
        """An instruction that needs all numbers along the last axis together."""
        value, made = self.close(value), out or new(value.shape)
        views = [each.view for each in (made, value, *others)]
        columns = value.shape[-1]
        rows = [view.reshape(-1, view.shape[-1]) for view in views[:2]]
        operands = []
        for view, each in zip(rows, (made, value), strict=True):
            flat = each.seen_as(view)
            if flat is None:
                value = self.copied(value)
                flat = value.seen_as(value.view.reshape(-1, columns))
            assert flat is not None
            assert flat.root is not None
            operands.append(Operand(flat.root, flat.place, (0, flat.steps[0], 1)))
        for each in others:
            assert each.root is not None
            operands.append(Operand(each.root, each.place, (0, 0, 1)))
        self.tape.append(
            Instruction(kind, (1, len(rows[0]), columns), operands[0], tuple(operands[1:]), more)
        )
        return made

    def rows(self, kind: int, out: Value, values: list[Value]) -> Value:
        found = by_rows([out, *values])
        if found is None:
            found = by_rows([out, *(self.copied(each) for each in values)])
        if found is None:
            raise UnknownNetworkError(f"numbers of shape {out.shape} lie in more than three steps")
        sizes, operands = found
        if kind != kinds.COPY and operands[1].steps[2] != 1:
            close = [self.copied(values[0]), *values[1:]]
            sizes, operands = by_rows([out, *close]) or found
        self.tape.append(Instruction(kind, sizes, operands[0], tuple(operands[1:])))
        return out

    def copied(self, value: Value, product: bool = False) -> Value:
        """The same numbers, close together."""
        out = new_product(value.shape) if product else new(value.shape)
        pieces = [(out.view, value.view)]
        while by_rows([Value(pieces[0][0], out.root), Value(pieces[0][1], value.root)]) is None:
            pieces = [
                (one, other) for first, second in pieces for one, other in zip(first, second, strict=True)
            ]
        for one, other in pieces:
            found = by_rows([Value(one, out.root), Value(other, value.root)])
            assert found is not None
            self.tape.append(Instruction(kinds.COPY, found[0], found[1][0], tuple(found[1][1:])))
        return out

    def close(self, value: Value) -> Value:
        """The value with the numbers along its last axis one after the other."""
        return (
            value if value.steps == () or value.steps[-1] == 1 or value.shape[-1] == 1 else self.copied(value)
        )

    def wide(self, value: Value, shape: tuple[int, ...]) -> Value:
        return Value(np.broadcast_to(value.view, shape), value.root)

    def seen(self, value: Value, look: Callable[[NDArray[Any]], NDArray[Any]]) -> Value:
        found = value.seen_as(look(value.view))
        if found is None:  # the numbers lie so that they must be moved
            found = (moved := self.copied(value)).seen_as(look(moved.view))
        assert found is not None
        return found

    def rooted(self, value: Value) -> Value:
        """The value with a place in the arena, where constants have one for all their uses."""
        if value.root is not None:
            return value
        key = id(value.view)
        if key not in self._constants:
            self._constants[key] = value.view, constant(value.view)
        return self._constants[key][1]

    def number(self, value: float) -> Value:
        return self.rooted(Value(np.array(value, np.float32)))

    def zeros(self, size: int) -> Value:
        """A row of them, one for all its uses."""
        if size not in self._zeros:
            self._zeros[size] = constant(np.zeros(size, np.float32))
        return self._zeros[size]


def product_shape(first: Value, second: Value) -> tuple[int, ...]:
    if len(first.shape) < 2 or len(second.shape) < 2:
        raise UnknownNetworkError("a product of vectors")
    outer = np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    return (*outer, first.shape[-2], second.shape[-1])


def _operand(value: Value) -> Operand:
    assert value.root is not None
    outer, rows, columns = value.steps
    return Operand(value.root, value.place, (outer, rows, columns))
