"""Which of two orders users prefer, read at any time: a sequential sign test over users.

Each user counts once, by the sign of what their first slates come to. Users are independent of each other,
their slates are not. A user is counted when they have seen so many slates, so nobody's sign changes
afterwards. Under no preference each sign is a fair coin, whatever users' habits are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
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


def signs(users: Sequence[str], outcomes: Sequence[float], slates: int) -> NDArray[np.int64]:
    """The sign of each user who has seen `slates` slates, over the first so many of them; in the order in
    which they had seen them. `outcomes` (`Interleaved.outcome`) in the order of their times, one a slate.

    >>> signs(["a", "b", "a", "b", "a"], [1.0, 0.0, -3.0, 0.5, 9.0], 2).tolist()
    [-1, 1]
    """
    sums: dict[str, tuple[int, float]] = {}
    found = []
    for user, outcome in zip(users, outcomes, strict=True):
        seen, total = sums.get(user, (0, 0.0))
        sums[user] = seen, total = seen + 1, total + outcome
        if seen == slates:
            found.append(int(np.sign(total)))
    return np.array(found, np.int64)


def preference(of_users: NDArray[np.int64], alpha: float = ALPHA) -> Preference:
    """The reading of signs in their order. Ties tell nothing, and are left out.

    The e-value against the share s is B(w + 1, l + 1) / (s^w (1 - s)^l), the likelihood of all shares alike
    over that of s: a martingale under s, so it exceeds 1 / alpha at any time with the probability alpha at
    most (Ville). Robbins, Annals of Mathematical Statistics 41 (1970), section 3; the p is 1 over the largest
    e-value so far, and the interval holds the shares whose e-value never was above 1 / alpha.
    """
    decided = of_users[of_users != 0]
    wins = np.cumsum(decided > 0)
    losses = np.arange(1, len(decided) + 1) - wins
    largest = max((_log_e(int(w), int(n), 0.5) for w, n in zip(wins, losses, strict=True)), default=0.0)
    w, n = (int(wins[-1]), int(losses[-1])) if len(decided) else (0, 0)
    low, high = _shares(w, n, alpha)
    p = math.exp(-max(largest, 0.0))
    verdict = "" if p > alpha else "first" if w > n else "second"
    share = w / (w + n) if w + n else math.nan
    return Preference(w, n, len(of_users) - len(decided), share, low, high, p, verdict)


def _log_e(wins: int, losses: int, share: float) -> float:
    mixed = math.lgamma(wins + 1) + math.lgamma(losses + 1) - math.lgamma(wins + losses + 2)
    return mixed - _times_log(wins, share) - _times_log(losses, 1.0 - share)


def _times_log(count: int, share: float) -> float:
    return count * math.log(share) if count and share > 0 else -math.inf if count else 0.0


def _shares(wins: int, losses: int, alpha: float) -> tuple[float, float]:
    """The shares that are not refuted by what there is now: the e-value rises on both sides of the mean."""
    limit = math.log(1.0 / alpha)
    mean = wins / (wins + losses) if wins + losses else 0.5
    ends = []
    for edge in (0.0, 1.0):
        inside, outside = mean, edge
        if _log_e(wins, losses, edge) < limit:
            ends.append(edge)
            continue
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2.0
            inside, outside = (middle, outside) if _log_e(wins, losses, middle) < limit else (inside, middle)
        ends.append(outside)
    return ends[0], ends[1]
