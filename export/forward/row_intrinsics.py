"""Rows of any length in vectors of `LANES` numbers: a compiler would do what is left of a row one by one.

The rows of a history have 50 numbers: with four vectors of 8 at a time, 18 of them are left. What is beyond
the end of a row is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic

from export.forward.instructions import LANES
from export.forward.intrinsics import I32, I64, VECTOR, exp_of, spread
from model.schema import F32

cgutils: Any = numba_cgutils
MASK, PLACES = ir.VectorType(ir.IntType(1), LANES), ir.VectorType(I32, LANES)
EACH = [*range(LANES)]
LEAST = ir.Constant(VECTOR, [-np.inf] * LANES)
NOTHING = ir.Constant(VECTOR, [0.0] * LANES)


class _Rows:
    """Code that goes over a row of `n` numbers: whole vectors, and what is left of the row with a mask."""

    def __init__(self, context: Any, builder: Any, arena_type: Any, arena: Any, n: Any) -> None:
        self.builder, lanes = builder, ir.Constant(I64, LANES)
        self.base = context.make_array(arena_type)(context, builder, arena).data
        self.vectors, self.left = builder.udiv(n, lanes), builder.urem(n, lanes)

    def each(self, body: Callable[[_Vector], None]) -> None:
        """The code of `body` for every vector of the row."""
        builder, lanes = self.builder, ir.Constant(I64, LANES)
        with cgutils.for_range(builder, self.vectors) as loop:
            body(_Vector(builder, self.base, builder.mul(loop.index, lanes)))
        with builder.if_then(builder.icmp_unsigned(">", self.left, ir.Constant(I64, 0))):
            empty = ir.Constant(PLACES, ir.Undefined)
            first = builder.insert_element(empty, builder.trunc(self.left, I32), ir.Constant(I32, 0))
            left = builder.shuffle_vector(first, empty, ir.Constant(PLACES, [0] * LANES))
            there = builder.icmp_unsigned("<", ir.Constant(PLACES, EACH), left)
            body(_Vector(builder, self.base, builder.mul(self.vectors, lanes), there))

    def folded(self, value: Any, two: Callable[[Any, Any], Any]) -> Any:
        """The lanes as one, half with half: in the same order on every processor."""
        half = LANES // 2
        while half:
            order = [(lane + half) % LANES for lane in EACH]
            other = self.builder.shuffle_vector(value, value, ir.Constant(PLACES, order))
            value, half = two(value, other), half // 2
        return self.builder.extract_element(value, ir.Constant(I32, 0))


class _Vector:
    """One vector of a row, which begins so many numbers from the row's start; of the last one, the lanes that
    are `there`.
    """

    def __init__(self, builder: Any, base: Any, begin: Any, there: Any = None) -> None:
        self.builder, self.base, self.begin, self.there = builder, base, begin, there

    def load(self, start: Any, elsewhere: Any) -> Any:
        """The numbers of the row that begins at `start`; `elsewhere` beyond its end."""
        place = self._place(start)
        if self.there is None:
            return self.builder.load(place, align=4)
        kind = ir.FunctionType(VECTOR, [VECTOR.as_pointer(), I32, MASK, VECTOR])
        load = self._named(kind, f"llvm.masked.load.v{LANES}f32.p0v{LANES}f32")
        return self.builder.call(load, [place, ir.Constant(I32, 4), self.there, elsewhere])

    def store(self, value: Any, start: Any) -> None:
        """Write the numbers of the row that begins at `start`."""
        place = self._place(start)
        if self.there is None:
            self.builder.store(value, place, align=4)
            return
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTOR.as_pointer(), I32, MASK])
        store = self._named(kind, f"llvm.masked.store.v{LANES}f32.p0v{LANES}f32")
        self.builder.call(store, [value, place, ir.Constant(I32, 4), self.there])

    def _place(self, start: Any) -> Any:
        place = self.builder.gep(self.base, [self.builder.add(start, self.begin)])
        return self.builder.bitcast(place, VECTOR.as_pointer())

    def _named(self, kind: Any, name: str) -> Any:
        return cgutils.get_or_insert_function(self.builder.module, kind, name)


def _softmax_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    arena, x, out, n = given
    rows = _Rows(context, builder, signature.args[0], arena, n)
    top, total = cgutils.alloca_once_value(builder, LEAST), cgutils.alloca_once_value(builder, NOTHING)

    def greater(a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", a, b), a, b)

    def find_highest(vector: _Vector) -> None:
        builder.store(greater(vector.load(x, LEAST), builder.load(top)), top)

    rows.each(find_highest)
    highest = spread(builder, rows.folded(builder.load(top), greater))

    def make_parts(vector: _Vector) -> None:
        parts = exp_of(builder, builder.fsub(vector.load(x, LEAST), highest))
        builder.store(builder.fadd(builder.load(total), parts), total)
        vector.store(parts, out)

    rows.each(make_parts)
    share = builder.fdiv(ir.Constant(ir.FloatType(), 1.0), rows.folded(builder.load(total), builder.fadd))
    shares = spread(builder, share)
    rows.each(lambda vector: vector.store(builder.fmul(vector.load(out, NOTHING), shares), out))
    return context.get_dummy_value()


def _softmax(typing: Any, arena: Any, x: Any, out: Any, n: Any) -> Any:
    return types.void(arena, types.uint64, types.uint64, types.uint64), _softmax_code


def _copy_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    arena, x, out, n = given
    rows = _Rows(context, builder, signature.args[0], arena, n)
    rows.each(lambda vector: vector.store(vector.load(x, NOTHING), out))
    return context.get_dummy_value()


def _copy(typing: Any, arena: Any, x: Any, out: Any, n: Any) -> Any:
    return types.void(arena, types.uint64, types.uint64, types.uint64), _copy_code


OfRow = Callable[[F32, np.uint64, np.uint64, np.uint64], None]
softmax = cast("OfRow", intrinsic(_softmax))
"""`softmax(arena, x, out, n)`: the shares of n numbers from x on, from `out` on; they sum to 1."""
copy_row = cast("OfRow", intrinsic(_copy))
"""`copy_row(arena, x, out, n)`: n numbers, which do not overlap where they go."""
