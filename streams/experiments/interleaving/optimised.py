"""Optimised interleaving: of all slates that both orders allow, a mixture without bias that tells most.

A slate is allowed where each of its beginnings is a beginning of the one order joined with one of the other.
A click counts by how much higher the first order has the item than the second. The mixture has the mean
credit 0 at each place: users who click without looking at the items then favour neither order, whatever
places they click. Among such mixtures it takes the one in which a click tells most apart.

Radlinski and Craswell, WSDM 2013, "Optimized Interleaving for Online Retrieval Evaluation": the allowed
slates (the prefix constraint), the credit (linear rank difference) and the unbiasedness constraint. They list
all slates, of which there are up to 2^K. The first k places hold the first i items of the one order and the
first j of the other, so slates are paths through at most k + 1 sets of items for each k, and both the credit
at each place and what it tells are sums over the steps of a path. So the mixture is a flow through at most
210 sets, a linear program that is exact for 20 places. A flow can't say how evenly one slate shares its
clicks among both orders (the entropy in their objective); it maximises the share of clicks that tell
anything, sum of f_k |credit_k|, with f_k = 1 / k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.interleaving.interleaved import Interleaved, check_orders
from streams.experiments.interleaving.team_draft import team_draft

F64 = NDArray[np.float64]
BIAS_MOST = 1e-7
"""A solver's zero: of a credit that is 1 at most."""


class Steps(NamedTuple):
    """All steps from one set of items to the next larger one. [E] each: `place`, from 0; the sets it goes
    `before` and `behind`, as numbers, that of the empty set 0; the `item` that it shows, and its `credit`.
    """

    place: NDArray[np.intp]
    before: NDArray[np.intp]
    behind: NDArray[np.intp]
    item: NDArray[np.intp]
    credit: F64


def optimised(first: Sequence[int], second: Sequence[int], places: int, seed: int) -> Interleaved:
    """A slate drawn from the mixture; the same for the same orders and seed. `RequestError` for orders that
    are too short. Where no mixture is without bias, it is a team draft.
    """
    check_orders(first, second, places)
    steps = steps_of(first, second, places)
    flow = unbiased_flow(steps, places)
    if flow is None:
        return team_draft(first, second, places, seed)
    draws = np.random.default_rng(seed).random(places)
    items: list[int] = []
    credit: list[float] = []
    at = 0
    for draw in draws:
        ways = np.flatnonzero(steps.before == at)
        shares = np.cumsum(flow[ways])
        way = ways[min(int(np.searchsorted(shares, draw * shares[-1], side="right")), len(ways) - 1)]
        items.append(int(steps.item[way]))
        credit.append(float(steps.credit[way]))
        at = int(steps.behind[way])
    return Interleaved(tuple(items), tuple(credit))


def steps_of(first: Sequence[int], second: Sequence[int], places: int) -> Steps:
    """The graph of allowed slates. Credit is the difference of the ranks over the number of places; an item
    that an order does not have within its first `places` stands right behind them.
    """
    ranks = [{item: k for k, item in enumerate(order[:places])} for order in (first, second)]
    numbers: dict[frozenset[int], int] = {frozenset(): 0}
    found: list[tuple[int, int, int, int, float]] = []
    layer = [frozenset[int]()]
    for place in range(places):
        behind: dict[frozenset[int], None] = {}
        for items in layer:
            nexts = dict.fromkeys(
                next(item for item in order if item not in items) for order in (first, second)
            )
            for item in nexts:
                joined = items | {item}
                numbers.setdefault(joined, len(numbers))
                behind[joined] = None
                credit = (ranks[1].get(item, places) - ranks[0].get(item, places)) / places
                found.append((place, numbers[items], numbers[joined], item, credit))
        layer = list(behind)
    columns = list(zip(*found, strict=True))
    whole = [np.array(column, np.intp) for column in columns[:4]]
    return Steps(whole[0], whole[1], whole[2], whole[3], np.array(columns[4]))


def unbiased_flow(steps: Steps, places: int) -> F64 | None:
    """How likely each step is, [E]: what goes into a set goes out of it, the mean credit of each place is 0,
    and the clicks tell most. None where that can't be.
    """
    from scipy.optimize import linprog  # imported where it is needed: no worker starts with it

    sets = int(steps.before.max()) + 1
    balance = np.zeros((sets, len(steps.place)))
    along = np.arange(len(steps.place))
    balance[steps.before, along] = 1.0
    inner = steps.behind < sets  # behind the last place nothing goes on
    balance[steps.behind[inner], along[inner]] -= 1.0
    bias = np.zeros((places, len(steps.place)))
    bias[steps.place, along] = steps.credit
    source = np.zeros(sets)
    source[0] = 1.0
    tells = np.abs(steps.credit) / (steps.place + 1)
    solved = linprog(
        -tells,
        A_eq=np.concatenate([balance, bias]),
        b_eq=np.concatenate([source, np.zeros(places)]),
        bounds=(0, 1),
        method="highs",
    )
    if solved.status != 0:
        return None
    flow = np.maximum(solved.x, 0.0)
    return flow if np.abs(bias @ flow).max() < BIAS_MOST else None
