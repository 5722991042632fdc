"""An inverted file: each item's vector in a cell, as bytes (Jégou, Douze, Schmid, TPAMI 2011).

A cell is a chain of blocks. Only its first block has room, so an item comes and goes in constant time, and a
search reads memory in order.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.index.clusters import AT_ONCE, centres_of, half_squares, nearest
from streams.ranking.index.products import product

BLOCK = 32
HIGHEST = 127.0
SMALLEST = np.float32(1e-30)
CELLS_PER_ROOT = 2.0  # cells for each root of an item: as many centres are compared as items
MOST_CELLS = 4_096
GROWTH = 1.5  # so many times the items have room before an array is made anew


class CellTables(NamedTuple):
    """centres float32 [k, dim]; squares float32 [k]: their squared lengths; moments float64 [k, 3]: how many
    items a cell has had, and the sums of their squared distances from its centre, along the centre's own
    direction and in all. size, head int32 [k]: the items of a cell, and its first block, -1 for none. after,
    owner int32 [blocks]: the next block of the chain, and the cell. codes int8 [blocks, BLOCK, dim] times
    scales float32 [blocks, BLOCK] are how far the vectors of rows int32 [blocks, BLOCK] lie from the centre.
    free int32 [blocks]: blocks of no cell.
    """

    centres: F32
    squares: F32
    moments: NDArray[np.float64]
    size: NDArray[np.int32]
    head: NDArray[np.int32]
    after: NDArray[np.int32]
    owner: NDArray[np.int32]
    codes: NDArray[np.int8]
    scales: F32
    rows: NDArray[np.int32]
    free: NDArray[np.int32]


class Cells:
    """`places` int32 [n]: where each row stands, -1 for nowhere. `built` and `changed`: how many items it
    was made of, and how often one has come, changed or gone since.
    """

    def __init__(self, vectors: F32) -> None:
        """Of all vectors [n, dim] that are not zero. They may change meanwhile: these are to be put again."""
        some = np.flatnonzero(vectors.any(axis=1)).astype(np.int32)
        count = min(max(int(CELLS_PER_ROOT * math.sqrt(len(some))), 1), MOST_CELLS, max(len(some), 1))
        dim, blocks = vectors.shape[1], _blocks(int(len(some) * GROWTH), count)
        centres = centres_of(vectors, some, count) if len(some) else np.zeros((1, dim), np.float32)
        self.tables = CellTables(
            centres,
            _squares(centres),
            np.zeros((count, 3)),
            np.zeros(count, np.int32),
            np.full(count, -1, np.int32),
            np.full(blocks, -1, np.int32),
            np.full(blocks, -1, np.int32),
            np.empty((blocks, BLOCK, dim), np.int8),
            np.empty((blocks, BLOCK), np.float32),
            np.empty((blocks, BLOCK), np.int32),
            np.arange(blocks, dtype=np.int32),  # the last one is taken first: a chain then goes up in memory
        )
        self.unused = blocks
        self.places = np.full(max(int(len(vectors) * GROWTH), 1), -1, np.int32)
        self._half = half_squares(centres)
        cells = nearest(vectors, centres, some if len(some) < len(vectors) else None, self._half)
        order = np.argsort(cells, kind="stable")  # so that a cell's blocks lie side by side
        self._fill(vectors, some[order], cells[order])
        self.built, self.changed = len(some), 0

    def put(self, vectors: F32, rows: NDArray[np.integer]) -> None:
        """Items that came or changed, with vectors [n, dim] of all rows; one whose vector is zero leaves."""
        top = int(rows.max(initial=-1)) + 1
        if top > len(self.places):
            grown = np.full(int(top * GROWTH), -1, np.int32)
            grown[: len(self.places)] = self.places
            self.places = grown
        self._fill(vectors, rows.astype(np.int32), nearest(vectors, self.tables.centres, rows, self._half))
        self.changed += len(rows)

    def _fill(self, vectors: F32, rows: NDArray[np.int32], cells: NDArray[np.int32]) -> None:
        for begin in range(0, len(rows), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            theirs = rows[part]
            needed = min(len(theirs), _blocks(len(theirs), len(self.tables.size)))
            if self.unused < needed:
                self._grow(needed)
            self.unused = _put(self.tables, self.places, self.unused, theirs, vectors[theirs], cells[part])

    def _grow(self, needed: int) -> None:
        tables, before = self.tables, len(self.tables.free)
        more = max(needed, before // 2)
        free = np.empty(before + more, np.int32)
        free[: self.unused] = tables.free[: self.unused]
        free[self.unused : self.unused + more] = np.arange(before + more - 1, before - 1, -1)
        self.unused += more
        after, owner = (_longer(each, more, -1) for each in (tables.after, tables.owner))
        codes, scales, rows = (_longer(each, more) for each in (tables.codes, tables.scales, tables.rows))
        self.tables = tables._replace(
            after=after, owner=owner, codes=codes, scales=scales, rows=rows, free=free
        )

    def __len__(self) -> int:
        return int(self.tables.size.sum())

    @property
    def nbytes(self) -> int:
        """Of its arrays, with the room to grow that no item has touched yet."""
        return sum(each.nbytes for each in self.tables) + self.places.nbytes


def _blocks(items: int, cells: int) -> int:
    """So many blocks hold the items, however they are spread over the cells."""
    return items // BLOCK + cells + 1


def _longer(values: NDArray[Any], more: int, fill: int = 0) -> NDArray[Any]:
    grown = np.empty((len(values) + more, *values.shape[1:]), values.dtype)
    grown[: len(values)] = values
    if fill:
        grown[len(values) :] = fill
    return grown


@compiled
def _squares(centres: F32) -> F32:
    squares = np.empty(len(centres), np.float32)
    for cell in range(len(centres)):
        squares[cell] = product(centres[cell], centres[cell])
    return squares


@compiled
def _put(
    tables: CellTables,
    places: NDArray[np.int32],
    unused: int,
    rows: NDArray[np.int32],
    vectors: F32,
    cells: NDArray[np.int32],
) -> int:
    """Put each row into its cell, out of the one where it was; how many blocks are unused then."""
    for k in range(len(rows)):
        row, vector = rows[k], vectors[k]
        if places[row] >= 0:
            unused = _take_out(tables, places, unused, row)
        cell = cells[k]
        centre = tables.centres[cell]
        largest, farthest = np.float32(0.0), np.float32(0.0)
        for d in range(len(vector)):
            largest = max(largest, abs(vector[d]))
            farthest = max(farthest, abs(vector[d] - centre[d]))
        if not 0.0 < largest < np.inf:
            continue
        slot = tables.size[cell] % BLOCK
        if slot == 0:
            unused -= 1
            block = tables.free[unused]
            tables.after[block], tables.owner[block] = tables.head[cell], cell
            tables.head[cell] = block
        block = tables.head[cell]
        per_step = max(farthest / np.float32(HIGHEST), SMALLEST)
        for d in range(len(vector)):
            tables.codes[block, slot, d] = np.int8(np.rint((vector[d] - centre[d]) / per_step))
        tables.scales[block, slot], tables.rows[block, slot] = per_step, row
        tables.size[cell] += 1
        places[row] = block * BLOCK + slot
        _measure(tables, cell, vector)
    return unused


@compiled
def _measure(tables: CellTables, cell: int, vector: F32) -> None:
    """Add the vector's squared distance from the centre."""
    centre = tables.centres[cell]
    length, along, total = 0.0, 0.0, 0.0
    for d in range(len(vector)):
        off = np.float64(vector[d]) - centre[d]
        length += centre[d] * centre[d]
        along += off * centre[d]
        total += off * off
    tables.moments[cell, 0] += 1.0
    tables.moments[cell, 1] += along * along / length if length > 0.0 else 0.0
    tables.moments[cell, 2] += total


@compiled
def _take_out(tables: CellTables, places: NDArray[np.int32], unused: int, row: int) -> int:
    """The last item of the cell's first block moves to the row's place."""
    block, slot = places[row] // BLOCK, places[row] % BLOCK
    cell = tables.owner[block]
    head, last = tables.head[cell], (tables.size[cell] - 1) % BLOCK
    moved = tables.rows[head, last]
    tables.codes[block, slot] = tables.codes[head, last]
    tables.scales[block, slot], tables.rows[block, slot] = tables.scales[head, last], moved
    places[moved] = block * BLOCK + slot
    places[row] = -1
    tables.size[cell] -= 1
    if last == 0:
        tables.head[cell] = tables.after[head]
        tables.free[unused] = head
        unused += 1
    return unused
