"""Answers of any bytes are right or wrong, and never an error."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.peer import address_of, answer_of
from streams.bench.http import Answer

fault = answer_of(list[str], lambda items: "" if items else "no items")


@given(st.integers(100, 599), st.binary())
def test_only_status_200_and_the_documented_body_are_right(status: int, body: bytes) -> None:
    try:
        right = status == 200 and bool(msgspec.json.decode(body, type=list[str]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        right = False
    assert (fault(Answer(status, body)) == "") == right


def test_a_deep_body_is_another_answer() -> None:
    assert answer_of(list[object], lambda _: "")(Answer(200, b"[" * 100_000)) == "other answer"


def test_a_request_has_a_length_where_it_has_a_body() -> None:
    address = address_of("http://[::1]:8080/x", {"X-API-Key": "k"})
    assert address.host == "::1"
    assert address.request("GET", "/a") == b"GET /x/a HTTP/1.1\r\nHost: [::1]:8080\r\nX-API-Key: k\r\n\r\n"
    head, _, body = address.request("POST", "/a", ["é"]).partition(b"\r\n\r\n")
    assert b"Content-Length: 6" in head.split(b"\r\n")
    assert body == '["é"]'.encode()
    assert b"Content-Length: 0" in address.request("POST", "/train/demo")
