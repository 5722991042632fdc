"""The products of some items' texts with a few vectors, such as what a user's history is about.

numba has no word for sums that stay in registers, so the loop is written as LLVM's own code: eight texts at a
time, each with eight vectors. Each sum is added up in the order of the dimensions, with one rounding for each
product and each sum: the same bits on every processor, alone and beside others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32

cgutils: Any = numba_cgutils
FLOAT, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
AT_ONCE, LANES = 8, 8
VECTOR = ir.VectorType(FLOAT, LANES)


@compiled
def text_products(text: F32, rows: NDArray[np.int32], views: F32, out: F32) -> None:
    """The products of the texts of `rows` with `views` [V, dim], into `out` [len(rows), V]."""
    n, dim = len(rows), text.shape[1]
    if n == 0:
        return
    whole = np.empty((n + AT_ONCE - 1) // AT_ONCE * AT_ONCE, np.int64)
    for k in range(len(whole)):
        whole[k] = rows[min(k, n - 1)]
    weights, sums = np.empty((dim, LANES), np.float32), np.empty((len(whole), LANES), np.float32)
    for first in range(0, len(views), LANES):
        some = views[first : first + LANES]
        weights[:] = np.float32(0.0)
        for view in range(len(some)):
            for d in range(dim):
                weights[d, view] = some[view, d]
        for k in range(0, len(whole), AT_ONCE):
            _eight(text, whole, k, weights, sums)
        for k in range(n):
            for view in range(len(some)):
                out[k, first + view] = sums[k, view]


def _eight_code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    text, rows, weights, sums = (
        context.make_array(signature.args[at])(context, builder, given[at]) for at in (0, 1, 3, 4)
    )
    first = given[2]
    row_step, step = cgutils.unpack_tuple(builder, text.strides)
    base = builder.ptrtoint(text.data, I64)

    def vector_at(array: Any, row: Any) -> Any:
        place = builder.gep(array.data, [builder.mul(row, ir.Constant(I64, LANES))])
        return builder.bitcast(place, VECTOR.as_pointer())

    def spread(value: Any) -> Any:
        empty = ir.Constant(VECTOR, ir.Undefined)
        lane = builder.insert_element(empty, value, ir.Constant(I32, 0))
        return builder.shuffle_vector(lane, empty, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))

    places, totals = [], []
    for each in range(AT_ONCE):
        row = builder.load(builder.gep(rows.data, [builder.add(first, ir.Constant(I64, each))]))
        places.append(builder.add(base, builder.mul(row, row_step)))
        totals.append(cgutils.alloca_once(builder, VECTOR))
        builder.store(ir.Constant(VECTOR, [0.0] * LANES), totals[-1])
    (dim, _) = cgutils.unpack_tuple(builder, weights.shape)
    with cgutils.for_range(builder, dim) as loop:
        factors = builder.load(vector_at(weights, loop.index), align=4)
        behind = builder.mul(loop.index, step)
        for place, total in zip(places, totals, strict=True):
            number = builder.load(builder.inttoptr(builder.add(place, behind), FLOAT.as_pointer()))
            part = builder.fmul(spread(number), factors)
            builder.store(builder.fadd(builder.load(total), part), total)
    for each, total in enumerate(totals):
        row = builder.add(first, ir.Constant(I64, each))
        builder.store(builder.load(total), vector_at(sums, row), align=4)
    return context.get_dummy_value()


def _eight_typed(typing: Any, text: Any, rows: Any, first: Any, weights: Any, sums: Any) -> Any:
    return types.void(text, rows, types.int64, weights, sums), _eight_code


Eight = Callable[[F32, NDArray[np.int64], int, F32, F32], None]
_eight = cast("Eight", intrinsic(_eight_typed))
"""`_eight(text, rows, first, weights, sums)`: the sums [n, LANES] of eight of `rows` from `first` on."""
