"""Points of an experiment whose users are drawn: sums that grow from point to point."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streams.experiments.arm_sums import NOBODY, ArmSums, arm_sums
from streams.experiments.readings.tracks import Sums

CLICKS, BUYS = "click-through", "conversion"


def points(
    chances: Mapping[str, float],
    users: int,
    count: int,
    seed: int = 1,
    buys: Mapping[str, float] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> list[Sums]:
    """`count` points, after each `users` more in each arm (`sizes`: of some arms). `chances`: of a click, by
    arm, on average; `buys`: of a buy, .2 where nothing is said.
    """
    rng = np.random.default_rng(seed)
    found: list[Sums] = []
    now: dict[tuple[str, str], ArmSums] = {
        (arm, metric): NOBODY for arm in chances for metric in (CLICKS, BUYS)
    }
    for _ in range(count):
        for arm, chance in chances.items():
            new = (sizes or {}).get(arm, users)
            level = rng.beta(2.0, 6.0, new)
            y, d = 1 + rng.poisson(8, new), rng.poisson(8, new)
            clicks = rng.binomial(y, np.minimum(1.0, level * chance * 4.0))
            values = np.column_stack([clicks, y, rng.binomial(d, level), d]).astype(float)
            now[arm, CLICKS] = now[arm, CLICKS].plus(arm_sums(values))
            bought = rng.random(new) < (buys or {}).get(arm, 0.2)
            ones = np.ones(new)
            now[arm, BUYS] = now[arm, BUYS].plus(
                arm_sums(np.column_stack([bought, ones, 0.0 * ones, 0.0 * ones]).astype(float))
            )
        found.append(dict(now))
    return found
