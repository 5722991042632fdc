"""One event's bytes: what counts as its size, what null means, and what a refusal says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import EventError
from streams.events.schema import (
    VERSION,
    AnyEvent,
    Click,
    EventLimits,
    Impression,
    Item,
    Review,
    User,
    decode,
    encode,
)
from streams.events.strict_json import unescaped_size

NOW = 1_763_934_000_000
LIMITS = EventLimits()
KAFKA_MAX_BYTES = 1_048_588  # of a batch, in a broker that is not told otherwise
OVERHEAD_BYTES = 2_048  # a key, a header, the batch's own

letters = st.characters(exclude_categories=["Cs"])


def click(text: str) -> bytes:
    """A click with something more in it, as raw JSON."""
    return f'{{"type":"click","event_id":"e","ts":{NOW},"user_id":"u","item_id":"i"{text}}}'.encode("latin-1")


def refusal(raw: bytes) -> EventError:
    with pytest.raises(EventError) as caught:
        decode(raw, NOW, LIMITS)
    return caught.value


# Size


@given(st.text(letters, max_size=40))
def test_an_escape_counts_as_its_character(text: str) -> None:
    """Chinese text is as large escaped as it is in UTF-8; what JSON must escape may count less."""
    escaped, plain = json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()
    assert unescaped_size(escaped) == unescaped_size(plain) == len(text.encode()) + 2


@pytest.mark.parametrize("letter", ["中", "\U0001f600", "é", "a"])
def test_the_bound_of_size_is_the_same_for_escaped_text(letter: str) -> None:
    event = {
        "type": "review",
        "event_id": "e",
        "ts": NOW,
        "user_id": "u",
        "item_id": "i",
        "text": letter * 999,
    }
    plain, escaped = (json.dumps(event, ensure_ascii=ascii_only).encode() for ascii_only in (False, True))
    for raw in (plain, escaped):
        assert decode(raw, NOW, EventLimits(max_bytes=len(plain))).event_id == "e"
        with pytest.raises(EventError) as caught:
            decode(raw, NOW, EventLimits(max_bytes=len(plain) - 1))
        assert caught.value.reason == "too_large"


def largest(letter: str) -> list[AnyEvent]:
    """Of each kind, the event that fills every bound, with numbers at full precision."""
    identity: dict[str, Any] = {"event_id": letter * 128, "ts": NOW}
    number = -1.2345678901234567e-300
    short = letter * 256
    return [
        Item(
            **identity,
            item_id=letter * 128,
            title=short,
            text=letter * 16_384,
            categories=[short] * 64,
            tags=[short] * 64,
            price=1e12,
            image_vector=[number] * 4_096,
            audio_vector=[number] * 4_096,
        ),
        Impression(
            **identity,
            user_id=letter * 128,
            slate_id=letter * 128,
            items=[letter * 128] * 200,
            surface=short,
            arm=short,
            model=short,
            propensities=[-number] * 200,
        ),
        Review(**identity, user_id=letter * 128, item_id=letter * 128, title=short, text=letter * 16_384),
        User(**identity, user_id=letter * 128, profile={f"{k:02}{letter * 254}": short for k in range(32)}),
    ]


@pytest.mark.parametrize("letter", ["a", "é", "中", "\U0001f600", "\x01", '"'])
def test_whatever_the_fields_bounds_allow_fits(letter: str) -> None:
    """Into the size of an event, in whatever notation it comes, and then into Kafka."""
    for event in largest(letter):
        fields = json.loads(encode(event))
        for ascii_only in (False, True):
            assert decode(json.dumps(fields, ensure_ascii=ascii_only).encode(), NOW, LIMITS) == event
        assert len(encode(event)) + OVERHEAD_BYTES < KAFKA_MAX_BYTES
        assert decode(encode(event), NOW, LIMITS) == event  # as a worker reads it


# Null, whole numbers, names


OPTIONAL = [
    (kind, field.name)
    for kind in (Click, Review, Impression, Item, User)
    for field in msgspec.structs.fields(kind)
    if not field.required
]


@pytest.mark.parametrize(("kind", "name"), OPTIONAL)
def test_null_is_left_out(kind: type[AnyEvent], name: str) -> None:
    required = {"user_id": "u", "item_id": "i", "slate_id": "s", "items": ["i"], "event_id": "e", "ts": NOW}
    event: dict[str, Any] = {"type": kind.__struct_config__.tag} | {
        field.name: required[field.name] for field in msgspec.structs.fields(kind) if field.required
    }
    absent = decode(json.dumps(event).encode(), NOW, LIMITS)
    assert decode(json.dumps({**event, name: None}).encode(), NOW, LIMITS) == absent
    unknown = {**event, name: None, "surprise": {"a": [None, 1e308]}, "more": 10**400}
    assert decode(json.dumps(unknown).encode(), NOW, LIMITS) == absent


def test_a_null_in_a_profile_is_a_pair_left_out_and_one_in_a_list_is_wrong() -> None:
    user: dict[str, Any] = {"type": "user", "event_id": "e", "ts": NOW, "user_id": "u"}
    raw = json.dumps({**user, "profile": {"country": None, "city": "Oslo"}}).encode()
    assert decode(raw, NOW, LIMITS) == User(event_id="e", ts=NOW, user_id="u", profile={"city": "Oslo"})
    item = {"type": "item", "event_id": "e", "ts": NOW, "item_id": "i", "tags": ["a", None]}
    assert "$.tags[1]" in str(refusal(json.dumps(item).encode()))


@pytest.mark.parametrize("name", ["event_id", "ts", "user_id", "item_id", "type"])
def test_what_is_required_may_not_be_null(name: str) -> None:
    event = {"type": "click", "event_id": "e", "ts": NOW, "user_id": "u", "item_id": "i", name: None}
    error = refusal(json.dumps(event).encode())
    assert (error.reason, f"missing required field `{name}`" in str(error)) == ("invalid", True)


@pytest.mark.parametrize("ts", ["1763934000000.0", "1763934000000.000", "1.763934e12", "1.763934E+12"])
def test_a_whole_number_is_whole_in_any_notation(ts: str) -> None:
    raw = b'{"type":"click","event_id":"e","ts":%s,"user_id":"u","item_id":"i","position":3.0,"v":1.0}'
    assert decode(raw % ts.encode(), NOW, LIMITS) == Click(
        event_id="e", ts=NOW, user_id="u", item_id="i", position=3
    )


def test_teams_are_whole_in_any_notation() -> None:
    raw = (
        b'{"type":"impression","event_id":"e","ts":1763934000000,"user_id":"u","slate_id":"s","items":["a","b","c"],'
        b'"teams":%s}'
    )
    event = decode(raw % b"[0.0, -1.0,1e0]", NOW, LIMITS)
    assert isinstance(event, Impression)
    assert event.teams == [0, -1, 1]
    for teams in (b"[0.5,0,0]", b"[0,0]", b'{"a":0}', b"[[0.0],0,0]", b"[2.0,0,0]"):
        assert refusal(raw % teams).reason == "invalid"


def test_a_newer_version_is_known_in_any_notation() -> None:
    for version in (b"%d" % (VERSION + 1), b"%d.0" % (VERSION + 1)):
        raw = b'{"type":"gesture","event_id":"e","ts":5,"v":%s}' % version
        assert refusal(raw).reason == "unknown_version"


@pytest.mark.parametrize(
    "more",
    [
        ',"ts":5',
        ',"user_id":"v"',
        ',"user\\u005fid":"v"',
        ',"type":"review"',
        ',"query":"a","query":"a"',
        ',"query":null,"query":null',
        ',"x":1,"x":2',
        ',"x":{"y":1,"y":2}',
        ',"x":[{"y":1,"y":2}]',
        ', "ts" : 5',
    ],
)
def test_a_name_that_stands_twice_is_refused(more: str) -> None:
    error = refusal(click(more))
    assert error.reason == "invalid"
    assert "stands twice" in str(error)


@given(
    st.dictionaries(
        st.text(letters, max_size=5).map("x".__add__), st.text('a:{}[],"\\é', max_size=12), max_size=5
    )
)
def test_no_text_looks_like_a_name_that_stands_twice(more: dict[str, str]) -> None:
    event = {
        **more,
        "type": "click",
        "event_id": "e",
        "ts": NOW,
        "user_id": "u:u",
        "item_id": "i",
        "query": "",
    }
    for ascii_only in (True, False):
        for separators in ((",", ":"), (" , ", " : ")):
            raw = json.dumps(event, ensure_ascii=ascii_only, separators=separators).encode()
            assert decode(raw, NOW, LIMITS) == Click(event_id="e", ts=NOW, user_id="u:u", item_id="i")


# What a refusal says


@pytest.mark.parametrize(
    ("ts", "reason", "said"),
    [
        ("1763934000", "too_late", "looks like seconds: send milliseconds, 1763934000000"),
        ("1763934000.25", "invalid", "looks like seconds: send milliseconds, 1763934000250"),
        ("1763934000123456", "invalid", "looks like microseconds: send milliseconds, 1763934000123"),
        ("1763934000123456789", "invalid", "looks like nanoseconds: send milliseconds, 1763934000123"),
        ("1763934000123.5", "invalid", "whole number"),
        ('"1763934000123"', "invalid", "Expected `int`, got `str`"),
        ('"2025-11-23T21:40:00Z"', "invalid", "milliseconds since the epoch"),
        ("true", "invalid", "milliseconds since the epoch"),
        ("99999999999999999999", "invalid", "milliseconds since the epoch"),
        ("1e999", "invalid", "milliseconds since the epoch"),
        ("-1", "invalid", "milliseconds since the epoch"),
        ("1363934000123", "too_late", "ms in the past"),
    ],
)
def test_a_time_in_another_unit_is_named(ts: str, reason: str, said: str) -> None:
    error = refusal(b'{"type":"click","event_id":"e","ts":%s,"user_id":"u","item_id":"i"}' % ts.encode())
    assert error.reason == reason
    assert said in str(error)
    assert ("looks like" in said) == ("looks like" in str(error))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (r',"query":"cut \ud83d"', r"\ud83d at byte"),
        (r',"query":"\ude00"', "half a character"),
        (r',"surprise":"\ud83d"', "lone surrogate"),
        (',"query":"\xff"', "is not UTF-8"),
        (',"surprise":"\xff"', "is not UTF-8"),
        (',"\xff":1', "is not UTF-8"),
        (',"value":NaN', "JSON has no NaN: send null"),
        (',"value":-Infinity', "JSON has no Infinity: send null"),
        (',"query":"\x01"', "byte"),
        (',"query":"\\u12"', "byte"),
        (',"value":1.', "byte"),
        (',"x":' + "[" * 60_000 + "]" * 60_000, "nested too deep"),
        (',"x":' + '{"a":' * 20_000 + "1" + "}" * 20_000, "nested too deep"),
    ],
)
def test_what_is_no_json_is_explained(more: str, said: str) -> None:
    error = refusal(click(more))
    assert error.reason == "not_json"
    assert said in str(error)


def test_whole_characters_in_escapes_are_read() -> None:
    event = decode(click(r',"query":"\ud83d\ude00 \\ud83d \u00e9"'), NOW, LIMITS)
    assert isinstance(event, Click)
    assert event.query == "\U0001f600 \\ud83d é"
