"""From what each source brought to one pool: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.candidates.source import Found


class Pool(NamedTuple):
    """rows int32 [n], best first. ranks int32 [n, sources]: the place in each source's list, from 1; 0 where absent.

    origin int8 [n]: the source that ranked the row best.
    """

    rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    origin: NDArray[np.int8]


def blend(
    found: Sequence[Found],
    weights: Sequence[float],
    reserve: Sequence[int],
    constant: float,
    size: int,
) -> Pool:
    """The `size` rows with the highest sum over sources of weight / (constant + rank); ties go to the lower row.

    The first `reserve[s]` rows of each source s are in the pool in any case.

    >>> one, two = Found(np.array([5, 3]), np.ones(2)), Found(np.array([8, 3]), np.ones(2))
    >>> blend([one, two], [1.0, 1.0], [0, 0], 60.0, 2).rows
    array([3, 5], dtype=int32)
    >>> blend([one, two], [1.0, 0.1], [0, 1], 60.0, 2).rows
    array([3, 8], dtype=int32)
    """
    shares = np.asarray(weights, np.float64)
    rows = np.concatenate([each.rows for each in found])
    source = np.repeat(np.arange(len(found)), [len(each.rows) for each in found])
    rank = np.concatenate([np.arange(1, len(each.rows) + 1) for each in found])
    unique, index = np.unique(rows, return_inverse=True)
    ranks = np.zeros((len(unique), len(found)), np.int32)
    ranks[index, source] = rank
    fused = np.bincount(index, weights=shares[source] / (constant + rank), minlength=len(unique))
    order = np.lexsort((unique, -fused))
    if len(order) > size:
        kept = np.any((ranks > 0) & (ranks <= np.asarray(reserve)), axis=1)
        certain = order[kept[order]][:size]
        rest = order[~kept[order]][: size - len(certain)]
        chosen = np.concatenate([certain, rest])
        order = chosen[np.lexsort((unique[chosen], -fused[chosen]))]
    chosen_ranks = ranks[order]
    strength = np.where(chosen_ranks > 0, shares / (constant + chosen_ranks), 0.0)
    return Pool(unique[order].astype(np.int32), chosen_ranks, strength.argmax(axis=1).astype(np.int8))
