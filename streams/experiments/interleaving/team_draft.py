"""Team draft: as two captains choose their teams. In each round a coin says who chooses first; each takes the
best item of their order that is left.

Radlinski, Kurup and Joachims, CIKM 2008, "How Does Clickthrough Data Reflect Retrieval Quality?", algorithm
2.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from streams.experiments.interleaving.interleaved import Interleaved, check_orders

CONTROL, OTHER, NEITHER = 0, 1, -1
"""Teams: of the first order, of the second, and of what no captain had to choose."""


class Drafted(NamedTuple):
    """A slate, place by place: the team that it counts for, the order that it is taken from, its place in
    that order, and how likely its item was there, given the items above it.
    """

    teams: tuple[int, ...]
    sides: tuple[int, ...]
    places: tuple[int, ...]
    propensities: tuple[float, ...]


def team_draft(first: Sequence[int], second: Sequence[int], places: int, seed: int) -> Interleaved:
    """A slate of so many places; the same for the same orders and seed. Items stand for themselves: rows of a
    catalog. A click counts 1 for the team that brought the item. `RequestError` for orders that are too
    short.

    >>> team_draft([1, 2, 3], [1, 2, 3], 2, seed=0).items
    (1, 2)
    """
    check_orders(first, second, places)
    draft = drafted(first[:places], second[:places], seed)
    orders = first, second
    items = [orders[side][at] for side, at in zip(draft.sides, draft.places, strict=True)][:places]
    credit = [1.0 if team == CONTROL else -1.0 for team in draft.teams[:places]]
    return Interleaved(tuple(items), tuple(credit))


def drafted(first: Sequence[int], second: Sequence[int], seed: int) -> Drafted:
    """The draft of two orders of any length, each without an item twice. It has as many places as the longer
    one. As far as the shorter one goes, they are drafted; the rest is what is left of the longer one, and is
    of no team: one captain has nothing to choose there.

    Coins are of one seed, so the same orders give the same slate.
    """
    orders, both = (first, second), min(len(first), len(second))
    coins = np.random.default_rng(seed).random((both + 1) // 2) < 0.5
    taken: dict[int, tuple[int, int]] = {}
    for coin in coins.tolist():
        for captain in (CONTROL, OTHER) if coin else (OTHER, CONTROL):
            if len(taken) < both:
                at = _best(orders[captain], taken)
                taken[orders[captain][at]] = captain, at
    teams = [captain for captain, _ in taken.values()]
    likely = propensities(first, second, list(taken))
    longer = CONTROL if len(first) > len(second) else OTHER
    for at, item in enumerate(orders[longer]):
        if len(taken) < max(len(first), len(second)) and item not in taken:
            taken[item] = longer, at
    rest = len(taken) - len(teams)
    return Drafted(
        (*teams, *[NEITHER] * rest),
        tuple(captain for captain, _ in taken.values()),
        tuple(at for _, at in taken.values()),
        (*likely, *[1.0] * rest),
    )


def propensities(first: Sequence[int], second: Sequence[int], items: Sequence[int]) -> list[float]:
    """How likely each place of a draft has its item, given those above it; as many places as the shorter
    order has, at most. Their product is the probability of the slate.

    The coin of a round is fair, whatever came before. So the first item of a round has one half for each
    captain whose best item it is. If it is the best item of both, it says nothing of the coin, and neither
    who is left to choose; else the coin is known, and so is the second item.

    >>> propensities([1, 2, 3], [2, 1, 4], [2, 1, 3])
    [0.5, 1.0, 0.5]
    """
    orders = first, second
    found: list[float] = []
    for at in range(0, len(items), 2):
        above = {*items[:at]}
        best = [order[_best(order, above)] for order in orders]
        chose_first = [captain for captain in (CONTROL, OTHER) if best[captain] == items[at]]
        found.append(len(chose_first) / 2)
        if at + 1 < len(items):
            above.add(items[at])
            others = [orders[1 - captain] for captain in chose_first]
            nexts = [order[_best(order, above)] for order in others]
            found.append(nexts.count(items[at + 1]) / max(1, len(nexts)))
    return found


def _best(order: Sequence[int], taken: Collection[int]) -> int:
    """Where the best item stands that is left, of an order that has one."""
    return next(at for at, item in enumerate(order) if item not in taken)
