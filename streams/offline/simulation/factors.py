"""Tastes and items as low-rank vectors: implicit alternating least squares (Hu, Koren and Volinsky 2008, with
the regularisation of Rendle et al., RecSys 2022).

    sum over met pairs (1 - x·y)^2 + a sum over all pairs (x·y)^2 + l (sum (n_u + a I) |x|^2 + the same of y)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.offline.simulation.draws import F64

Numbers = NDArray[np.int64]
SWEEPS = 10
UNMET, RIDGE = 0.1, 0.003


def factors(users: Numbers, items: Numbers, shape: tuple[int, int], rank: int, seed: int) -> tuple[F64, F64]:
    """Vectors of users [U, rank] and of items [I, rank] of the pairs that were met, each given once.

    Who met nothing, and what was met by nobody, has the vector 0.
    """
    rng = np.random.default_rng((seed, 1))
    of_users = np.zeros((shape[0], rank))
    of_items = rng.normal(0.0, 1.0 / np.sqrt(rank), (shape[1], rank))
    by_user, by_item = _grouped(users, items, shape[0]), _grouped(items, users, shape[1])
    for _ in range(SWEEPS):
        of_users = _solved(of_items, by_user)
        of_items = _solved(of_users, by_item)
    return of_users, of_items


def _grouped(of: Numbers, others: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """The others of each, end to end, and where each one's begin."""
    order = np.lexsort((others, of))
    return others[order], np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))])


def _solved(fixed: F64, groups: tuple[Numbers, Numbers]) -> F64:
    """The vectors of one side that are best for the other side's."""
    others, begins = groups
    rank = fixed.shape[1]
    everywhere = UNMET * fixed.T @ fixed
    found = np.zeros((len(begins) - 1, rank))
    for k in np.flatnonzero(np.diff(begins)).tolist():
        met = fixed[others[begins[k] : begins[k + 1]]]
        ridge = RIDGE * (len(met) + UNMET * len(fixed))
        found[k] = np.linalg.solve(everywhere + met.T @ met + ridge * np.eye(rank), met.sum(axis=0))
    return found
