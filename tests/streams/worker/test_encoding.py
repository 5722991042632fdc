"""A batch as bytes: the time of the push is set when it goes out, and nothing else changes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking import slate as stored_slate
from streams.ranking.slate import Reason, Slate, SlateItem
from streams.stores.commit import Commit
from streams.worker.encoding import begun

texts = st.one_of(st.text(max_size=20), st.sampled_from(["pushed", "\ufffdpushed\ufffd", "times"]))
numbers = st.floats(allow_nan=False, width=64)
slates = st.builds(
    Slate,
    slate_id=texts,
    user_id=texts,
    ts=st.integers(0, 2**41),
    items=st.lists(st.builds(SlateItem, texts, numbers, texts, st.builds(Reason, texts, texts)), max_size=4),
    model=texts,
    rung=texts,
    cause=texts,
    times=st.fixed_dictionaries(
        {"event": st.integers(0, 2**41), "accepted": numbers, "pushed": st.just(0.0)}
    ),
    propensities=st.none() | st.lists(st.floats(0, 1), max_size=9),
)


@given(slates, numbers)
def test_a_stamped_slate_is_the_one_that_would_have_been_packed_then(slate: Slate, pushed_ms: float) -> None:
    later = msgspec.structs.replace(slate, times={**slate.times, "pushed": pushed_ms})
    assert stored_slate.stamped(stored_slate.encode(slate), pushed_ms) == stored_slate.encode(later)


def test_a_transaction_that_begins_stamps_every_feed_and_leaves_the_rest() -> None:
    feeds = {
        user: stored_slate.encode(Slate("s", user, 1, [], "m", "full", times={"pushed": 0.0}))
        for user in ("ann", "bob")
    }
    commit = Commit({"clicks-0": 1}, {"clicks-0": 2}, {"ann": b"state"}, feeds, {}, b"ledger")
    out = begun(commit, 1_700_000_000_000.5)
    assert out._replace(feeds=feeds) == commit
    assert [stored_slate.decode(raw).times for raw in out.feeds.values()] == [
        {"pushed": 1_700_000_000_000.5}
    ] * 2


def test_a_slate_without_that_time_is_refused() -> None:
    with pytest.raises(ValueError, match="not found"):
        stored_slate.stamped(stored_slate.encode(Slate("s", "ann", 1, [], "m", "full")), 1.0)
