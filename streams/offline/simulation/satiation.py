"""Who has just had something wants less of the like. What a user clicked and saw lately is one vector."""

from __future__ import annotations

import numpy as np

from streams.offline.simulation.choice import Rows
from streams.offline.simulation.draws import F64

LOOKED = 0.1
"""What a look without a click fills, as a part of a click."""


class Satiation:
    """`vectors` [I, D] say which items are alike: by their cosine, where it is above 0."""

    def __init__(self, vectors: F64, strength: float, half_life_s: float) -> None:
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._like = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
        self._strength, self._half_life_ms = strength, 1_000.0 * half_life_s
        self._full: dict[int, tuple[int, F64]] = {}

    def of(self, user: int, ts_ms: int) -> F64:
        """What each item is worth less to the user now, [I]."""
        if user not in self._full or not self._strength:
            return np.zeros(len(self._like))
        return np.asarray(self._strength * np.maximum(self._like @ self._now(user, ts_ms), 0.0))

    def take(self, user: int, ts_ms: int, clicked: Rows, looked: Rows) -> None:
        """The user clicked some items, and looked at others only."""
        if self._strength:
            more = self._like[clicked].sum(axis=0) + LOOKED * self._like[looked].sum(axis=0)
            self._full[user] = ts_ms, self._now(user, ts_ms) + more

    def _now(self, user: int, ts_ms: int) -> F64:
        since_ms, full = self._full.get(user, (ts_ms, np.zeros(self._like.shape[1])))
        return np.asarray(full * 0.5 ** ((ts_ms - since_ms) / self._half_life_ms))
