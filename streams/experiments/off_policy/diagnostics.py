"""Whether an estimate may be read: how many rows its weights leave, and whether these can be right.

Weights have the mean 1 where the logging arm gives all that the target shows a chance, and its propensities
are true. A mean far from 1 says that one of the two fails. Few rows with large weights say that the interval
is a guess: its own width rests on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streams.experiments.off_policy.terms import F64


class Limits(NamedTuple):
    """`effective`: rows that must be left at least. `mean_off`: how far from 1 the mean weight may be, and
    `mean_errors`: how many of its standard errors, where that is more than `mean_least`. `largest`: the share
    of all weight that one row may have.
    """

    effective: float = 100.0
    mean_off: float = 0.2
    mean_errors: float = 4.0
    mean_least: float = 0.05
    largest: float = 0.1


LIMITS = Limits()


class Diagnostics(NamedTuple):
    """Of the weights [n]: how many there are; `effective`: Kish's (sum w)^2 / sum w^2; their mean and its
    standard error; the largest one, and its share of their sum.
    """

    rows: int
    effective: float
    mean: float
    mean_error: float
    largest: float
    largest_share: float


def diagnose(weight: F64) -> Diagnostics:
    """Kish, "Survey Sampling" (1965); of importance weights Owen, "Monte Carlo theory, methods
    and examples" (2013), equation 9.13.

    >>> diagnose(np.array([1.0, 1.0, 0.0, 2.0])).effective.__round__(3)
    2.667
    """
    n, total = len(weight), float(weight.sum())
    squares = float(weight @ weight)
    largest = float(weight.max(initial=0.0))
    return Diagnostics(
        n,
        total**2 / squares if squares else 0.0,
        total / n if n else float("nan"),
        float(weight.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        largest,
        largest / total if total else 1.0,
    )


def refusal(found: Diagnostics, limits: Limits = LIMITS, of: str = "the weights") -> str:
    """Why the estimate must not be read, what was expected and what to do; "" where it may be."""
    if found.effective < limits.effective:
        return (
            f"{of} leave an effective size of {found.effective:.0f} of {found.rows} rows; expected at least"
            f" {limits.effective:.0f}: log more, explore more (a larger share or temperature), or ask"
            " about an arm nearer to what ran"
        )
    if found.largest_share > limits.largest:
        return (
            f"one row has {found.largest_share:.0%} of the sum of {of} (a weight of {found.largest:.1f});"
            f" expected at most {limits.largest:.0%}: log more, or explore more"
        )
    off = abs(found.mean - 1.0)
    if off > limits.mean_off or off > max(limits.mean_errors * found.mean_error, limits.mean_least):
        why = (
            "the arm shows what the logging arm never could: explore with a larger pool, or in all places"
            if found.mean < 1.0
            else "the logged propensities are too small for what was shown: find out who logs them"
        )
        return (
            f"the mean of {of} is {found.mean:.3f} (standard error {found.mean_error:.3f}); expected 1: {why}"
        )
    return ""
