"""Plain orders of a list, in the same pass, beside what the model and the learner make of it."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.offline.replay.impressions.listed_stream import ScoredList

F64 = NDArray[np.float64]
HALF_LIFE_MS = 7 * 86_400_000.0
PRIOR = 20.0
"""So many showings at the rate of all items that each item is given."""


class Ranker(Protocol):
    """`scores`: float64 [n], the highest first; they learn after every list and click was judged."""

    name: str

    def scores(self, scored: ScoredList, /) -> F64: ...

    def show(self, rows: NDArray[np.int32], ts_ms: int, /) -> None: ...

    def click(self, row: int, ts_ms: int, on_slate: bool, /) -> None: ...


class AsShown:
    """The order in which the list was shown."""

    name = "as shown"

    def scores(self, scored: ScoredList, /) -> F64:
        return -np.arange(len(scored.rows), dtype=np.float64)

    def show(self, rows: NDArray[np.int32], ts_ms: int, /) -> None: ...

    def click(self, row: int, ts_ms: int, on_slate: bool, /) -> None: ...


class MetFirst(AsShown):
    """What the user met in this session, the latest first; then the order as shown."""

    name = "met in the session first"

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._session, self._lately = columns.index("met_in_session"), columns.index("met_lately")

    def scores(self, scored: ScoredList, /) -> F64:
        met = (scored.columns[:, self._session] > 0) * (1.0 + scored.columns[:, self._lately])
        return met * 1e6 + super().scores(scored)


class Popularity:
    """How many events an item had so far."""

    name = "popularity"

    def __init__(self) -> None:
        self._counts: dict[int, float] = {}

    def scores(self, scored: ScoredList, /) -> F64:
        return np.array([self._counts.get(row, 0.0) for row in scored.rows.tolist()], np.float64)

    def show(self, rows: NDArray[np.int32], ts_ms: int, /) -> None: ...

    def click(self, row: int, ts_ms: int, on_slate: bool, /) -> None:
        self._counts[row] = self._counts.get(row, 0.0) + 1.0


class ClickThrough:
    """Clicks on lists for each showing, both halved every `HALF_LIFE_MS`, drawn to the rate of all items."""

    name = "click-through"

    def __init__(self) -> None:
        self._shows, self._clicks = _Decaying(), _Decaying()

    def scores(self, scored: ScoredList, /) -> F64:
        ts_ms = scored.shown.ts_ms
        shows, clicks = self._shows.total(ts_ms), self._clicks.total(ts_ms)
        rate = clicks / shows if shows > 0 else 0.0
        return np.array(
            [
                (self._clicks.of(row, ts_ms) + PRIOR * rate) / (self._shows.of(row, ts_ms) + PRIOR)
                for row in scored.rows.tolist()
            ],
            np.float64,
        )

    def show(self, rows: NDArray[np.int32], ts_ms: int, /) -> None:
        for row in rows.tolist():
            self._shows.add(row, ts_ms)

    def click(self, row: int, ts_ms: int, on_slate: bool, /) -> None:
        if on_slate:
            self._clicks.add(row, ts_ms)


class _Decaying:
    """Counts by row that halve with time."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[float, int]] = {}
        self._total: tuple[float, int] = (0.0, 0)

    def add(self, row: int, ts_ms: int) -> None:
        self._counts[row] = (self.of(row, ts_ms) + 1.0, ts_ms)
        self._total = (self.total(ts_ms) + 1.0, ts_ms)

    def of(self, row: int, ts_ms: int) -> float:
        return _at(self._counts.get(row, (0.0, 0)), ts_ms)

    def total(self, ts_ms: int) -> float:
        return _at(self._total, ts_ms)


def _at(count: tuple[float, int], ts_ms: int) -> float:
    value, since_ms = count
    return value * math.exp2(-max(ts_ms - since_ms, 0) / HALF_LIFE_MS) if value else 0.0


def rankers(columns: tuple[str, ...]) -> tuple[Ranker, ...]:
    """All of them, in the order of the tables."""
    return (AsShown(), Popularity(), ClickThrough(), MetFirst(columns))
