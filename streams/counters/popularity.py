"""How often each item was met, lately and ever, with forward decay: no sweeping (Cormode et al., ICDE 2009).

A count is kept as the sum of exp(rate * (ts - landmark)); as of `now` it is that sum times
exp(-rate * (now - landmark)). The order of items does not depend on `now`. The landmark moves, and the sums
are scaled, before an exponent could overflow.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.errors import StoreError
from model.schema import F32
from streams.counters.leaders import Leaders
from streams.counters.settings import CounterSettings
from streams.state.columns import longer, room_for

REBASE_AT = 300.0


class Popularity:
    """Columns over item rows: decayed[n, 3], total[n], ratings, first and last time met (ms, 0: never)."""

    def __init__(self, settings: CounterSettings) -> None:
        self.rates_per_ms = np.log(2.0) / (np.array(settings.half_lives_s) * 1_000.0)
        self._fastest = float(self.rates_per_ms.max())
        self.landmark_ms = -1
        self.decayed = np.zeros((0, len(settings.half_lives_s)))
        self.total = np.zeros(0, np.float32)
        self.events = np.zeros(0, np.int64)
        self.shown = np.zeros(0, np.int64)
        self.rating_sum = np.zeros(0)
        self.rating_count = np.zeros(0, np.int64)
        self.first_ms = np.zeros(0, np.int64)
        self.last_ms = np.zeros(0, np.int64)
        self.all_rating_sum = 0.0
        self.all_rating_count = 0
        self._leaders = Leaders(len(settings.half_lives_s))
        self._known = 0

    @property
    def known(self) -> int:
        """How many item rows there are; the columns have room behind them."""
        return self._known

    def leaders(self, column: int) -> NDArray[np.int32]:
        """The rows with the highest counts of that half-life, highest first, ties to the lower row."""
        return self._leaders.rows(column)

    def restored(self, rows: int) -> None:
        """Other columns were put in place; they are of so many rows."""
        self._known = rows
        self._sort()

    def _sort(self) -> None:
        """Bring the leaders in line with counts that did not come one by one."""
        self._leaders.sort(self.decayed[: self._known])

    def grow(self, items: int) -> None:
        """Make room for `items` rows."""
        self.make_room(items)
        self._known = max(self._known, items)

    def make_room(self, rows: int) -> None:
        """Make room for so many rows; there may be fewer items."""
        if rows > len(self.total):
            room = room_for(rows)
            for name in ("total", "events", "shown", "rating_sum", "rating_count", "first_ms", "last_ms"):
                setattr(self, name, longer(getattr(self, name), room))
            self.decayed = longer(self.decayed, room)

    def observe(self, row: int, ts: int, weight: float, rating: float) -> None:
        """Count one interaction; `rating` is NaN where there is none."""
        if not 0 <= row < self._known:  # compiled code does not check its bounds
            raise StoreError(f"an event on item row {row}, but only {self._known} are known: meet the rest")
        _count(
            self.events, self.total, self.first_ms, self.last_ms, self.rating_sum, self.rating_count,
            row, ts, weight, rating,
        )  # fmt: skip
        self._leaders.add(self.decayed, row, weight * self._weights(ts))
        if not math.isnan(rating):
            self.all_rating_sum += rating
            self.all_rating_count += 1

    def show(self, rows: NDArray[np.int32]) -> None:
        """Count one impression of each of `rows`."""
        np.add.at(self.shown, rows, 1)

    def ages(self, now_ms: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """What the columns of `decayed` are multiplied by to be as of `now_ms`: [3]; [n, 3] for n moments."""
        if self.landmark_ms < 0:
            return np.ones((*np.shape(now_ms), len(self.rates_per_ms)))
        since_ms = self.landmark_ms - np.asarray(now_ms)
        # `np.multiply.outer` takes three times as long.
        exponents: NDArray[np.float64] = since_ms[..., None] * self.rates_per_ms
        np.maximum(exponents, -600.0, out=exponents)  # `np.clip` takes twice as long for so few numbers
        np.minimum(exponents, REBASE_AT, out=exponents)
        np.exp(exponents, out=exponents)
        return exponents

    def mean_rating(self) -> float:
        """The mean of all ratings, 3 before the first."""
        return self.all_rating_sum / self.all_rating_count if self.all_rating_count else 3.0

    def _weights(self, ts: int) -> NDArray[np.float64]:
        if self.landmark_ms < 0:
            self.landmark_ms = ts
        age_ms = ts - self.landmark_ms
        furthest = (
            age_ms * self._fastest
        )  # numpy's own `max` and `maximum` of three numbers cost more than this
        exponents = age_ms * self.rates_per_ms
        if furthest > REBASE_AT:
            self.decayed[: self._known] *= np.exp(-np.minimum(exponents, 600.0))
            self.landmark_ms = ts
            self._sort()  # what was scaled down to nothing counts no more
            return np.ones(len(exponents))
        return np.asarray(np.exp(exponents if furthest >= -REBASE_AT else np.maximum(exponents, -REBASE_AT)))


@compiled
def _count(
    events: NDArray[np.int64],
    total: F32,
    first_ms: NDArray[np.int64],
    last_ms: NDArray[np.int64],
    rating_sum: NDArray[np.float64],
    rating_count: NDArray[np.int64],
    row: int,
    ts: int,
    weight: float,
    rating: float,
) -> None:
    events[row] += 1
    total[row] += np.float32(weight)
    if first_ms[row] == 0 or ts < first_ms[row]:
        first_ms[row] = ts
    last_ms[row] = max(last_ms[row], ts)
    if not math.isnan(rating):
        rating_sum[row] += rating
        rating_count[row] += 1
