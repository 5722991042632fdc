"""Whatever else may be shown, where all sources together bring less than a slate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.candidates.rest import add_rest
from streams.ranking.degradation import RUNGS, Rung
from tests.streams.core import HOUR_MS, START_MS, Small
from tests.streams.ranking.test_pipeline import ranked, slate


@given(st.data())
def test_the_highest_rows_that_are_left_follow_the_pool(data: st.DataObject) -> None:
    items = data.draw(st.integers(0, 30))
    mask = data.draw(st.lists(st.booleans(), min_size=items, max_size=items))
    free = [row for row in range(items) if not mask[row]]
    taken = data.draw(st.lists(st.sampled_from(free), unique=True)) if free else []
    size = data.draw(st.integers(0, 35))
    blocked = np.array([*mask, False, False], np.uint8)  # scratch tables are longer than the catalog
    rest = [row for row in reversed(free) if row not in taken][: max(0, size - len(taken))]
    rows = np.array([*taken, *[-1] * len(rest)], np.int32)
    ranks, origin = np.ones((len(rest), 3), np.int32), np.full(len(rest), 2, np.int8)
    assert add_rest(blocked, items, size, 1, rows, ranks, origin, len(taken)) == len(rest)
    assert rows.tolist() == taken + rest
    assert not ranks.any()
    assert (origin == 1).all()


@pytest.mark.parametrize("rung", RUNGS)
def test_who_has_met_all_that_is_popular_gets_what_is_left(rung: Rung) -> None:
    """Old items that nobody ever met: no source looks for them."""
    small = Small(items=2_000)
    for row in range(5, 2_000):
        small.act("whale", row, ts=START_MS + row)
    small.now_ms = START_MS + 24 * HOUR_MS * 365
    small.announce(3, available=False, ts=small.now_ms)
    assert slate(small, "whale", rung) == ["i4", "i2", "i1", "i0"]


@pytest.mark.parametrize("rung", RUNGS)
def test_what_is_left_comes_after_what_the_sources_bring(rung: Rung) -> None:
    small = Small(items=40)
    small.now_ms = START_MS + 24 * HOUR_MS * 365  # nothing is new any more
    for user, row in (("a", 7), ("b", 7), ("c", 9), ("d", 12)):
        small.act(user, row)
    found = slate(small, "a", rung)
    assert len(found) == 20
    assert set(found[:2]) == {"i9", "i12"}
    assert found[2:] == [f"i{row}" for row in range(39, 21, -1)]


def test_who_asks_what_the_sources_bring_is_told_no_more() -> None:
    small = Small(items=40)
    small.now_ms = START_MS + 24 * HOUR_MS * 365
    small.act("a", 7)
    state = small.state("b")
    plan = small.core.plan({"candidates": {"pool": 50}})
    request = small.core.request(state, small.now_ms, plan=plan, complete=False)
    assert small.core.draft(request).rows.tolist() == [7]
    assert len(ranked(small, "b").rows) == 20
