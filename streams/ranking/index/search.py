"""A search in the cells that may hold what is asked for, and in no more.

What a cell's items have for products with the query is known roughly: their mean is the centre's product, and
their spread follows from the cell's moments. A first round searches the most promising cells. Its `limit`-th
best product is the mark that others must reach. From mean and spread follows how many items of each further
cell are to be expected above the mark. Cells are searched until the rest is to hold no more than the share
`missed` of what was asked for (`streams.ranking.index.calibration`). Where filters leave few items, the mark
is low or is not reached, so the search goes on, through all cells where it must.

Codes are whole numbers, so a search gives the same rows alone and in a batch. The best by their codes are
scored again by their vectors.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.ranking.candidates.selection import BINS, key, lowest_first, score_of
from streams.ranking.index.cells import BLOCK, CellTables
from streams.ranking.index.products import product, products, rescored

FIRST = 4  # times as many items as are asked for are met in the first round
DENSE = 0.1  # cells with a larger share of items above the mark are searched before the mark is taken again
REACH = 2.0  # standard deviations that a cell's best items lie above its mean, in the first round
STEPS = 16  # of a standard deviation, in the table of the normal distribution's tail
TAIL = np.array([0.5 * math.erfc((each + 0.5) / STEPS / math.sqrt(2.0)) for each in range(-64, 96)])
CENTRE = 64
LEVELS = 128
WIDEST_CODE = 32_767.0
NO_KEY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@compiled
def find_in_cells(
    tables: CellTables,
    vectors: F32,
    query: F32,
    blocked: NDArray[np.uint8],
    limit: int,
    least: np.float32,
    missed: float,
    looked: NDArray[np.int64],
) -> NDArray[np.int32]:
    """The `limit` rows with the largest products above `least` that are not blocked, best first; ties go to
    the lower row. missed: the share of them that may be expected elsewhere. `looked` [1] counts the items
    that were looked at.
    """
    dim = len(query)
    codes, step = np.empty(dim, np.int16), np.float32(0.0)
    for d in range(dim):
        step = max(step, abs(query[d]))
    if not 0.0 < step < np.inf:
        return np.empty(0, np.int32)
    step /= np.float32(min(WIDEST_CODE, 2.0**31 / 128.0 / dim - 1.0))
    for d in range(dim):
        codes[d] = np.int16(np.rint(query[d] / step))
    mean, spread = _expected(tables, query)
    keep = limit + max(limit // 4, 16)
    keys, spare = np.empty(2 * keep, np.uint64), np.empty(2 * keep, np.uint64)
    bins = np.empty(BINS, np.int64)
    chosen = np.empty(len(mean), np.int32)
    done = tables.size == 0
    n, worst, wanted = 0, NO_KEY, FIRST * limit
    while True:
        count = _promising(mean, spread, tables.size, done, wanted, chosen)
        n, worst = _scan(
            tables, mean, chosen[:count], codes, step, blocked, keep, keys, n, worst, spare, bins
        )
        looked[0] += tables.size[chosen[:count]].sum()
        if n >= limit or count == 0:
            break
        wanted *= 4
    for densest in (True, False):
        n = lowest_first(keys[:n], keep, spare, bins)
        if n < limit:
            break
        mark = max(score_of(keys[limit - 1]), least)
        count = _still_to_search(mean, spread, tables.size, done, mark, missed * limit, densest, chosen)
        n, worst = _scan(
            tables, mean, chosen[:count], codes, step, blocked, keep, keys, n, worst, spare, bins
        )
        looked[0] += tables.size[chosen[:count]].sum()
    n = lowest_first(keys[:n], keep, spare, bins)
    rows = np.empty(limit, np.int32)
    return rows[: rescored(vectors, query, rows, least, keys[:n], spare, bins)]


@compiled
def _expected(tables: CellTables, query: F32) -> tuple[F32, F32]:
    """Mean and standard deviation of each cell's products with the query, [k]."""
    cells, dim = tables.centres.shape
    mean, spread = np.empty(cells, np.float32), np.empty(cells, np.float32)
    length = product(query, query)
    products(tables.centres, query, mean)
    for cell in range(cells):
        count, radial, total = tables.moments[cell]
        size = tables.squares[cell]
        along = mean[cell] * mean[cell] / size if size > 0.0 else np.float32(0.0)
        across = max(length - along, np.float32(0.0)) / max(dim - 1, 1)
        spread[cell] = math.sqrt((along * radial + across * (total - radial)) / max(count, 1.0)) + 1e-9
    return mean, spread


