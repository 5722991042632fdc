from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.bench.schedule import Arrivals, due_s


@given(
    rate=st.floats(0.5, 2_000),
    seconds=st.floats(0.1, 10),
    arrivals=st.sampled_from(["poisson", "constant"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_event_is_due_once_within_the_step(
    rate: float, seconds: float, arrivals: Arrivals, seed: int
) -> None:
    due = due_s(rate, seconds, arrivals, seed)
    assert len(due) == round(rate * seconds)
    assert (np.diff(due) >= 0).all()
    assert not len(due) or (due[0] >= 0 and due[-1] < seconds + 1 / rate)


def test_constant_arrivals_are_evenly_spaced() -> None:
    np.testing.assert_allclose(np.diff(due_s(250, 4, "constant", 0)), 1 / 250)


def test_poisson_arrivals_have_exponential_gaps() -> None:
    gaps = np.diff(due_s(500, 20, "poisson", 3))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 500)).pvalue > 0.01


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(due_s(100, 1, "poisson", 1), due_s(100, 1, "poisson", 1))
    assert (due_s(100, 1, "poisson", 1) != due_s(100, 1, "poisson", 2)).any()


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_nothing_is_due_in_a_step_without_events(arrivals: Arrivals) -> None:
    assert len(due_s(0.1, 1, arrivals, 0)) == 0
