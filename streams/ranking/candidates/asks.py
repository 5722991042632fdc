"""What the requests of a batch ask of sources and blend, as columns: a number for each request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.ranking.request import RankRequest

REMEMBERED = 256  # kinds of batches
ALL = 1 << 62  # items of a history: as many as there are
NEW_FOR = 10.0  # half-lives


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


class AsksMade(NamedTuple):
    """`asked`: for each source the numbers of the requests that ask it. most: the most rows that all sources
    together may bring for one request; room: how many candidates there may be in all, but for `score_also`.
    """

    columns: Asks
    asked: tuple[NDArray[np.int64], ...]
    most: int
    room: int


class AskTable:
    """Makes them, and remembers them: most batches of one size ask the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], AsksMade] = {}

    def of(self, requests: Sequence[RankRequest]) -> AsksMade:
        """What these requests ask."""
        key = tuple([(each.plan, _size(each), each.complete) for each in requests])
        made = self._made.pop(key, None) or _made(requests)
        self._made[key] = made
        if len(self._made) > REMEMBERED:
            del self._made[next(iter(self._made))]  # what was asked for longest ago
        return made


def _made(requests: Sequence[RankRequest]) -> AsksMade:
    plans = [request.plan for request in requests]
    candidates = [plan.settings.candidates for plan in plans]
    sizes = [_size(request) for request in requests]
    limits = _whole(max(each.per_source, size) for each, size in zip(candidates, sizes, strict=True))
    pool = _whole(max(each.pool, size) for each, size in zip(candidates, sizes, strict=True))
    least = _whole(
        (size or plan.settings.feed.size) if each.complete else 0
        for each, size, plan in zip(requests, sizes, plans, strict=True)
    )
    columns = Asks(
        limits=limits,
        first=np.concatenate([np.zeros(1, np.int64), np.cumsum(limits)]),
        longest=_whole(each.history or ALL for each in candidates),
        life_ms=np.array([NEW_FOR * 1_000.0 * each.fresh_half_life_s for each in candidates]),
        weights=np.array([plan.weights for plan in plans]),
        constant=np.array([each.rank_constant for each in candidates], np.float64),
        reserve=np.array([plan.reserve for plan in plans]),
        pool=pool,
        least=least,
    )
    sources = columns.weights.shape[1]
    return AsksMade(
        columns,
        tuple(_whole(b for b, plan in enumerate(plans) if at in plan.asked) for at in range(sources)),
        int(limits.max()) * sources,
        int(np.maximum(pool, least).sum()),
    )


def _size(request: RankRequest) -> int:
    """The places that the sources are to bring items for; 0 for `feed.size`, or where the pool is given."""
    return request.size if request.candidates is None else 0


def _whole(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.array([*numbers], np.int64)
