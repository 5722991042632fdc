"""Arrays with something broken in them: the other events are found, whatever stands in one place."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gateway.elements import ArrayError, split

ODD_TEXTS = st.sampled_from(
    ["", "a, b: {c} [d]", 'say "hi"', "ends in \\", "né 中", "},{", '"},{"type":"x"},']
)
SEPARATORS = st.sampled_from([b",", b", ", b" ,\n"])


def event(number: int, text: str, nested: bool) -> dict[str, Any]:
    more = {"profile": {"a": "b"}, "related": [{"item_id": "y"}, {"item_id": "z"}]} if nested else {}
    return {"type": "review", "event_id": f"e{number}", "item_id": f"i{number}", "text": text, **more}


@st.composite
def events(draw: st.DrawFn, least: int = 2) -> list[bytes]:
    texts = draw(st.lists(st.tuples(ODD_TEXTS, st.booleans()), min_size=least, max_size=5))
    ascii_only = draw(st.booleans())
    return [
        json.dumps(event(number, text, nested), ensure_ascii=ascii_only).encode()
        for number, (text, nested) in enumerate(texts)
    ]


def array(elements: list[bytes], separator: bytes = b", ") -> bytes:
    return b"[" + separator.join(elements) + b"]"


BROKEN = [
    rb'{"text": "\ud83d"}',
    rb'{"text": "\u12"}',
    rb'{"text": "\q"}',
    b'{"text": "\x01\x00"}',
    b'{"text": "\xff\xc3"}',
    b'{"\xff": 1}',
    b'{"value": 1e999, "ts": 99999999999999999999}',
    b'{"value": NaN, "more": -Infinity}',
    b'{"value": 1.}',
    b'{"value": 01}',
    b'{"value": .5}',
    b'{"value": +1}',
    b'{"value": -}',
    b'{"a": 1 "b": 2}',
    b'{"a" 1}',
    b'{"a": }',
    b"{'a': 1}",
    b'{a: 1, "b": [1, 2}]}',
    b'{"a": 1, "a": 2}',
    b'{"a": tru}',
    b"{" * 2_000 + b"}" * 2_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a": ' * 2_000 + b"1" + b"}" * 2_000,
    b'{"a": "x"y", "b": "z"}',
    b'{"a": "x, "b": "z"}',
    b'{"a": "x\\", "b": "z"}',
    b'{"a": "x", "related": [{"item_id": "q"}, {"item_id: "r"}, {"item_id": "s"}]}',
    b'{"a": "x", "related": [{"item_id": "q"}, {"item_id" "r"}, {"item_id": "s"}]}',
    b'{"a": {"b": 1, "c": 2}',
    b'{"event_id": "b"',
    b'"a": 1}',
    b"nonsense",
    b"1.",
    b"",
    b"<event/>",
    b"{",
    b"{]",
    b'{"x":',
    b'{"event_id": "x", "type":',
]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_broken_element_is_one_element_wherever_it_stands(broken: bytes, at: int) -> None:
    good = [json.dumps(event(number, 'a "b"', nested=True)).encode() for number in range(2)]
    elements = [*good[:at], broken, *good[at:]]
    assert split(array(elements), 9) == elements


@pytest.mark.parametrize(
    "rest", [b'"z": "x", "event_id": "b", "c": 1}', b'"z":', b'"z": "x", "c": 1]', b'"z": [1']
)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_event_whose_bracket_is_lost_does_not_cost_the_one_before_it(rest: bytes, at: int) -> None:
    good = [json.dumps(event(number, "t", nested=False)).encode() for number in range(3)]
    elements = [*good[:at], rest, *good[at:]]
    assert set(good) <= set(split(array(elements), 9))


def test_several_that_are_broken_are_several() -> None:
    """Where their brackets and quotes are whole; two of the others, side by side, may be taken for one."""
    elements = [
        element
        for element in BROKEN
        if element.startswith(b"{")
        and all(element.count(one) == element.count(other) for one, other in ((b"{", b"}"), (b"[", b"]")))
        and len(element.replace(b'\\"', b"").split(b'"')) % 2
    ]
    assert len(elements) > 15
    assert split(array(elements), 99) == elements


def test_many_with_a_quote_lost_are_many() -> None:
    elements = [json.dumps(event(number, "a, {b}", number % 2 == 0)).encode() for number in range(1_000)]
    hurt = [
        element.replace(b'", "', b', "', 1) if k % 3 == 1 else element for k, element in enumerate(elements)
    ]
    assert split(array(hurt), 1_000) == hurt


@settings(max_examples=300, deadline=None)
@given(events(), SEPARATORS, st.binary(min_size=1, max_size=6), st.data())
def test_any_bytes_inside_an_event_cost_no_other(
    elements: list[bytes], separator: bytes, bytes_: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(elements) - 1))
    element = elements[at]
    start = data.draw(st.integers(1, len(element) - 2))
    end = data.draw(st.integers(start, min(start + 3, len(element) - 1)))
    hurt = element[:start] + bytes_ + element[end:]
    found = split(array([*elements[:at], hurt, *elements[at + 1 :]], separator), 99)
    assert set(elements[:at] + elements[at + 1 :]) <= set(found)


@settings(max_examples=200, deadline=None)
@given(events(), st.text(st.characters(codec="utf-8", exclude_characters='{}[]"\\'), max_size=8), st.data())
def test_where_brackets_and_quotes_are_whole_each_element_keeps_its_place(
    elements: list[bytes], text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(elements) - 1))
    start = data.draw(st.integers(1, len(elements[at]) - 2))
    if elements[at][start - 1 : start] == b"\\":
        start -= 1
    elements[at] = elements[at][:start] + text.encode() + elements[at][start:]
    assert split(array(elements), 99) == elements


def test_a_few_bytes_behind_an_event_are_left_out() -> None:
    assert split(b'[{"a": 1}x, {"b": 2}\x00]', 9) == [b'{"a": 1}', b'{"b": 2}']


def test_a_bracket_too_many_makes_no_events_of_parts() -> None:
    """They would be taken for whole items: one without its price, one that was only named by another."""
    for item in (
        b'{"item_id": "a", {"price": 5, "item_id": "b"}',
        b'{"item_id": "a", "price": 5}, "available": false}',
        b'{"item_id": "a", "price": 5}0.5, "available": false}',
        b'{"item_id": "a", "related": [{"item_id": "b"}, ]"item_id": "c"}, {"item_id": "d"}]}',
        b'{"item_id": "a", "title: "t", "related": [{"item_id": "b"}, {"item_id": "c"}, {"item_id": "d"}]}',
        b'{"item_id": "a", "related": [{"item_id": "b"}, {"item_id: "c"}, {"item_id": "d"}]}',
    ):
        assert split(array([item, b'{"item_id": "e"}']), 9) == [item, b'{"item_id": "e"}']


@settings(max_examples=200, deadline=None)
@given(events(), st.sampled_from("x;:1-\x00\"'\t}]\xe9"), st.booleans())
def test_a_damaged_comma_costs_neither_of_two_events(elements: list[bytes], byte: str, instead: bool) -> None:
    separator = byte.encode("latin-1") + (b"" if instead else b",")
    assert split(array(elements, separator), 99) == elements


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]",: \\1a', max_size=60).map(str.encode))
def test_any_bytes_are_elements_or_an_error(body: bytes) -> None:
    try:
        found = split(b"[" + body + b"]", 99)
    except ArrayError:
        found = []
    assert all(element in body for element in found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'[{"a": 1}', "not closed by `]`"),
        (b'[{"a": 1}]x', "not closed by `]`"),
        (b'[{"a": 1}]\n[{"b": 1}]', "another JSON value begins at byte 11"),
        (b"[", "not closed"),
    ],
)
def test_an_array_without_an_end_has_no_elements(body: bytes, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        split(body, 9)


def test_no_more_are_looked_for_than_may_be() -> None:
    assert len(split(array([b'{"a": 1.}'] * 50), 9)) == 10


@pytest.mark.parametrize("length", [65_500, 65_536, 65_600, 1_100_000])
def test_long_elements_are_found_whole(length: int) -> None:
    elements = [b'{"a": "%s"}' % (b"x" * length), b'{"b": 1.}', b"[%s1]" % (b"12, " * (length // 4)), b"{}"]
    assert split(array(elements), 9) == elements


HARD = [
    b'{"a":[{},' * 100_000,
    b'x},{"a":' * 100_000,
    b'},{"a":"' * 100_000,
    b"[" * 1_000_000,
    b'{"a":{"b":1},' * 60_000,
    b'"' * 999_999,
    b'{"type":1e,{"type":' * 50_000,
    b",{" * 400_000,
    b'{"a":"%s"}' % (b"x" * 900_000) + b',"b":1' * 200_000,
]


@pytest.mark.parametrize("body", HARD, ids=range(len(HARD)))
def test_what_is_made_to_be_hard_ends(body: bytes) -> None:
    """Each takes well under a second; a way that reads on from every bracket would take hours."""
    with contextlib.suppress(ArrayError):
        split(b"[1.," + body + b"]", 1_000)
