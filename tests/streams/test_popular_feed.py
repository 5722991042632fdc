"""The popular feed: what was met most, then what is new, and nothing that can't be had."""

from __future__ import annotations

import numpy as np
import pytest

from streams.popular_feed import SPARE, popular_feed
from streams.ranking.slate import Reason, decode_popular, encode
from streams.settings.ranking import FeedSettings
from tests.streams.core import HOUR_MS, START_MS, Small, with_settings


def ids(small: Small) -> list[str]:
    return [item.item_id for item in popular_feed(small.core, "", small.now_ms).items]


def test_what_was_met_most_comes_first_and_then_the_newest() -> None:
    small = Small(items=6)
    for user, row in (("a", 2), ("b", 2), ("c", 4)):
        small.act(user, row)
    small.announce(1, ts=START_MS + 2 * HOUR_MS)
    small.announce(5, ts=START_MS + HOUR_MS)
    feed = popular_feed(small.core, "", small.now_ms)
    assert [item.item_id for item in feed.items] == ["i2", "i4", "i1", "i5", "i3", "i0"]
    assert feed.rows == [2, 4, 1, 5, 3, 0]
    assert [(item.source, item.reason) for item in feed.items] == [
        *[("popular", Reason("popular"))] * 2,
        *[("fresh", Reason("new"))] * 4,
    ]
    scores = [item.score for item in feed.items]
    assert scores == sorted(scores, reverse=True)
    assert (feed.user_id, feed.rung, feed.model, feed.ts) == ("", "popular", "", small.now_ms)


def test_nothing_met_yet_and_nothing_at_all() -> None:
    """A new system has a feed as soon as items were announced."""
    assert ids(Small(items=3)) == ["i2", "i1", "i0"]
    assert ids(Small(items=0)) == []


def test_what_cannot_be_had_is_left_out_and_comes_back() -> None:
    small = Small(items=4)
    small.act("a", 1)
    for row in (1, 3):
        small.announce(row, available=False, ts=START_MS + HOUR_MS)
    assert ids(small) == ["i2", "i0"]
    small.announce(1, available=True, ts=START_MS + 2 * HOUR_MS)
    assert ids(small) == ["i1", "i2", "i0"]


@pytest.mark.parametrize("size", [1, 20, 200])
def test_there_is_enough_for_who_has_met_some_of_it(size: int) -> None:
    small = Small(items=900, settings=with_settings(feed=FeedSettings(size=size)))
    small.random_events(300, users=20, seed=1)
    feed = popular_feed(small.core, "", small.now_ms)
    assert len(feed.items) == len(feed.rows) == len(set(feed.rows)) == size + SPARE
    assert [small.core.catalog.ids[row] for row in feed.rows] == [item.item_id for item in feed.items]


def test_the_popular_ones_are_in_the_order_of_their_counts() -> None:
    small = Small(items=60)
    small.random_events(600, users=30, seed=3)
    counts = small.core.counters.popularity.decayed[:60, 1]
    rows = popular_feed(small.core, "", small.now_ms).rows
    met = [row for row in rows if counts[row] > 0]
    assert rows[: len(met)] == met == sorted(np.flatnonzero(counts > 0), key=lambda row: (-counts[row], row))


def test_it_comes_back_as_it_was_stored() -> None:
    feed = popular_feed(Small(items=5).core, "", START_MS)
    assert decode_popular(encode(feed)) == feed
