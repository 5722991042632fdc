"""What was declared of an experiment before it began, as far as a reading needs it."""

from __future__ import annotations

from typing import Literal

import msgspec

from model.errors import SettingsError
from streams.experiments.readings.group import Spending

How = Literal["sequential", "group"]


class Guardrail(msgspec.Struct, frozen=True):
    """A metric that an arm must not harm. `worst`: the relative change that stops the arm: below 0 for a
    metric that must not fall (-0.02: by more than 2%), above 0 for one that must not rise. 0 stops any fall.
    """

    metric: str
    worst: float = 0.0


class Plan(msgspec.Struct, frozen=True):
    """`shares`: of the users, by arm, in the order in which arms are shown; any positive numbers. `users`:
    how many are expected, of all arms. `minimum_effect`: the least relative lift that is worth finding.
    `alpha`: the chance of a wrong claim on the primary metric. `window_days`: how long each user is counted;
    none for open-ended sums. `reading`: "sequential" may be read at any time and go on beyond `users`;
    "group" decides at `looks` looks, and ends at `users`. `better`: "up" or "down", by metric; "up" where
    nothing is said. `periods`: the shares of each period, the oldest first, where they changed: sums then
    name users by arm and period (`period_arm`); () where they never did. `prior_deviation`: of the lift, for
    the Bayesian reading; none leaves it out.
    """

    control: str
    shares: dict[str, float]
    primary: str
    users: int
    minimum_effect: float = 0.0
    alpha: float = 0.05
    guardrails: tuple[Guardrail, ...] = ()
    window_days: float | None = None
    reading: How = "sequential"
    looks: int = 10
    spending: Spending = "obrien-fleming"
    mismatch_alpha: float = 0.01
    better: dict[str, Literal["up", "down"]] = {}
    periods: tuple[dict[str, float], ...] = ()
    prior_deviation: float | None = None

    def __post_init__(self) -> None:
        def refuse(expected: str, came: object) -> None:
            raise SettingsError(f"reading: expected {expected}, got {came!r}; change the plan")

        if self.control not in self.shares or len(self.shares) < 2:
            refuse(f"control {self.control!r} and another arm among the arms", list(self.shares))
        if min(self.shares.values()) < 0.0 or self.shares[self.control] <= 0.0:
            refuse("no share below 0, and control's above 0", self.shares)
        if self.users < 2 or self.looks < 1:
            refuse("2 or more users and 1 or more looks", (self.users, self.looks))
        if not (0.0 < self.alpha < 0.5 and 0.0 < self.mismatch_alpha < 0.5):
            refuse("an alpha above 0 and below .5", (self.alpha, self.mismatch_alpha))
        for each in self.periods:
            if self.control not in each or min(each.values()) <= 0.0:
                refuse("control in each period, and no share that is not above 0", each)
        if self.periods and self.reading == "group":
            refuse("a sequential reading where shares change", self.reading)
        if self.prior_deviation is not None and self.prior_deviation <= 0.0:
            refuse("a prior_deviation above 0", self.prior_deviation)

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms but control."""
        return tuple(arm for arm in self.shares if arm != self.control)

    def users_of(self, arm: str) -> float:
        """How many users are expected in an arm and control together."""
        share = max(self.shares[arm], 1e-9) + self.shares[self.control]
        return max(2.0, self.users * share / sum(self.shares.values()))

    def rises(self, metric: str) -> bool:
        """Whether more of the metric is better."""
        return self.better.get(metric, "up") == "up"
