"""Group-sequential bounds are those of published tables."""

from __future__ import annotations

import numpy as np
import pytest

from streams.experiments.readings.crossing import chances
from streams.experiments.readings.group import Spending, bounds, looks_due, spent

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("spending", "alpha", "shares", "published"),
    [
        # Reboussin, DeMets, Kim and Lan, Controlled Clinical Trials 2000; ldbounds gives the same.
        ("obrien-fleming", 0.05, FIFTHS, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", 0.05, FIFTHS, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
        # SeqBounds.jl's manual: one side of .05 is two sides of .1.
        ("obrien-fleming", 0.1, [0.25, 0.5, 0.75, 1.0], [3.74955, 2.53993, 2.01604, 1.72014]),
    ],
)
def test_published_bounds(
    spending: Spending, alpha: float, shares: list[float], published: list[float]
) -> None:
    assert bounds(shares, alpha, spending) == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("shares", [[0.03, 0.5, 1.0], [0.1, 0.11, 0.7, 1.0], [0.3, 0.9, 1.2]])
def test_all_alpha_is_spent_by_the_end_and_no_more(spending: Spending, shares: list[float]) -> None:
    found = bounds(shares, 0.05, spending)
    gone = np.cumsum(chances(shares, found.tolist()).sum(axis=1))
    assert gone == pytest.approx([spent(share, 0.05, spending) for share in shares], abs=1e-8)
    assert gone[-1] == pytest.approx(0.05, abs=1e-8)


def test_a_single_look_at_the_end_is_the_usual_test() -> None:
    assert bounds([1.0], 0.05, "obrien-fleming") == pytest.approx([1.959964], abs=1e-6)


def test_a_look_that_may_spend_nothing_decides_nothing() -> None:
    assert bounds([0.001, 1.0], 0.05, "obrien-fleming")[0] == np.inf


def test_looks_are_the_first_points_at_or_after_their_share() -> None:
    assert looks_due([0.09, 0.21, 0.25, 0.4, 0.99, 1.0, 1.3], 5) == [1, 3, 4, 5]
    assert looks_due([], 5) == []
