"""What stands between operations while a graph becomes a tape: arrays whose numbers are not there yet.

A value is a numpy view of its root: where its numbers will lie there, and in which steps. So a reshape, a
transposition or a slice is numpy's own, and costs the tape nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.forward.instructions import LANES
from model.schema import F32


@dataclass(eq=False)
class Root:
    """A piece of the arena; `numbers` are there from the start where it is `constant`."""

    numbers: F32
    constant: bool = False


class Value(NamedTuple):
    """A view of a root; a constant without one holds its numbers itself, whole numbers or float32."""

    view: NDArray[Any]
    root: Root | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.view.shape

    @property
    def steps(self) -> tuple[int, ...]:
        """In numbers."""
        return tuple(step // self.view.itemsize for step in self.view.strides)

    @property
    def place(self) -> int:
        """Of its first number in the root."""
        assert self.root is not None
        return (_address(self.view) - _address(self.root.numbers)) // self.view.itemsize

    def seen_as(self, view: NDArray[Any]) -> Value | None:
        """The same numbers in another shape; None if `view` had to copy them."""
        if self.root is None or not view.size or np.may_share_memory(view, self.root.numbers):
            return Value(view, self.root)
        return None


def new(shape: Sequence[int]) -> Value:
    """A value of its own, its numbers close together."""
    root = Root(np.zeros(max(math.prod(shape), 1), np.float32))
    return Value(root.numbers[: math.prod(shape)].reshape(shape), root)


def new_product(shape: Sequence[int]) -> Value:
    """The same for a product of matrices, which writes whole vectors: there is room behind each row."""
    *outer, columns = shape
    room = -(-columns // LANES) * LANES
    root = Root(np.zeros((math.prod(outer) * room), np.float32))
    return Value(root.numbers.reshape(*outer, room)[..., :columns], root)


def constant(numbers: NDArray[Any]) -> Value:
    """These numbers, with a root."""
    root = Root(np.ascontiguousarray(numbers, np.float32).reshape(-1), constant=True)
    return Value(root.numbers.reshape(numbers.shape), root)


class Operand(NamedTuple):
    """A value as an instruction takes it: place in its root, and the steps of three sizes."""

    root: Root
    place: int
    steps: tuple[int, int, int]


def by_rows(values: Sequence[Value]) -> tuple[tuple[int, int, int], list[Operand]] | None:
    """Values of one shape as rows: three sizes, the innermost last, and the operands; None where four sizes
    are needed. The first is what is written: a row of it lies close together.
    """
    shape = values[0].shape
    dims = [(size, *(each.steps[at] for each in values)) for at, size in enumerate(shape) if size != 1]
    merged: list[tuple[int, ...]] = []
    for size, *steps in dims:
        if merged and all(before == step * size for before, step in zip(merged[-1][1:], steps, strict=True)):
            merged.append((merged.pop()[0] * size, *steps))
        else:
            merged.append((size, *steps))
    if not merged or merged[-1][1] != 1:
        merged.append((1, *([1] * len(values))))
    if len(merged) > 3:
        return None
    merged = [(1, *([0] * len(values)))] * (3 - len(merged)) + merged
    sizes = merged[0][0], merged[1][0], merged[2][0]
    operands = []
    for k, each in enumerate(values, start=1):
        assert each.root is not None
        operands.append(Operand(each.root, each.place, (merged[0][k], merged[1][k], merged[2][k])))
    return sizes, operands


def _address(array: NDArray[Any]) -> int:
    at: int = array.__array_interface__["data"][0]
    return at
