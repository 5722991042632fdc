"""How many of a pool each source has reserved, by what it has earned (`streams.learning.earnings`).

A part of the pool is divided among the sources that are asked, in proportion to their rates of clicks, and
within the bounds of the settings: each has so many of its best rows in the pool in any case. The rest of the
pool goes by the fusion of ranks, as all of it does without this. Under `thompson` the rates are one draw of
their posterior, which is a function of what the slate is asked for (user, cause, moment, arm) and of the
lessons so far.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.learning.earnings import SourceEarnings
from streams.ranking.candidates.asks import BatchAsks
from streams.ranking.request import RankRequest
from streams.ranking.slate import slate_id
from streams.ranking.stage_plan import StagePlan

F64 = NDArray[np.float64]
STEPS = 200


class Quotas:
    """Those of one set of sources, whose columns are those of `earnings`."""

    def __init__(self, earnings: SourceEarnings) -> None:
        self.earnings = earnings

    def applied(self, requests: Sequence[RankRequest], asks: BatchAsks) -> BatchAsks:
        """What the requests ask, with the quotas of those whose settings want them; else the same object."""
        wanted = [b for b, each in enumerate(requests) if each.plan.settings.candidates.quotas != "fixed"]
        if not wanted:
            return asks
        reserve = asks.columns.reserve.copy()
        for b in wanted:
            shares = self._shares(requests[b])
            reserve[b] = np.floor(shares * int(asks.columns.pool[b]) + 1e-9)
        return asks._replace(columns=asks.columns._replace(reserve=reserve))

    def _shares(self, request: RankRequest) -> F64:
        if request.plan.settings.candidates.quotas == "mean":
            return shares_of(request.plan, self.earnings.rates())
        seed = slate_id(request.user, request.cause, request.now_ms, request.arm, "quotas")
        return shares_of(request.plan, self.earnings.rates(np.random.default_rng(int(seed, 16))))


def shares_of(plan: StagePlan, rates: F64) -> F64:
    """What part of the pool each source has, [sources], by these rates; 0 for what is not asked."""
    settings = plan.settings.candidates
    asked, shares = np.array(plan.asked, np.intp), np.zeros(len(rates))
    shares[asked] = within(rates[asked], settings.quota_part, settings.quota_least, settings.quota_most)
    return shares


@compiled
def within(rates: F64, part: float, least: float, most: float) -> F64:
    """[n], `part` in all: in proportion to `rates`, but from `least` to `most` each, where n * least is at
    most `part`, and n * most at least. The factor of the rates is found by bisection.
    """
    low, high = 0.0, most / rates.min()
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        total = 0.0
        for rate in rates:
            total += min(max(middle * rate, least), most)
        if total < part:
            low = middle
        else:
            high = middle
    shares = np.empty(len(rates))
    for s in range(len(rates)):
        shares[s] = min(max(high * rates[s], least), most)
    return shares
