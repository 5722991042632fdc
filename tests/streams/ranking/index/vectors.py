"""Vectors as catalogues have them, for tests of searches, and the search that sorts everything."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.schema import F32


def alike(items: int, dim: int, seed: int) -> F32:
    """Unit vectors around a few themes, some of them much larger than others, as texts are."""
    rng = np.random.default_rng(seed)
    themes = max(items // 100, 4)
    scale = (1 / np.sqrt(1 + np.arange(dim) / 6)).astype(np.float32)
    share = np.arange(1, themes + 1) ** -0.8
    centres = rng.normal(size=(themes, dim)) * scale
    vectors = centres[rng.choice(themes, items, p=share / share.sum())]
    return unit(vectors + 0.7 * rng.normal(size=(items, dim)) * scale)


def scattered(items: int, dim: int, seed: int) -> F32:
    """Unit vectors in all directions: no cell holds what belongs together."""
    return unit(np.random.default_rng(seed).normal(size=(items, dim)))


def uneven(items: int, dim: int, seed: int) -> F32:
    """Vectors of very different lengths."""
    rng = np.random.default_rng(seed)
    lengths = np.exp(0.35 * rng.normal(size=(items, 1)))
    return (alike(items, dim, seed) * lengths).astype(np.float32)


def same(items: int, dim: int, seed: int) -> F32:
    """Few different vectors, each many times: ties everywhere."""
    rng = np.random.default_rng(seed)
    return scattered(20, dim, seed)[rng.integers(0, 20, items)]


KINDS: dict[str, Callable[[int, int, int], F32]] = {
    "alike": alike, "scattered": scattered, "uneven": uneven,
}  # fmt: skip


def tastes(vectors: F32, count: int, seed: int) -> F32:
    """Queries as users have them: the mean of items that are near one another, of two or three themes."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        themes = vectors[rng.integers(0, len(vectors), 3)] @ vectors.T
        near = np.argsort(-themes, axis=1)[:, :20]
        found.append(vectors[np.concatenate([rng.choice(each, 4) for each in near])].mean(axis=0))
    return np.stack(found).astype(np.float32)


def unit(vectors: NDArray[np.floating]) -> F32:
    """Each at length 1."""
    made: F32 = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return made


def sorted_rows(
    vectors: F32, query: F32, blocked: NDArray[np.uint8], limit: int, least: float = -np.inf
) -> list[int]:
    """All rows by their products in float64, ties by the lower row."""
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    rows = [row for row in range(len(vectors)) if not blocked[row] and scores[row] > least]
    return sorted(rows, key=lambda row: (-scores[row], row))[:limit]
