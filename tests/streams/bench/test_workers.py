from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from streams.bench.workers import Following, following


@given(
    st.lists(st.integers(1, 8), min_size=2, max_size=8, unique=True),
    st.data(),
)
def test_the_line_is_scipys(workers: list[int], data: st.DataObject) -> None:
    cpu = data.draw(st.lists(st.floats(100, 5_000), min_size=len(workers), max_size=len(workers)))
    found = following(workers, cpu)
    line = stats.linregress([count - 1 for count in workers], cpu)
    assert math.isclose(found.own_us, line.intercept, abs_tol=0.01)
    assert math.isclose(found.follow_us, line.slope, abs_tol=0.01)


def test_one_number_of_workers_tells_nothing_of_following() -> None:
    found = following([2], [1_000.0])
    assert found.own_us == 1_000.0
    assert math.isnan(found.follow_us)


def test_how_many_workers_a_load_needs() -> None:
    found = Following(1_000.0, 25.0)
    assert found.most_events == 40_000
    assert found.workers_for(100) == 1.0
    # Each of n workers spends 10,000/s * (1,000 + 25 (n - 1)) / n us: .7 of a core at n = 9.75 / .45.
    count = found.workers_for(10_000)
    spent = 10_000 * (1_000 + 25 * (count - 1)) / count / 1e6
    assert math.isclose(spent, 0.7)
    assert math.isclose(count, 9.75 / 0.45)
    assert found.workers_for(28_000) == math.inf
