"""Events on the wire: what is read, and with which reason the rest is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.errors import EventError
from streams.events.schema import (
    EVENT_TOPICS,
    TOPIC_OF,
    VERSION,
    AnyEvent,
    Click,
    Control,
    Event,
    EventLimits,
    Forget,
    Impression,
    Item,
    Review,
    User,
    check,
    check_action,
    decode,
    encode,
    key_of,
)
from streams.state.action_meaning import BUILT_IN, ActionSettings, Meanings

NOW = 1_700_000_000_000
LIMITS = EventLimits()
REASONS = {"too_large", "not_json", "invalid", "unknown_version", "too_early", "too_late"}

# JSON has no lone surrogates.
letters = st.characters(exclude_categories=["Cs"])
ids = st.text(letters, min_size=1, max_size=20)
short = st.text(letters, max_size=20)
carried: dict[str, Any] = {
    "event_id": ids,
    "ts": st.integers(NOW - LIMITS.max_late_ms, NOW + LIMITS.max_early_ms),
}
finite = st.floats(-1e12, 1e12)
vectors = st.none() | st.lists(st.floats(-1e6, 1e6), max_size=5)
events = st.one_of(
    st.builds(
        Click,
        **carried,
        user_id=ids,
        item_id=ids,
        action=st.sampled_from(["view", "click", "cart", "purchase", "play", "like", "skip"]),
        value=st.none() | finite,
        slate_id=st.none() | ids,
        position=st.none() | st.integers(0, 10_000),
    ),
    st.builds(
        Review,
        **carried,
        user_id=ids,
        item_id=ids,
        rating=st.none() | st.floats(1, 5),
        title=short,
        text=short,
    ),
    st.lists(ids, min_size=1, max_size=5).flatmap(
        lambda items: st.builds(
            Impression,
            **carried,
            user_id=ids,
            slate_id=ids,
            items=st.just(items),
            surface=short,
            arm=short,
            model=short,
            propensities=st.none() | st.lists(st.floats(0, 1), min_size=len(items), max_size=len(items)),
            teams=st.none() | st.lists(st.integers(-1, 1), min_size=len(items), max_size=len(items)),
        )
    ),
    st.builds(
        Item,
        **carried,
        item_id=ids,
        title=short,
        text=short,
        categories=st.lists(short, max_size=3),
        tags=st.lists(short, max_size=3),
        price=st.none() | st.floats(0, 1e12),
        available=st.booleans(),
        image_vector=vectors,
        audio_vector=vectors,
    ),
    st.builds(User, **carried, user_id=ids, profile=st.dictionaries(short, short, max_size=3)),
    st.builds(Control, **carried, command=st.just("activate_model"), model=short),
)


def click(**fields: Any) -> bytes:
    event = {"type": "click", "event_id": "e", "ts": NOW, "user_id": "u", "item_id": "i", **fields}
    return json.dumps({name: value for name, value in event.items() if value is not ...}).encode()


def reason_of(raw: bytes, limits: EventLimits = LIMITS) -> str:
    with pytest.raises(EventError) as caught:
        decode(raw, NOW, limits)
    assert str(caught.value)
    return caught.value.reason


@given(events)
def test_an_event_comes_back_as_it_was(event: AnyEvent) -> None:
    assert decode(encode(event), NOW, LIMITS) == event


@given(events)
def test_another_json_writer_gives_the_same_event(event: AnyEvent) -> None:
    again = json.dumps(json.loads(encode(event)), ensure_ascii=True, indent=1).encode()
    assert decode(again, NOW, LIMITS) == event


def outcome(raw: bytes) -> AnyEvent | str:
    """The event, fit to be sent on; or the reason of its refusal. Nothing else may happen."""
    refusal = None
    try:
        event = decode(raw, NOW, LIMITS)
    except EventError as error:
        refusal = error.reason
    if refusal is not None:
        assert refusal in REASONS
        return refusal
    assert type(event) in TOPIC_OF
    assert key_of(event)
    assert decode(encode(event), NOW, LIMITS) == event
    return event


@given(st.binary(max_size=300))
@example(b"")
@example(b"[" * 60_000)
@example(b'{"type":' * 8_000)
@example(b'{"type":"click","event_id":"\\ud800","ts":1700000000000,"user_id":"u","item_id":"i"}')
@example(b'{"type":"click","event_id":"\xff","ts":1700000000000,"user_id":"u","item_id":"i"}')
@example(b'{"type":"click","event_id":"e","ts":1e400,"user_id":"u","item_id":"i"}')
@example(b'{"type":"click","event_id":"e","ts":%s,"user_id":"u","item_id":"i"}' % (b"9" * 5_000))
@example(b'\xef\xbb\xbf{"type":"click","event_id":"e","ts":1700000000000,"user_id":"u","item_id":"i"}')
def test_any_bytes_are_an_event_or_an_event_error(raw: bytes) -> None:
    outcome(raw)


@given(events, st.data())
def test_an_event_with_changed_bytes_is_an_event_or_an_event_error(
    event: AnyEvent, data: st.DataObject
) -> None:
    raw = bytearray(encode(event))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.integers(0, 255))
    outcome(bytes(raw))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(events, st.data())
def test_an_event_with_any_value_in_a_field_is_an_event_or_an_event_error(
    event: AnyEvent, data: st.DataObject
) -> None:
    tree = json.loads(encode(event))
    tree[data.draw(st.sampled_from(sorted(tree)))] = data.draw(json_values)
    outcome(json.dumps(tree).encode())


# Each rule


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_json"),
        (b"nonsense", "not_json"),
        (click()[:-1], "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"{}", "invalid"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (click(type="klick"), "invalid"),
        (click(type=...), "invalid"),
        (click(event_id=...), "invalid"),
        (click(ts=...), "invalid"),
        (click(user_id=...), "invalid"),
        (click(item_id=...), "invalid"),
        (click(user_id=""), "invalid"),
        (click(item_id="i" * 129), "invalid"),
        (click(event_id=7), "invalid"),
        (click(ts="now"), "invalid"),
        (click(ts=NOW + 0.5), "invalid"),
        (click(ts=-1), "invalid"),
        (click(action="Stare!"), "invalid"),
        (click(value=1e300), "invalid"),
        (click(position=-1), "invalid"),
        (click(v=0), "invalid"),
        (click(v=VERSION + 1), "unknown_version"),
        (click(v=VERSION + 1, type="gesture"), "unknown_version"),
        (click(v=VERSION + 1, user_id=None), "unknown_version"),
        (click(ts=NOW + LIMITS.max_early_ms + 1), "too_early"),
        (click(ts=NOW - LIMITS.max_late_ms - 1), "too_late"),
        (click(type="review", rating=0.5), "invalid"),
        (click(type="review", rating=5.5), "invalid"),
        (click(type="review", text="t" * 16_385), "invalid"),
        (click(type="item", price=-0.01), "invalid"),
        (click(type="item", image_vector=[None]), "invalid"),
        (click(type="impression", slate_id="s", items=[]), "invalid"),
        (click(type="impression", slate_id="s", items=["i"] * 201), "invalid"),
        (click(type="impression", slate_id="s", items=["i"], propensities=[0.5, 0.5]), "invalid"),
        (click(type="impression", slate_id="s", items=["i"], propensities=[1.5]), "invalid"),
        (click(type="impression", slate_id="s", items=["i"], teams=[0, 1]), "invalid"),
        (click(type="impression", slate_id="s", items=["i"], teams=[2]), "invalid"),
        (click(type="control", command="stop_the_world"), "invalid"),
        (click(filler="x" * LIMITS.max_bytes), "too_large"),
    ],
)
def test_what_is_refused_and_why(raw: bytes, reason: str) -> None:
    assert reason_of(raw) == reason


@pytest.mark.parametrize("ts", [NOW + LIMITS.max_early_ms, NOW - LIMITS.max_late_ms])
def test_the_bounds_of_time_are_inside(ts: int) -> None:
    assert decode(click(ts=ts), NOW, LIMITS).ts == ts


def test_the_bound_of_size_is_inside() -> None:
    raw = click()
    assert decode(raw, NOW, EventLimits(max_bytes=len(raw))) == decode(raw, NOW, LIMITS)
    assert reason_of(raw, EventLimits(max_bytes=len(raw) - 1)) == "too_large"


def test_unknown_fields_are_ignored_and_not_sent_on() -> None:
    event = decode(click(colour="red", nested={"a": [1]}), NOW, LIMITS)
    assert event == Click(event_id="e", ts=NOW, user_id="u", item_id="i")
    assert b"colour" not in encode(event)


def test_an_event_that_was_not_decoded_can_be_checked_too() -> None:
    early = Click(event_id="e", ts=NOW + 1, user_id="u", item_id="i")
    with pytest.raises(EventError) as caught:
        check(early, NOW, EventLimits(max_early_ms=0))
    assert caught.value.reason == "too_early"


def test_keys_keep_what_belongs_together_on_one_partition() -> None:
    of_a_user: list[AnyEvent] = [
        Click(event_id="a", ts=NOW, user_id="ü", item_id="i"),
        Review(event_id="b", ts=NOW, user_id="ü", item_id="j"),
        Impression(event_id="c", ts=NOW, user_id="ü", slate_id="s", items=["i"]),
        User(event_id="d", ts=NOW, user_id="ü"),
        Forget(event_id="h", ts=NOW, user_id="ü"),
    ]
    assert {key_of(event) for event in of_a_user} == {"ü".encode()}
    assert key_of(Item(event_id="e", ts=NOW, item_id="i")) == b"i"
    orders = [Control(event_id=event_id, ts=NOW, command="activate_model") for event_id in "fg"]
    assert len(set(map(key_of, orders))) == 1


def test_every_kind_of_event_has_a_topic_of_its_own_and_deletions_that_of_profiles() -> None:
    assert set(TOPIC_OF) == set(Event.__subclasses__())
    others = [topic for kind, topic in TOPIC_OF.items() if kind is not Forget]
    assert len(set(others)) == len(others)
    assert TOPIC_OF[Forget] == TOPIC_OF[User]
    assert len(set(EVENT_TOPICS)) == len(EVENT_TOPICS)


def test_events_can_not_be_changed() -> None:
    event = Click(event_id="e", ts=NOW, user_id="u", item_id="i")
    with pytest.raises(AttributeError):
        event.item_id = "j"  # type: ignore[misc]  # the point of the test
    assert msgspec.structs.replace(event, item_id="j").item_id == "j"


@given(short)
def test_what_was_searched_for_travels_with_a_click(query: str) -> None:
    event = Click(event_id="e", ts=NOW, user_id="u", item_id="i", query=query)
    assert decode(encode(event), NOW, LIMITS) == event


def test_a_click_after_no_search_has_an_empty_one_and_one_too_long_is_refused() -> None:
    raw = {"type": "click", "event_id": "e", "ts": NOW, "user_id": "u", "item_id": "i"}
    found = decode(json.dumps(raw).encode(), NOW, LIMITS)
    assert isinstance(found, Click)
    assert found.query == ""
    with pytest.raises(EventError, match="query"):
        decode(json.dumps(raw | {"query": "x" * 257}).encode(), NOW, LIMITS)


def test_an_action_must_be_declared() -> None:
    """The refusal says what to do."""
    event = decode(click(action="stare"), NOW, LIMITS)
    with pytest.raises(
        EventError, match=r"'stare'; expected one of view.*declare \[actions\.stare\]"
    ) as caught:
        check_action(event, BUILT_IN.names)
    assert caught.value.reason == "unknown_action"
    check_action(event, Meanings({"stare": ActionSettings()}).names)
