"""Random numbers by what they are for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.offline.simulation.draws import Draws

numbers = st.integers(-(2**62), 2**62)


@given(numbers, st.lists(numbers, max_size=3), st.lists(numbers, min_size=1, max_size=5))
def test_each_of_many_is_what_it_is_alone(seed: int, occasion: list[int], each: list[int]) -> None:
    draws = Draws(seed)
    many = draws.uniforms("tempt", *occasion, each=np.array(each, np.int64))
    assert many.tolist() == [draws.uniform("tempt", *occasion, one) for one in each]
    assert ((many > 0) & (many < 1)).all()


def test_another_purpose_occasion_or_seed_is_another_number() -> None:
    draws = Draws(7)
    found = {
        draws.uniform("tempt", 1, 2),
        draws.uniform("tempt", 2, 1),
        draws.uniform("tempt", 1),
        draws.uniform("wait", 1, 2),
        Draws(8).uniform("tempt", 1, 2),
    }
    assert len(found) == 5
    assert Draws(7).uniform("tempt", 1, 2) == draws.uniform("tempt", 1, 2)


def test_neighbours_are_spread_as_chance_spreads_them() -> None:
    """By users, by visits and by items, and pairs of neighbours have nothing to do with each other."""
    draws, each = Draws(1), np.arange(4_000)
    for column in (
        draws.uniforms("tempt", 1, 2, each=each),
        np.array([draws.uniform("tempt", k, 2) for k in each.tolist()]),
        np.array([draws.uniform("tempt", 1, k) for k in each.tolist()]),
    ):
        assert stats.kstest(column, "uniform").pvalue > 0.001
        assert abs(float(np.corrcoef(column[:-1], column[1:])[0, 1])) < 0.05
    assert stats.kstest(draws.exponentials("wait", 3, each=each), "expon").pvalue > 0.001
    assert stats.kstest([draws.normal("stars", k) for k in each.tolist()], "norm").pvalue > 0.001
