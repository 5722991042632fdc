"""The cost of int8 in nearest neighbours: a cosine of .99 says little if all texts are alike."""

from __future__ import annotations

import numpy as np

from model.schema import F32


def neighbours_kept(exact: F32, found: F32, k: int = 10) -> float:
    """The mean share of each row's `k` nearest by `exact` [n, D] that are among its `k` nearest by `found`.

    Rows have length 1; a row is not a neighbour of itself. NaN for fewer than k + 2 rows: all would be near.

    >>> corners = np.eye(4, dtype=np.float32)
    >>> neighbours_kept(corners, corners, k=1)
    1.0
    """
    if len(exact) < k + 2:
        return float("nan")
    near, nearest = _nearest(exact, k), _nearest(found, k)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(near, nearest, strict=True)]
    return float(np.mean(shared) / k)


def _nearest(vectors: F32, k: int) -> np.ndarray:
    """The nearest rows, int [n, k]; among equally near rows, the earlier ones."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]
