"""Sums of arms whose readings GrowthBook publishes: packages/stats/tests/frequentist/test_tests.py."""

from __future__ import annotations

import numpy as np

from streams.experiments.arm_sums import ArmSums
from streams.experiments.readings.lift import Lift, adjusted, unadjusted
from streams.experiments.readings.moments import ratio


def mean_arm(
    users: int, x: float, xx: float, before: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> ArmSums:
    """A mean over users. `before`: sum, sum of squares, and sum of products with x."""
    b, bb, xb = before
    products = np.array(
        [[xx, x, xb, x], [x, users, b, users], [xb, b, bb, b], [x, users, b, users]], np.float64
    )
    return ArmSums(users, np.array([x, users, b, users], np.float64), products)


def ratio_arm(sums: tuple[float, ...], squares: tuple[float, ...], products: dict[str, float]) -> ArmSums:
    """A ratio with CUPED. `sums`, `squares`: of x, y, x before, y before; `products`: of two of them."""
    at = {"x": 0, "y": 1, "b": 2, "d": 3}
    both = np.diag(squares)
    for pair, product in products.items():
        one, other = at[pair[0]], at[pair[1]]
        both[one, other] = both[other, one] = product
    return ArmSums(100, np.array(sums), both)


CONTROL = mean_arm(3407, 1396.87, 52377.9767)
FEWER = mean_arm(3000, 1396.87, 52377.9767)
ARM = mean_arm(3461, 2422.7, 134698.29)
CONTROL_BEFORE = mean_arm(3000, 1396.87, 52377.9767, (16.87, 527.9767, 1.0))
ARM_BEFORE = mean_arm(3461, 2422.7, 134698.29, (22.7, 1348.29, 1.0))
RATIO_CONTROL = ratio_arm(
    (485.112236689623, 679.9093275844917, 192.59138069991536, 290.1398399750233),
    (2715.484666118136, 4939.424001640236, 460.076026390857, 920.9461385038898),
    {
        "xb": 1113.6215759318352,
        "yd": 2130.9404074446747,
        "bd": 634.239482353647,
        "xy": 3602.146836776702,
        "xd": 1559.2878434944676,
        "yb": 1460.3181079276983,
    },
)
RATIO_ARM = ratio_arm(
    (514.7757826608777, 705.4090874383759, 206.94157227402536, 302.54389139107326),
    (2994.897482705013, 5291.36604146392, 514.2903702246757, 994.4506208125663),
    {
        "xb": 1237.0953021125997,
        "yd": 2292.081739775257,
        "bd": 698.4173425817908,
        "xy": 3918.1561431600717,
        "xd": 1701.0287270040265,
        "yb": 1604.0759503266522,
    },
)


def lifted(control: ArmSums, arm: ArmSums, cuped: bool = False) -> Lift:
    return (adjusted if cuped else unadjusted)(ratio(control), ratio(arm))
