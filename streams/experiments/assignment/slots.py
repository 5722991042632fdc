"""How the slots of a layer are shared out among its experiments. What an experiment has, it keeps."""

from __future__ import annotations

from collections.abc import Iterable

SLOTS = 10_000
Slices = tuple[tuple[int, int], ...]
"""Of a layer: each from its first slot to the one behind its last."""


def slots_of(share: float) -> int:
    """A share of a layer in slots, one at least.

    >>> slots_of(0.5), slots_of(0.0001)
    (5000, 1)
    """
    return max(1, round(share * SLOTS))


def size(slices: Slices) -> int:
    """How many slots these are."""
    return sum(behind - first for first, behind in slices)


def free(taken: Iterable[tuple[int, int]], held_out: int) -> Slices:
    """What is left of a layer whose first `held_out` slots get no experiment.

    >>> free([(3000, 4000)], 1000)
    ((1000, 3000), (4000, 10000))
    """
    found, at = [], held_out
    for first, behind in sorted(taken):
        if first > at:
            found.append((at, first))
        at = max(at, behind)
    if at < SLOTS:
        found.append((at, SLOTS))
    return tuple(found)


def first_of(slices: Slices, wanted: int) -> Slices:
    """The first `wanted` slots of these, which are as many at least.

    >>> first_of(((0, 10), (20, 30)), 15)
    ((0, 10), (20, 25))
    """
    found = []
    for first, behind in slices:
        part = min(wanted, behind - first)
        if part > 0:
            found.append((first, first + part))
            wanted -= part
    return tuple(found)
