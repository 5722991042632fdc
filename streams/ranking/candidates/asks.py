"""What the requests of a batch ask of sources and blend, as columns: a number for each request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest
from streams.state.columns import longer

REMEMBERED = 256  # kinds of batches
LINES = 4_096  # kinds of requests
FIRST_LINES = 16  # for so many there is room at first
ALL = 1 << 62  # items of a history: as many as there are
NEW_FOR = 10.0  # half-lives


Key = tuple[tuple[object, ...], ...]


class Asks(NamedTuple):
    """Of B requests. limits int64 [B]: how many rows a source may bring; first int64 [B + 1]: where the room
    for them begins, end to end. longest int64 [B]: of so many items of a history the pairs are read; life_ms
    float64 [B]: so long an item is new.

    weights float64 [B, sources] and constant [B]: see `blend`. reserve int64 [B, sources]: so many of a
    source's first rows are in the pool in any case. pool int64 [B]: its size. least int64 [B]: a pool with
    fewer rows is filled up with what else may be shown.
    """

    limits: NDArray[np.int64]
    first: NDArray[np.int64]
    longest: NDArray[np.int64]
    life_ms: NDArray[np.float64]
    weights: NDArray[np.float64]
    constant: NDArray[np.float64]
    reserve: NDArray[np.int64]
    pool: NDArray[np.int64]
    least: NDArray[np.int64]


class BatchAsks(NamedTuple):
    """`asked`: for each source the numbers of the requests that ask it. most: the most rows that all sources
    together may bring for one request; room: how many candidates there may be in all, but for `score_also`.
    """

    columns: Asks
    asked: tuple[NDArray[np.int64], ...]
    most: int
    room: int


class _Line(NamedTuple):
    """What one request asks: the columns of `Asks`, but for `first`, and `asked` [sources]: whether it asks
    each of them.
    """

    limit: int
    longest: int
    life_ms: float
    weights: NDArray[np.float64]
    constant: float
    reserve: NDArray[np.int64]
    pool: int
    least: int
    asked: Sequence[bool]


class AskTable:
    """Makes them, and remembers them: most batches of one size ask the same. Where users have arms of their
    own, the batches are all different, and their requests are put together from what was asked before: a
    kind of request more costs the same, however many are known.
    """

    def __init__(self) -> None:
        self._made: dict[Key, BatchAsks] = {}
        self._forget()

    def _forget(self) -> None:
        self._number: dict[tuple[object, ...], int] = {}
        self._columns: tuple[NDArray[Any], ...] = ()

    def of(self, requests: Sequence[RankRequest]) -> BatchAsks:
        """What these requests ask."""
        key = tuple([(each.plan, _size(each), each.complete) for each in requests])
        made = self._made.pop(key, None) or self._put_together(key, requests)
        self._made[key] = made
        if len(self._made) > REMEMBERED:
            del self._made[next(iter(self._made))]  # what was asked for longest ago
        return made

    def _put_together(self, key: Key, requests: Sequence[RankRequest]) -> BatchAsks:
        if len(self._number) > LINES:
            self._forget()
        for its_key, request in zip(key, requests, strict=True):
            if its_key not in self._number:
                self._write(len(self._number), _line(request))
                self._number[its_key] = len(self._number)
        at = np.array([self._number[each] for each in key], np.int64)
        limits, longest, life_ms, weights, constant, reserve, pool, least, asked = (
            column[at] for column in self._columns
        )
        first = np.zeros(len(at) + 1, np.int64)
        np.cumsum(limits, out=first[1:])
        sources = weights.shape[1]
        return BatchAsks(
            Asks(limits, first, longest, life_ms, weights, constant, reserve, pool, least),
            tuple(np.flatnonzero(asked[:, source]) for source in range(sources)),
            int(limits.max()) * sources,
            int(np.maximum(pool, least).sum()),
        )

    def _write(self, at: int, line: _Line) -> None:
        if not self._columns:
            each = [np.asarray(value) for value in line]
            self._columns = tuple(np.empty((FIRST_LINES, *value.shape), value.dtype) for value in each)
        if at == len(self._columns[0]):
            self._columns = tuple(longer(column, 2 * at) for column in self._columns)
        for column, value in zip(self._columns, line, strict=True):
            column[at] = value


def _line(request: RankRequest) -> _Line:
    plan, asks, size = request.plan, request.plan.settings.candidates, _size(request)
    return _Line(
        limit=max(asks.per_source, size),
        longest=asks.history or ALL,
        life_ms=NEW_FOR * 1_000.0 * asks.fresh_half_life_s,
        weights=plan.weights,
        constant=float(asks.rank_constant),
        reserve=plan.reserve,
        pool=max(asks.pool, size),
        least=(size or plan.settings.feed.size) if request.complete else 0,
        asked=[source in plan.asked for source in range(len(plan.weights))],
    )


def _size(request: RankRequest) -> int:
    """The places that the sources are to bring items for; 0 for `feed.size`, or where the pool is given."""
    return request.size if request.candidates is None else 0
