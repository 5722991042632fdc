from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.learning.experts.exponentials import LEAST, MOST, exponentials


def exponentials_of(x: list[float]) -> np.ndarray:
    values = np.array(x)
    exponentials(values)
    return values


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(LEAST, MOST), max_size=20))
def test_they_are_those_of_numpy(x: list[float]) -> None:
    np.testing.assert_allclose(exponentials_of(x), np.exp(x), rtol=4.5e-16, atol=0)


def test_they_are_right_over_the_whole_range() -> None:
    x = np.linspace(LEAST, MOST, 200_001)
    np.testing.assert_allclose(exponentials_of(x.tolist()), np.exp(x), rtol=4.5e-16, atol=0)
    assert exponentials_of([0.0]).tolist() == [1.0]


def test_what_lies_beyond_counts_as_the_last() -> None:
    least, most, endless = exponentials_of([-1e30, 1e30, -np.inf])
    assert least == endless < 1e-307
    assert 1e307 < most < np.inf
