"""Cells that hold a vector: a list of numbers, its JSON, or numbers with spaces or commas between them."""

from __future__ import annotations

import contextlib
import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from streams.datasets.columns.cells import is_absent

# The bounds of an item event's vectors (`streams.events.schema.Vector`).
LENGTH_MAX, NUMBER_MAX = 4_096, 1e6

Vector: TypeAlias = "array[float]"
NO_VECTOR = array("d")

_between = re.compile(r"[\s,;|]+")


def as_vector(cell: Any) -> Vector | None:
    """The numbers of a cell, empty if it has none; None if it is not a vector, or out of bounds.

    >>> [list(as_vector(cell)) for cell in ([0.5, 1], "[0.5, 1]", "0.5 1", "0.5,1", "", None)]
    [[0.5, 1.0], [0.5, 1.0], [0.5, 1.0], [0.5, 1.0], [], []]
    >>> as_vector("a b"), as_vector([1.0, None]), as_vector("[nan, 1]"), as_vector({"x": 1})
    (None, None, None, None)
    """
    if isinstance(cell, str):
        text = cell.strip()
        cell = [] if is_absent(text) else _parts(text)
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return NO_VECTOR
    if not isinstance(cell, list | tuple) or any(isinstance(part, bool) for part in cell):
        return None
    try:
        numbers = array("d", map(float, cell))
    except (TypeError, ValueError):
        return None
    # NaN compares with nothing.
    if len(numbers) > LENGTH_MAX or not all(abs(number) <= NUMBER_MAX for number in numbers):
        return None
    return numbers


def _parts(text: str) -> list[Any]:
    if text.startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text)
            return found if isinstance(found, list) else [found]
    return [part for part in _between.split(text.strip("[]()")) if part]


class UnreadableVectors:
    """Counts the vectors that the reader can't read; their items stay, without a vector."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._lengths: dict[str, Counter[int]] = {}

    def read(self, field: str, cells: Sequence[Any]) -> Vector:
        """The vector that the cells hold, one behind the other, or none."""
        parts = [as_vector(cell) for cell in cells]
        vector = array("d")
        for part in parts:
            vector.extend(part or NO_VECTOR)
        if None in parts or len(vector) > LENGTH_MAX:
            self._count[field] += 1
            return NO_VECTOR
        if len(vector):
            self._lengths.setdefault(field, Counter())[len(vector)] += 1
        return vector

    def notes(self) -> list[str]:
        """Notes on the vectors: their lengths, and how many the reader left out."""
        notes = []
        for field, found in self._lengths.items():
            some = found.most_common(3)
            lengths = " or ".join(f"{length} numbers ({items} items)" for length, items in some)
            setting = f"model.{field.removesuffix('_vector')}_dim"
            notes.append(f"{field} of {lengths}; used where {setting} is their length")
        notes += [
            f"{count} cells of {field} are no vector of at most {LENGTH_MAX:,} numbers: left out"
            for field, count in self._count.items()
        ]
        return notes
