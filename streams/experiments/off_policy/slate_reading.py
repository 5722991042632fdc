"""What is read from logged slates about an arm that never ran: every estimator, beside its diagnostics.

An estimate that its diagnostics refuse has no value here: a number that must not be read is not shown.
Whether it is refused depends on the weights alone, never on the rewards, so to refuse chooses no result.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.off_policy.diagnostics import LIMITS, Diagnostics, Limits, diagnose, refusal
from streams.experiments.off_policy.intervals import ALPHA, Interval, normal
from streams.experiments.off_policy.reward_model import cross_fitted
from streams.experiments.off_policy.slates import cascade_dr, iips, prefix_weights, rips
from streams.experiments.off_policy.terms import F64, Terms, averaged, weights_of

CASCADE = "what a user does at a place depends on it and the places above"
INDEPENDENT = "what a user does at a place depends on it alone"


class SlateRows(NamedTuple):
    """n slates of K places. `users` [n]; `reward`, `target`, `logged` [n, K] (conditional propensities);
    `shown`, `meant` [n, K, F] (see `reward_model`); `target_at`, `logged_at` [n, K]: marginal propensities,
    None where they have no closed form. A place that was not shown has the propensities 1 and no reward.
    """

    users: NDArray[np.int64]
    reward: F64
    target: F64
    logged: F64
    shown: F64
    meant: F64
    target_at: F64 | None
    logged_at: F64 | None

    def first(self, places: int) -> SlateRows:
        """The first places alone."""
        return SlateRows(
            self.users,
            self.reward[:, :places],
            self.target[:, :places],
            self.logged[:, :places],
            self.shown[:, :places],
            self.meant[:, :places],
            None if self.target_at is None else self.target_at[:, :places],
            None if self.logged_at is None else self.logged_at[:, :places],
        )


class SlateEstimate(NamedTuple):
    """`name`, what it `assumes`; the `weights` of the place that is known worst (from 1), and why it must not
    be read. `value`: the reward of a slate; `more`: by how much it is above what was logged, for the same
    users. Both are None where it is refused.
    """

    name: str
    assumes: str
    place: int
    weights: Diagnostics
    refused: str
    value: Interval | None
    more: Interval | None


class SlateReading(NamedTuple):
    """`logged`: the reward of a slate as it ran; `estimates`: the one to go by first."""

    logged: Interval
    estimates: list[SlateEstimate]

    @property
    def best(self) -> SlateEstimate | None:
        """The first one that may be read."""
        return next((each for each in self.estimates if not each.refused), None)


def read_slates(rows: SlateRows, limits: Limits = LIMITS, alpha: float = ALPHA) -> SlateReading:
    """All estimates, with intervals by users (`intervals.normal`). `DataError` where there are too few users,
    or propensities that can't be.
    """
    told = cross_fitted(rows.users, rows.reward, rows.shown, rows.meant)
    above = prefix_weights(rows.target, rows.logged)
    found = [
        (
            "cascade-DR",
            CASCADE,
            above,
            cascade_dr(rows.reward, rows.target, rows.logged, told.predicted, told.expected),
        ),
        ("RIPS", CASCADE, above, rips(rows.reward, rows.target, rows.logged)),
        ("nRIPS", CASCADE, above, rips(rows.reward, rows.target, rows.logged, normalise=True)),
    ]
    if rows.target_at is not None and rows.logged_at is not None:
        alone = weights_of(rows.target_at, rows.logged_at)
        for name, normalise in (("IIPS", False), ("nIIPS", True)):
            terms = iips(rows.reward, rows.target_at, rows.logged_at, normalise)
            found.append((name, INDEPENDENT, alone, terms))
    total = rows.reward.sum(1)
    return SlateReading(
        normal(averaged(total), rows.users, alpha),
        [_read(*each, total, rows.users, limits, alpha) for each in found],
    )


def _read(
    name: str,
    assumes: str,
    weight: F64,
    terms: Terms,
    total: F64,
    users: NDArray[np.int64],
    limits: Limits,
    alpha: float,
) -> SlateEstimate:
    places = [diagnose(column) for column in weight.T]
    why = [refusal(each, limits, f"the weights of place {k}") for k, each in enumerate(places, 1)]
    worst = next((k for k, each in enumerate(why) if each), None)
    if worst is None:
        worst = int(np.argmin([each.effective for each in places]))
    refused = why[worst]
    if refused and worst:
        refused += f"; or read the first {worst} places alone"
    if refused:
        return SlateEstimate(name, assumes, worst + 1, places[worst], refused, None, None)
    more = terms._replace(plain=terms.plain - total)
    return SlateEstimate(
        name, assumes, worst + 1, places[worst], "", normal(terms, users, alpha), normal(more, users, alpha)
    )
