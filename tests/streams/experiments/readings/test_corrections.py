"""Corrections keep what they promise, and agree with slower ways to compute them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.readings.corrections import e_bh, holm

PS = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=6)


@given(PS)
def test_holm_is_the_closed_test_of_bonferroni(ps: list[float]) -> None:
    """A claim's corrected p is the largest of all groups with it, each tested by size × its least p."""
    for at, corrected in enumerate(holm(np.array(ps))):
        groups = (
            group
            for size in range(1, len(ps) + 1)
            for group in combinations(range(len(ps)), size)
            if at in group
        )
        expected = max(min(1.0, len(group) * min(ps[each] for each in group)) for group in groups)
        assert np.isclose(corrected, expected)


@given(st.lists(st.floats(-3.0, 9.0), min_size=1, max_size=8), st.floats(0.01, 0.3))
def test_e_bh_claims_the_largest_set_that_agrees_with_itself(log_e: list[float], alpha: float) -> None:
    claims, tests = e_bh(np.array(log_e), alpha), len(log_e)
    largest = max(
        (k for k in range(tests + 1) if k == 0 or sorted(log_e)[-k] >= np.log(tests / (k * alpha))),
    )
    assert claims.sum() == largest
    assert not claims.any() or min(np.array(log_e)[claims]) >= max(np.array(log_e)[~claims], default=-9.0)
    by_bonferroni = np.array(log_e) >= np.log(tests / alpha)
    assert (by_bonferroni <= claims).all()


def test_several_true_nulls_are_seldom_claimed_by_holm_and_e_bh() -> None:
    rng, runs, tests = np.random.default_rng(1), 4_000, 5
    e = np.exp(rng.normal(0.0, 1.5, (runs, tests)) - 1.5**2 / 2.0)  # their mean is 1
    wrong = sum(bool(e_bh(np.log(row), 0.1).any()) for row in e)
    p = rng.random((runs, tests))
    assert wrong / runs < 0.1
    assert 0.075 < sum(bool((holm(row) <= 0.1).any()) for row in p) / runs < 0.125  # 5 standard errors
