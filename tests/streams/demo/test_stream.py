"""The stream as the demo plays it, and popularity on it."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.interactions import Interactions
from streams.demo.popularity import K, PopularityBaseline
from streams.demo.steady_rate import at_steady_pace

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=2, max_size=150, unique_by=lambda pair: pair
)


def stream_of(events: list[tuple[int, int]]) -> Interactions:
    return Interactions(
        [f"u{user}" for user, _ in events],
        [f"i{item}" for _, item in events],
        np.arange(len(events), dtype=np.int64),
        np.full(len(events), np.nan, np.float32),
    )


@given(EVENTS, st.floats(0.5, 500), st.data())
def test_the_pace_is_steady_and_the_first_live_event_is_due_now(
    events: list[tuple[int, int]], rate: float, data: st.DataObject
) -> None:
    stream = stream_of(events)
    until = data.draw(st.integers(0, len(stream) - 1))
    paced = at_steady_pace(stream, until, rate, now_ms=1_763_934_000_000)
    assert paced.ts_ms[until] == 1_763_934_000_000
    np.testing.assert_allclose(np.diff(paced.ts_ms), 1_000 / rate, atol=1)
    assert (paced.user, paced.item) == (stream.user, stream.item)


@given(EVENTS, st.data())
def test_popularity_is_the_ten_most_met_items_that_the_user_has_not_met(
    events: list[tuple[int, int]], data: st.DataObject
) -> None:
    stream = stream_of(events)
    until = data.draw(st.integers(0, len(stream) - 1))
    baseline = PopularityBaseline(stream, until, seed=3)
    counts = Counter(stream.item[:until])
    met = {(user, item) for user, item in zip(stream.user[:until], stream.item[:until], strict=True)}
    for user, item in zip(stream.user[until:], stream.item[until:], strict=True):
        assert baseline.has_met(user, item) == ((user, item) in met)
        others = [counts[other] for other in set(stream.item) - {item} if (user, other) not in met]
        ahead = sum(count > counts[item] for count in others)
        tied = sum(count == counts[item] for count in others)
        if not baseline.has_met(user, item):
            hit = baseline.hits(user, item)
            assert hit or ahead + tied >= K  # nobody else could have taken the place
            assert not hit or ahead < K
        baseline.learn(user, item)
        counts[item] += 1
        met.add((user, item))
