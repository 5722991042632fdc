"""Users and candidates through a tape, one user or one block of candidates at a time: one call for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from export.forward.kernel import kernel
from export.forward.machine import Tape, execute
from model.schema import F32, I64

Places = NDArray[np.uint64]
ONE = np.uint64(1)


@kernel
def see_users(
    tape: Tape,
    arena: F32,
    floats: tuple[F32, ...],
    wholes: tuple[I64, ...],
    takes: Places,
    made: tuple[F32, ...],
    gives: Places,
) -> None:
    """Arrays [B, n] in and out; `takes` and `gives`: where a user's row of each lies in the arena, those of
    `floats` first. Whole numbers become floats, which hold them exactly up to 16 million.
    """
    for b in range(len(floats[0])):
        for k in range(len(floats)):
            row, at = floats[k][b], takes[k]
            for j in range(len(row)):
                arena[at + np.uint64(j)] = row[j]
        for k in range(len(wholes)):
            numbers, at = wholes[k][b], takes[len(floats) + k]
            for j in range(len(numbers)):
                arena[at + np.uint64(j)] = np.float32(numbers[j])
        execute(tape, arena)
        for k in range(len(made)):
            row, at = made[k][b], gives[k]
            for j in range(len(row)):
                row[j] = arena[at + np.uint64(j)]


@kernel
def score_candidates(
    tape: Tape,
    arena: F32,
    block: int,
    users: tuple[F32, ...],
    of_users: Places,
    tables: tuple[F32, ...],
    of_tables: Places,
    rows: NDArray[np.int32],
    features: F32,
    of_features: np.uint64,
    offsets: I64,
    scores: F32,
    of_scores: Places,
) -> None:
    """scores [tasks, N] of the candidates `rows`, those of user b from `offsets[b]` on. Of `users` [B, n] the
    tape reads row b, and of `tables` [items, n] the row of each candidate: of columns `of_tables[k, 0]` to
    `of_tables[k, 1]`, at place `of_tables[k, 2]`. What is left of the last block is what was there before.
    """
    width = features.shape[1]
    for b in range(len(offsets) - 1):
        if offsets[b] == offsets[b + 1]:
            continue
        for k in range(len(users)):
            row, at = users[k][b], of_users[k]
            for j in range(len(row)):
                arena[at + np.uint64(j)] = row[j]
        for start in range(offsets[b], offsets[b + 1], block):
            end = min(start + block, offsets[b + 1])
            for k in range(len(tables)):
                table, begin, stop, at = tables[k], of_tables[k, 0], of_tables[k, 1], of_tables[k, 2]
                for candidate in range(start, end):
                    row = table[rows[candidate]]
                    for j in range(begin, stop):
                        arena[at] = row[j]
                        at += ONE
            at = of_features
            for candidate in range(start, end):
                for j in range(width):
                    arena[at] = features[candidate, j]
                    at += ONE
            execute(tape, arena)
            for task in range(len(scores)):
                at = of_scores[task]
                for candidate in range(start, end):
                    scores[task, candidate] = arena[at]
                    at += ONE
