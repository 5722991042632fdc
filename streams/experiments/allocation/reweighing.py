"""The next weights of an adaptive experiment, from what is known of its arms."""

from __future__ import annotations

from typing import NamedTuple

from streams.experiments.allocation.mixture import weights
from streams.experiments.readings.moments import Ratio
from streams.experiments.readings.plan import Plan
from streams.experiments.readings.tracks import Sums
from streams.experiments.readings.weighted import known_of, weighted
from streams.experiments.registry.state import Experiment

DIGITS = 6
"""Of a weight, as the registry has it."""


class Weighed(NamedTuple):
    """`weights`: of the arms that are in force; they sum to 1. `users`: how many these have had so far."""

    weights: dict[str, float]
    users: int


def weighed(experiment: Experiment, plan: Plan, now: Sums) -> Weighed:
    """By the sums as they are now. The users of an arm count in the period that they came in."""
    known: dict[str, Ratio] = {}
    users = 0
    for arm in experiment.in_force:
        found = weighted(known_of([now], arm, plan.primary, plan.periods))
        known[arm] = Ratio(*(each[0] for each in found))
        users += int(known[arm].users)
    moved = weights(known, users, experiment.declared.adaptive, plan.rises(plan.primary))
    return Weighed({arm: round(weight, DIGITS) for arm, weight in moved.items()}, users)
