"""How diverse lists are, and how evenly what is shown is spread over the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def category_entropy(categories: Sequence[int] | NDArray[np.integer]) -> float | None:
    """Shannon's entropy of a list's categories, by the largest that a list of this length can have: 0 where
    all are of one category, 1 where no two are. None for fewer than two items that have one (0: none).

    >>> category_entropy([1, 2, 3]), category_entropy([5, 5, 5]), category_entropy([1, 0])
    (1.0, 0.0, None)
    >>> category_entropy([1, 1, 2, 2])
    0.5
    """
    known = np.asarray(categories)
    known = known[known != 0]
    if len(known) < 2:
        return None
    shares = np.unique(known, return_counts=True)[1] / len(known)
    return abs(round(float(-(shares * np.log(shares)).sum() / np.log(len(known))), 9))


def intra_list_distance(vectors: NDArray[np.float32]) -> float | None:
    """The mean of 1 - cosine over all pairs of a list's items (Ziegler et al. 2005, intra-list similarity).

    vectors[n, dim]: unit vectors, or zero for an item that has none. None for fewer than two that have one.

    >>> intra_list_distance(np.eye(3, dtype=np.float32))
    1.0
    """
    known = vectors[np.einsum("nd,nd->n", vectors, vectors) > 0.5]
    n = len(known)
    if n < 2:
        return None
    whole = known.sum(0)
    # The sum over all ordered pairs of different items is the square of the sum without the diagonal.
    alike = (float(whole @ whole) - n) / (n * (n - 1))
    return 1.0 - alike


class Exposure(NamedTuple):
    """`gini`: 0 where all items of the catalogue are shown alike, 1 where one item has all places.
    `top_share`: of the places, those that the most shown hundredth of the catalogue has. `coverage`: the part
    of the catalogue that was shown at all.
    """

    gini: float
    top_share: float
    coverage: float


def exposure(counts: Sequence[int] | NDArray[np.integer], catalogue: int) -> Exposure | None:
    """How places are spread. counts: places of each item that was shown; catalogue: items that can be had.

    Gini's coefficient over the whole catalogue, those never shown too (Fleder & Hosanagar 2009 measure
    recommenders by it). None where nothing was shown.

    >>> exposure([1] * 100, 100)
    Exposure(gini=0.0, top_share=0.01, coverage=1.0)
    >>> exposure([7], 100)
    Exposure(gini=0.99, top_share=1.0, coverage=0.01)
    """
    shown = np.sort(np.asarray(counts, np.float64))[::-1]
    shown = shown[shown > 0]
    if not len(shown):
        return None
    n, total = max(catalogue, len(shown)), float(shown.sum())
    # Ranks count from the most shown; those never shown add nothing to the sum.
    ranked = float((np.arange(1, len(shown) + 1) * shown).sum())
    gini = (n + 1 - 2 * ranked / total) / n
    top = max(1, n // 100)
    return Exposure(round(gini, 9) + 0.0, float(shown[:top].sum()) / total, len(shown) / n)
