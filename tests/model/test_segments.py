"""Segments hold each event once, and their figures are those of the events in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluate import hit_rate, ndcg
from model.segments import ITEMS, USERS, Bounds, segments


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=40), st.sampled_from([USERS, ITEMS])
)
def test_each_event_stands_in_one_segment(events: list[tuple[int, int]], bounds: tuple[Bounds, ...]) -> None:
    ranks, counts = ([each[side] for each in events] for side in (0, 1))
    found = segments(ranks, counts, bounds)
    assert [each.name for each in found] == [each.name for each in bounds]
    assert sum(each.events for each in found) == len(events)
    hits = sum(each.events * each.hit_rate.value for each in found if each.events)
    assert hits == pytest.approx(sum(0 < rank <= 10 for rank in ranks))


def test_the_bounds_by_hand() -> None:
    ranks, counts = np.array([1, 2, 0, 4, 11, 3]), np.array([0, 1, 4, 5, 19, 20])
    none, few, some, many = segments(ranks, counts, USERS)
    assert [each.events for each in (none, few, some, many)] == [1, 2, 2, 1]
    assert few.hit_rate == hit_rate([2, 0])
    assert some.ndcg == ndcg([4, 11])
    assert many.ndcg.value == 0.5


def test_an_empty_segment_has_no_figure() -> None:
    (_, _, _, many) = segments([1], [0], USERS)
    assert many.events == 0
    assert np.isnan(many.hit_rate.value)
