"""Runs a tape over its arena: one call, without the interpreter lock, however many instructions it holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.forward.elements import of_one, of_three, of_two
from export.forward.instructions import (
    EQUAL,
    ERF,
    FIRST,
    GATHER,
    KIND,
    MATMUL,
    MORE,
    OUT,
    SECOND,
    SELECT,
    SIZES,
)  # fmt: skip
from export.forward.kernel import kernel
from export.forward.products import multiply
from export.forward.rows import of_rows
from model.schema import F32

NOTHING = np.float32(0.0)
Tape = NDArray[np.uint64]


@kernel
def execute(tape: Tape, arena: F32) -> None:
    """Run all instructions, in order."""
    for at in range(len(tape)):
        i = tape[at]
        kind = i[KIND]
        if kind == MATMUL:
            multiply(i, arena)
        elif kind <= ERF:
            of_one(i, arena)
        elif kind <= EQUAL:
            of_two(i, arena)
        elif kind == SELECT:
            of_three(i, arena)
        elif kind == GATHER:
            _gather(i, arena)
        else:
            of_rows(i, arena)


@kernel
def _gather(i: Tape, arena: F32) -> None:
    """Rows of a table, by their numbers; `MORE`: the last of them."""
    for k in range(i[SIZES + 1]):
        out = i[OUT] + k * i[OUT + 2]
        wanted = max(arena[i[FIRST] + k * i[FIRST + 2]], NOTHING)
        row = i[SECOND] + min(np.uint64(wanted), i[MORE]) * i[SECOND + 2]
        for j in range(i[SIZES + 2]):
            arena[out + j] = arena[row + j]
