"""Which of two orders users prefer, read at any time.

Each user counts once, by the credit of their first slates. Users are independent of each other, their slates
are not. A user is counted when they have seen so many slates, so nobody's credit changes afterwards.

    preference     of team drafts: a sign test, exact at any number of users. Swapping the captains changes
                   the sign and nothing else, so without a preference each user's sign is a fair coin
    mean_credit    of both forms: a confidence sequence of the mean, for many users. The optimised form needs
                   it: its credit is 0 on average, but small gains may be more frequent than large losses
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.experiments.readings.sequence import rho_for, stretch

F64 = NDArray[np.float64]
ALPHA = 0.05
LEAST = 50
"""Users, before which a spread of theirs is not known well enough."""
HALVINGS = 60


class Preference(NamedTuple):
    """`wins` of the first order, `losses`, and `ties`, in users. `share`: of wins among wins and losses, with
    an interval that holds at all times together; `p`: may be read at any time; `verdict`: "first", "second",
    or "" for not yet.
    """

    wins: int
    losses: int
    ties: int
    share: float
    low: float
    high: float
    p: float
    verdict: str


def user_credit(users: Sequence[str], outcomes: Sequence[float], slates: int) -> F64:
    """The credit of each user who has seen `slates` slates, over the first so many of them; in the order in
    which they had seen them. `outcomes` (`Interleaved.outcome`) in the order of their times, one a slate.

    >>> user_credit(["a", "b", "a", "b", "a"], [1.0, 0.0, -3.0, 0.5, 9.0], 2).tolist()
    [-2.0, 0.5]
    """
    sums: dict[str, tuple[int, float]] = {}
    found = []
    for user, outcome in zip(users, outcomes, strict=True):
        seen, total = sums.get(user, (0, 0.0))
        sums[user] = seen, total = seen + 1, total + outcome
        if seen == slates:
            found.append(total)
    return np.array(found, np.float64)


class MeanCredit(NamedTuple):
    """Of `users`; `low` to `high` holds the true mean at all times together; `verdict` as in `Preference`."""

    users: int
    mean: float
    low: float
    high: float
    verdict: str


def mean_credit(credit: F64, planned: int, alpha: float = ALPHA) -> MeanCredit:
    """The reading of users' credit [n]; narrowest at `planned` users.

    mean +- s sqrt(2 (n rho^2 + 1) / (n^2 rho^2) log(sqrt(n rho^2 + 1) / alpha)), with s their standard
    deviation: the sequence of `readings.sequence.stretch`, with the rho of `rho_for` there. It is asymptotic:
    below `LEAST` users it says nothing.
    """
    n = len(credit)
    mean = float(credit.mean()) if n else math.nan
    if n < LEAST:
        return MeanCredit(n, mean, -math.inf, math.inf, "")
    error = float(credit.std(ddof=1)) / math.sqrt(n)
    half = error * math.sqrt(stretch(np.float64(n), alpha, rho_for(alpha, planned)))
    low, high = mean - half, mean + half
    return MeanCredit(n, mean, low, high, "first" if low > 0 else "second" if high < 0 else "")


def preference(credit: F64, alpha: float = ALPHA) -> Preference:
    """The reading of the signs of users' credit [n], in their order; of team drafts. Ties tell nothing, and
    are left out.

    The e-value against the share s is B(w + 1, l + 1) / (s^w (1 - s)^l), the likelihood of all shares alike
    over that of s. It is a martingale under s, so it exceeds 1 / alpha at any time with the probability alpha
    at most (Ville). Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm", Annals of
    Mathematical Statistics 41 (1970). The p is 1 over the largest e-value so far; the interval holds the
    shares whose e-value is not above 1 / alpha now.
    """
    decided = credit[credit != 0]
    wins = np.cumsum(decided > 0)
    losses = np.arange(1, len(decided) + 1) - wins
    largest = max((log_e(int(w), int(n), 0.5) for w, n in zip(wins, losses, strict=True)), default=0.0)
    w, n = (int(wins[-1]), int(losses[-1])) if len(decided) else (0, 0)
    low, high = interval_of(w, n, alpha)
    p = math.exp(-max(largest, 0.0))
    verdict = "" if p > alpha else "first" if w > n else "second"
    share = w / (w + n) if w + n else math.nan
    return Preference(w, n, len(credit) - len(decided), share, low, high, p, verdict)


def log_e(wins: int, losses: int, share: float) -> float:
    """The logarithm of the e-value against the share of wins (`preference`)."""
    mixed = math.lgamma(wins + 1) + math.lgamma(losses + 1) - math.lgamma(wins + losses + 2)
    return mixed - _times_log(wins, share) - _times_log(losses, 1.0 - share)


def _times_log(count: int, share: float) -> float:
    return count * math.log(share) if count and share > 0 else -math.inf if count else 0.0


def interval_of(wins: int, losses: int, alpha: float) -> tuple[float, float]:
    """The shares that are not refuted by what there is now: the e-value rises on both sides of the mean."""
    limit = math.log(1.0 / alpha)
    mean = wins / (wins + losses) if wins + losses else 0.5
    ends = []
    for edge in (0.0, 1.0):
        inside, outside = mean, edge
        if log_e(wins, losses, edge) < limit:
            ends.append(edge)
            continue
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2.0
            inside, outside = (middle, outside) if log_e(wins, losses, middle) < limit else (inside, middle)
        ends.append(outside)
    return ends[0], ends[1]
