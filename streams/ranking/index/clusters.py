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


def nearest(
    vectors: F32, centres: F32, rows: NDArray[np.integer] | None = None, half: F32 | None = None
) -> NDArray[np.int32]:
    """The number of the centre that is nearest to each vector, or to those of `rows`: int32 [n]; the first of
    several. half: see `half_squares`, where it is known.
    """
    count = len(vectors) if rows is None else len(rows)
    cells = np.empty(count, np.int32)
    half = half_squares(centres) if half is None else half
    for begin in range(0, count, AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        scores = (vectors[part] if rows is None else vectors[rows[part]]) @ centres.T
        scores -= half
        cells[part] = scores.argmax(axis=1)
    return cells


def half_squares(centres: F32) -> F32:
    """Half of each centre's squared length."""
    half: F32 = np.einsum("kd,kd->k", centres, centres) / np.float32(2.0)
    return half
