"""Where the cells of an index lie: k-means over a sample (Lloyd, 1982)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.schema import F32

ROUNDS = 6
SAMPLE = 48  # vectors for each centre
AT_ONCE = 2_048
SEED = 7


def centres_of(vectors: F32, rows: NDArray[np.int32], count: int) -> F32:
    """`count` centres of `vectors[rows]`, float32 [count, dim]; the same for the same vectors."""
    rng = np.random.default_rng(SEED)
    sample = vectors[np.sort(rng.permutation(rows)[: count * SAMPLE])]
    centres: F32 = sample[np.sort(rng.permutation(len(sample))[:count])].copy()
    for _ in range(ROUNDS):
        cells = nearest(sample, centres)
        sizes = np.bincount(cells, minlength=count)
        order = np.argsort(cells, kind="stable")
        filled = np.flatnonzero(sizes)
        begins = (np.cumsum(sizes) - sizes)[filled]
        centres[filled] = np.add.reduceat(sample[order], begins, axis=0) / sizes[filled, None]
        lost = np.flatnonzero(sizes == 0)
        centres[lost] = sample[rng.integers(0, len(sample), len(lost))]
    return centres


def nearest(vectors: F32, centres: F32) -> NDArray[np.int32]:
    """The number of the centre that is nearest to each vector: int32 [n]; the first of several."""
    cells = np.empty(len(vectors), np.int32)
    half = np.einsum("kd,kd->k", centres, centres) / np.float32(2.0)
    for begin in range(0, len(vectors), AT_ONCE):
        part = vectors[begin : begin + AT_ONCE] @ centres.T
        part -= half
        cells[begin : begin + AT_ONCE] = part.argmax(axis=1)
    return cells
