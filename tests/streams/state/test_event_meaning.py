"""What an event means, whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from model.schema import F32
from streams.events.schema import AnyEvent, Click, Control, Impression, Item, Review, User
from streams.state.event_meaning import (
    NO_VECTORS,
    Vectors,
    encoded,
    item_record,
    items_named,
    texts_of,
    user_of,
    vectors_of,
)

EVENTS: list[tuple[AnyEvent, str | None, list[str], list[str]]] = [
    (Click(event_id="e", ts=1, user_id="u", item_id="i", query="red shoes"), "u", ["i"], ["red shoes"]),
    (Click(event_id="e", ts=1, user_id="u", item_id="i", query=" "), "u", ["i"], []),
    (
        Review(event_id="e", ts=1, user_id="u", item_id="i", title="Good", text="Fine."),
        "u",
        ["i"],
        ["Good. Fine."],
    ),
    (Review(event_id="e", ts=1, user_id="u", item_id="i", rating=4.0), "u", ["i"], []),
    (Impression(event_id="e", ts=1, user_id="u", slate_id="s", items=["a", "b"]), None, ["a", "b"], []),
    (User(event_id="e", ts=1, user_id="u", profile={"a": "b"}), "u", [], []),
    (Item(event_id="e", ts=1, item_id="i", title="T", tags=["x"]), None, ["i"], ["T. x"]),
    (Control(event_id="e", ts=1, command="activate_model", model="m"), None, [], []),
]


@pytest.mark.parametrize(("event", "user", "items", "texts"), EVENTS)
def test_whom_and_what_an_event_names(
    event: AnyEvent, user: str | None, items: list[str], texts: list[str]
) -> None:
    assert user_of(event) == user
    assert list(items_named(event)) == items
    assert texts_of(event) == texts


def test_texts_are_read_once_and_rounded() -> None:
    asked: list[list[str]] = []

    def encode(texts: Sequence[str]) -> F32:
        asked.append(list(texts))
        return np.array([[len(text) / 3, 1 / 7] for text in texts], np.float32)

    said = encoded(["ab", "c", "ab"], encode)
    assert asked == [["ab", "c"]]
    for vector in said.values():
        assert vector.dtype == np.float32
        assert (vector == vector.astype(np.float16)).all()
    assert encoded(["ab"], None) == encoded([], encode) == {}


def test_each_event_has_the_vectors_of_its_own_texts() -> None:
    said = {"red shoes": np.ones(2, np.float32), "Good. Fine.": np.zeros(2, np.float32)}
    click, review, other = (vectors_of(EVENTS[at][0], said) for at in (0, 2, 6))
    assert click.words is None
    assert click.searched is said["red shoes"]
    assert review.searched is None
    assert review.words is said["Good. Fine."]
    assert other == NO_VECTORS


def test_an_items_views_are_stored_at_length_one() -> None:
    item = Item(event_id="e", ts=5, item_id="i", image_vector=[3.0, -4.0], audio_vector=[0.0, 0.0])
    record = item_record(item, Vectors(np.ones(2, np.float32)), 3)
    np.testing.assert_allclose(np.frombuffer(record.image, np.float16), [0.6, -0.8], atol=1e-3)
    assert np.frombuffer(record.audio, np.float16).tolist() == [0.0, 0.0]
    assert np.frombuffer(record.text, np.float16).tolist() == [1.0, 1.0]
    assert (record.ts, record.added_ms) == (5, 3)
    assert item_record(EVENTS[6][0], NO_VECTORS, 1).text == b""  # type: ignore[arg-type]  # an item
