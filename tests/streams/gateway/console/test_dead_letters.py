"""Bytes of dead letters as a page may show them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.admin.letter_bodies import Bytes
from streams.gateway.console.dead_letters import DUMP_BYTES, PREVIEW, dump, pretty, preview, shown_text


def as_bytes(raw: bytes) -> Bytes:
    try:
        return Bytes(len(raw), False, text=raw.decode())
    except UnicodeDecodeError:
        return Bytes(len(raw), False, base64=base64.b64encode(raw).decode())


@given(st.binary(max_size=600) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_shown_without_marks_that_move_others(raw: bytes) -> None:
    value = as_bytes(raw)
    text = shown_text(value)
    assert text is not None
    assert all(each.isprintable() or each in "\n\t" for each in text)
    line = preview(value)
    assert line is not None
    assert len(line) <= PREVIEW
    assert "\n" not in line
    assert isinstance(pretty(value), str)


@given(st.binary(max_size=2 * DUMP_BYTES))
def test_a_dump_has_the_bytes_and_nothing_else(raw: bytes) -> None:
    lines = [*dump(base64.b64encode(raw).decode())]
    assert bytes.fromhex("".join(line[10:58] for line in lines)) == raw[:DUMP_BYTES]


def test_what_is_no_value_is_none() -> None:
    assert (shown_text(None), preview(None), pretty(None)) == (None, None, "")


def test_json_is_made_easy_to_mend_and_all_else_stays() -> None:
    assert pretty(as_bytes(b'{"a":1}')) == '{\n  "a": 1\n}'
    hidden = json.dumps({"a": "x\u202ey\U000e0001z"}, ensure_ascii=False)
    assert json.loads(pretty(as_bytes(hidden.encode()))) == {"a": "x\u202ey\U000e0001z"}
    assert pretty(as_bytes(hidden.encode())).replace("\n", "").isascii()
    assert pretty(as_bytes(b"{broken")) == "{broken"
    assert pretty(as_bytes(b"[" * 5_000)) == "[" * 5_000


@pytest.mark.parametrize("before", ["", '["' + "]" * 1_000 + '",', '["\\"' + "}" * 1_000 + '",'])
def test_indents_make_no_flood_of_what_is_nested(before: str) -> None:
    deep = before + "[" * 500 + "1," * 1_000 + "1" + "]" * 500 + ("]" if before else "")
    json.loads(deep)
    assert len(pretty(as_bytes(deep.encode()))) < 2 * len(deep)
