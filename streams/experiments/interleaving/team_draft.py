"""Team draft: as two captains choose their teams. In each round a coin says who chooses first; each takes the
best item of their order that is left.

Radlinski, Kurup and Joachims, CIKM 2008, "How Does Clickthrough Data Reflect Retrieval Quality?", algorithm
2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.experiments.interleaving.interleaved import Interleaved, check_orders


def team_draft(first: Sequence[int], second: Sequence[int], places: int, seed: int) -> Interleaved:
    """A slate of so many places; the same for the same orders and seed. Items stand for themselves: rows of a
    catalog. A click counts 1 for the team that brought the item. `RequestError` for orders that are too
    short.

    >>> team_draft([1, 2, 3], [1, 2, 3], 2, seed=0).items
    (1, 2)
    """
    check_orders(first, second, places)
    coins = np.random.default_rng(seed).random(places) < 0.5
    orders, at = (first, second), [0, 0]
    items: list[int] = []
    credit: list[float] = []
    taken: set[int] = set()
    for round_ in range((places + 1) // 2):
        captains = (0, 1) if coins[round_] else (1, 0)
        for captain in captains[: places - len(items)]:
            order = orders[captain]
            while order[at[captain]] in taken:
                at[captain] += 1
            items.append(order[at[captain]])
            taken.add(items[-1])
            credit.append(1.0 if captain == 0 else -1.0)
    return Interleaved(tuple(items), tuple(credit))
