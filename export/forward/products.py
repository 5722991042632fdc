"""Products of matrices, tile by tile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.forward import instructions
from export.forward.instructions import FIRST, MORE, OUT, SECOND, SIZES, THIRD
from export.forward.intrinsics import ROWS, VECTORS, tile_of
from export.forward.kernel import kernel
from model.schema import F32

_tile, _tile_of_row = tile_of(ROWS, VECTORS), tile_of(1, VECTORS)
_narrow, _narrow_of_row = tile_of(ROWS, 1), tile_of(1, 1)
LANES, MANY, ONE = np.uint64(instructions.LANES), np.uint64(ROWS), np.uint64(1)
WIDTH = np.uint64(VECTORS * instructions.LANES)


@kernel
def multiply(i: NDArray[np.uint64], arena: F32) -> None:
    """out = third + first @ second; `MORE`: the inner size. Columns are written up to a multiple of LANES."""
    rows, columns, inner = i[SIZES + 1], i[SIZES + 2], i[MORE]
    a_step, b_step, c_step, out_step = i[FIRST + 2], i[SECOND + 2], i[THIRD + 2], i[OUT + 2]
    for matrix in range(i[SIZES]):
        column = np.uint64(0)
        while column < columns:
            wide = column + LANES < columns
            b = i[SECOND] + matrix * i[SECOND + 1] + column
            row = np.uint64(0)
            while row < rows:
                a = i[FIRST] + matrix * i[FIRST + 1] + row * a_step
                c = i[THIRD] + matrix * i[THIRD + 1] + row * c_step + column
                out = i[OUT] + matrix * i[OUT + 1] + row * out_step + column
                if row + MANY <= rows:
                    if wide:
                        _tile(arena, a, a_step, b, b_step, c, c_step, out, out_step, inner)
                    else:
                        _narrow(arena, a, a_step, b, b_step, c, c_step, out, out_step, inner)
                    row += MANY
                else:
                    if wide:
                        _tile_of_row(arena, a, a_step, b, b_step, c, c_step, out, out_step, inner)
                    else:
                        _narrow_of_row(arena, a, a_step, b, b_step, c, c_step, out, out_step, inner)
                    row += ONE
            column += WIDTH if wide else LANES
