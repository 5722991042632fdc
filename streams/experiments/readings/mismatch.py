"""Whether arms have the users that their shares say: a test that may be read at any time.

Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 2022, arXiv 2011.03567): the
posterior odds of "other shares", with a Dirichlet prior around the declared ones, against "the declared
shares" s. With k s the prior's parameters and n the users of each arm they are

    Gamma(k) / Gamma(k + sum n) × product of Gamma(k s + n) / (Gamma(k s) s ** n).

The odds are a martingale where the shares are right, so the chance that they ever reach 1 / alpha is at most
alpha (Ville). A chi-square test at each refresh has no such promise.

A prior that is narrow finds a small mismatch, a wide one finds a gross mismatch soon. The mean of the odds
under several priors is a martingale too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.readings.moments import F64

CONCENTRATIONS = (100.0, 1e4, 1e5)
"""Of the priors, in users: shares are thought to be off by about .5 / sqrt(concentration)."""


class Period(NamedTuple):
    """A time in which shares did not change. `users`: who came to each arm in it. `shares`: as declared."""

    users: tuple[int, ...]
    shares: tuple[float, ...]


def log_odds(users: F64 | NDArray[np.int64], shares: F64) -> F64:
    """The logarithm of the evidence against the shares. `users` [..., arms], `shares` [arms], above 0."""
    of_priors = np.stack([_log_odds(users, shares, each) for each in CONCENTRATIONS])
    found: F64 = np.logaddexp.reduce(of_priors, axis=0) - math.log(len(CONCENTRATIONS))
    return found


def _log_odds(users: F64 | NDArray[np.int64], shares: F64, concentration: float) -> F64:
    from scipy.special import gammaln

    shares = shares / shares.sum()
    prior = concentration * shares
    of_shares = gammaln(prior + users) - gammaln(prior) - users * np.log(shares)
    together = gammaln(concentration) - gammaln(concentration + users.sum(-1))
    found: F64 = together + of_shares.sum(-1)
    return found


def log_odds_of(periods: Sequence[Period]) -> float:
    """The evidence of several periods with shares of their own, each of them judged anew: the odds multiply.

    An arm whose share is 0 in a period is left out of it.
    """
    evidence = 0.0
    for period in periods:
        there = [at for at, share in enumerate(period.shares) if share > 0.0]
        users = np.array([max(0, period.users[at]) for at in there])
        if len(there) > 1:
            evidence += float(log_odds(users, np.array([period.shares[at] for at in there])))
    return evidence
