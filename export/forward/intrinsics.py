"""What numba has no word for: a tile of a matrix product that stays in registers, and an exponential that
the compiler can make of many numbers at a time.

Both are the same arithmetic on every processor: products are added up one by one in the order of the inner
size, with one rounding each (fused multiply-add).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic

from export.forward.instructions import LANES

cgutils: Any = numba_cgutils
F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(F32, LANES)
WIDE = bool(binding.get_host_cpu_features().get("avx512f"))
ROWS, VECTORS = (8, 2) if WIDE else (4, 1)
"""A tile's rows, and its columns in vectors: as many as the processor's registers hold."""

LOG2_E, LN2_HIGH, LN2_LOW = 1.44269504088896341, 0.693359375, -2.12194440e-4
LOWEST, HIGHEST = -80.0, 88.0
POLYNOMIAL = (
    1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
)  # fmt: skip
"""Of exp(x) near 0, from Moshier's Cephes (expf)."""


def tile_of(rows: int, vectors: int) -> Callable[..., None]:
    """For compiled code: `tile(arena, a, a_step, b, b_step, c, c_step, out, out_step, inner)` writes
    c + a @ b for `rows` rows and `vectors` * LANES columns; places and steps between rows are in numbers.
    """

    def tile(
        typing: Any, arena: Any, a: Any, a_step: Any, b: Any, b_step: Any, c: Any, c_step: Any, out: Any,
        out_step: Any, inner: Any,
    ) -> Any:  # fmt: skip
        return types.void(arena, *[types.uint64] * 9), _tile_code(rows, vectors)

    made: Callable[..., None] = intrinsic(tile)
    return made


def _tile_code(rows: int, vectors: int) -> Callable[..., Any]:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        base = context.make_array(signature.args[0])(context, builder, given[0]).data
        a, a_step, b, b_step, c, c_step, out, out_step, inner = given[1:]
        fma = _fma(builder, VECTOR, f"llvm.fma.v{LANES}f32")

        def number(value: int) -> Any:
            return ir.Constant(I64, value)

        def vector_at(start: Any, step: Any, row: int, vector: int) -> Any:
            at = builder.add(start, builder.mul(step, number(row)))
            place = builder.gep(base, [builder.add(at, number(vector * LANES))])
            return builder.bitcast(place, VECTOR.as_pointer())

        def loaded(place: Any) -> Any:
            return builder.load(place, align=4)

        sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(vectors)] for _ in range(rows)]
        for row in range(rows):
            for v in range(vectors):
                builder.store(loaded(vector_at(c, c_step, row, v)), sums[row][v])
        with cgutils.for_range(builder, inner) as loop:
            of_b = builder.add(b, builder.mul(loop.index, b_step))
            columns = [loaded(vector_at(of_b, number(0), 0, v)) for v in range(vectors)]
            of_a = builder.add(a, loop.index)
            for row in range(rows):
                place = builder.gep(base, [builder.add(of_a, builder.mul(a_step, number(row)))])
                factor = spread(builder, builder.load(place))
                for v in range(vectors):
                    before = builder.load(sums[row][v])
                    builder.store(builder.call(fma, [factor, columns[v], before]), sums[row][v])
        for row in range(rows):
            for v in range(vectors):
                builder.store(builder.load(sums[row][v]), vector_at(out, out_step, row, v), align=4)
        return context.get_dummy_value()

    return code


def spread(builder: Any, value: Any) -> Any:
    """A vector that holds the value in each lane."""
    empty = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))


def _fma(builder: Any, kind: Any, name: str) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)


def exp_of(builder: Any, given: Any) -> Any:
    """The code of `exp` for a number, or for each of a vector."""
    kind = given.type
    many = kind == VECTOR
    name, whole = (f"v{LANES}f32", ir.VectorType(I32, LANES)) if many else ("f32", I32)
    fma = _fma(builder, kind, f"llvm.fma.{name}")
    nearest = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind]), f"llvm.nearbyint.{name}"
    )

    def number(value: float) -> Any:
        return ir.Constant(kind, [value] * LANES if many else value)

    def bits_of(value: int) -> Any:
        return ir.Constant(whole, [value] * LANES if many else value)

    # What is less comes to 0: numbers between 0 and the least normal one would cost a processor a hundred
    # cycles each wherever they go.
    nothing = builder.fcmp_ordered("<", given, number(LOWEST))
    x = builder.select(nothing, number(LOWEST), given)
    x = builder.select(builder.fcmp_ordered(">", x, number(HIGHEST)), number(HIGHEST), x)
    power = builder.call(nearest, [builder.fmul(x, number(LOG2_E))])
    rest = builder.call(fma, [power, number(-LN2_HIGH), x])
    rest = builder.call(fma, [power, number(-LN2_LOW), rest])
    value = number(POLYNOMIAL[0])
    for factor in POLYNOMIAL[1:]:
        value = builder.call(fma, [value, rest, number(factor)])
    value = builder.call(fma, [builder.fmul(value, rest), rest, rest])
    value = builder.fadd(value, number(1.0))
    bits = builder.shl(builder.add(builder.fptosi(power, whole), bits_of(127)), bits_of(23))
    return builder.select(nothing, number(0.0), builder.fmul(value, builder.bitcast(bits, kind)))


def _exp_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    return exp_of(builder, given[0])


def _exp(typing: Any, x: Any) -> Any:
    return types.float32(types.float32), _exp_code


exp = cast("Callable[[np.float32], np.float32]", intrinsic(_exp))
"""exp of a float32 to 2 units in the last place; 0 below LOWEST, and no more than at HIGHEST."""
