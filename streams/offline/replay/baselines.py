"""Plain recommenders that run in the same pass, so that the model's figures stand next to something.

Each scores all items, by number, and learns every event after it was predicted.

Ties: equal scores are ordered by a seeded permutation of the items (`tie_order`), never by item number:
numbers follow first appearance, and so carry knowledge of the stream's order.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Met = NDArray[np.bool_]

WINDOW = 10
FIRST_ROOM = 16
# Up to here a matrix of items squared (400 MB) is kept, taken from the system as it fills.
DENSE_ITEMS = 10_000


class Baseline(Protocol):
    """`user` and `item` are numbers from 0; `met`, bool [items], marks what will not be ranked.

    `scores` gives float32 [items], to be read and not written; those of items in `met` may be anything.
    """

    name: str

    def scores(self, user: int, met: Met, /) -> F32: ...

    def learn(self, user: int, item: int, ts_ms: int, /) -> None: ...


class Popularity:
    """An item's score is how often it was met so far."""

    name = "popularity"

    def __init__(self, items: int) -> None:
        self._counts = np.zeros(items, np.float32)

    def scores(self, _user: int, _met: Met, /) -> F32:
        return self._counts

    def learn(self, _user: int, item: int, _ts_ms: int, /) -> None:
        self._counts[item] += 1


class Transitions:
    """What followed the user's last `window` items, in anybody's stream.

    Each event adds 1/d to (p, item) for the item p that the user met d events before, d up to `window`;
    a score sums the rows of the user's last items, the one d events back weighted by 1/d.
    Items met at the same time can't tell which came first: half of the weight goes each way.
    """

    name = "transitions"

    def __init__(self, items: int, window: int = WINDOW) -> None:
        self._pairs: _Pairs = _DensePairs(items) if items <= DENSE_ITEMS else _SparsePairs(items)
        self._recent: dict[int, deque[tuple[int, int]]] = {}
        self._weights = (1 / np.arange(1, window + 1)).astype(np.float32)

    def scores(self, user: int, _met: Met, /) -> F32:
        recent = self._recent.get(user, ())
        return self._pairs.weighted([item for item, _ in recent], self._weights[: len(recent)])

    def learn(self, user: int, item: int, ts_ms: int, /) -> None:
        recent = self._recent.setdefault(user, deque(maxlen=len(self._weights)))
        if recent:
            before = [previous for previous, _ in recent]
            weights = self._weights[: len(recent)]
            if recent[0][1] == ts_ms:
                tied = np.array([then == ts_ms for _, then in recent])
                weights = np.where(tied, weights / 2, weights)
                for previous, weight in zip(before, weights[tied], strict=False):
                    self._pairs.add([item], previous, np.array([weight], np.float32))
            self._pairs.add(before, item, weights)
        recent.appendleft((item, ts_ms))


class _Pairs(Protocol):
    """Weights of (item, follower)."""

    def add(self, items: list[int], follower: int, weights: F32) -> None: ...

    def weighted(self, items: list[int], weights: F32) -> F32: ...


class _DensePairs:
    """One matrix [items, items]: the fastest where it fits."""

    def __init__(self, items: int) -> None:
        self._matrix = np.zeros((items, items), np.float32)

    def add(self, items: list[int], follower: int, weights: F32) -> None:
        np.add.at(self._matrix, (items, follower), weights)  # an item may stand twice among the last ones

    def weighted(self, items: list[int], weights: F32) -> F32:
        found: F32 = weights @ self._matrix[items] if items else np.zeros(len(self._matrix), np.float32)
        return found


class _SparsePairs:
    """Growing columns for each item, so that memory follows the pairs seen, not the items squared."""

    def __init__(self, items: int) -> None:
        self._followers: list[dict[int, int]] = [{} for _ in range(items)]
        self._columns: list[tuple[NDArray[np.int32], F32]] = [_room(0)] * items

    def add(self, items: list[int], follower: int, weights: F32) -> None:
        for item, weight in zip(items, weights, strict=True):
            places = self._followers[item]
            place = places.setdefault(follower, len(places))
            ids, counts = self._columns[item]
            if place == len(ids):
                more_ids, more_counts = _room(max(FIRST_ROOM, len(ids)))
                ids, counts = np.concatenate([ids, more_ids]), np.concatenate([counts, more_counts])
                self._columns[item] = ids, counts
            ids[place] = follower
            counts[place] += weight

    def weighted(self, items: list[int], weights: F32) -> F32:
        scores = np.zeros(len(self._followers), np.float32)
        for item, weight in zip(items, weights, strict=True):
            used = len(self._followers[item])
            ids, counts = self._columns[item]
            scores[ids[:used]] += weight * counts[:used]
        return scores


def _room(size: int) -> tuple[NDArray[np.int32], F32]:
    return np.zeros(size, np.int32), np.zeros(size, np.float32)


def tie_order(items: int, seed: int) -> NDArray[np.int32]:
    """A seeded permutation: among equal scores the item with the smaller number here comes first."""
    return np.random.default_rng(seed).permutation(items).astype(np.int32)


def rank_of(item: int, scores: F32, met: Met, order: NDArray[np.int32]) -> int:
    """The place of `item` (from 1) among all items not met; 0 where the item itself was met.

    `met`, bool [items], marks what is not ranked: met by the user, or not yet in the catalogue.
    """
    if met[item]:
        return 0
    own = scores[item]
    before = scores > own
    before |= (scores == own) & (order < order[item])
    before &= ~met
    return 1 + int(np.count_nonzero(before))


def first_of(count: int, scores: F32, met: Met, order: NDArray[np.int32]) -> NDArray[np.intp]:
    """The first `count` items not met, best first, by the same rule as `rank_of`."""
    left = np.flatnonzero(~met)
    if len(left) > count:
        bound = np.partition(scores[left], len(left) - count)[len(left) - count]
        left = left[scores[left] >= bound]
    return left[np.lexsort((order[left], -scores[left]))][:count]
