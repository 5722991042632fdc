"""The baselines beside the model, over what the user has not met."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.datasets.interactions import Interactions
from streams.offline.replay.compared import Compared


def stream(events: Sequence[Sequence[str]]) -> Interactions:
    users, items = (list(column) for column in zip(*events, strict=True))
    n = len(events)
    return Interactions(users, items, 1_000 * np.arange(n, dtype=np.int64), np.full(n, np.nan, np.float32))


def test_the_next_item_is_ranked_among_those_the_user_has_not_met() -> None:
    events = [
        ("a", "x"),
        ("b", "x"),
        ("b", "y"),
        ("c", "y"),
        ("c", "z"),
        ("a", "y"),
        ("c", "x"),
        ("d", "new"),
    ]
    compared = Compared(stream(events), seed=7)
    popularity, places = [], []
    for k in range(len(events)):
        ranks = compared.ranks(k)
        assert len(ranks) == len(compared.baselines) == 2
        popularity.append(ranks[0])
        places.append(ranks[1])
        compared.learn(k)
    assert popularity[0] == 0  # nothing was seen before
    assert popularity[1] == 1  # x alone is known
    assert popularity[5] == 1  # a has met x; y was met twice, z once
    assert popularity[6] == 1  # c has met y and z: x alone is left
    assert popularity[7] == 0  # never seen
    assert places[5] == 1  # y followed x


def test_items_that_may_come_back_are_ranked_again() -> None:
    """a meets x by an event that lets it come back, then y by one that does not."""
    events = [("a", "x"), ("a", "y"), ("a", "x"), ("a", "y")]
    compared = Compared(stream(events), seed=7, blocks=[False, True, False, True].__getitem__)
    popularity = []
    for k in range(len(events)):
        popularity.append(compared.ranks(k)[0])
        compared.learn(k)
    assert popularity == [0, 0, 1, 0]


def test_what_was_recommended_is_counted_by_item() -> None:
    compared = Compared(stream([("a", "x"), ("b", "y"), ("c", "z")]), seed=7)
    for k in range(3):
        compared.ranks(k)
        compared.learn(k)
    assert compared.recommended["popularity"] == {0, 1}
