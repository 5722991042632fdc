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
MASK, PLACES = ir.VectorType(ir.IntType(1), LANES), ir.VectorType(I64, LANES)
EACH = [*range(LANES)]
LEAST = ir.Constant(VECTOR, [-np.inf] * LANES)
NOTHING = ir.Constant(VECTOR, [0.0] * LANES)


class _Rows:
    """Code that goes over a row of `n` numbers."""

    def __init__(self, context: Any, builder: Any, arena_type: Any, arena: Any, n: Any) -> None:
        self.builder, self.n = builder, n
        self.base = context.make_array(arena_type)(context, builder, arena).data
        last = builder.add(n, ir.Constant(I64, LANES - 1))
        self.vectors = builder.udiv(last, ir.Constant(I64, LANES))

    def begins(self, index: Any) -> Any:
        return self.builder.mul(index, ir.Constant(I64, LANES))

    def there(self, begin: Any) -> Any:
        """Which lanes of the vector that begins there are within the row."""
        left = self.builder.sub(self.n, begin)
        empty = ir.Constant(PLACES, ir.Undefined)
        first = self.builder.insert_element(empty, left, ir.Constant(I32, 0))
        all_left = self.builder.shuffle_vector(
            first, empty, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
        )
        return self.builder.icmp_unsigned("<", ir.Constant(PLACES, EACH), all_left)

    def load(self, start: Any, begin: Any, there: Any, elsewhere: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR.as_pointer(), I32, MASK, VECTOR])
        load = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.masked.load.v{LANES}f32.p0v{LANES}f32"
        )
        return self.builder.call(load, [self._place(start, begin), ir.Constant(I32, 4), there, elsewhere])

    def store(self, value: Any, start: Any, begin: Any, there: Any) -> None:
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTOR.as_pointer(), I32, MASK])
        store = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0v{LANES}f32"
        )
        self.builder.call(store, [value, self._place(start, begin), ir.Constant(I32, 4), there])

    def _place(self, start: Any, begin: Any) -> Any:
        place = self.builder.gep(self.base, [self.builder.add(start, begin)])
        return self.builder.bitcast(place, VECTOR.as_pointer())

    def folded(self, value: Any, two: Callable[[Any, Any], Any]) -> Any:
        """The lanes as one, half with half: in the same order on every processor."""
        half = LANES // 2
        while half:
            order = [(lane + half) % LANES for lane in EACH]
            other = self.builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(I32, LANES), order))
            value, half = two(value, other), half // 2
        return self.builder.extract_element(value, ir.Constant(I32, 0))


def _softmax_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    arena, x, out, n = given
    rows = _Rows(context, builder, signature.args[0], arena, n)

    def greater(a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", a, b), a, b)

    top, total = cgutils.alloca_once_value(builder, LEAST), cgutils.alloca_once_value(builder, NOTHING)
    with cgutils.for_range(builder, rows.vectors) as loop:
        begin = rows.begins(loop.index)
        values = rows.load(x, begin, rows.there(begin), LEAST)
        builder.store(greater(values, builder.load(top)), top)
    highest = spread(builder, rows.folded(builder.load(top), greater))
    with cgutils.for_range(builder, rows.vectors) as loop:
        begin = rows.begins(loop.index)
        there = rows.there(begin)
        parts = exp_of(builder, builder.fsub(rows.load(x, begin, there, LEAST), highest))
        builder.store(builder.fadd(builder.load(total), parts), total)
        rows.store(parts, out, begin, there)
    share = builder.fdiv(ir.Constant(ir.FloatType(), 1.0), rows.folded(builder.load(total), builder.fadd))
    shares = spread(builder, share)
    with cgutils.for_range(builder, rows.vectors) as loop:
        begin = rows.begins(loop.index)
        there = rows.there(begin)
        rows.store(builder.fmul(rows.load(out, begin, there, NOTHING), shares), out, begin, there)
    return context.get_dummy_value()


def _softmax(typing: Any, arena: Any, x: Any, out: Any, n: Any) -> Any:
    return types.void(arena, types.uint64, types.uint64, types.uint64), _softmax_code


def _copy_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    arena, x, out, n = given
    rows = _Rows(context, builder, signature.args[0], arena, n)
    with cgutils.for_range(builder, rows.vectors) as loop:
        begin = rows.begins(loop.index)
        there = rows.there(begin)
        rows.store(rows.load(x, begin, there, NOTHING), out, begin, there)
    return context.get_dummy_value()


def _copy(typing: Any, arena: Any, x: Any, out: Any, n: Any) -> Any:
    return types.void(arena, types.uint64, types.uint64, types.uint64), _copy_code


OfRow = Callable[[F32, np.uint64, np.uint64, np.uint64], None]
softmax = cast("OfRow", intrinsic(_softmax))
"""`softmax(arena, x, out, n)`: the shares of n numbers from x on, from `out` on; they sum to 1."""
copy_row = cast("OfRow", intrinsic(_copy))
"""`copy_row(arena, x, out, n)`: n numbers, which do not overlap where they go."""
