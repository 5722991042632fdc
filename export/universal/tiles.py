"""Tiles of matrix products that stay in registers, of float32 or of int8, as one piece of code.

Both read words of 32 bits: one float32, or four uint8 of a row and four int8 of a column, of which one
instruction (VPDPBUSD) adds up the four products. Sums of whole numbers are exact; those of float32 are added
one by one in the order of the inner size, so a row is the same alone and among others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Words = NDArray[np.int32]
cgutils: Any = numba_cgutils
LANES, VECTORS, ROWS = 16, 4, 6
COLUMNS = LANES * VECTORS
"""Of a tile; a matrix lies in panels of so many columns."""
I32, I64 = ir.IntType(32), ir.IntType(64)
WHOLE, FLOAT = ir.VectorType(I32, LANES), ir.VectorType(ir.FloatType(), LANES)
SUPPORTED = all(binding.get_host_cpu_features().get(name) for name in ("avx512f", "avx512vnni"))
"""Whether this processor has the instruction."""


def tile_of(rows: int, floats: bool) -> Callable[..., None]:
    """For compiled code: `tile(a, a_at, a_step, b, b_at, out, out_at, out_step, inner)` writes the products
    of `rows` rows of a and one panel of b. All arrays are of int32 words; places, steps between rows and the
    inner size are in words.
    """

    def tile(
        typing: Any, a: Any, a_at: Any, a_step: Any, b: Any, b_at: Any, out: Any, out_at: Any, out_step: Any,
        inner: Any,
    ) -> Any:  # fmt: skip
        place = types.int64
        return types.void(a, place, place, b, place, out, place, place, place), _code_of(rows, floats)

    made: Callable[..., None] = intrinsic(tile)
    return made


def _code_of(rows: int, floats: bool) -> Callable[..., Any]:
    kind = FLOAT if floats else WHOLE

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        a, b, out = (
            context.make_array(signature.args[k])(context, builder, given[k]).data for k in (0, 3, 5)
        )
        _, a_at, a_step, _, b_at, _, out_at, out_step, inner = given
        name = "llvm.fma.v16f32" if floats else "llvm.x86.avx512.vpdpbusd.512"
        add = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)

        def vector_at(base: Any, at: Any, vector: int = 0) -> Any:
            place = builder.gep(base, [builder.add(at, ir.Constant(I64, vector * LANES))])
            return builder.bitcast(place, kind.as_pointer())

        def row_of(at: Any, step: Any, row: int) -> Any:
            return builder.add(at, builder.mul(step, ir.Constant(I64, row)))

        sums = [[cgutils.alloca_once(builder, kind) for _ in range(VECTORS)] for _ in range(rows)]
        for each in sums:
            for total in each:
                builder.store(ir.Constant(kind, None), total)
        with cgutils.for_range(builder, inner) as loop:
            panel = builder.add(b_at, builder.mul(loop.index, ir.Constant(I64, COLUMNS)))
            columns = [builder.load(vector_at(b, panel, v), align=4) for v in range(VECTORS)]
            for row in range(rows):
                at = builder.add(row_of(a_at, a_step, row), loop.index)
                word = builder.load(builder.gep(a, [at]))
                factor = builder.bitcast(_spread(builder, word), kind)
                for v in range(VECTORS):
                    before = builder.load(sums[row][v])
                    terms = [factor, columns[v], before] if floats else [before, factor, columns[v]]
                    builder.store(builder.call(add, terms), sums[row][v])
        for row in range(rows):
            for v in range(VECTORS):
                place = vector_at(out, row_of(out_at, out_step, row), v)
                builder.store(builder.load(sums[row][v]), place, align=4)
        return context.get_dummy_value()

    return code


def _spread(builder: Any, word: Any) -> Any:
    """A vector that holds the word in each lane."""
    empty = ir.Constant(WHOLE, ir.Undefined)
    first = builder.insert_element(empty, word, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(WHOLE, [0] * LANES))
