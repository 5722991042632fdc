"""Pairs of texts: nothing from later, nothing already met as a negative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from model.text_pairs import Event, draw, make_pairs, split

LETTERS = st.sampled_from("abcdef")
STREAMS = st.lists(st.tuples(LETTERS, LETTERS, st.booleans()), max_size=40).map(
    lambda rows: [
        Event(f"u{u}", f"i{i}", f"review {k}" if wrote else "") for k, (u, i, wrote) in enumerate(rows)
    ]
)
ANNOUNCED = st.dictionaries(LETTERS.map(lambda i: f"i{i}"), st.just("own text"), max_size=3)


@given(STREAMS, ANNOUNCED, st.integers(1, 4))
def test_no_text_is_later_than_its_moment(
    events: list[Event], announced: dict[str, str], history: int
) -> None:
    pairs = make_pairs(events, announced, history)
    written = {event.review: k for k, event in enumerate(events) if event.review}
    for pair in pairs.pairs:
        assert 1 <= len(pair.history) <= history
        for number in (*pair.target, *(each for texts in pair.history for each in texts)):
            assert written.get(pairs.texts[number], -1) < pair.event


@given(STREAMS, ANNOUNCED, st.integers(0, 40))
def test_pairs_do_not_change_with_what_comes_later(
    events: list[Event], announced: dict[str, str], cut: int
) -> None:
    def in_words(some: list[Event]) -> list[object]:
        found = make_pairs(some, announced, 3)
        return [
            (
                pair.event,
                pair.item,
                [[found.texts[k] for k in texts] for texts in (*pair.history, pair.target)],
            )
            for pair in found.pairs
        ]

    assert in_words(events[:cut]) == [each for each in in_words(events) if each[0] < cut]  # type: ignore[index]


@given(STREAMS, st.integers(0, 9))
def test_negatives_are_other_items_that_the_user_had_not_met(events: list[Event], seed: int) -> None:
    pairs = make_pairs(events, {f"i{letter}": f"text {letter}" for letter in "abcdef"}, 2)
    if not pairs.pairs:
        return
    batch = draw(pairs, range(len(pairs.pairs)), np.random.default_rng(seed))
    for b, one in enumerate(pairs.pairs):
        met = {event.item for event in events[: one.event] if event.user == one.user}
        for c, other in enumerate(pairs.pairs):
            expected = b == c or (other.item != one.item and other.item not in met)
            assert batch.allowed[b, c] == expected


def test_a_pair_by_hand() -> None:
    events = [
        Event("u", "a", "loud"),
        Event("v", "b", "soft"),
        Event("u", "c"),
        Event("u", "b"),
        Event("u", "a"),
    ]
    pairs = make_pairs(events, {"c": "A cable"}, 2)
    assert pairs.texts == ["A cable", "loud", "soft"]
    (to_c, to_b) = pairs.pairs
    assert (to_c.event, to_c.item, to_c.history, to_c.target) == (2, "c", ((1,),), (0,))
    assert (to_b.event, to_b.item, to_b.history, to_b.target) == (3, "b", ((0,), (1,)), (2,))
    batch = draw(pairs, [0, 1], np.random.default_rng(0))
    assert batch.texts.tolist() == [0, 1, 2]
    assert batch.history.tolist() == [[0, 1, 0], [0.5, 0.5, 0]]
    assert batch.target.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert batch.allowed.tolist() == [[True, True], [False, True]]


def test_parted_by_event() -> None:
    events = [Event("u", f"i{k}") for k in range(10)]
    pairs = make_pairs(events, {f"i{k}": f"text {k}" for k in range(10)}, 2)
    early, late = split(pairs, 6)
    assert [pair.event for pair in early.pairs] == [1, 2, 3, 4, 5]
    assert [pair.event for pair in late.pairs] == [6, 7, 8, 9]
    with pytest.raises(DataError, match=r"can't split .* at event 1"):
        split(pairs, 1)
