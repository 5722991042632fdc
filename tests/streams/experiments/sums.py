"""Sums of users for tests: made up as a store keeps them, and read out of one."""

from __future__ import annotations

import numpy as np

from streams.experiments.arm_totals import fields_of, terms_of
from streams.experiments.metric import Metric
from streams.stores.base import Store
from tests.streams.experiments.recomputed import Numbers


def increments(metric: Metric, rates: dict[str, float], users: int, seed: int = 3) -> dict[str, int]:
    """Users of each arm, ten places each, of which they click this share."""
    draw, found = np.random.default_rng(seed), dict[str, int]()
    for arm, rate in rates.items():
        terms = np.zeros(15, np.int64)
        for clicks, before in zip(
            draw.binomial(10, rate, users).tolist(), draw.binomial(10, 0.1, users).tolist(), strict=True
        ):
            terms += np.array(terms_of((clicks, 10, before, 10)))
        found |= dict(zip(fields_of(arm, metric.key), terms.tolist(), strict=True))
    return found


async def sums_in(store: Store, name: str) -> Numbers:
    """An experiment's sums as `recomputed` gives them, without what is 0 throughout."""
    return {
        (arm, metric.partition("@")[0]): [each.users, *each.sums, *each.products]
        for (arm, metric), each in (await store.read_arm_sums(name)).items()
        if any([each.users, *each.sums, *each.products])
    }
