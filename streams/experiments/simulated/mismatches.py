"""Simulated counts of users by arm: how often a fair split is called a mismatch, and how soon a real one."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from streams.experiments.readings.mismatch import log_odds
from streams.experiments.readings.moments import F64

FAIR = np.array([0.5, 0.5])
LOOKS = 1_000
SHOWN = slice(9, None, 10)


class MismatchFigures(msgspec.Struct, frozen=True):
    """`what`: which split the users really had. `share`: of the runs that call a mismatch by the last look.
    `median_users`: when, in the runs that do. `users`: at every tenth look. `by_look`: the share that has
    called one by then.
    """

    what: str
    runs: int
    share: float
    median_users: float | None
    users: list[int]
    by_look: list[float]


def found(
    what: str, share_of_b: float, runs: int, users: int, alpha: float, seed: tuple[int, ...]
) -> MismatchFigures:
    """`share_of_b`: the true one; .5 is declared. A thousand looks, evenly over `users`."""
    rng, every = np.random.default_rng(seed), max(1, users // LOOKS)
    of_b = np.cumsum(rng.binomial(every, share_of_b, (runs, LOOKS)), axis=1)
    come = every * np.arange(1, LOOKS + 1)
    evidence: F64 = log_odds(np.stack([come - of_b, of_b], axis=-1), FAIR)
    calls = np.maximum.accumulate(evidence >= -math.log(alpha), axis=1)
    ever = calls[:, -1]
    first = calls.argmax(axis=1)[ever]
    return MismatchFigures(
        what,
        runs,
        float(ever.mean()),
        float(np.median(come[first])) if ever.any() else None,
        come[SHOWN].tolist(),
        calls.mean(axis=0)[SHOWN].tolist(),
    )
