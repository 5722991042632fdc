"""What is told of a value that was refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from streams.events.refused_value import SHOWN, read_with_value

Short = Annotated[str, Meta(max_length=4)]


class Thing(msgspec.Struct):
    title: Short = ""
    price: Annotated[float, Meta(ge=0)] | None = None
    tags: Annotated[list[Short], Meta(max_length=2)] = []
    attributes: dict[Short, Short] = {}
    inner: list[Thing] = []


def told(value: Any) -> str:
    raw = msgspec.json.encode(value)
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(raw, type=Thing)
    message = str(refused.value)
    said = read_with_value(message, raw)
    assert said.startswith(message)
    return said[len(message) :]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"title": "drums"}, ": there are 5 characters"),
        ({"price": -1}, ": there is -1"),
        ({"price": "12.50"}, ': there is "12.50"'),
        ({"tags": ["a", "b", "c"]}, ": there are 3 entries"),
        ({"tags": ["a", "drums"]}, ": there are 5 characters"),
        ({"tags": [None]}, ": there is null"),
        ({"attributes": {"a": "b", "size": 3}}, ': "size" is 3'),
        ({"attributes": {"a": "b", "size": ["a", "b"]}}, ': "size" is ["a","b"]'),
        ({"attributes": {"a": "b", "made": "drums"}}, ': "made" has 5 characters'),
        ({"attributes": {"a": "b", "maker": "b"}}, ': "maker" has 5 characters'),
        ({"inner": [{}, {"price": -2}]}, ": there is -2"),
        ([], ""),
    ],
)
def test_the_value_is_told_where_the_message_names_its_place(value: Any, said: str) -> None:
    assert told(value) == said


def test_a_long_value_is_cut() -> None:
    assert told({"price": "9" * 1_000}) == f': there is "{"9" * (SHOWN - 1)}...'
