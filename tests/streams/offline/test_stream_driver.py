"""Driving the core along a stream."""

from __future__ import annotations

import dataclasses

import numpy as np

from model.feature_names import USER_FEATURES
from model.hashing import attributes_of
from streams.counters.snapshot import pack_counters
from streams.datasets.interactions import Interactions
from streams.events.schema import Click, Review
from streams.offline.stream_driver import Prequential, Stream
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from tests.streams.core import unit
from tests.streams.offline.planted import planted


def driven(events: Interactions, **stream: object) -> Prequential:
    made = Stream(events, {}, {})._replace(**stream)  # type: ignore[arg-type]  # fields by name
    return Prequential(Recommender(Settings()), made)


def test_events_come_as_they_would_over_the_wire() -> None:
    events = Interactions(
        ["u", "u", "u"],
        ["a", "b", "c"],
        np.array([1_000, 2_000, 3_000]),
        np.array([np.nan, 4.0, np.nan], np.float32),
        action=["cart", "view", "purchase"],
    )
    run = driven(events)
    first, second, third = (run.event(k) for k in range(3))
    assert isinstance(first, Click)
    assert (first.action, first.item_id, first.ts) == ("cart", "a", 1_000)
    assert isinstance(second, Review)
    assert second.rating == 4.0
    assert isinstance(third, Click)
    plain = driven(dataclasses.replace(events, action=None)).event(0)
    assert isinstance(plain, Review)
    assert plain.rating is None


def test_predicting_learns_nothing() -> None:
    run = driven(planted(200).interactions)
    run.warm(150, None, 0, lambda done: None)
    before, states = pack_counters(run.recommender.counters), dict(run.states)
    first = run.predict()[0]
    again = run.predict()[0]
    assert pack_counters(run.recommender.counters) == before
    assert run.states == states
    assert run.at == 150
    assert again.rows[again.order].tolist() == first.rows[first.order].tolist()


def test_an_item_never_seen_cannot_be_predicted_and_is_then_known() -> None:
    events = Interactions(["u", "v"], ["a", "b"], np.array([1_000, 2_000]), np.full(2, np.nan, np.float32))
    run = driven(events)
    assert run.predict()[1] == -1
    assert run.learn() == 0
    draft, row = run.predict()
    assert row == -1
    assert draft.rows[draft.order].tolist() == [0]
    assert run.learn() == 1
    assert run.recommender.catalog.added_ms[:2].tolist() == [1_000, 2_000]


def test_announced_items_and_profiles_are_known_before_the_first_event() -> None:
    events = planted(5).interactions
    run = driven(events, profiles={events.user[0]: {"age": "7"}})
    text = unit(np.arange(1.0, 65.0))
    packed = text.astype(np.float16).tobytes()
    run.announce([ItemRecord("x", 500, text=packed, categories=["c"]), ItemRecord("y", 500)], 500)
    catalog = run.recommender.catalog
    assert catalog.ids == ["x", "y"]
    assert (catalog.text[0] == text).all()
    assert catalog.own_text[:2].tolist() == [True, False]
    assert catalog.attributes[0].tolist() == attributes_of(["c"], [], None).tolist()
    assert run.state(events.user[0]).profile == {"age": "7"}


def test_a_reviews_words_are_heard() -> None:
    words = unit(np.ones(64))
    events = Interactions(["u"], ["a"], np.array([1_000]), np.array([5.0], np.float32), text=["good"])
    run = driven(events, said={"good": words})
    run.learn()
    assert (run.states["u"].words == words).all()
    assert (run.recommender.catalog.text[0] == words).all()


def test_what_was_searched_for_comes_with_the_event_and_its_vector() -> None:
    vector = unit(np.arange(1.0, 65.0))
    events = Interactions(
        ["u", "u", "u"],
        ["a", "b", "c"],
        np.array([1_000, 2_000, 1_802_000]),
        np.array([np.nan, np.nan, np.nan], np.float32),
        action=["click", "purchase", "click"],
        query=["red shoes", "", ""],
    )
    run = driven(events, said={"red shoes": vector})
    first, second = run.event(0), run.event(1)
    assert isinstance(first, Click)
    assert isinstance(second, Click)
    assert (first.query, second.query) == ("red shoes", "")
    assert run.searched(0) is vector
    assert run.searched(1) is None
    assert driven(dataclasses.replace(events, query=None)).searched(0) is None
    draft, _ = run.predict()
    users = draft.batch.users
    assert (users.query[0] == vector).all()
    assert users.user_features[0, USER_FEATURES.index("query")] == 1.0
    run.learn()
    draft, _ = run.predict()
    users = draft.batch.users
    assert (users.query[0] == vector).all(), "as in service, what comes next reads the search"
    assert users.user_features[0, USER_FEATURES.index("query")] == 1.0
    run.learn()
    draft, _ = run.predict()
    users = draft.batch.users
    assert not users.query.any(), "until half an hour has passed"
    assert users.user_features[0, USER_FEATURES.index("query")] == 0.0
