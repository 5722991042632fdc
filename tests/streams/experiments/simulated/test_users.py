"""Simulated users have the effect that is planted, and their sums are right at every look."""

from __future__ import annotations

import numpy as np
import pytest

from streams.experiments.readings.lift import unadjusted
from streams.experiments.readings.moments import ratios
from streams.experiments.simulated.users import KINDS, Kind, Looks, looks_of, simulate


def last_lift(looks: Looks) -> tuple[float, float]:
    arms = [ratios(looks.users[-1, arm], looks.sums[-1, arm], looks.products[-1, arm]) for arm in (0, 1)]
    seen = unadjusted(*arms)
    return float(seen.value), float(np.sqrt(seen.variance))


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_lift_is_the_planted_one(kind: Kind) -> None:
    for folded in simulate((3, 1), kind, 200_000, 1_000, 200_000, 0.3):
        lift, error = last_lift(looks_of(folded))
        assert error < 0.03
        assert abs(lift - 0.3) < 5.0 * error  # fails once in 2 million


@pytest.mark.parametrize("kind", KINDS)
def test_every_look_has_the_users_so_far_and_the_last_one_of_windows_all_they_did(kind: Kind) -> None:
    windows, open_ended = (looks_of(each) for each in simulate((3, 2), kind, 1_000, 200, 100, 0.0))
    for looks in (windows, open_ended):
        assert looks.users.sum(axis=-1).tolist() == list(range(100, 1_001, 100))
        assert (np.diff(looks.sums, axis=0) >= -1e-9).all()
        assert np.allclose(looks.products, np.swapaxes(looks.products, -1, -2))
        if kind != "ratio":
            assert np.array_equal(looks.sums[..., 1], looks.users)
    # What was done before does not change, however it is looked at.
    assert np.allclose(windows.sums[-1, :, 2:], open_ended.sums[-1, :, 2:])
    # A user who has just come has done less than one whose window is over, and has more to come.
    assert open_ended.sums[0, :, 0].sum() < windows.sums[0, :, 0].sum()


def test_products_of_an_open_ended_sum_are_those_of_its_users() -> None:
    """A conversion is 0 or 1, so the sum of its squares is its sum, however it came about."""
    _, open_ended = simulate((3, 3), "conversion", 2_000, 200, 100, 0.1)
    looks = looks_of(open_ended)
    assert np.array_equal(looks.products[..., 0, 0], looks.sums[..., 0])
    assert np.array_equal(looks.products[..., 0, 1], looks.sums[..., 0])


def test_the_same_seed_gives_the_same_run() -> None:
    one, other = (simulate((3, 4), "revenue", 500, 100, 100, 0.1) for _ in range(2))
    assert all(np.array_equal(*each) for each in zip(one, other, strict=True))
    assert not np.array_equal(one[0], simulate((3, 5), "revenue", 500, 100, 100, 0.1)[0])
