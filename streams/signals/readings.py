"""Signals of one user: the rows that have any, and what they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


class Readings(NamedTuple):
    """rows int32 [t], each once; values float32 [t, signals]. All other rows have zeros."""

    rows: NDArray[np.int32]
    values: NDArray[np.float32]

    def of(self, rows: NDArray[np.int32], places: NDArray[np.int32]) -> NDArray[np.float32]:
        """The signals of these rows, float32 [n, signals].

        places: a scratch table over all rows, all -1 before and after.
        """
        at = np.empty(len(rows), np.int64)
        find_places(self.rows, rows, places, at)
        found, there = np.zeros((len(rows), self.values.shape[1]), np.float32), at >= 0
        found[there] = self.values[at[there]]
        return found


@compiled
def find_places(
    known: NDArray[np.int32], rows: NDArray[np.int32], places: NDArray[np.int32], at: NDArray[np.int64]
) -> None:
    """Write into `at` where each of `rows` stands in `known`, -1 for nowhere. places: as in `Readings.of`."""
    for k in range(len(known)):
        places[known[k]] = k
    for k in range(len(rows)):
        at[k] = places[rows[k]]
    for k in range(len(known)):
        places[known[k]] = -1
