"""Items in cells come, change and go; a search of all cells is exact."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ranking.index.cells import BLOCK, Cells
from streams.ranking.index.search import find_in_cells
from tests.streams.ranking.index.vectors import alike, sorted_rows

DIM = 12
STEPS = st.lists(st.tuples(st.sampled_from(["come", "change", "go"]), st.integers(1, 60)), max_size=12)


def check(cells: Cells, vectors: np.ndarray) -> None:
    """Each row whose vector is not zero stands in one place, and every block is in one chain or free."""
    tables = cells.tables
    blocks: list[int] = tables.free[: cells.unused].tolist()
    rows: list[int] = []
    for cell in range(len(tables.size)):
        block, count, members = int(tables.head[cell]), int((tables.size[cell] - 1) % BLOCK + 1), 0
        while block >= 0:
            assert tables.owner[block] == cell
            for slot in range(count):
                row = int(tables.rows[block, slot])
                assert cells.places[row] == block * BLOCK + slot
                stored = tables.centres[cell] + tables.codes[block, slot] * tables.scales[block, slot]
                assert np.abs(stored - vectors[row]).max() <= tables.scales[block, slot] * 0.51 + 1e-6
                rows.append(row)
            blocks.append(block)
            members += count
            block, count = int(tables.after[block]), BLOCK
        assert members == tables.size[cell]
    assert sorted(rows) == np.flatnonzero(vectors.any(axis=1)).tolist()
    assert sorted(blocks) == list(range(len(tables.free)))
    assert (cells.places >= 0).sum() == len(rows) == len(cells)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 200), STEPS)
def test_whatever_comes_changes_and_goes_all_cells_hold_exactly_what_there_is(
    seed: int, items: int, steps: list[tuple[str, int]]
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-3, 4, (items, DIM)).astype(np.float32)
    cells = Cells(vectors)
    check(cells, vectors)
    for step, count in steps:
        if step == "come":
            rows = np.arange(len(vectors), len(vectors) + count)
            vectors = np.concatenate([vectors, rng.integers(-3, 4, (count, DIM)).astype(np.float32)])
        elif not len(vectors):
            continue
        else:
            rows = np.unique(rng.integers(0, len(vectors), count))
            new = np.zeros((len(rows), DIM)) if step == "go" else rng.integers(-3, 4, (len(rows), DIM))
            vectors[rows] = new
        cells.put(vectors, rows)
        check(cells, vectors)
    query = rng.integers(-2, 3, DIM).astype(np.float32)
    blocked = (rng.random(len(vectors) + 1) < 0.2).astype(np.uint8)
    for limit in (1, 7, 500):
        # With a limit as large as this, nothing may be missed: each cell is searched, and the slack is wide.
        found = find_in_cells(
            cells.tables, vectors, query, blocked, limit, np.float32(0.0), 0.0, np.zeros(1, np.int64)
        )
        assert found.tolist() == sorted_rows(vectors, query, blocked, limit, 0.0)


def test_the_same_items_make_the_same_cells_byte_for_byte() -> None:
    vectors = alike(2_000, 32, 5)
    one, other = Cells(vectors), Cells(vectors.copy())
    for cells in (one, other):
        cells.put(vectors[::-1].copy(), np.arange(0, 2_000, 3))
    assert [np.asarray(each).tobytes() for each in one.tables[:5]] == [
        np.asarray(each).tobytes() for each in other.tables[:5]
    ]
    assert one.places.tobytes() == other.places.tobytes()
    assert [_chain(one, cell) for cell in range(40)] == [_chain(other, cell) for cell in range(40)]


def _chain(cells: Cells, cell: int) -> list[bytes]:
    tables = cells.tables
    found, block = [], int(tables.head[cell])
    count = int((cells.tables.size[cell] - 1) % BLOCK + 1)
    while block >= 0:
        found += [
            each[block, :count].tobytes()
            for each in (cells.tables.codes, cells.tables.scales, cells.tables.rows)
        ]
        block, count = int(cells.tables.after[block]), BLOCK
    return found
