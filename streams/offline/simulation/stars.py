"""What users think of an item once they have it: a rating with biases, taste and noise.

stars = mean + what the user adds + what the item adds + slope * taste + noise, rounded to 1 to 5
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from model.schema import F32, HIGHEST_RATING, LOWEST_RATING
from streams.offline.simulation.draws import F64
from streams.offline.simulation.factors import Numbers

SHRINK = 10.0
"""As many ratings at the mean are added to each user's and item's own."""


class Stars(NamedTuple):
    """`mean`: where the taste is 0. `users` [U] and `items` [I] are what each adds; `noise`: the standard
    deviation of what is left.
    """

    mean: float
    users: F64
    items: F64
    slope: float
    noise: float

    def expected(self, user: int, item: int, taste: float) -> float:
        """Before it is rounded and cut to the scale."""
        return self.mean + float(self.users[user]) + float(self.items[item]) + self.slope * taste

    def given(self, expected: float, normal: float) -> float:
        """The stars that are given for a standard normal draw."""
        return min(
            max(float(math.floor(expected + self.noise * normal + 0.5)), LOWEST_RATING), HIGHEST_RATING
        )

    def low(self, expected: float, up_to: float) -> float:
        """The probability that whole stars up to `up_to` are given."""
        above = math.floor(up_to) + 0.5 - expected
        if self.noise <= 0.0:
            return float(above > 0)
        return 0.5 * (1.0 + math.erf(above / (self.noise * math.sqrt(2.0))))


def stars_of(
    ratings: F32, user_of: Numbers, item_of: Numbers, taste: F64, shape: tuple[int, int]
) -> Stars | None:
    """Fitted on the events that have a rating, of which `taste` is the taste part of the utility; None where
    none has one.
    """
    rated = np.flatnonzero(np.isfinite(ratings))
    if not len(rated):
        return None
    given, users, items = ratings[rated].astype(np.float64), user_of[rated], item_of[rated]
    mean = float(given.mean())
    left = given - mean
    of_items = _shrunk(items, left, shape[1])
    of_users = _shrunk(users, left - of_items[items], shape[0])
    left = left - of_items[items] - of_users[users]
    tastes = taste[rated] - taste[rated].mean()
    spread = float(tastes @ tastes)
    slope = float(tastes @ left) / spread if spread > 0 else 0.0
    at_zero = mean - slope * float(taste[rated].mean())
    return Stars(at_zero, of_users, of_items, slope, float((left - slope * tastes).std()))


def _shrunk(of: Numbers, values: F64, count: int) -> F64:
    """The mean of each one's values, as if it had `SHRINK` zeros more."""
    sums = np.bincount(of, values, minlength=count)
    return np.asarray(sums / (np.bincount(of, minlength=count) + SHRINK))
