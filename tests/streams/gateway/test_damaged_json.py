"""Where values and brackets end in a body that is JSON in places only, within a budget."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.damaged_json import FLOOR, READS, WINDOW, DamagedJson, ExhaustedError, second_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_a_value_and_its_brackets_end_where_a_json_writer_ended_it(value: object, ascii_only: bool) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only).encode()
    damaged = DamagedJson(b"[" + written + b" , 1.]")
    assert damaged.value(1) == 1 + len(written)
    assert damaged.closing(1) == 2 + len(written)
    assert not damaged.is_odd(1, 2 + len(written))


@pytest.mark.parametrize("broken", [b'{"a": 1.}', b'{"a" 1}', b"[1, 2", b"-", b""])
def test_where_a_value_is_broken_there_is_none(broken: bytes) -> None:
    assert DamagedJson(b"[" + broken + b"]").value(1) is None


def test_brackets_that_do_not_match_close_nowhere() -> None:
    for broken in (b'{"a": [}, 1]', b'{"a": "x}, 1]', b'{"a": {"b": 1'):
        assert DamagedJson(b"[" + broken).closing(1) is None


def test_a_lost_quote_is_odd() -> None:
    body = b'[{"a": "x, "b": "z"}, 1]'
    damaged = DamagedJson(body)
    assert damaged.is_odd(1, body.index(b"}"))


@pytest.mark.parametrize("length", [WINDOW - 8, WINDOW, WINDOW + 8, 17 * WINDOW])
def test_a_value_longer_than_the_window_ends_where_it_ends(length: int) -> None:
    body = b'["' + b"x" * length + b'", 1.]'
    assert DamagedJson(body).value(1) == length + 3


def test_reads_beyond_the_budget_are_refused_and_say_where() -> None:
    body = b"[1, 2]"
    damaged = DamagedJson(body)
    damaged.spend(FLOOR + READS * len(body), 0)
    with pytest.raises(ExhaustedError, match="too much is broken") as refused:
        damaged.value(4)
    assert refused.value.at == 4


@given(
    VALUES, VALUES.filter(lambda value: isinstance(value, list | dict)), st.sampled_from(["\n", "", "\x1e"])
)
def test_a_second_value_begins_behind_the_first(first: object, second: object, separator: str) -> None:
    written = json.dumps([first])
    assert second_value(written.encode()) is None
    assert second_value((written + separator + json.dumps(second)).encode()) == len(written + separator)
