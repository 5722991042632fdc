"""Collects the instructions of a tape, and gives each root its place in the arena."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.forward.instructions import FIRST, KIND, LANES, MORE, OUT, SECOND, SIZES, THIRD, WIDTH
from export.forward.values import Operand, Root
from model.schema import F32

SLACK = 4 * LANES
"""Behind the last root: the last row of a matrix is read in whole vectors."""


class Instruction(NamedTuple):
    """`more`: a number, or where a constant lies."""

    kind: int
    sizes: tuple[int, int, int]
    out: Operand
    operands: tuple[Operand, ...]
    more: int | Operand = 0

    @property
    def roots(self) -> list[Root]:
        more = [self.more.root] if isinstance(self.more, Operand) else []
        return [self.out.root, *(each.root for each in self.operands), *more]


def placed(
    instructions: Sequence[Instruction], kept: Sequence[Root]
) -> tuple[NDArray[np.uint64], F32, dict[int, int]]:
    """The tape, the arena with its constants, and where each root lies, by `id`. What is in `kept` has a
    place of its own, in this order from the arena's start; others share places one after the other.
    """
    last = {id(root): at for at, each in enumerate(instructions) for root in each.roots}
    places: dict[int, int] = {}
    constants: list[Root] = []
    end = 0
    for root in kept:
        places[id(root)], end = end, end + _room(root)
    for each in instructions:
        for root in each.roots:
            if root.constant and id(root) not in places:
                places[id(root)], end = end, end + _room(root)
                constants.append(root)
    free = [(end, 1 << 60)]  # places and sizes, in order
    highest = end
    for at, each in enumerate(instructions):
        if id(each.out.root) not in places:
            places[id(each.out.root)] = place = _take(free, _room(each.out.root))
            highest = max(highest, place + _room(each.out.root))
        for root in {id(root): root for root in each.roots}.values():
            if last[id(root)] == at and not root.constant and root not in kept:
                free = _given_back(free, places[id(root)], _room(root))
    arena = np.zeros(highest + SLACK, np.float32)
    for root in constants:
        arena[places[id(root)] :][: len(root.numbers)] = root.numbers
    return _rows(instructions, places), arena, places


def _rows(instructions: Sequence[Instruction], places: dict[int, int]) -> NDArray[np.uint64]:
    tape = np.zeros((len(instructions), WIDTH), np.uint64)
    for row, each in zip(tape, instructions, strict=True):
        row[KIND] = each.kind
        row[SIZES : SIZES + 3] = each.sizes
        for start, operand in zip((OUT, FIRST, SECOND, THIRD), (each.out, *each.operands), strict=False):
            row[start] = places[id(operand.root)] + operand.place
            row[start + 1 : start + 4] = operand.steps
        more = each.more
        row[MORE] = places[id(more.root)] + more.place if isinstance(more, Operand) else more
    return tape


def _room(root: Root) -> int:
    return -(-len(root.numbers) // LANES) * LANES


def _take(free: list[tuple[int, int]], size: int) -> int:
    """The first place where so much is free."""
    for k, (place, room) in enumerate(free):
        if room >= size:
            free[k] = place + size, room - size
            return place
    raise AssertionError("the end of the arena is free")


def _given_back(free: list[tuple[int, int]], place: int, size: int) -> list[tuple[int, int]]:
    """What is free, with this place, neighbours joined."""
    joined: list[tuple[int, int]] = []
    for at, room in sorted([*free, (place, size)]):
        if joined and sum(joined[-1]) == at:
            joined[-1] = joined[-1][0], joined[-1][1] + room
        elif room:
            joined.append((at, room))
    return joined
