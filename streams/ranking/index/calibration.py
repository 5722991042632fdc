"""How much a search may leave out, measured on the vectors that it searches.

The share of items that `search` expects to miss rests on normal distributions. Where vectors are of another
kind, more is missed. So each index is asked a few queries whose exact answer is known, and takes the largest
share with which it finds enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.index.cells import Cells
from streams.ranking.index.exact import find_exact
from streams.ranking.index.search import find_in_cells

WANTED = 0.985
"""Of what an exact search finds, above what is promised: users are no items."""
SHARES = (0.02, 0.01, 0.005, 0.002, 0.001, 0.0003, 0.0)
MIXED = (1, 2, 5, 10)  # a query is the mean of so many items, as a user's taste is
QUERIES = 48
LIMIT = 300
SEED = 11


def missed_share(cells: Cells, vectors: F32) -> float:
    """The largest of `SHARES` with which the mean recall is `WANTED`; the same for the same vectors."""
    queries, blocked = _queries(vectors), np.zeros(len(vectors), np.uint8)
    exact = find_exact(vectors, queries, [blocked] * QUERIES, [LIMIT] * QUERIES, -np.inf)
    looked, least = np.zeros(1, np.int64), np.float32(-np.inf)
    for share in SHARES:
        found = [
            find_in_cells(cells.tables, vectors, query, blocked, LIMIT, least, share, looked)
            for query in queries
        ]
        if np.mean([recall(*pair) for pair in zip(found, exact, strict=True)]) >= WANTED:
            break
    return share


def recall(found: NDArray[np.int32], exact: NDArray[np.int32]) -> float:
    """Which share of the exact rows was found; 1 where there is nothing to find."""
    return len(np.intersect1d(found, exact)) / len(exact) if len(exact) else 1.0


def _queries(vectors: F32) -> F32:
    rng = np.random.default_rng(SEED)
    rows = rng.integers(0, len(vectors), (QUERIES, max(MIXED)))
    return np.stack([vectors[rows[q, : MIXED[q % len(MIXED)]]].mean(axis=0) for q in range(QUERIES)])
