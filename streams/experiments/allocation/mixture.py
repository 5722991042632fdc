"""The weights of arms: a bandit's, mixed with equal ones (Mixture Adaptive Design).

    weight of arm a = delta_t / K + (1 - delta_t) * bandit_a

Each arm keeps a known chance that falls slowly enough, so that the inference (`inference`) stays valid
whatever the bandit does. The bandit is Thompson sampling's: the probability that the arm is the best.

Liang and Bojinov, "An Experimental Design for Anytime-Valid Causal Inference on Multi-Armed Bandits" (arXiv
2311.05794 v4), the definition of the design; delta_t must fall slower than t^(-1/4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from model.errors import DataError
from streams.experiments.arm_sums import ArmSums
from streams.experiments.readings.moments import ratio

GRID = 400


class AllocationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """delta_t = max(least, (t / even)^-falls) for t > `even` users, 1 before: the arms are alike until then.
    `falls` is below 1/4, or no interval would close. `least` > 0 keeps every arm at least / K for good.
    """

    even: Annotated[int, Meta(ge=100)] = 1_000
    falls: Annotated[float, Meta(ge=0, lt=0.25)] = 0.24
    least: Annotated[float, Meta(ge=0, le=1)] = 0.1

    def delta(self, users: int) -> float:
        """How much of the traffic is dealt evenly after so many users.

        >>> AllocationSettings(even=100, falls=0.2, least=0.1).delta(100)
        1.0
        >>> round(AllocationSettings(even=100, falls=0.2, least=0.1).delta(3_200), 3)
        0.5
        """
        return max(self.least, float((max(users, self.even) / self.even) ** -self.falls))


def weights(sums: Mapping[str, ArmSums], users: int, settings: AllocationSettings) -> dict[str, float]:
    """The weight of each arm for the users to come; they sum to 1. `sums`: of each arm, of all users so far;
    `users`: how many they are. It is a function of these alone, so every process comes to the same weights.
    """
    if not sums:
        raise DataError("no arm is to be weighed; expected one or more")
    delta, even = settings.delta(users), 1.0 / len(sums)
    likely = best_chances(sums)
    found = {arm: delta * even + (1.0 - delta) * likely[arm] for arm in sums}
    total = sum(found.values())
    return {arm: weight / total for arm, weight in found.items()}


def best_chances(sums: Mapping[str, ArmSums]) -> dict[str, float]:
    """The probability that each arm is the best, with normal posteriors under a flat prior. An arm whose
    spread is not known yet makes all alike.

    Thompson, Biometrika 25 (1933). The integral over each arm's density is a sum on a grid: no draws, so that
    it is the same everywhere.
    """
    from scipy.special import ndtr

    even = dict.fromkeys(sums, 1.0 / len(sums))
    if any(each.users < 2 or each.sums[1] <= 0 for each in sums.values()):
        return even
    known = [ratio(each) for each in sums.values()]
    mean = np.array([each.value for each in known])
    squared = np.array([each.variance / each.users for each in known])
    if not (np.isfinite(squared) & (squared > 0)).all():
        return even
    error = np.sqrt(squared)
    chances = []
    for k in range(len(known)):
        at = mean[k] + error[k] * np.linspace(-6, 6, GRID)
        density = np.exp(-0.5 * ((at - mean[k]) / error[k]) ** 2)
        below = np.prod([ndtr((at - mean[j]) / error[j]) for j in range(len(known)) if j != k], axis=0)
        chances.append(float((density * below).sum()))
    return dict(zip(sums, np.array(chances) / sum(chances), strict=True))