@compiled
def _promising(
    mean: F32,
    spread: F32,
    size: NDArray[np.int32],
    done: NDArray[np.bool_],
    wanted: int,
    chosen: NDArray[np.int32],
) -> int:
    """Choose the cells with the highest products to be hoped for, until they have `wanted` items; mark them
    done. How many there are.
    """
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for cell in range(len(mean)):
        if not done[cell]:
            hoped = mean[cell] + np.float32(REACH) * spread[cell]
            low, high = min(low, hoped), max(high, hoped)
    if low > high:
        return 0
    per_level = np.float32(LEVELS - 1) / max(high - low, np.float32(1e-30))
    items = np.zeros(LEVELS, np.int64)
    for cell in range(len(mean)):
        if not done[cell]:
            hoped = mean[cell] + np.float32(REACH) * spread[cell]
            items[min(int((hoped - low) * per_level), LEVELS - 1)] += size[cell]
    edge, met = LEVELS, 0
    while edge > 0 and met < wanted:
        edge -= 1
        met += items[edge]
    n = 0
    for cell in range(len(mean)):
        if not done[cell]:
            hoped = mean[cell] + np.float32(REACH) * spread[cell]
            if min(int((hoped - low) * per_level), LEVELS - 1) >= edge:
                chosen[n], done[cell] = cell, True
                n += 1
    return n


@compiled
def _still_to_search(
    mean: F32,
    spread: F32,
    size: NDArray[np.int32],
    done: NDArray[np.bool_],
    mark: np.float32,
    missed: float,
    densest: bool,
    chosen: NDArray[np.int32],
) -> int:
    """Choose the cells without which more than `missed` items above the mark are to be expected in the rest,
    of these only the densest if so asked; mark them done. How many there are.
    """
    items = np.zeros(len(TAIL), np.int64)
    for cell in range(len(mean)):
        if not done[cell]:
            items[_level(mark, mean[cell], spread[cell])] += size[cell]
    edge, rest = len(TAIL), 0.0
    while edge > 0 and rest + items[edge - 1] * TAIL[edge - 1] <= missed:
        edge -= 1
        rest += items[edge] * TAIL[edge]
    n = 0
    for cell in range(len(mean)):
        if not done[cell]:
            level = _level(mark, mean[cell], spread[cell])
            if level < edge and (not densest or TAIL[level] > DENSE):
                chosen[n], done[cell] = cell, True
                n += 1
    return n


@compiled
def _level(mark: np.float32, mean: np.float32, spread: np.float32) -> int:
    """How far the mark lies above the mean, as a place in `TAIL`."""
    deviations = min(max((mark - mean) / spread, np.float32(-4.0)), np.float32(5.9))
    return int(deviations * STEPS + CENTRE)


@compiled
def _scan(
    tables: CellTables,
    mean: F32,
    cells: NDArray[np.int32],
    query: NDArray[np.int16],
    step: np.float32,
    blocked: NDArray[np.uint8],
    keep: int,
    keys: NDArray[np.uint64],
    n: int,
    worst: np.uint64,
    spare: NDArray[np.uint64],
    bins: NDArray[np.int64],
) -> tuple[int, np.uint64]:
    """Keep the best of what the cells hold among `keys`; how many these are, and the one to beat."""
    beat = np.float32(-np.inf) if worst == NO_KEY else score_of(worst)
    totals = np.empty(BLOCK, np.int32)
    for cell in cells:
        block, count = tables.head[cell], (tables.size[cell] - 1) % BLOCK + 1
        while block >= 0:
            _multiply(tables.codes[block, :count], query, totals)
            for slot in range(count):
                score = mean[cell] + np.float32(totals[slot]) * (tables.scales[block, slot] * step)
                if score >= beat:
                    row = tables.rows[block, slot]
                    its_key = key(score, row)
                    if its_key < worst and blocked[row] == 0:
                        keys[n] = its_key
                        n += 1
                        if n == len(keys):
                            n = lowest_first(keys, keep, spare, bins)
                            worst = keys[n - 1]
                            beat = score_of(worst)
            block, count = tables.after[block], BLOCK
    return n, worst


@compiled
def _multiply(codes: NDArray[np.int8], query: NDArray[np.int16], totals: NDArray[np.int32]) -> None:
    """The products of codes [n, dim] with the query's."""
    for slot in range(codes.shape[0]):
        total = np.int32(0)
        for d in range(codes.shape[1]):
            total += np.int32(codes[slot, d]) * np.int32(query[d])
        totals[slot] = total
